//! The server that `.ci/clients` turns others' clients on: HTTP without TLS and with it, on ports of the system's
//! choice. It prints both addresses, and ends when its input does.
//!
//! | path | answer |
//! |---|---|
//! | `/hello` | `hello` |
//! | `/echo` | the request's body, piece by piece, as it comes |
//! | `/length` | how many bytes the request's body has, when all have come |
//! | `/large` | 4 MiB |
//! | `/events` | three server-sent events |
//! | `/ws` | a WebSocket that sends back what comes |
//! | `/` | a page with events and a WebSocket, which tells how they went |
//! | `/told` | what the page has told: a `POST` sets it |

use filch::http::sse::{Event, Sse};
use filch::http::websocket::{Config, Message, Upgrade, Upgrading};
use filch::http::{
    self, Body, Limits, Method, Request, Response, Several, StatusCode, TlsListener, header,
};
use filch::io::AsyncReadExt;
use filch::net::TcpListener;
use filch::tls::{Identity, TlsAcceptor};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The most that a request may bring: little, so that a client can be told so soon.
const BODY: u64 = 8 << 20;
const LARGE: usize = 4 << 20;

#[filch::main]
async fn main() -> io::Result<()> {
    let plain = TcpListener::bind("127.0.0.1:0").await?;
    let below = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", plain.local_addr()?, below.local_addr()?);
    let listeners = Several::new()
        .and(plain)
        .and(TlsListener::new(below, acceptor()?));
    let told = Arc::<Mutex<Vec<u8>>>::default();
    let service = http::service_fn(move |request| answer(request, Arc::clone(&told)));
    let served = http::serve(listeners, service)
        .limits(Limits::default().body(BODY))
        .graceful(end_of_input(), Duration::from_secs(5))
        .await?;
    println!(
        "{} answered, {} refused, {} left, {} cut off",
        served.finished, served.refused, served.left, served.cancelled
    );
    Ok(())
}

fn acceptor() -> io::Result<TlsAcceptor> {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tls/certs");
    let identity = Identity::from_pem_files(
        certificates.join("localhost.pem"),
        certificates.join("localhost.key"),
    );
    let acceptor = TlsAcceptor::builder().identity(identity.map_err(io::Error::other)?);
    let acceptor = acceptor.alpn(["h2", "http/1.1"]).build();
    acceptor.map_err(io::Error::other)
}

/// Whoever has started this has closed the pipe, or is gone.
async fn end_of_input() {
    let mut input = filch::io::stdin();
    while input.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
}

async fn answer(
    request: Request<Body>,
    told: Arc<Mutex<Vec<u8>>>,
) -> Result<Response<Body>, Infallible> {
    Ok(match request.uri().path() {
        "/" => page(),
        "/hello" => Response::new(Body::from("hello\n")),
        "/echo" => Response::new(request.into_body()),
        "/length" => length(request.into_body()).await,
        "/large" => Response::new(Body::from(vec![b'x'; LARGE])),
        "/events" => events(),
        "/ws" => socket(request),
        "/told" if request.method() == Method::POST => {
            let bytes = request.into_body().bytes(LARGE).await;
            *told.lock().unwrap() = bytes.unwrap_or_default().to_vec();
            Response::new(Body::empty())
        }
        "/told" => Response::new(Body::from(told.lock().unwrap().clone())),
        _ => {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        }
    })
}

async fn length(body: Body) -> Response<Body> {
    match body.bytes(LARGE).await {
        Ok(bytes) => Response::new(Body::from(bytes.len().to_string())),
        Err(error) => {
            let mut answer = Response::new(Body::from(error.to_string()));
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            answer
        }
    }
}

fn page() -> Response<Body> {
    let mut answer = Response::new(Body::from(include_str!("../clients/page.html")));
    let html = header::HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, html);
    answer
}

fn events() -> Response<Body> {
    let events = (1..=3).map(|number| Ok::<_, Infallible>(Event::new().data(number.to_string())));
    let events = futures_util::stream::iter(events);
    Sse::new(events).into_response().map(Body::new)
}

fn socket(request: Request<Body>) -> Response<Body> {
    let (mut head, _) = request.into_parts();
    match Upgrade::of(&mut head) {
        Ok(upgrade) => {
            let (answer, socket) = upgrade.accept();
            filch::spawn(echo(socket));
            answer.map(|()| Body::empty())
        }
        Err(refusal) => refusal.into_response().map(Body::from),
    }
}

/// Sends back what comes, until the other side has enough.
async fn echo(socket: Upgrading) {
    let Ok(mut socket) = socket.open(Config::default()).await else {
        return;
    };
    while let Some(Ok(message)) = socket.recv().await {
        let data = matches!(message, Message::Text(_) | Message::Binary(_));
        if data && socket.send(message).await.is_err() {
            return;
        }
    }
}
