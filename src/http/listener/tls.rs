//! TLS over any listener.

use super::{Listener, Open};
use crate::http::info::{Facts, TlsInfo};
use crate::tls::{TlsAcceptor, TlsStream};
use futures_io::{AsyncRead, AsyncWrite};
use rustls::ProtocolVersion;
use std::io;
use std::task::{Context, Poll};

/// TLS over another listener. The handshake is done in each connection's own task, under the acceptor's limit.
///
/// For HTTP/2 the acceptor has to offer it: `alpn(["h2", "http/1.1"])`.
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::TlsListener;
/// use filch::net::TcpListener;
/// use filch::tls::{Identity, TlsAcceptor};
///
/// let identity = Identity::from_pem_files("cert.pem", "key.pem")?;
/// let acceptor = TlsAcceptor::builder().identity(identity).alpn(["h2", "http/1.1"]).build()?;
/// let listener = TlsListener::new(TcpListener::bind("127.0.0.1:8443").await?, acceptor);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct TlsListener<L> {
    listener: L,
    acceptor: TlsAcceptor,
}

impl<L> TlsListener<L> {
    /// TLS over what `listener` accepts.
    pub fn new(listener: L, acceptor: TlsAcceptor) -> TlsListener<L> {
        TlsListener { listener, acceptor }
    }

    /// The acceptor, to replace its certificates.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

impl<L> Listener for TlsListener<L>
where
    L: Listener,
    L::Io: Open<Stream: AsyncRead + AsyncWrite>,
{
    type Io = Handshaking<L::Io>;
    type Peer = L::Peer;
    type Addr = L::Addr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, L::Peer)>> {
        let acceptor = &self.acceptor;
        self.listener.poll_accept(cx).map_ok(|(io, peer)| {
            let acceptor = acceptor.clone();
            (Handshaking { io, acceptor }, peer)
        })
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }
}

/// A connection whose handshake is to come.
#[derive(Debug)]
pub struct Handshaking<I> {
    io: I,
    acceptor: TlsAcceptor,
}

impl<I> Open for Handshaking<I>
where
    I: Open<Stream: AsyncRead + AsyncWrite>,
{
    type Stream = TlsStream<I::Stream>;

    async fn open(self) -> io::Result<(TlsStream<I::Stream>, Facts)> {
        let (stream, mut facts) = self.io.open().await?;
        let stream = self.acceptor.accept(stream).await?;
        facts.tls = Some(agreed(&stream));
        Ok((stream, facts))
    }
}

fn agreed<S>(stream: &TlsStream<S>) -> TlsInfo {
    let certificates = stream.peer_certificates().unwrap_or_default();
    TlsInfo {
        alpn: stream.alpn_protocol().map(<[u8]>::to_vec),
        version: match stream.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "unknown",
        },
        server_name: stream.server_name().map(str::to_owned),
        certificates: certificates.iter().map(|der| der.to_vec()).collect(),
    }
}
