//! TLS as the workloads use it: filch's, tokio-rustls, and futures-rustls for smol. All by rustls with ring, of the
//! same configuration.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ::filch::tls::backend as rustls;
use ::filch::tls::{TlsAcceptor, TlsConnector};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};

use super::{filch, smol, tokio};

/// The name that the server's certificate is for.
const NAME: &str = "localhost";

/// What a runtime has of TLS.
pub(crate) trait Tls: super::Runtime {
    /// A stream, of either side.
    type End: End;

    /// Connects over TCP, and does the handshake.
    fn connect(
        config: Arc<ClientConfig>,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::End>> + Send;
    /// Accepts a TCP connection, and does the handshake.
    fn accept(
        config: Arc<ServerConfig>,
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::End>> + Send;
}

/// An encrypted stream.
pub(crate) trait End: Send + 'static {
    /// Reads what is there.
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Writes all, and sends it.
    fn send(&mut self, buf: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Says that nothing more comes.
    fn finish(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// The traits have other names for the same.
macro_rules! end {
    ($end:ty, $($traits:ident)::+, $close:ident) => {
        impl End for $end {
            async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                use ::$($traits)::+::AsyncReadExt;
                AsyncReadExt::read(self, buf).await
            }

            async fn send(&mut self, buf: &[u8]) -> io::Result<()> {
                use ::$($traits)::+::AsyncWriteExt;
                self.write_all(buf).await?;
                self.flush().await
            }

            async fn finish(&mut self) -> io::Result<()> {
                use ::$($traits)::+::AsyncWriteExt;
                self.$close().await
            }
        }
    };
}

type FilchEnd = ::filch::tls::TlsStream<::filch::net::TcpStream>;
type TokioEnd = tokio_rustls::TlsStream<::tokio::net::TcpStream>;
type SmolEnd = futures_rustls::TlsStream<::smol::net::TcpStream>;

end!(FilchEnd, futures_util::io, close);
end!(TokioEnd, tokio::io, shutdown);
end!(SmolEnd, futures_util::io, close);

impl Tls for filch::Filch {
    type End = FilchEnd;

    async fn connect(config: Arc<ClientConfig>, to: SocketAddr) -> io::Result<FilchEnd> {
        let tcp = ::filch::net::TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        TlsConnector::from_rustls(config).connect(NAME, tcp).await
    }

    async fn accept(
        config: Arc<ServerConfig>,
        listener: &Self::TcpListener,
    ) -> io::Result<FilchEnd> {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        TlsAcceptor::from_rustls(config).accept(tcp).await
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("it is a name")
}

impl Tls for tokio::Tokio {
    type End = TokioEnd;

    async fn connect(config: Arc<ClientConfig>, to: SocketAddr) -> io::Result<TokioEnd> {
        let tcp = ::tokio::net::TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        let connector = tokio_rustls::TlsConnector::from(config);
        connector.connect(name(), tcp).await.map(Into::into)
    }

    async fn accept(
        config: Arc<ServerConfig>,
        listener: &Self::TcpListener,
    ) -> io::Result<TokioEnd> {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        acceptor.accept(tcp).await.map(Into::into)
    }
}

impl Tls for smol::Smol {
    type End = SmolEnd;

    async fn connect(config: Arc<ClientConfig>, to: SocketAddr) -> io::Result<SmolEnd> {
        let tcp = ::smol::net::TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        let connector = futures_rustls::TlsConnector::from(config);
        connector.connect(name(), tcp).await.map(Into::into)
    }

    async fn accept(
        config: Arc<ServerConfig>,
        listener: &Self::TcpListener,
    ) -> io::Result<SmolEnd> {
        let tcp = <Self as super::Runtime>::accept_tcp(listener).await?;
        let acceptor = futures_rustls::TlsAcceptor::from(config);
        acceptor.accept(tcp).await.map(Into::into)
    }
}
