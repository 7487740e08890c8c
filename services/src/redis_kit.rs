//! Redis: a multiplexed connection of the crate redis over filch's streams.
//!
//! The crate wants to be compiled for tokio or smol, and asks that runtime for its timeouts, which are on unless they
//! are switched off: then none of its threads is started. Limits are filch's: [`filch::time::timeout`] around a
//! command. Messages of a subscription come through the connection itself, as RESP3 has it; `redis::aio::PubSub`
//! would start a task on the other runtime.

use std::io;

use filch::JoinHandle;
use filch::net::TcpStream;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisResult};

/// A stream to where the server is said to be.
///
/// # Errors
///
/// `Unsupported` if that is no TCP address without TLS, and those of connecting.
pub async fn stream(address: &ConnectionAddr) -> io::Result<TcpStream> {
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Connects, and lets a task drive the connection, which ends when the last clone of the connection is dropped. The
/// timeouts of `config` are not used.
///
/// # Errors
///
/// Those of the URL and of connecting, and what the server has against it.
pub async fn connect(
    url: impl IntoConnectionInfo,
    config: AsyncConnectionConfig,
) -> RedisResult<(MultiplexedConnection, JoinHandle<()>)> {
    let info = url.into_connection_info()?;
    let stream = stream(info.addr()).await?;
    let config = config.set_response_timeout(None);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(info.redis_settings(), stream, config).await?;
    Ok((connection, filch::spawn(driver)))
}
