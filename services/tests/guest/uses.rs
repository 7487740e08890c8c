//! What each crate is used for: clients, and what tokio itself has for files, processes and signals.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::Duration;

use filch_services::server;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};
use tower::{Service, ServiceBuilder, ServiceExt};

const LONG: Duration = Duration::from_secs(600);

/// A name that no other test has, nor another run of them.
fn unique(of: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!(
        "filch-{of}-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Relaxed)
    )
}

/// A server of std's that answers each request with its path, until it is dropped.
struct Answers {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Answers {
    fn start() -> Answers {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !stopped.load(SeqCst)) {
                let mut stream = BufReader::new(stream.expect("a connection"));
                thread::spawn(move || while answer(&mut stream).is_some() {});
            }
        });
        Answers { address, stop }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        // It looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(stream: &mut BufReader<TcpStream>) -> Option<()> {
    let (mut line, mut path) = (String::new(), String::new());
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next()?.to_owned();
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}",
        path.len()
    );
    stream.get_mut().write_all(head.as_bytes()).ok()
}

pub(crate) async fn reqwest_asks() {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(LONG)
        .build()
        .unwrap();
    let server = Answers::start();
    for number in 0..10 {
        let answer = client
            .get(format!("http://{}/{number}", server.address))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), format!("/{number}"));
    }
}

pub(crate) async fn sqlx_selects() {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(2);
    let pool = pool.connect(&server("FILCH_POSTGRES")).await.unwrap();
    for number in 0..10 {
        let query = sqlx::query_scalar::<_, i32>("SELECT $1 + 1").bind(number);
        assert_eq!(query.fetch_one(&pool).await.unwrap(), number + 1);
    }
    let mut transaction = pool.begin().await.unwrap();
    let one = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut *transaction);
    assert_eq!(one.await.unwrap(), 1);
    transaction.rollback().await.unwrap();
    pool.close().await;
}

pub(crate) async fn tokio_postgres_selects() {
    let url = server("FILCH_POSTGRES");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    for number in 0..10 {
        let row = client
            .query_one("SELECT $1::INT4 + 1", &[&number])
            .await
            .unwrap();
        assert_eq!(row.get::<_, i32>(0), number + 1);
    }
    // A cancel in the midst, over a second connection.
    let cancel = client.cancel_token();
    let (slept, cancelled) = tokio::join!(
        client.simple_query("SELECT pg_sleep(600)"),
        cancelled_again_and_again(&client, cancel),
    );
    let code = slept.unwrap_err().code().cloned();
    assert_eq!(
        (code, cancelled),
        (Some(tokio_postgres::error::SqlState::QUERY_CANCELED), ())
    );
    drop(client);
    connection.await.unwrap().unwrap();
}

/// Once the query runs. One that comes before has no effect, and nothing says that it began.
async fn cancelled_again_and_again(
    client: &tokio_postgres::Client,
    cancel: tokio_postgres::CancelToken,
) {
    let after = client.simple_query("SELECT 1");
    tokio::pin!(after);
    // Queries are answered in order: this one is when the one before has ended.
    while tokio::time::timeout(Duration::from_millis(20), &mut after)
        .await
        .is_err()
    {
        cancel.cancel_query(tokio_postgres::NoTls).await.unwrap();
    }
}

pub(crate) async fn redis_sets_and_gets() {
    let client = redis::Client::open(server("FILCH_REDIS")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = unique("key");
    for number in 0..10 {
        redis::cmd("SET")
            .arg(&key)
            .arg(number)
            .exec_async(&mut connection)
            .await
            .unwrap();
        let got: i32 = redis::cmd("GET")
            .arg(&key)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(got, number);
    }
    redis::cmd("DEL")
        .arg(&key)
        .exec_async(&mut connection)
        .await
        .unwrap();
}

pub(crate) async fn nats_requests_and_replies() {
    let client = async_nats::connect(server("FILCH_NATS")).await.unwrap();
    let subject = unique("subject");
    let mut questions = client.subscribe(subject.clone()).await.unwrap();
    client.flush().await.unwrap();
    let replying = client.clone();
    let replies = tokio::spawn(async move {
        for _ in 0..10 {
            let question = questions.next().await.unwrap();
            replying
                .publish(question.reply.unwrap(), question.payload)
                .await
                .unwrap();
        }
    });
    for number in 0..10 {
        let asked = client.request(subject.clone(), format!("{number}").into());
        assert_eq!(
            &asked.await.unwrap().payload[..],
            number.to_string().as_bytes()
        );
    }
    replies.await.unwrap();
    client.drain().await.unwrap();
}

/// tower's own timers, and its buffer, which spawns.
pub(crate) async fn tower_limits() {
    let slow = tower::service_fn(|()| async {
        tokio::time::sleep(LONG).await;
        Ok::<_, Infallible>(())
    });
    let short = Duration::from_millis(5);
    let mut limited = ServiceBuilder::new().timeout(short).service(slow);
    let error = limited.ready().await.unwrap().call(()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    let quick = tower::service_fn(|number: u32| async move { Ok::<_, Infallible>(number + 1) });
    let mut buffered = ServiceBuilder::new()
        .buffer(8)
        .rate_limit(2, short)
        .service(quick);
    for number in 0..6 {
        assert_eq!(
            buffered.ready().await.unwrap().call(number).await.unwrap(),
            number + 1
        );
    }
}

pub(crate) async fn files_of_tokio() {
    let path = std::env::temp_dir().join(unique("file"));
    tokio::fs::write(&path, b"one").await.unwrap();
    let mut file = tokio::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .await
        .unwrap();
    file.write_all(b" two").await.unwrap();
    file.sync_all().await.unwrap();
    assert_eq!(tokio::fs::read_to_string(&path).await.unwrap(), "one two");
    tokio::fs::remove_file(&path).await.unwrap();
}

pub(crate) async fn processes_of_tokio() {
    let mut cat = tokio::process::Command::new("cat");
    let mut child = cat
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"through a pipe")
        .await
        .unwrap();
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert_eq!(said, "through a pipe");
    assert!(child.wait().await.unwrap().success());
    let mut sleeps = tokio::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    sleeps.kill().await.unwrap();
}

pub(crate) async fn signals_of_tokio() {
    let mut signals = signal(SignalKind::user_defined1()).unwrap();
    let own = std::process::id().to_string();
    let sent = tokio::process::Command::new("kill")
        .args(["-USR1", &own])
        .status();
    assert!(sent.await.unwrap().success());
    signals.recv().await.unwrap();
}

/// Connections that are kept by what is returned.
pub(crate) async fn connections() -> impl Sized {
    let pool = sqlx::PgPool::connect(&server("FILCH_POSTGRES"))
        .await
        .unwrap();
    let client = redis::Client::open(server("FILCH_REDIS")).unwrap();
    let redis = client.get_multiplexed_async_connection().await.unwrap();
    let nats = async_nats::connect(server("FILCH_NATS")).await.unwrap();
    (pool, redis, nats)
}
