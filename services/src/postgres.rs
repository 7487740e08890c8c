//! PostgreSQL: tokio-postgres over filch's streams, and a pool of its connections by deadpool.
//!
//! tokio-postgres asks for a stream with tokio's traits, which filch's have with the feature `tokio-io`, and for a task
//! that drives the connection. deadpool asks for nothing: its timeouts want a runtime of its list, so leave them out
//! and put a [`filch::time::timeout`] around `get`.

use std::error;
use std::fmt;
use std::io;
use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use filch::net::TcpStream;
use filch::time::timeout;
use filch::{AbortOnDrop, JoinHandle};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Error, NoTls};

/// The task that drives a connection. It ends by itself when the client is dropped and all is answered.
pub type Driver = JoinHandle<Result<(), Error>>;

/// A stream to the first host of the configuration.
///
/// # Errors
///
/// `InvalidInput` if there is no such host, and those of connecting.
pub async fn stream(config: &Config) -> io::Result<TcpStream> {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no host to connect to by TCP",
        )),
    }
}

/// Connects, and lets a task drive the connection.
///
/// # Errors
///
/// Those of connecting, and what the server has against it.
pub async fn connect(config: &Config) -> Result<(Client, Driver), ConnectError> {
    let stream = stream(config).await?;
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    Ok((client, filch::spawn(connection)))
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// There is no stream to the server.
    Io(io::Error),
    /// The server, or the protocol, says no.
    Postgres(Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Io(error) => write!(f, "no stream to the server: {error}"),
            ConnectError::Postgres(error) => write!(f, "no connection: {error}"),
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ConnectError::Io(error) => Some(error),
            ConnectError::Postgres(error) => Some(error),
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> ConnectError {
        ConnectError::Io(error)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> ConnectError {
        ConnectError::Postgres(error)
    }
}

/// A pool of connections.
pub type Pool = managed::Pool<Manager>;

/// Makes the pool's connections, and looks at each before it is given out again.
#[derive(Debug)]
pub struct Manager {
    config: Config,
    patience: Duration,
}

impl Manager {
    /// A connection that comes back may still be busy: with a query whose future was dropped. The next user waits for
    /// that query for as long as `patience`; then it is cancelled, and the connection replaced.
    pub fn new(config: Config, patience: Duration) -> Manager {
        Manager { config, patience }
    }
}

/// A connection of the pool. When the pool lets it go, its task goes too, whatever the server still does.
#[derive(Debug)]
pub struct Pooled {
    client: Client,
    _driver: AbortOnDrop<Result<(), Error>>,
}

impl std::ops::Deref for Pooled {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl std::ops::DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = ConnectError;

    async fn create(&self) -> Result<Pooled, ConnectError> {
        let (client, driver) = connect(&self.config).await?;
        Ok(Pooled {
            client,
            _driver: AbortOnDrop(driver),
        })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<ConnectError> {
        if pooled.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        // Answers come in the order of the queries: this one's says that the connection is at rest.
        if let Ok(answer) = timeout(self.patience, pooled.simple_query("")).await {
            return answer
                .map(drop)
                .map_err(|error| RecycleError::Backend(error.into()));
        }
        let stream = stream(&self.config)
            .await
            .map_err(|error| RecycleError::Backend(error.into()))?;
        let cancelled = pooled.cancel_token().cancel_query_raw(stream, NoTls).await;
        cancelled.map_err(|error| RecycleError::Backend(error.into()))?;
        Err(RecycleError::message("the connection was still busy"))
    }
}
