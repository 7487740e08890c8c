//! TLS over any stream, by rustls: a server's [`TlsAcceptor`], a client's [`TlsConnector`], and [`TlsStream`].
//!
//! Both are made once, at the program's start, where a bad certificate or key is an error that says which. They are
//! cheap to clone, and a handshake runs in the task of its connection:
//!
#![cfg_attr(all(feature = "macros", feature = "net"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "macros", feature = "net")), doc = "```ignore")]
//! use filch::io::{AsyncReadExt, AsyncWriteExt};
//! use filch::net::TcpListener;
//! use filch::tls::{Identity, TlsAcceptor};
//!
//! #[filch::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     let identity = Identity::from_pem_files("cert.pem", "key.pem")?;
//!     let acceptor = TlsAcceptor::new(identity)?;
//!     let listener = TcpListener::bind("127.0.0.1:7443").await?;
//!     loop {
//!         let (tcp, _) = listener.accept().await?;
//!         let acceptor = acceptor.clone();
//!         filch::spawn(async move {
//!             let mut stream = acceptor.accept(tcp).await?;
//!             let mut buffer = vec![0; 4096];
//!             let count = stream.read(&mut buffer).await?;
//!             stream.write_all(&buffer[..count]).await?;
//!             stream.close().await
//!         });
//!     }
//! }
//! ```
//!
//! # What is chosen for you
//!
//! - **The cryptography is ring's**, unless a builder is given another [`CryptoProvider`]. The process's default
//!   provider, which several crates may set, is never asked for. ring has no post-quantum key exchange
//!   (X25519MLKEM768); aws-lc-rs has, with the feature `prefer-post-quantum` of rustls.
//! - **TLS 1.2 and 1.3**, as rustls does them. Who needs what is not here gives a whole rustls configuration to
//!   [`TlsAcceptor::from_rustls`] or [`TlsConnector::from_rustls`].
//! - **A client trusts the system's certificates**, or those of [`Roots`] that it is given; never silently nobody, and
//!   never silently everybody.
//! - **A handshake has 10 seconds.** Silent clients hold no task for longer.
//!
//! # Two things to know
//!
//! What a write has returned as written may still wait for room in the socket. The next write, [`flush`] or read sends
//! it; a program that does none of these calls [`flush`] first. [`close`] tells the peer that the end is meant
//! (`close_notify`): without it the peer's read ends with [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), since
//! anybody on the way could have cut the connection.
//!
//! [`flush`]: crate::io::AsyncWriteExt::flush
//! [`close`]: crate::io::AsyncWriteExt::close

mod acceptor;
mod connector;
mod error;
mod handshake;
mod identity;
mod names;
mod roots;
mod session;
mod stream;
mod tickets;

pub use acceptor::{ClientAuth, TlsAcceptor, TlsAcceptorBuilder};
pub use connector::{TlsConnector, TlsConnectorBuilder};
pub use error::TlsError;
pub use identity::Identity;
pub use roots::Roots;
pub use stream::TlsStream;
pub use tickets::TicketKeys;

/// The crate rustls, in the version that is used here: for whole configurations, other providers, and its errors.
pub use rustls as backend;
pub use rustls::crypto::CryptoProvider;

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::handshake::Handshake;
}
