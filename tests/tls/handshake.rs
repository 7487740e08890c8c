//! What a handshake agrees on, and how one fails.

use super::{acceptor, connector, connector_of, file, identity, pair, roots, rustls};
use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
use filch::net::{TcpListener, TcpStream};
use filch::time::{Duration, Instant};
use filch::tls::{ClientAuth, Roots, TlsAcceptor, TlsConnector, TlsError};
use rustls::{AlertDescription, CertificateError, ProtocolVersion};
use std::io::{self, ErrorKind};

/// What both sides of a handshake say.
async fn both(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    name: &str,
) -> (io::Result<Option<Vec<u8>>>, io::Result<Option<Vec<u8>>>) {
    let (near, far) = duplex(4096);
    let client = async {
        let mut stream = connector.connect(name, near).await?;
        // TLS 1.3 tells a client that its certificate is refused only after its handshake.
        stream.read_exact(&mut [0]).await?;
        Ok(stream.alpn_protocol().map(<[u8]>::to_vec))
    };
    let server = async {
        let mut stream = acceptor.accept(far).await?;
        stream.write_all(b"!").await?;
        stream.flush().await?;
        Ok(stream.alpn_protocol().map(<[u8]>::to_vec))
    };
    filch::join!(client, server)
}

fn reason(error: &io::Error) -> &rustls::Error {
    let tls = TlsError::of(error).unwrap_or_else(|| panic!("no TLS error: {error}"));
    tls.rustls()
        .unwrap_or_else(|| panic!("not by rustls: {tls}"))
}

#[filch::test]
async fn the_newest_version_is_spoken_and_the_older_one_with_whoever_knows_no_other() {
    for (version, of) in [
        (ProtocolVersion::TLSv1_2, &rustls::version::TLS12),
        (ProtocolVersion::TLSv1_3, &rustls::version::TLS13),
    ] {
        let (client, server) = pair(&connector_of(of), &acceptor(), 4096).await;
        assert_eq!(client.protocol_version(), Some(version));
        assert_eq!(server.protocol_version(), Some(version));
        assert!(server.cipher_suite().is_some());
    }
    let (client, server) = pair(&connector(), &acceptor(), 4096).await;
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(server.server_name(), Some("localhost"));
    assert_eq!(client.server_name(), None);
    assert_eq!(client.peer_certificates().unwrap().len(), 1);
    assert!(server.peer_certificates().is_none());
}

#[filch::test]
async fn a_stream_in_memory_with_room_for_one_byte_is_enough() {
    let (mut client, mut server) = pair(&connector(), &acceptor(), 1).await;
    let sending = async {
        client.write_all(b"hello").await?;
        client.flush().await
    };
    let mut buf = [0; 5];
    filch::try_join!(sending, server.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"hello");
}

#[filch::test]
async fn both_speak_the_servers_favourite_of_what_the_client_offers() {
    let server = TlsAcceptor::builder().identity(identity("localhost"));
    let server = server.alpn(["h2", "http/1.1"]).build().unwrap();
    let offers = |offered: &[&str]| {
        let builder = TlsConnector::builder().roots(roots());
        builder.alpn(offered).build().unwrap()
    };
    let (client, theirs) = both(&offers(&["http/1.1", "h2"]), &server, "localhost").await;
    assert_eq!(client.unwrap().as_deref(), Some(&b"h2"[..]));
    assert_eq!(theirs.unwrap().as_deref(), Some(&b"h2"[..]));
    let (client, _) = both(&offers(&[]), &server, "localhost").await;
    assert_eq!(client.unwrap(), None);
    let (client, theirs) = both(&offers(&["smtp"]), &server, "localhost").await;
    let expected = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(*reason(&client.unwrap_err()), expected);
    let theirs = theirs.unwrap_err();
    assert_eq!(*reason(&theirs), rustls::Error::NoApplicationProtocol);
}

#[filch::test]
async fn a_certificate_of_a_stranger_of_another_name_or_of_another_time_is_refused() {
    let refused = async |connector: &TlsConnector, server: &str, name: &str| {
        let acceptor = TlsAcceptor::new(identity(server)).unwrap();
        let (client, server) = both(connector, &acceptor, name).await;
        let server = server.unwrap_err();
        assert!(
            matches!(reason(&server), rustls::Error::AlertReceived(_)),
            "the server is told: {server}"
        );
        let client = client.unwrap_err();
        assert_eq!(client.kind(), ErrorKind::InvalidData);
        match reason(&client) {
            rustls::Error::InvalidCertificate(error) => error.clone(),
            error => panic!("{error}"),
        }
    };
    let strangers = Roots::from_pem_file(file("stranger.pem")).unwrap();
    let strangers = TlsConnector::builder().roots(strangers).build().unwrap();
    let error = refused(&strangers, "localhost", "localhost").await;
    assert_eq!(error, CertificateError::UnknownIssuer);
    let error = refused(&connector(), "localhost", "example.org").await;
    assert!(
        matches!(error, CertificateError::NotValidForNameContext { .. }),
        "{error:?}"
    );
    let error = refused(&connector(), "expired", "localhost").await;
    assert!(
        matches!(error, CertificateError::ExpiredContext { .. }),
        "{error:?}"
    );
}

