//! `serve` with everything that axum's own takes, its end, and its numbers.

use axum::Router;
use axum::extract::Request;
use axum::handler::{Handler, HandlerWithoutStateExt};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use filch::CancelToken;
use filch::http::{Client, Limits};
use filch::net::{TcpListener, TcpStream};
use filch::sync::{Event, Notify};
use filch_axum::connect_info::*;
use filch_axum::timeout::TimeoutLayer;
use filch_axum::{IncomingStream, Listener, ListenerExt, serve};
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn client() -> Client {
    Client::builder().no_proxy().build()
}

async fn text(address: SocketAddr, path: &str) -> String {
    let answer = client()
        .get(&format!("http://{address}{path}"))
        .await
        .unwrap();
    answer.text().await.unwrap()
}

/// Serves until the test's end, and asks for `/`.
macro_rules! answers {
    ($make:expr) => {{
        let (listener, address) = listener().await;
        let _server = filch::spawn(serve(listener, $make).into_future());
        text(address, "/").await
    }};
}

async fn hello() -> &'static str {
    "hello"
}

async fn peer(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    peer.ip().to_string()
}

#[filch::test]
async fn whatever_axum_serves_is_served() {
    let router = || Router::new().route("/", get(hello));
    assert_eq!(answers!(router()), "hello");
    assert_eq!(answers!(router().into_make_service()), "hello");
    assert_eq!(answers!(get(hello)), "hello");
    assert_eq!(answers!(get(hello).into_make_service()), "hello");
    assert_eq!(answers!(hello.into_service()), "hello");
    assert_eq!(answers!(hello.into_make_service()), "hello");
    assert_eq!(answers!(hello.with_state(())), "hello");
}

/// Says of each connection what its stream says.
#[derive(Clone)]
struct ByStream;

impl<'a> Service<IncomingStream<'a, TcpListener>> for ByStream {
    type Response = Router;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Router, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'a, TcpListener>) -> Self::Future {
        let text = format!(
            "{} {:?}",
            stream.io().peer_addr().unwrap() == *stream.remote_addr(),
            stream.io().nodelay().ok()
        );
        Box::pin(async move {
            // Making one may take its time.
            filch::task::yield_now().await;
            Ok(Router::new().route("/", get(async || text)))
        })
    }
}

#[filch::test]
async fn a_make_service_sees_the_stream_which_has_no_delay() {
    assert_eq!(answers!(ByStream), "true Some(true)");
}

#[filch::test]
async fn every_stream_is_tapped() {
    let (listener, address) = listener().await;
    let tapped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tapped);
    let listener = listener.tap_io(move |stream| {
        assert!(stream.peer_addr().is_ok());
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(listener.local_addr().unwrap(), address);
    let app = Router::new()
        .route("/", get(peer))
        .into_make_service_with_connect_info::<SocketAddr>();
    let _server = filch::spawn(serve(listener, app).into_future());
    for _ in 0..3 {
        assert_eq!(text(address, "/").await, "127.0.0.1");
    }
    assert_eq!(tapped.load(Ordering::SeqCst), 3);
}

#[filch::test]
async fn a_signal_lets_what_is_going_on_be_answered() {
    let (listener, address) = listener().await;
    let (begun, go) = (Arc::new(Event::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        move || async move {
            begun.set();
            go.notified().await;
            "late"
        }
    };
    let stop = CancelToken::new();
    let stopped = stop.clone();
    let server = serve(listener, Router::new().route("/", get(handler)));
    assert_eq!(server.local_addr().unwrap(), address);
    let server = server.with_graceful_shutdown(async move { stopped.cancelled().await });
    let server = filch::spawn(
        server
            .deadline(Duration::from_secs(3600))
            .report()
            .into_future(),
    );
    let asked = filch::spawn(async move { text(address, "/").await });
    begun.wait().await;
    stop.cancel();
    // Until nobody listens any more.
    while TcpStream::connect(address).await.is_ok() {
        filch::task::yield_now().await;
    }
    go.notify_one();
    assert_eq!(asked.await.unwrap(), "late");
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.finished, served.cancelled), (1, 0));
}

#[filch::test]
async fn a_request_that_never_ends_is_cut_off_at_the_deadline() {
    let (listener, address) = listener().await;
    let begun = Arc::new(Event::new());
    let handler = {
        let begun = Arc::clone(&begun);
        move || async move {
            begun.set();
            pending::<()>().await;
        }
    };
    let stop = CancelToken::new();
    let stopped = stop.clone();
    let server = serve(listener, Router::new().route("/", get(handler)));
    let server = server.with_graceful_shutdown(async move { stopped.cancelled().await });
    let server = filch::spawn(
        server
            .deadline(Duration::from_millis(50))
            .report()
            .into_future(),
    );
    let asked =
        filch::spawn(async move { client().get(&format!("http://{address}/")).await.is_err() });
    begun.wait().await;
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!(
        (
            served.finished,
            served.cancelled,
            served.connections_cancelled
        ),
        (0, 1, 1)
    );
    assert!(asked.await.unwrap());
}

