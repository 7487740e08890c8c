//! The server's side.

use crate::io::BufReader;
use crate::tls::error::TlsError;
use crate::tls::future::Handshake;
use crate::tls::handshake::HANDSHAKE_LIMIT;
use crate::tls::identity::Identity;
use crate::tls::names::Names;
use crate::tls::roots::Roots;
use crate::tls::tickets::TicketKeys;
use futures_io::{AsyncRead, AsyncWrite};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{Connection, ServerConfig, ServerConnection};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Takes TLS connections: certificates and options of a server. Cheap to clone; clones share their certificates.
///
/// The [module's documentation](super) has a whole server.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    /// None if the configuration is the user's own.
    names: Option<Arc<Names>>,
    limit: Option<Duration>,
}

/// Does a server ask its clients for certificates, and whose does it take?
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// It does not ask.
    None,
    /// It asks. A client without one is taken; one with a certificate of others is refused.
    Optional(Roots),
    /// It takes no client without one that descends from these.
    Required(Roots),
}

impl TlsAcceptor {
    /// A server that shows one identity to everybody, and asks for nothing.
    ///
    /// # Errors
    /// If key and certificate do not belong together or are of a kind that cannot be used.
    pub fn new(identity: Identity) -> Result<TlsAcceptor, TlsError> {
        TlsAcceptor::builder().identity(identity).build()
    }

    /// Starts with no identity, no ALPN, no client certificates, and 10 seconds for a handshake.
    pub fn builder() -> TlsAcceptorBuilder {
        TlsAcceptorBuilder {
            identity: None,
            named: Vec::new(),
            alpn: Vec::new(),
            client_auth: ClientAuth::None,
            tickets: None,
            provider: None,
            key_log: false,
            limit: Some(HANDSHAKE_LIMIT),
        }
    }

    /// Takes a whole configuration of rustls, with the limit of 10 seconds for a handshake.
    /// [`replace`](Self::replace) does not work on it.
    pub fn from_rustls(config: Arc<ServerConfig>) -> TlsAcceptor {
        TlsAcceptor {
            config,
            names: None,
            limit: Some(HANDSHAKE_LIMIT),
        }
    }

    /// Does the handshake with a client that has connected. Call it in the connection's own task: in the loop that
    /// accepts, one slow client would hold up all others.
    ///
    /// Calling counts: from then on the limit runs, if that is inside a runtime; otherwise from the first poll on.
    ///
    /// # Errors
    /// `InvalidData` with a [`TlsError`] for what the client did (no TLS, nothing in common, a bad certificate);
    /// `UnexpectedEof` if it left; `TimedOut` if it took too long; otherwise the stream's.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped handshake drops the stream.
    #[track_caller]
    pub fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Handshake<S> {
        self.accept_buffered(Vec::new(), stream)
    }

    /// As [`accept`](Self::accept), after `received` was read from the stream: the first bytes of the handshake, or all
    /// of them.
    #[track_caller]
    pub fn accept_buffered<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        received: Vec<u8>,
        stream: S,
    ) -> Handshake<S> {
        let tls = ServerConnection::new(self.config.clone()).map(Connection::Server);
        let tls = tls.map_err(no_connection);
        Handshake::new(tls, received, stream, self.limit)
    }

    /// Goes over to TLS on a stream on which the two have spoken already: `STARTTLS` of SMTP, IMAP, LDAP, XMPP. What
    /// the reader has buffered is the handshake's beginning, never the old protocol's.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    /// As [`accept`](Self::accept).
    #[track_caller]
    pub fn start_tls<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        reader: BufReader<S>,
    ) -> Handshake<S> {
        let received = reader.buffer().to_vec();
        self.accept_buffered(received, reader.into_inner())
    }

    /// Shows another identity from now on to all who are not listed by name: a renewed certificate. Connections that
    /// are there keep theirs.
    ///
    /// # Errors
    /// If it cannot be used: then the old one stays. Also for an acceptor of [`from_rustls`](Self::from_rustls).
    pub fn replace(&self, identity: Identity) -> Result<(), TlsError> {
        let names = self.own_names()?;
        names.set_default(identity.certify(self.config.crypto_provider())?);
        Ok(())
    }

    /// Shows another identity from now on to who asks for `name`; adds it if there is none yet. Of names with `*.`
    /// see [`identity_for`](TlsAcceptorBuilder::identity_for).
    ///
    /// # Errors
    /// As [`replace`](Self::replace), and if the certificate is not for this name: then the old one stays.
    pub fn replace_for(&self, name: &str, identity: Identity) -> Result<(), TlsError> {
        let names = self.own_names()?;
        names.set(name, identity.certify(self.config.crypto_provider())?)
    }

    fn own_names(&self) -> Result<&Names, TlsError> {
        self.names.as_deref().ok_or_else(|| {
            TlsError::new("the certificates of a configuration of rustls are its own to replace")
        })
    }

    /// The configuration of rustls that came out of it.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("names", &self.names)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Options of a [`TlsAcceptor`].
