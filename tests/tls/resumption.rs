//! Sessions that go on where an earlier one ended, and secrets for who looks at the wire.

use super::common::process::{again, part};
use super::{acceptor, connector, connector_of, identity, pair, rustls};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::tls::{TicketKeys, TlsAcceptor, TlsConnector};

/// A short talk, in which the server's tickets come to the client. Was it resumed?
async fn talk(connector: &TlsConnector, acceptor: &TlsAcceptor) -> bool {
    let (mut client, mut server) = pair(connector, acceptor, 4096).await;
    server.write_all(b"!").await.unwrap();
    server.flush().await.unwrap();
    client.read_exact(&mut [0]).await.unwrap();
    assert_eq!(client.is_resumed(), server.is_resumed());
    client.is_resumed()
}

fn sharing(secrets: &[u8]) -> TlsAcceptor {
    let keys = TicketKeys::new(secrets.iter().map(|&byte| [byte; 32])).unwrap();
    let builder = TlsAcceptor::builder().identity(identity("localhost"));
    builder.ticket_keys(keys).build().unwrap()
}

#[filch::test]
async fn a_client_that_comes_again_resumes_its_session() {
    for connector in [
        connector(),
        connector_of(&rustls::version::TLS12),
        connector_of(&rustls::version::TLS13),
    ] {
        let acceptor = acceptor();
        assert!(!talk(&connector, &acceptor).await);
        assert!(talk(&connector, &acceptor).await);
    }
}

#[filch::test]
async fn a_session_is_resumed_at_another_process_that_has_the_secret() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let connector = connector_of(version);
        assert!(!talk(&connector, &sharing(&[1])).await);
        assert!(talk(&connector, &sharing(&[1])).await);
        // A new secret was put in front: the old tickets are good still.
        assert!(talk(&connector, &sharing(&[2, 1])).await);
        assert!(talk(&connector, &sharing(&[2])).await);
        assert!(!talk(&connector, &sharing(&[3])).await);
    }
}

/// One connection of a client and a server, of which the client logs its secrets if it is asked to.
async fn logged(on: bool) {
    let builder = TlsConnector::builder().roots(super::roots());
    let connector = builder.key_log(on).build().unwrap();
    talk(&connector, &acceptor()).await;
}

#[test]
fn secrets_are_written_only_where_the_program_asks_for_it() {
    const TEST: &str = "resumption::secrets_are_written_only_where_the_program_asks_for_it";
    match part().as_deref() {
        Some("asked") => return filch::run(logged(true)),
        Some("not asked") => return filch::run(logged(false)),
        _ => {}
    }
    for (part, written) in [("asked", true), ("not asked", false)] {
        let name = format!("filch-secrets-{}-{written}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut child = again(TEST, part, None);
        let output = child.env("SSLKEYLOGFILE", &path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(&path);
        assert_eq!(
            text.contains("CLIENT_TRAFFIC_SECRET_0 "),
            written,
            "{part}: {text}"
        );
    }
}

#[test]
fn a_system_without_trusted_certificates_is_an_error_that_says_what_to_do() {
    const TEST: &str =
        "resumption::a_system_without_trusted_certificates_is_an_error_that_says_what_to_do";
    if part().is_some() {
        let text = TlsConnector::new().unwrap_err().to_string();
        assert!(text.contains("ca-certificates"), "{text}");
        return;
    }
    let mut child = again(TEST, "without", None);
    let child = child
        .env("SSL_CERT_FILE", "no/such/file")
        .env_remove("SSL_CERT_DIR");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
