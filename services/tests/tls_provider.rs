//! TLS with other cryptography than filch's own choice: aws-lc-rs, which has a key exchange that quantum computers do
//! not break.

use std::io;
use std::path::Path;
use std::sync::Arc;

use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use filch::tls::{CryptoProvider, Identity, Roots, TlsAcceptor, TlsConnector, TlsStream, backend};
use rustls::NamedGroup;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn certificate(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/tls/certs")
        .join(name)
}

fn acceptor(provider: Option<&Arc<CryptoProvider>>) -> Result<TlsAcceptor, Error> {
    let identity =
        Identity::from_pem_files(certificate("localhost.pem"), certificate("localhost.key"))?;
    let builder = TlsAcceptor::builder().identity(identity);
    Ok(match provider {
        Some(provider) => builder.provider(Arc::clone(provider)),
        None => builder,
    }
    .build()?)
}

fn connector(provider: Option<&Arc<CryptoProvider>>) -> Result<TlsConnector, Error> {
    let builder = TlsConnector::builder().roots(Roots::from_pem_file(certificate("ca.pem"))?);
    Ok(match provider {
        Some(provider) => builder.provider(Arc::clone(provider)),
        None => builder,
    }
    .build()?)
}

/// The key exchange that both ends say they have used, after bytes went both ways.
async fn key_exchange(acceptor: TlsAcceptor, connector: TlsConnector) -> Result<NamedGroup, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = filch::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await?.0).await?;
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await?;
        stream.write_all(&bytes).await?;
        stream.close().await?;
        io::Result::Ok(group(&stream))
    });
    let mut client = connector
        .connect("localhost", TcpStream::connect(address).await?)
        .await?;
    client.write_all(b"ping").await?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await?;
    assert_eq!(answer, b"ping");
    assert_eq!(server.await??, group(&client));
    Ok(group(&client))
}

fn group<S>(stream: &TlsStream<S>) -> NamedGroup {
    let group = stream.connection().negotiated_key_exchange_group();
    group.expect("the handshake is over").name()
}

#[filch::test]
async fn aws_lc_rs_negotiates_a_post_quantum_key_exchange() -> Result<(), Error> {
    let provider = Arc::new(backend::crypto::aws_lc_rs::default_provider());
    let both = key_exchange(acceptor(Some(&provider))?, connector(Some(&provider))?).await?;
    assert_eq!(both, NamedGroup::X25519MLKEM768);
    // With an end that has only ring it is an ordinary one.
    let ordinary = [
        key_exchange(acceptor(None)?, connector(Some(&provider))?).await?,
        key_exchange(acceptor(Some(&provider))?, connector(None)?).await?,
        key_exchange(acceptor(None)?, connector(None)?).await?,
    ];
    assert_eq!(ordinary, [NamedGroup::X25519; 3]);
    Ok(())
}

/// Here two providers are linked, and neither is the process's default: nobody asks for it.
#[filch::test]
async fn the_default_of_the_process_is_not_asked_for() -> Result<(), Error> {
    assert!(CryptoProvider::get_default().is_none());
    key_exchange(acceptor(None)?, connector(None)?).await?;
    assert!(CryptoProvider::get_default().is_none());
    Ok(())
}
