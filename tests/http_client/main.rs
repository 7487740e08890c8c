//! The HTTP client, against servers that do byte for byte what a test wants.

#[path = "../common/mod.rs"]
mod common;

mod limits;
mod pool;
mod proxy;
mod requests;
mod secure;

use filch::http::Client;
use filch::net::{TcpListener, TcpStream};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server whose connections are handled by a closure, which gets the connection's number, from 0 on.
struct Server {
    address: SocketAddr,
    /// Connections so far.
    count: Arc<AtomicUsize>,
}

impl Server {
    async fn new<F>(handle: impl Fn(usize, Connection) -> F + Send + Sync + 'static) -> Server
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        filch::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                filch::spawn(handle(number, Connection(stream)));
            }
        });
        Server { address, count }
    }

    /// Answers every request of a connection with the same.
    async fn always(answer: &'static str) -> Server {
        Server::new(move |_, connection| async move {
            while connection.head().await.is_ok() {
                connection.send(answer).await?;
            }
            Ok(())
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What `client` gets for `/`.
    async fn answer_to(&self, client: &Client) -> String {
        let answer = client.get(&self.url("/")).await.unwrap();
        answer.text().await.unwrap()
    }

    fn connections(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

struct Connection(TcpStream);

impl Connection {
    /// A request's head, to its empty line.
    async fn head(&self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.0.read(&mut byte).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.push(byte[0]);
        }
        Ok(String::from_utf8(head).unwrap())
    }

    async fn body(&self, length: usize) -> io::Result<String> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(String::from_utf8(body).unwrap())
    }

    async fn send(&self, bytes: &str) -> io::Result<()> {
        self.0.write_all(bytes.as_bytes()).await
    }
}

/// A client that no proxy of this machine's gets in the way of.
fn client() -> Client {
    Client::builder().no_proxy().build()
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