#[filch::test]
async fn an_address_is_a_name_too_and_anything_else_is_an_error_that_shows_it() {
    for name in ["127.0.0.1", "::1", "[::1]", "LOCALHOST"] {
        let (client, _) = both(&connector(), &acceptor(), name).await;
        client.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["", "local host", "[::1", "localhost:443"] {
        let error = connector().connect(name, duplex(1).0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
}

#[filch::test(paused)]
async fn a_silent_client_is_given_up_after_ten_seconds() {
    let (_silent, far) = duplex(64);
    let start = Instant::now();
    let error = acceptor().accept(far).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(
        error.to_string(),
        "the TLS handshake was not done within 10s"
    );
}

#[filch::test(paused)]
async fn a_client_that_sends_a_byte_now_and_then_is_given_up_at_the_same_limit() {
    let builder = TlsAcceptor::builder().identity(identity("localhost"));
    let acceptor = builder.handshake_timeout(Duration::from_secs(3)).build();
    let (mut slow, far) = duplex(64);
    let start = Instant::now();
    let accepting = filch::spawn(acceptor.unwrap().accept(far));
    for byte in [22, 3, 1, 1, 0, 1, 0, 0, 252] {
        filch::time::sleep(Duration::from_secs(1)).await;
        if slow.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    let error = accepting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() >= Duration::from_secs(3));
}

#[filch::test(paused)]
async fn without_a_limit_a_handshake_waits_for_as_long_as_it_takes() {
    let builder = TlsAcceptor::builder().identity(identity("localhost"));
    let acceptor = builder.no_handshake_timeout().build().unwrap();
    let (near, far) = duplex(4096);
    let accepting = filch::spawn(async move { acceptor.accept(far).await });
    filch::time::sleep(Duration::from_secs(3600)).await;
    connector().connect("localhost", near).await.unwrap();
    accepting.await.unwrap().unwrap();
}

#[filch::test]
async fn a_client_that_leaves_in_the_midst_is_the_end_of_the_file() {
    let (mut near, far) = duplex(64);
    near.write_all(&[22, 3, 1]).await.unwrap();
    drop(near);
    let error = acceptor().accept(far).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("handshake"), "{error}");
}

#[filch::test]
async fn a_client_that_speaks_http_is_recognised() {
    let (mut near, far) = duplex(4096);
    near.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let error = acceptor().accept(far).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("HTTP without TLS"), "{error}");
    let (mut theirs, far) = duplex(4096);
    theirs
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let error = connector().connect("localhost", far).await.unwrap_err();
    assert!(error.to_string().contains("HTTP without TLS"), "{error}");
}

#[filch::test]
async fn a_client_shows_a_certificate_where_it_is_asked_for_one() {
    let acceptor = |auth| {
        let builder = TlsAcceptor::builder().identity(identity("localhost"));
        builder.client_auth(auth).build().unwrap()
    };
    let required = acceptor(ClientAuth::Required(roots()));
    let optional = acceptor(ClientAuth::Optional(roots()));
    let with = |name| {
        let builder = TlsConnector::builder().roots(roots());
        builder.identity(identity(name)).build().unwrap()
    };
    for acceptor in [&required, &optional] {
        let (_, server) = pair(&with("client"), acceptor, 4096).await;
        assert_eq!(server.peer_certificates().unwrap().len(), 1);
    }
    let (client, server) = both(&connector(), &optional, "localhost").await;
    client.and(server).unwrap();
    let (client, server) = both(&connector(), &required, "localhost").await;
    let server = server.unwrap_err();
    assert_eq!(*reason(&server), rustls::Error::NoCertificatesPresented);
    let expected = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
    assert_eq!(*reason(&client.unwrap_err()), expected);
    for acceptor in [&required, &optional] {
        let (client, server) = both(&with("unknown"), acceptor, "localhost").await;
        let server = server.unwrap_err();
        let refused = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(*reason(&server), refused);
        client.unwrap_err();
    }
}

#[filch::test]
async fn a_stream_goes_over_to_tls_with_the_handshakes_first_bytes_in_its_buffer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = filch::spawn(async move {
        let mut tcp = BufReader::new(TcpStream::connect(address).await?);
        tcp.get_mut().write_all(b"STARTTLS\r\n").await?;
        let mut line = String::new();
        tcp.read_line(&mut line).await?;
        assert_eq!(line, "220 go ahead\r\n");
        let mut tls = connector().start_tls("localhost", tcp).await?;
        tls.write_all(b"EHLO again\r\n").await?;
        tls.close().await
    });
    let (tcp, _) = listener.accept().await.unwrap();
    let mut reader = BufReader::new(tcp);
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    assert_eq!(line, "STARTTLS\r\n");
    reader
        .get_mut()
        .write_all(b"220 go ahead\r\n")
        .await
        .unwrap();
    // The client's first message is in the buffer before the server goes over.
    assert!(!reader.fill_buf().await.unwrap().is_empty());
    let mut tls = acceptor().start_tls(reader).await.unwrap();
    let mut text = String::new();
    tls.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "EHLO again\r\n");
    client.await.unwrap().unwrap();
}

#[filch::test]
async fn both_ends_get_the_same_key_material() {
    let (client, server) = pair(&connector(), &acceptor(), 4096).await;
    let export = |end: &filch::tls::TlsStream<_>| {
        end.export_keying_material([0; 32], b"EXPORTER-test", None)
            .unwrap()
    };
    assert_eq!(export(&client), export(&server));
    assert_ne!(export(&client), [0; 32]);
    assert!(client.export_keying_material([], b"", None).is_err());
}
