//! `tls`: handshakes, requests and bulk over TLS 1.3, client and server in one process, over loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use filch::tls::backend::client::Resumption;
use filch::tls::backend::pki_types::pem::PemObject;
use filch::tls::backend::pki_types::{CertificateDer, PrivateKeyDer};
use filch::tls::backend::{ClientConfig, RootCertStore, ServerConfig, crypto, version};

use super::alone::timed;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::tls::{End, Tls};

const AUTHORITY: &[u8] = include_bytes!("../../../tests/tls/certs/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../tests/tls/certs/localhost.pem");
const KEY: &[u8] = include_bytes!("../../../tests/tls/certs/localhost.key");

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let one = "a client connects, does a whole handshake, and reads a byte, 100 times in sequence";
    let again = "the same, and each handshake but the first resumes a session";
    let echo = "a client sends 64 bytes and reads them again, 2 000 times";
    let much = "a client sends 64 MiB in pieces of 64 KiB to a task that reads them";
    vec![
        Row::micro("tls", "handshake", "ns/handshake", one, on_each!(whole)),
        Row::micro("tls", "resumed", "ns/handshake", again, on_each!(resume)),
        Row::micro("tls", "echo_64", "ns/request", echo, on_each!(requests)),
        Row::micro("tls", "bulk", "ns/KiB", much, on_each!(bulk)),
    ]
}

/// Both sides' configurations, the same for all runtimes.
#[derive(Clone, Debug)]
struct Terms {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Terms {
    fn new(resumes: bool) -> Terms {
        let provider = Arc::new(crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13])
            .expect("ring has its suites")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("they belong together");
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(AUTHORITY).expect("a certificate");
        roots.add(authority).expect("an authority");
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .expect("ring has its suites")
            .with_root_certificates(roots)
            .with_no_client_auth();
        if resumes {
            server.ticketer = crypto::ring::Ticketer::new().expect("there is randomness");
        } else {
            client.resumption = Resumption::disabled();
        }
        let (server, client) = (Arc::new(server), Arc::new(client));
        Terms { server, client }
    }
}

/// A socket that listens, and where.
fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

fn whole<R: Tls>(plan: &Plan) -> Sample {
    handshakes::<R>(plan, false)
}

fn resume<R: Tls>(plan: &Plan) -> Sample {
    handshakes::<R>(plan, true)
}

fn handshakes<R: Tls>(plan: &Plan, resumes: bool) -> Sample {
    let (terms, count) = (Terms::new(resumes), plan.size(100, 5));
    timed::<R, _>(plan, count, move || {
        let terms = terms.clone();
        async move {
            let (listener, address) = listening();
            let listener = R::tcp_listener(listener).expect("it listens");
            let server = terms.server;
            let serving = R::spawn(async move {
                for _ in 0..count {
                    let mut end = R::accept(server.clone(), &listener)
                        .await
                        .expect("a client");
                    end.send(b"!").await.expect("it is there");
                }
            });
            let start = Moment::now();
            for _ in 0..count {
                let client = terms.client.clone();
                let mut end = R::connect(client, address).await.expect("a server");
                assert_eq!(end.read(&mut [0]).await.expect("it answers"), 1);
            }
            let took = start.elapsed();
            serving.await;
            took
        }
    })
}

/// Two ends that are connected, the client's first.
async fn pair<R: Tls>(terms: Terms) -> (R::End, R::End) {
    let (listener, address) = listening();
    let listener = R::tcp_listener(listener).expect("it listens");
    let accepting =
        R::spawn(async move { R::accept(terms.server, &listener).await.expect("a client") });
    let client = R::connect(terms.client, address).await.expect("a server");
    (client, accepting.await)
}

fn requests<R: Tls>(plan: &Plan) -> Sample {
    let (terms, count) = (Terms::new(false), plan.size(2000, 20));
    timed::<R, _>(plan, count, move || {
        let terms = terms.clone();
        async move {
            let (mut client, mut server) = pair::<R>(terms).await;
            let serving = R::spawn(async move {
                let mut buf = [0; 4096];
                loop {
                    match server.read(&mut buf).await.expect("a client") {
                        0 => return,
                        read => server.send(&buf[..read]).await.expect("a client"),
                    }
                }
            });
            let start = Moment::now();
            let mut answer = [0; 64];
            for _ in 0..count {
                client.send(&[7; 64]).await.expect("a server");
                assert_eq!(client.read(&mut answer).await.expect("a server"), 64);
            }
            let took = start.elapsed();
            client.finish().await.expect("a server");
            serving.await;
            took
        }
    })
}

fn bulk<R: Tls>(plan: &Plan) -> Sample {
    const PIECE: usize = 64 * 1024;
    let (terms, pieces) = (Terms::new(false), plan.size(1024, 16));
    timed::<R, _>(plan, pieces * PIECE / 1024, move || {
        let terms = terms.clone();
        async move {
            let (mut client, mut server) = pair::<R>(terms).await;
            let start = Moment::now();
            let reading = R::spawn(async move {
                let (mut buf, mut all) = (vec![0; PIECE], 0);
                loop {
                    match server.read(&mut buf).await.expect("a client") {
                        0 => return all,
                        read => all += read,
                    }
                }
            });
            let piece = vec![7; PIECE];
            for _ in 0..pieces {
                client.send(&piece).await.expect("a server");
            }
            client.finish().await.expect("a server");
            assert_eq!(reading.await, pieces * PIECE);
            start.elapsed()
        }
    })
}
