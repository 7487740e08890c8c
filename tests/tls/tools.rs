//! Others' programs as peers: curl and OpenSSL. Where one is not installed its test says so, and counts as skipped.

use super::{file, identity, roots};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use filch::process::{Command, Stdio};
use filch::tls::{ClientAuth, TlsAcceptor, TlsConnector};
use std::net::{Ipv4Addr, SocketAddr};

/// Is the program there? Says so if it is not.
fn there(program: &str) -> bool {
    let asked = std::process::Command::new(program)
        .arg(if program == "openssl" {
            "version"
        } else {
            "--version"
        })
        .stdout(Stdio::null())
        .status();
    let there = asked.is_ok();
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

/// A server that answers each request with what it has agreed on, and its address.
async fn serve(acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    filch::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            filch::spawn(async move {
                let mut stream = acceptor.accept(tcp).await?;
                let mut request = [0; 4096];
                let count = stream.read(&mut request).await?;
                let body = format!(
                    "{:?} {} {} {}\n",
                    stream.protocol_version().unwrap(),
                    String::from_utf8_lossy(stream.alpn_protocol().unwrap_or(b"-")),
                    stream.peer_certificates().map_or(0, <[_]>::len),
                    count
                );
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await?;
                stream.close().await
            });
        }
        #[allow(unreachable_code, reason = "it says what `?` returns")]
        std::io::Result::Ok(())
    });
    address
}

async fn said(mut command: Command) -> String {
    let output = command.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[filch::test]
async fn curl_speaks_both_versions_and_agrees_on_a_protocol() {
    if !there("curl") {
        return;
    }
    let builder = TlsAcceptor::builder().identity(identity("localhost"));
    let acceptor = builder.alpn(["http/1.1"]).build().unwrap();
    let url = format!("https://localhost:{}/", serve(acceptor).await.port());
    for (limit, version) in [("1.2", "TLSv1_2"), ("1.3", "TLSv1_3")] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--ipv4",
            "--noproxy",
            "*",
            "--tls-max",
            limit,
        ]);
        curl.arg("--cacert").arg(file("ca.pem")).arg(&url);
        let text = said(curl).await;
        assert!(
            text.starts_with(&format!("{version} http/1.1 0 ")),
            "{text}"
        );
    }
}

#[filch::test]
async fn openssl_shows_its_certificate_and_without_one_gets_an_alert() {
    if !there("openssl") {
        return;
    }
    let builder = TlsAcceptor::builder().identity(identity("localhost"));
    let required = builder.client_auth(ClientAuth::Required(roots()));
    let address = serve(required.build().unwrap()).await;
    for with in [true, false] {
        for version in ["-tls1_2", "-tls1_3"] {
            let mut client = Command::new("openssl");
            client.args([
                "s_client",
                "-quiet",
                "-ign_eof",
                "-verify_return_error",
                version,
            ]);
            client.arg("-CAfile").arg(file("ca.pem"));
            client.arg("-connect").arg(address.to_string());
            if with {
                client.arg("-cert").arg(file("client.pem"));
                client.arg("-key").arg(file("client.key"));
            }
            client
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = client.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let _ = stdin.write_all(b"GET / HTTP/1.0\r\n\r\n").await;
            let output = child.wait_with_output().await.unwrap();
            drop(stdin);
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            if with {
                // OpenSSL sends the authority along if it knows it.
                let shown = text.contains(" - 1 18\n") || text.contains(" - 2 18\n");
                assert!(shown, "{version}: {text}{errors}");
            } else {
                assert!(text.is_empty(), "{version}: {text}");
                assert!(errors.contains("alert"), "{version}: {errors}");
            }
        }
    }
}

#[filch::test]
async fn a_client_of_ours_talks_to_a_server_of_openssl() {
    if !there("openssl") {
        return;
    }
    let port = {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        free.local_addr().unwrap().port()
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let mut server = Command::new("openssl");
        server.args([
            "s_server", "-rev", "-naccept", "1", "-alpn", "echo", version,
        ]);
        server.arg("-accept").arg(format!("127.0.0.1:{port}"));
        server.arg("-cert").arg(file("localhost.pem"));
        server.arg("-key").arg(file("localhost.key"));
        server
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut server = server.spawn().unwrap();
        let tcp = loop {
            // Nothing announces that it listens.
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                Ok(tcp) => break tcp,
                Err(_) => filch::time::sleep(filch::time::Duration::from_millis(10)).await,
            }
        };
        let builder = TlsConnector::builder().roots(roots());
        let connector = builder.alpn(["echo"]).build().unwrap();
        let mut stream = connector.connect("localhost", tcp).await.unwrap();
        assert_eq!(stream.alpn_protocol(), Some(&b"echo"[..]));
        stream.write_all(b"filch\n").await.unwrap();
        let mut answer = [0; 6];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hclif\n");
        stream.close().await.unwrap();
        server.wait().await.unwrap();
    }
}
