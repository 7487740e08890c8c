//! Whom one trusts: the certificates from which a peer's has to descend.

use crate::tls::error::TlsError;
use crate::tls::identity::{certificates_in, read};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::path::Path;

/// Certificates of authorities that are trusted.
///
/// ```
/// use filch::tls::{Roots, TlsConnector};
///
/// # fn main() -> Result<(), filch::tls::TlsError> {
/// let connector = TlsConnector::builder().roots(Roots::webpki()).build()?;
/// # drop(connector);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Roots {
    store: RootCertStore,
}

impl Roots {
    /// The system's: what its other programs trust, with what its administrator added. `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others, as for OpenSSL.
    ///
    /// Certificates in the store that cannot be read are passed over, as other programs do. It blocks while the system
    /// reads them, some milliseconds: this is for the program's start.
    ///
    /// # Errors
    /// If the system has none, as in a container without the package `ca-certificates`.
    pub fn system() -> Result<Roots, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.certs);
        if !store.is_empty() {
            return Ok(Roots { store });
        }
        let what = "the system has no trusted certificates \
                    (install its package ca-certificates, or take Roots::webpki())";
        Err(match found.errors.into_iter().next() {
            Some(error) => TlsError::because(what, error),
            None => TlsError::new(what),
        })
    }

    /// Mozilla's list, as of this program's build: the same everywhere, and as old as the crate `webpki-roots` that was
    /// compiled in.
    #[must_use]
    pub fn webpki() -> Roots {
        let store = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Roots { store }
    }

    /// Those of a PEM text, and no others: one's own authority, or a self-signed certificate.
    ///
    /// # Errors
    /// If there is no section `CERTIFICATE`, or one of them is no certificate.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Roots, TlsError> {
        Roots::parse(pem.as_ref(), "the text of the trusted certificates")
    }

    /// Those of a PEM file, and no others. It blocks while the file is read.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`from_pem`](Self::from_pem); the text names the file.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Roots, TlsError> {
        let path = path.as_ref();
        Roots::parse(&read(path)?, &path.display().to_string())
    }

    /// Those given in DER form, and no others.
    ///
    /// # Errors
    /// If there is none, or one of them is no certificate.
    pub fn from_der(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Roots, TlsError> {
        Roots::collect(certificates, "the trusted certificates")
    }

    /// These and the others too, as for an authority of one's own beside the system's.
    #[must_use]
    pub fn and(mut self, others: Roots) -> Roots {
        self.store.extend(others.store.roots);
        self
    }

    fn parse(pem: &[u8], of: &str) -> Result<Roots, TlsError> {
        Roots::collect(certificates_in(pem, of)?, of)
    }

    fn collect(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
        of: &str,
    ) -> Result<Roots, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store.add(certificate).map_err(|error| {
                TlsError::because(
                    format!("{of}: one cannot be trusted as an authority"),
                    error,
                )
            })?;
        }
        if store.is_empty() {
            return Err(TlsError::new(format!("{of}: there is none")));
        }
        Ok(Roots { store })
    }

    pub(super) fn into_store(self) -> RootCertStore {
        self.store
    }
}

/// How many they are; there may be hundreds.
impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({})", self.store.len())
    }
}
