//! The client's side.

use crate::io::BufReader;
use crate::tls::acceptor::{listed, no_connection, ring};
use crate::tls::error::TlsError;
use crate::tls::future::Handshake;
use crate::tls::handshake::HANDSHAKE_LIMIT;
use crate::tls::identity::Identity;
use crate::tls::roots::Roots;
use futures_io::{AsyncRead, AsyncWrite};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Makes TLS connections: whom a client trusts, and its options. Cheap to clone; clones share the sessions that may be
/// resumed.
///
#[cfg_attr(feature = "net", doc = "```no_run")]
#[cfg_attr(not(feature = "net"), doc = "```ignore")]
/// use filch::io::{AsyncReadExt, AsyncWriteExt};
/// use filch::net::TcpStream;
/// use filch::tls::TlsConnector;
///
/// # filch::run(async {
/// let connector = TlsConnector::new()?;
/// let tcp = TcpStream::connect("example.org:443").await?;
/// let mut stream = connector.connect("example.org", tcp).await?;
/// stream.write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n").await?;
/// let mut page = Vec::new();
/// stream.read_to_end(&mut page).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    limit: Option<Duration>,
}

impl TlsConnector {
    /// A client that trusts the system's certificates. Make it once: the system's certificates are read from disk.
    ///
    /// # Errors
    /// As [`Roots::system`].
    pub fn new() -> Result<TlsConnector, TlsError> {
        TlsConnector::builder().build()
    }

    /// Starts with the system's certificates, no ALPN, no identity, and 10 seconds for a handshake.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder {
            roots: None,
            identity: None,
            alpn: Vec::new(),
            provider: None,
            key_log: false,
            limit: Some(HANDSHAKE_LIMIT),
        }
    }

    /// Takes a whole configuration of rustls, with the limit of 10 seconds for a handshake.
    pub fn from_rustls(config: Arc<ClientConfig>) -> TlsConnector {
        TlsConnector {
            config,
            limit: Some(HANDSHAKE_LIMIT),
        }
    }

    /// Does the handshake with a server to which `stream` is connected. `name` is who it has to be: a host's name, or
    /// an address (also in brackets, as URLs write it), as its certificate says.
    ///
    /// Calling counts: from then on the limit runs, if that is inside a runtime; otherwise from the first poll on.
    ///
    /// # Errors
    /// `InvalidInput` if `name` is neither; `InvalidData` with a [`TlsError`] for what the server did (a certificate
    /// that is not trusted, expired, or of somebody else; no TLS); `UnexpectedEof` if it left; `TimedOut` if it took
    /// too long; otherwise the stream's.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped handshake drops the stream.
    #[track_caller]
    pub fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        stream: S,
    ) -> Handshake<S> {
        self.begin(name, Vec::new(), stream)
    }

    /// Goes over to TLS on a stream on which the two have spoken already: `STARTTLS` of SMTP, IMAP, LDAP, XMPP. What
    /// the reader has buffered is the handshake's, never the old protocol's.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    #[track_caller]
    pub fn start_tls<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        reader: BufReader<S>,
    ) -> Handshake<S> {
        let received = reader.buffer().to_vec();
        self.begin(name, received, reader.into_inner())
    }

    /// The same for one protocol, whatever it would offer else. Sessions are shared.
    #[cfg(feature = "websocket")]
    pub(crate) fn speaking(&self, protocol: &str) -> TlsConnector {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = listed([protocol]);
        TlsConnector {
            config: Arc::new(config),
            limit: self.limit,
        }
    }

    #[track_caller]
    fn begin<S>(&self, name: &str, received: Vec<u8>, stream: S) -> Handshake<S> {
        let tls = server_name(name).and_then(|name| {
            let tls = ClientConnection::new(self.config.clone(), name);
            tls.map(Connection::Client).map_err(no_connection)
        });
        Handshake::new(tls, received, stream, self.limit)
    }

    /// The configuration of rustls that came out of it.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

fn server_name(name: &str) -> io::Result<ServerName<'static>> {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let bare = address.unwrap_or(name).to_owned();
    ServerName::try_from(bare).map_err(|_| {
        let what = format!("{name:?} is no name of a TLS server: a host's name or its address");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}

/// Options of a [`TlsConnector`].
#[derive(Debug)]
#[must_use = "ends with `build`"]
pub struct TlsConnectorBuilder {
    roots: Option<Roots>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    provider: Option<Arc<CryptoProvider>>,
    key_log: bool,
    limit: Option<Duration>,
}

impl TlsConnectorBuilder {
    /// Whom to trust instead of the system's: [`Roots::from_pem`] for an authority of one's own.
    pub fn roots(mut self, roots: Roots) -> TlsConnectorBuilder {
        self.roots = Some(roots);
        self
    }

    /// Who the client is, for servers that ask for a certificate.
    pub fn identity(mut self, identity: Identity) -> TlsConnectorBuilder {
        self.identity = Some(identity);
        self
    }

    /// Protocols that the client would speak, its favourite first: `["h2", "http/1.1"]`.
    pub fn alpn<P: AsRef<[u8]>>(
        mut self,
        protocols: impl IntoIterator<Item = P>,
    ) -> TlsConnectorBuilder {
        self.alpn = listed(protocols);
        self
    }

    /// Another implementation of the cryptography than ring.
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> TlsConnectorBuilder {
        self.provider = Some(provider);
        self
    }

    /// Writes the connections' secrets into the file that the environment variable `SSLKEYLOGFILE` names, so that
    /// Wireshark can read them. Off by default, whatever the environment says.
    pub fn key_log(mut self, on: bool) -> TlsConnectorBuilder {
        self.key_log = on;
        self
    }

    /// How long a handshake may take; 10 seconds by default.
    pub fn handshake_timeout(mut self, limit: Duration) -> TlsConnectorBuilder {
        self.limit = Some(limit);
        self
    }

    /// A handshake may take for ever: somebody else watches.
    pub fn no_handshake_timeout(mut self) -> TlsConnectorBuilder {
        self.limit = None;
        self
    }

    /// Makes the connector. Without [`roots`](Self::roots) it reads the system's certificates, which blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// If nobody is trusted ([`Roots::system`]); if the identity's key and certificate do not belong together or are of
    /// a kind that cannot be used; if the provider has no cipher suite in common with TLS.
    pub fn build(self) -> Result<TlsConnector, TlsError> {
        let roots = match self.roots {
            Some(roots) => roots,
            None => Roots::system()?,
        };
        let provider = self.provider.unwrap_or_else(ring);
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::because("the provider cannot be used", error))?
            .with_root_certificates(roots.into_store());
        let mut config = match self.identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.checked_parts(&provider)?;
                config
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsError::because("the identity cannot be used", error))?
            }
        };
        config.alpn_protocols = self.alpn;
        if self.key_log {
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        Ok(TlsConnector {
            config: Arc::new(config),
            limit: self.limit,
        })
    }
}