#[filch::test]
async fn the_plain_result_is_axums() {
    let (listener, _) = listener().await;
    let server = serve(listener, Router::<()>::new()).with_graceful_shutdown(async {});
    let ended: std::io::Result<()> = server.await;
    ended.unwrap();
}

#[filch::test]
async fn limits_are_the_servers() {
    let (listener, address) = listener().await;
    let limits = Limits::default().first_byte(Duration::from_millis(20));
    let _server = filch::spawn(serve(listener, get(hello)).limits(limits).into_future());
    let silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[filch::test]
async fn a_handler_that_takes_too_long_is_answered_for() {
    let (listener, address) = listener().await;
    let short = Duration::from_millis(20);
    let app = Router::new()
        .route("/late", get(pending::<()>))
        .layer(TimeoutLayer::new(short))
        .route(
            "/gateway",
            get(pending::<()>).layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                short,
            )),
        )
        .route(
            "/",
            get(hello).layer(TimeoutLayer::new(Duration::from_secs(3600))),
        );
    let _server = filch::spawn(serve(listener, app).into_future());
    for (path, status) in [("/late", 408), ("/gateway", 504), ("/", 200)] {
        let answer = client()
            .get(&format!("http://{address}{path}"))
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[filch::test]
async fn middleware_and_bodies_are_axums() {
    let (listener, address) = listener().await;
    async fn around(request: Request, next: axum::middleware::Next) -> Response {
        let mut answer = next.run(request).await;
        answer
            .headers_mut()
            .insert("x-around", "yes".parse().unwrap());
        answer
    }
    let app = Router::new()
        .route("/", axum::routing::post(async |body: String| body))
        .layer(axum::middleware::from_fn(around));
    let _server = filch::spawn(serve(listener, app).into_future());
    let large = "x".repeat(1 << 20);
    let answer = client()
        .post(&format!("http://{address}/"))
        .body(large.clone())
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-around"], "yes");
    assert!(answer.text().await.unwrap() == large);
}

/// Also of those that nobody waits for any more.
#[filch::test]
async fn the_end_of_each_request_is_told_with_its_route() {
    let (listener, address) = listener().await;
    let begun = Arc::new(Notify::new());
    let never = {
        let begun = begun.clone();
        move || {
            begun.notify_one();
            pending::<String>()
        }
    };
    let app = Router::new()
        .route("/users/{id}", get(hello))
        .route("/never", get(never))
        .route_layer(axum::middleware::from_fn(filch_axum::matched_route));
    let (sender, told) = filch::sync::mpsc::channel(8);
    let server = serve(listener, app).on_request(move |done| {
        let route = done.route.as_ref().map(ToString::to_string);
        sender.try_send((route, done.status.as_u16())).unwrap();
    });
    let _server = filch::spawn(server.into_future());
    assert_eq!(text(address, "/users/7").await, "hello");
    assert_eq!(
        told.recv().await.unwrap(),
        (Some("/users/{id}".to_owned()), 200)
    );
    assert_eq!(
        client()
            .get(&format!("http://{address}/none"))
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(told.recv().await.unwrap(), (None, 404));
    let gone = filch::spawn(async move { text(address, "/never").await });
    begun.notified().await;
    gone.abort();
    assert_eq!(told.recv().await.unwrap(), (None, 499));
}

#[cfg(unix)]
#[filch::test]
async fn a_router_is_served_on_tcp_and_a_unix_socket_at_once() {
    use filch::http::{Peer, Several};
    use filch::io::AsyncReadExt;
    use filch::net::{UnixListener, UnixStream};

    #[derive(Clone)]
    struct Who(&'static str);

    impl Connected<IncomingStream<'_, Several>> for Who {
        fn connect_info(stream: IncomingStream<'_, Several>) -> Who {
            Who(match stream.remote_addr() {
                Peer::Tcp(_) => "by TCP",
                Peer::Unix(_) => "by a Unix socket",
                _ => "by something else",
            })
        }
    }

    async fn who(ConnectInfo(Who(who)): ConnectInfo<Who>) -> &'static str {
        who
    }

    let path = std::env::temp_dir().join(format!("filch-axum-several-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let (tcp, address) = listener().await;
    let both = Several::new()
        .and(tcp)
        .and(UnixListener::bind(&path).unwrap());
    let app = Router::new().route("/", get(who));
    let app = MakeServiceExt::into_make_service_with_connect_info::<Who>(app);
    let _server = filch::spawn(serve(both, app).into_future());
    for _ in 0..2 {
        assert_eq!(text(address, "/").await, "by TCP");
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nby a Unix socket"), "{answer}");
    }
    std::fs::remove_file(&path).unwrap();
}