#[derive(Debug)]
#[must_use = "ends with `build`"]
pub struct TlsAcceptorBuilder {
    identity: Option<Identity>,
    named: Vec<(String, Identity)>,
    alpn: Vec<Vec<u8>>,
    client_auth: ClientAuth,
    tickets: Option<TicketKeys>,
    provider: Option<Arc<CryptoProvider>>,
    key_log: bool,
    limit: Option<Duration>,
}

impl TlsAcceptorBuilder {
    /// Who the server is for all who ask for no name, or for one that is not listed.
    pub fn identity(mut self, identity: Identity) -> TlsAcceptorBuilder {
        self.identity = Some(identity);
        self
    }

    /// Who the server is for clients that ask for `name` (SNI). `*.example.org` stands for each name with one further
    /// label; a name that is listed as a whole goes first.
    pub fn identity_for(
        mut self,
        name: impl Into<String>,
        identity: Identity,
    ) -> TlsAcceptorBuilder {
        self.named.push((name.into(), identity));
        self
    }

    /// Protocols that may be spoken, the server's favourite first: `["h2", "http/1.1"]`. A client that asks for none of
    /// them is refused, one that does not ask is taken.
    pub fn alpn<P: AsRef<[u8]>>(
        mut self,
        protocols: impl IntoIterator<Item = P>,
    ) -> TlsAcceptorBuilder {
        self.alpn = listed(protocols);
        self
    }

    /// Whether clients have to show certificates.
    pub fn client_auth(mut self, auth: ClientAuth) -> TlsAcceptorBuilder {
        self.client_auth = auth;
        self
    }

    /// Secrets of session tickets that other processes have too. By default the process has its own.
    pub fn ticket_keys(mut self, keys: TicketKeys) -> TlsAcceptorBuilder {
        self.tickets = Some(keys);
        self
    }

    /// Another implementation of the cryptography than ring.
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> TlsAcceptorBuilder {
        self.provider = Some(provider);
        self
    }

    /// Writes the connections' secrets into the file that the environment variable `SSLKEYLOGFILE` names, so that
    /// Wireshark can read them. Off by default, whatever the environment says.
    pub fn key_log(mut self, on: bool) -> TlsAcceptorBuilder {
        self.key_log = on;
        self
    }

    /// How long a handshake may take; 10 seconds by default.
    pub fn handshake_timeout(mut self, limit: Duration) -> TlsAcceptorBuilder {
        self.limit = Some(limit);
        self
    }

    /// A handshake may take for ever: somebody else watches.
    pub fn no_handshake_timeout(mut self) -> TlsAcceptorBuilder {
        self.limit = None;
        self
    }

    /// Makes the acceptor.
    ///
    /// # Errors
    /// If there is no identity; if key and certificate do not belong together or are of a kind that cannot be used; if
    /// a certificate is not for the name that it was given for; if the provider has no cipher suite in common with TLS.
    pub fn build(self) -> Result<TlsAcceptor, TlsError> {
        if self.identity.is_none() && self.named.is_empty() {
            return Err(TlsError::new(
                "a TLS server needs an identity: certificate and key",
            ));
        }
        let provider = self.provider.unwrap_or_else(ring);
        let names = Arc::new(Names::default());
        if let Some(identity) = self.identity {
            names.set_default(identity.certify(&provider)?);
        }
        for (name, identity) in self.named {
            names.set(&name, identity.certify(&provider)?)?;
        }
        let verifier = verifier(self.client_auth, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::because("the provider cannot be used", error))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(names.clone());
        config.alpn_protocols = self.alpn;
        config.ticketer = tickets(self.tickets)?;
        if self.key_log {
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        Ok(TlsAcceptor {
            config: Arc::new(config),
            names: Some(names),
            limit: self.limit,
        })
    }
}

/// The provider of whoever asks for none.
pub(super) fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Names of protocols, as rustls takes them.
pub(super) fn listed<P: AsRef<[u8]>>(protocols: impl IntoIterator<Item = P>) -> Vec<Vec<u8>> {
    let protocols = protocols.into_iter();
    protocols.map(|name| name.as_ref().to_vec()).collect()
}

fn verifier(
    auth: ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (roots, required) = match auth {
        ClientAuth::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Optional(roots) => (roots, false),
        ClientAuth::Required(roots) => (roots, true),
    };
    let roots = Arc::new(roots.into_store());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
    let verifier = if required {
        verifier
    } else {
        verifier.allow_unauthenticated()
    };
    verifier
        .build()
        .map_err(|error| TlsError::because("clients' certificates cannot be checked", error))
}

fn tickets(keys: Option<TicketKeys>) -> Result<Arc<dyn ProducesTickets>, TlsError> {
    match keys {
        Some(keys) => Ok(Arc::new(keys)),
        None => rustls::crypto::ring::Ticketer::new()
            .map_err(|error| TlsError::because("no keys for session tickets", error)),
    }
}

/// Why there is no connection, as an error of a stream.
pub(super) fn no_connection(error: rustls::Error) -> io::Error {
    TlsError::because("no TLS connection", error).into()
}
