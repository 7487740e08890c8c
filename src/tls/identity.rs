//! Who one is: a chain of certificates and the key that belongs to it.

use crate::tls::error::TlsError;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A chain of certificates, one's own first, and its private key.
///
/// Whether key and certificate belong together is checked when an acceptor or connector takes it.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// For errors: the file that the chain came from.
    from: String,
}

impl Identity {
    /// Takes a chain and a key in PEM form, as they stand in files: sections `CERTIFICATE`, and one of `PRIVATE KEY`,
    /// `RSA PRIVATE KEY`, `EC PRIVATE KEY`. Both may be the same text.
    ///
    /// # Errors
    /// If there is no certificate, no key, or if either is no PEM.
    ///
    /// ```
    /// use filch::tls::Identity;
    ///
    /// let error = Identity::from_pem("no certificate", "no key").unwrap_err();
    /// assert_eq!(error.to_string(), "the text of the certificates has no section CERTIFICATE");
    /// ```
    pub fn from_pem(
        certificates: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Identity, TlsError> {
        Identity::parse(
            certificates.as_ref(),
            "the text of the certificates",
            key.as_ref(),
            "the text of the key",
        )
    }

    /// Reads a chain and a key from PEM files, which may be one and the same.
    ///
    /// It blocks for as long as the system takes to read two small files: this is for the program's start. Later ones
    /// are read with [`fs::read`](crate::fs::read) and given to [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    /// If a file cannot be read, or as [`from_pem`](Self::from_pem); the text names the file.
    pub fn from_pem_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Identity, TlsError> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        Identity::parse(
            &read(certificates)?,
            &certificates.display().to_string(),
            &read(key)?,
            &key.display().to_string(),
        )
    }

    /// Takes a chain and a key in DER form, as rustls and other crates hand them out.
    #[must_use]
    pub fn from_der(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Identity {
        let from = "the certificate".to_owned();
        Identity { chain, key, from }
    }

    fn parse(
        certificates: &[u8],
        certificates_of: &str,
        key: &[u8],
        key_of: &str,
    ) -> Result<Identity, TlsError> {
        let chain = certificates_in(certificates, certificates_of)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::new(format!(
                "{key_of} has no section PRIVATE KEY (an encrypted key has to be decrypted first)"
            )),
            error => TlsError::because(format!("the key in {key_of} is no PEM"), error),
        })?;
        let from = certificates_of.to_owned();
        Ok(Identity { chain, key, from })
    }

    /// Checks that the two belong together, and readies the key for signing.
    pub(super) fn certify(self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
        let Identity { chain, key, from } = self;
        if chain.is_empty() {
            return Err(TlsError::new("an identity needs at least one certificate"));
        }
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            let what = match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("the key is not that of the first certificate in {from}")
                }
                _ => format!("the key or certificate of {from} cannot be used"),
            };
            TlsError::because(what, error)
        })?;
        Ok(Arc::new(certified))
    }

    /// The parts, checked, for a configuration that wants them apart.
    pub(super) fn checked_parts(
        self,
        provider: &CryptoProvider,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let parts = (self.chain.clone(), self.key.clone_key());
        self.certify(provider)?;
        Ok(parts)
    }
}

/// Never the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.chain.len())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text; at least one.
pub(super) fn certificates_in(
    pem: &[u8],
    of: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found
        .map_err(|error| TlsError::because(format!("a certificate in {of} is no PEM"), error))?;
    if found.is_empty() {
        return Err(TlsError::new(format!("{of} has no section CERTIFICATE")));
    }
    Ok(found)
}

/// Reads a file of certificates or keys.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|error| TlsError::because(format!("cannot read {}", path.display()), error))
}
