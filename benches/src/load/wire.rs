//! Where a server listens, and sockets to it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::serve::{Protocol, Server};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// TCP.
    Tcp(SocketAddr),
    /// HTTP.
    Http {
        /// Where.
        address: SocketAddr,
        /// How many routes compute: a connection for each is part of the load, and its requests do not count.
        computing: usize,
    },
    /// UDP.
    Udp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
}

impl Target {
    /// What `server` printed after `ready`.
    ///
    /// # Errors
    /// When that is no address.
    pub(crate) fn parse(server: Server, workers: usize, address: &str) -> Result<Target, String> {
        let socket = || {
            address
                .parse()
                .map_err(|error| format!("the server is ready at \"{address}\": {error}"))
        };
        Ok(match server.protocol {
            Protocol::Tcp | Protocol::Ticks => Target::Tcp(socket()?),
            Protocol::Http => Target::Http {
                address: socket()?,
                computing: server.hogs(workers),
            },
            Protocol::Udp => Target::Udp(socket()?),
            Protocol::Unix => Target::Unix(PathBuf::from(address)),
        })
    }

    /// Whether requests may be lost and come whole or not at all.
    pub(crate) fn is_datagram(&self) -> bool {
        matches!(self, Target::Udp(_))
    }

    /// A connected socket that does not block. `number` picks one of 250 loopback source addresses for TCP, so that
    /// many connections in a row do not run out of ports.
    pub(super) fn connect(&self, number: usize) -> io::Result<OwnedFd> {
        let socket = match self {
            Target::Tcp(address) | Target::Http { address, .. } => {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
                let source = Ipv4Addr::new(127, 0, 1, 1 + (number % 250) as u8);
                socket.bind(&SocketAddrV4::new(source, 0).into())?;
                socket.connect(&(*address).into())?;
                socket.set_tcp_nodelay(true)?;
                socket
            }
            Target::Udp(address) => {
                let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
                socket.connect(&(*address).into())?;
                socket
            }
            Target::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.connect(&SockAddr::unix(path)?)?;
                socket
            }
        };
        // Connecting on one machine is done when the call returns, so it may as well block.
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }
}
