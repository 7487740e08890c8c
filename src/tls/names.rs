//! Which identity a server shows to whom: by the name that the client asked for (SNI). Identities are replaced while
//! the server runs; handshakes that have begun keep the one that they have.

use crate::tls::error::TlsError;
use parking_lot::RwLock;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The identities of a server.
#[derive(Default)]
pub(super) struct Names {
    present: RwLock<Present>,
}

#[derive(Default)]
struct Present {
    /// For clients that ask for no name, or one that is not listed.
    default: Option<Arc<CertifiedKey>>,
    /// By name in small letters; `*.` stands for one further label.
    named: HashMap<String, Arc<CertifiedKey>>,
}

impl Names {
    /// Sets the identity of all who are not listed by name. The old one is dropped outside the lock.
    pub(super) fn set_default(&self, key: Arc<CertifiedKey>) {
        let old = self.present.write().default.replace(key);
        drop(old);
    }

    /// Sets the identity of a name.
    pub(super) fn set(&self, name: &str, key: Arc<CertifiedKey>) -> Result<(), TlsError> {
        check_name(name, &key)?;
        let name = name.to_ascii_lowercase();
        let old = self.present.write().named.insert(name, key);
        drop(old);
        Ok(())
    }

    fn find(&self, asked: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let present = self.present.read();
        asked
            .and_then(|name| present.named(&name.to_ascii_lowercase()))
            .or(present.default.as_ref())
            .cloned()
    }
}

impl Present {
    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let exact = self.named.get(name);
        exact.or_else(|| {
            let (_, domain) = name.split_once('.')?;
            self.named.get(&format!("*.{domain}"))
        })
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.present.read();
        let mut names: Vec<&String> = present.named.keys().collect();
        names.sort();
        f.debug_struct("Names")
            .field("default", &present.default.is_some())
            .field("named", &names)
            .finish()
    }
}

/// A client that asks for this name would refuse any other certificate: better now than then.
fn check_name(name: &str, key: &CertifiedKey) -> Result<(), TlsError> {
    let one = match name.strip_prefix("*.") {
        Some(domain) => format!("any.{domain}"),
        None => name.to_owned(),
    };
    let server = ServerName::try_from(one)
        .map_err(|error| TlsError::because(format!("{name:?} is no name of a server"), error))?;
    let certificate = key.end_entity_cert().and_then(ParsedCertificate::try_from);
    certificate
        .and_then(|certificate| verify_server_name(&certificate, &server))
        .map_err(|error| TlsError::because(format!("the certificate is not for {name:?}"), error))
}
