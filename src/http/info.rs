//! What is known of a connection: an extension of each of its requests.

use crate::structure::CancelToken;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What is known of the connection that a request came by: an extension of each request.
///
/// ```
/// use filch::http::{Body, ConnInfo, Request};
///
/// fn who(request: &Request<Body>) -> String {
///     let info = request.extensions().get::<ConnInfo>().expect("set by the server");
///     match info.tls().and_then(|tls| tls.server_name()) {
///         Some(name) => format!("{:?} asks for {name}", info.peer()),
///         None => format!("{:?}", info.peer()),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct ConnInfo(Arc<Inner>);

struct Inner {
    peer: Peer,
    tls: Option<TlsInfo>,
    stopping: CancelToken,
}

impl ConnInfo {
    pub(super) fn new(peer: Peer, tls: Option<TlsInfo>, stopping: CancelToken) -> ConnInfo {
        ConnInfo(Arc::new(Inner {
            peer,
            tls,
            stopping,
        }))
    }

    /// Who is on the other side.
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// What TLS says; `None` on a connection without it.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.0.tls.as_ref()
    }

    /// Is cancelled when the server has been told to stop: for handlers that go on by themselves, such as streams of
    /// events and WebSockets. They have until the server's deadline then.
    pub fn stopping(&self) -> &CancelToken {
        &self.0.stopping
    }
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnInfo")
            .field("peer", &self.0.peer)
            .field("tls", &self.0.tls)
            .finish_non_exhaustive()
    }
}

/// Who is on the other side of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Peer {
    /// Address and port of a TCP connection.
    Tcp(SocketAddr),
    /// The address of a Unix socket, which mostly has no name.
    #[cfg(unix)]
    Unix(std::os::unix::net::SocketAddr),
    /// The other end of a pair in memory.
    Memory,
    /// A listener of somebody's own does not say.
    Unknown,
}

impl Peer {
    /// Address and port, if it has one.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Peer::Tcp(address) => Some(*address),
            _ => None,
        }
    }

    /// The address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket_addr().map(|address| address.ip())
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer::Tcp(address)
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for Peer {
    fn from(address: std::os::unix::net::SocketAddr) -> Peer {
        Peer::Unix(address)
    }
}

/// What is known of a connection when it is ready to carry HTTP: see [`Open`](super::Open).
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Who is on the other side, if that is not who has connected.
    pub(super) peer: Option<Peer>,
    pub(super) tls: Option<TlsInfo>,
}

impl Facts {
    /// Somebody else is on the other side than who has connected: a proxy says so.
    pub fn of_peer(peer: Peer) -> Facts {
        Facts {
            peer: Some(peer),
            tls: None,
        }
    }
}

/// What both sides of a TLS connection have agreed on.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) version: &'static str,
    pub(super) server_name: Option<String>,
    pub(super) certificates: Vec<Vec<u8>>,
}

impl TlsInfo {
    /// What is to be spoken (ALPN), such as `h2`.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// `TLSv1.2` or `TLSv1.3`.
    pub fn version(&self) -> &str {
        self.version
    }

    /// The name that the client asked for (SNI).
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The certificates that the client showed, its own first, each as DER. None, unless it was asked for some.
    pub fn peer_certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }
}
