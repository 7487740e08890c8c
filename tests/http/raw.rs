//! A client that writes and reads bytes, and servers for it.

use filch::http::{self, Body, BodyError, Limits, Request, Response, Served};
use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use filch::net::{TcpListener, TcpSocket, TcpStream};
use filch::{CancelToken, JoinHandle};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

/// A server of a test.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancelToken,
    served: JoinHandle<std::io::Result<Served>>,
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        Client(BufReader::new(
            TcpStream::connect(self.address).await.unwrap(),
        ))
    }

    /// With as little room as the system gives for what nobody reads.
    pub(crate) async fn connect_narrow(&self) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1024).unwrap();
        Client(BufReader::new(socket.connect(self.address).await.unwrap()))
    }

    pub(crate) async fn ended(self) -> Served {
        self.served.await.unwrap().unwrap()
    }

    pub(crate) async fn end(self) -> Served {
        self.stop.cancel();
        self.ended().await
    }
}

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Serves with `handler`, until it is told to stop; then it has `deadline`.
pub(crate) async fn serve<F, Fut>(limits: Limits, deadline: Duration, handler: F) -> Running
where
    F: FnMut(Request<Body>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancelToken::new();
    let server = http::serve(listener, http::service_fn(handler))
        .limits(limits)
        .graceful(stop.clone(), deadline);
    let served = filch::spawn(server.into_future());
    Running {
        address,
        stop,
        served,
    }
}

/// Answers with method, path and the body.
pub(crate) async fn echo(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let head = format!("{} {} ", request.method(), request.uri().path());
    let body = request.into_body().text(1 << 20).await?;
    Ok(Response::new(Body::from(head + &body)))
}

pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

/// An answer, or as much of it as came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line == header)
    }
}

impl Client {
    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(text.as_ref()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        self.answer().await
    }

    /// Up to and with the empty line.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).await.unwrap_or(0) == 0 {
                panic!("closed after {head:?}");
            }
        }
        head
    }

    /// The next answer, whose length is known or which has none.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head[9..12].parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        Answer {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// What comes until the end, or until the connection breaks.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        rest
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        self.rest().await.is_empty()
    }
}
