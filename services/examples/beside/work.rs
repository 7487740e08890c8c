//! What is measured: each makes its connection, then does its operations one after another, and gives the switches
//! that those took.

use futures_util::StreamExt;

use crate::switches::switches;

pub(crate) const OPERATIONS: usize = 2000;
/// So many come before those that count.
const FIRST: usize = 100;

/// Not a function: whether the future of a closure is `Send` could not be said.
macro_rules! counted {
    ($operation:expr) => {{
        for _ in 0..FIRST {
            $operation;
        }
        let before = switches();
        for _ in 0..OPERATIONS {
            $operation;
        }
        switches() - before
    }};
}

pub(crate) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    builder.build().expect("a client")
}

pub(crate) async fn reqwest(url: String) -> usize {
    let client = client();
    counted!({
        let answer = client.get(&url).send().await.expect("an answer");
        answer.bytes().await.expect("a body")
    })
}

pub(crate) async fn sqlx(url: String) -> usize {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = pool.connect(&url).await.expect("a connection");
    counted!({
        let query = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&pool);
        query.await.expect("a row")
    })
}

pub(crate) async fn tokio_postgres(url: String) -> usize {
    let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls);
    let (client, connection) = connected.await.expect("a connection");
    tokio::spawn(connection);
    let select = client.prepare("SELECT 1").await.expect("a statement");
    counted!(client.query_one(&select, &[]).await.expect("a row"))
}

pub(crate) async fn redis(url: String) -> usize {
    let client = redis::Client::open(url).expect("a client");
    let connected = client.get_multiplexed_async_connection();
    let mut connection = connected.await.expect("a connection");
    counted!({
        let mut get = redis::cmd("GET");
        let get = get
            .arg("filch-beside")
            .query_async::<Option<i32>>(&mut connection);
        get.await.expect("an answer")
    })
}

pub(crate) async fn nats(url: String) -> usize {
    let client = async_nats::connect(url).await.expect("a connection");
    let subject = client.new_inbox();
    let mut questions = client
        .subscribe(subject.clone())
        .await
        .expect("a subscription");
    client.flush().await.expect("a connection");
    let replying = client.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let reply = question.reply.expect("it is a request");
            replying
                .publish(reply, question.payload)
                .await
                .expect("a connection");
        }
    });
    counted!({
        let asked = client.request(subject.clone(), "question".into());
        asked.await.expect("a reply")
    })
}

/// The other end is a task of the same runtime.
pub(crate) async fn echo_of_tokio() -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = [0; 64];
        while stream.read_exact(&mut bytes).await.is_ok() {
            stream.write_all(&bytes).await.expect("it is read");
        }
    });
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let mut bytes = [7; 64];
    counted!({
        stream.write_all(&bytes).await.expect("it is read");
        stream.read_exact(&mut bytes).await.expect("an answer")
    })
}

pub(crate) async fn echo_of_filch() -> usize {
    let listener = filch::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    filch::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = [0; 64];
        while stream.read_exact(&mut bytes).await.is_ok() {
            stream.write_all(&bytes).await.expect("it is read");
        }
    });
    let stream = filch::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let mut bytes = [7; 64];
    counted!({
        stream.write_all(&bytes).await.expect("it is read");
        stream.read_exact(&mut bytes).await.expect("an answer")
    })
}
