//! Certificates and keys: errors at the start, names, and replacement while the server runs.

use super::{connector, file, identity, roots};
use filch::io::duplex;
use filch::tls::{Identity, Roots, TlsAcceptor, TlsConnector, TlsError};

/// The certificate that a client sees which asks for this name.
async fn shown(acceptor: &TlsAcceptor, name: &str) -> std::io::Result<Vec<u8>> {
    let (near, far) = duplex(4096);
    let connector = connector();
    let connecting = connector.connect(name, near);
    let (client, _server) = filch::try_join!(connecting, acceptor.accept(far))?;
    Ok(client.peer_certificates().unwrap()[0].to_vec())
}

fn certificate(name: &str) -> Vec<u8> {
    use filch::tls::backend::pki_types::{CertificateDer, pem::PemObject};
    let name = format!("{name}.pem");
    CertificateDer::from_pem_file(file(&name)).unwrap().to_vec()
}

fn said<T: std::fmt::Debug>(result: Result<T, TlsError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_missing_file_or_one_without_what_it_should_have_is_named() {
    let (cert, key) = (file("localhost.pem"), file("localhost.key"));
    let text = said(Identity::from_pem_files("no/such.pem", &key));
    assert!(text.starts_with("cannot read no/such.pem: "), "{text}");
    let text = said(Identity::from_pem_files(&key, &key));
    assert!(
        text.ends_with("localhost.key has no section CERTIFICATE"),
        "{text}"
    );
    let text = said(Identity::from_pem_files(&cert, &cert));
    assert!(
        text.contains("localhost.pem has no section PRIVATE KEY"),
        "{text}"
    );
    let broken = "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n";
    let text = said(Identity::from_pem(broken, ""));
    assert!(text.contains("is no PEM"), "{text}");
    let text = said(Roots::from_pem_file(&key));
    assert!(
        text.ends_with("localhost.key has no section CERTIFICATE"),
        "{text}"
    );
    assert!(said(Roots::from_der([])).contains("there is none"));
}

#[test]
fn a_key_of_another_certificate_and_no_identity_at_all_are_errors_at_the_start() {
    let other = Identity::from_pem_files(file("localhost.pem"), file("renewed.key")).unwrap();
    let text = said(TlsAcceptor::new(other));
    assert!(
        text.starts_with("the key is not that of the first certificate"),
        "{text}"
    );
    let text = said(TlsAcceptor::builder().build());
    assert_eq!(text, "a TLS server needs an identity: certificate and key");
    let other = Identity::from_pem_files(file("client.pem"), file("renewed.key")).unwrap();
    let client = TlsConnector::builder().roots(roots()).identity(other);
    assert!(said(client.build()).contains("not that of the first certificate"));
}

#[test]
fn neither_key_nor_secrets_are_in_a_debug_text() {
    let text = format!("{:?}", identity("localhost"));
    assert!(
        text.starts_with("Identity { certificates: 1, from: "),
        "{text}"
    );
    assert!(!text.contains("key"), "{text}");
}

#[filch::test]
async fn the_name_that_a_client_asks_for_decides_what_it_is_shown() {
    let acceptor = TlsAcceptor::builder()
        .identity(identity("localhost"))
        .identity_for("*.Example.org", identity("wild"))
        .build()
        .unwrap();
    for name in ["a.example.org", "B.EXAMPLE.ORG"] {
        assert_eq!(shown(&acceptor, name).await.unwrap(), certificate("wild"));
    }
    for name in ["localhost", "127.0.0.1"] {
        assert_eq!(
            shown(&acceptor, name).await.unwrap(),
            certificate("localhost")
        );
    }
    // One label, and no more: the client would refuse it anyway.
    shown(&acceptor, "a.b.example.org").await.unwrap_err();
}

#[filch::test]
async fn a_server_without_a_default_refuses_who_asks_for_another_name() {
    let builder = TlsAcceptor::builder().identity_for("*.example.org", identity("wild"));
    let acceptor = builder.build().unwrap();
    assert_eq!(
        shown(&acceptor, "a.example.org").await.unwrap(),
        certificate("wild")
    );
    shown(&acceptor, "localhost").await.unwrap_err();
}

#[test]
fn a_certificate_for_another_name_is_an_error_at_the_start() {
    let builder = TlsAcceptor::builder().identity_for("example.org", identity("wild"));
    let text = said(builder.build());
    assert!(
        text.starts_with("the certificate is not for \"example.org\""),
        "{text}"
    );
    let builder = TlsAcceptor::builder().identity_for("not a name", identity("wild"));
    assert!(said(builder.build()).contains("no name of a server"));
}

#[filch::test]
async fn a_renewed_certificate_is_shown_from_the_next_connection_on() {
    let acceptor = TlsAcceptor::new(identity("localhost")).unwrap();
    assert_eq!(
        shown(&acceptor, "localhost").await.unwrap(),
        certificate("localhost")
    );
    // Clones share it.
    acceptor.clone().replace(identity("renewed")).unwrap();
    assert_eq!(
        shown(&acceptor, "localhost").await.unwrap(),
        certificate("renewed")
    );
    acceptor
        .replace_for("*.example.org", identity("wild"))
        .unwrap();
    assert_eq!(
        shown(&acceptor, "a.example.org").await.unwrap(),
        certificate("wild")
    );
}

#[filch::test]
async fn a_bad_replacement_is_an_error_and_the_old_one_stays() {
    let acceptor = TlsAcceptor::new(identity("localhost")).unwrap();
    let other = Identity::from_pem_files(file("renewed.pem"), file("localhost.key")).unwrap();
    assert!(said(acceptor.replace(other)).contains("not that of the first certificate"));
    assert!(said(acceptor.replace_for("localhost", identity("wild"))).contains("is not for"));
    assert_eq!(
        shown(&acceptor, "localhost").await.unwrap(),
        certificate("localhost")
    );
    let theirs = TlsAcceptor::from_rustls(acceptor.config().clone());
    assert!(said(theirs.replace(identity("renewed"))).contains("its own to replace"));
}

#[test]
fn roots_add_up_and_say_how_many_they_are() {
    let own = roots();
    assert_eq!(format!("{own:?}"), "Roots(1)");
    let both = Roots::webpki().and(own);
    assert_ne!(format!("{both:?}"), "Roots(1)");
}
