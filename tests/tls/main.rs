//! TLS over streams: handshakes, transfers, certificates, resumption, and others' programs as peers.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod handshake;
mod resumption;
mod tools;
mod transfer;
mod yielding;

use filch::io::DuplexStream;
use filch::tls::{Identity, Roots, TlsAcceptor, TlsConnector, TlsStream};
use std::path::PathBuf;

/// A file of `certs`, which `certs/make.sh` made.
fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/tls/certs", name]
        .iter()
        .collect()
}

fn identity(name: &str) -> Identity {
    let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
    Identity::from_pem_files(file(&certificate), file(&key)).unwrap()
}

/// The authority that signed them.
fn roots() -> Roots {
    Roots::from_pem_file(file("ca.pem")).unwrap()
}

/// A server that is `localhost`.
fn acceptor() -> TlsAcceptor {
    TlsAcceptor::new(identity("localhost")).unwrap()
}

/// A client that trusts the authority.
fn connector() -> TlsConnector {
    TlsConnector::builder().roots(roots()).build().unwrap()
}

/// One that speaks a certain version.
fn connector_of(version: &'static rustls::SupportedProtocolVersion) -> TlsConnector {
    let store = rustls::RootCertStore {
        roots: connector_roots(),
    };
    let provider = connector().config().crypto_provider().clone();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    TlsConnector::from_rustls(std::sync::Arc::new(config))
}

fn connector_roots() -> Vec<rustls::pki_types::TrustAnchor<'static>> {
    use rustls::pki_types::pem::PemObject;
    let certificate = rustls::pki_types::CertificateDer::from_pem_file(file("ca.pem")).unwrap();
    let mut store = rustls::RootCertStore::empty();
    store.add(certificate).unwrap();
    store.roots
}

use filch::tls::backend as rustls;

type Ends = (TlsStream<DuplexStream>, TlsStream<DuplexStream>);

/// A client and a server that are done with their handshake, over a stream in memory.
async fn pair(connector: &TlsConnector, acceptor: &TlsAcceptor, capacity: usize) -> Ends {
    let (near, far) = filch::io::duplex(capacity);
    let connecting = connector.connect("localhost", near);
    let (client, server) = filch::try_join!(connecting, acceptor.accept(far)).unwrap();
    (client, server)
}
