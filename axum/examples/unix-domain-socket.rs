//! What axum's example of this name does: a server on a Unix socket, which knows who has connected, and its client.
//!
//! ```text
//! cargo run -p filch-axum --example unix-domain-socket
//! ```

#[cfg(unix)]
#[filch::main]
async fn main() -> std::io::Result<()> {
    unix::server().await
}

#[cfg(not(unix))]
fn main() {
    println!("this example is for Unix");
}

#[cfg(unix)]
mod unix {
    use axum::Router;
    use axum::routing::get;
    use filch::io::AsyncReadExt;
    use filch::net::unix::UCred;
    use filch::net::{UnixListener, UnixStream};
    use filch_axum::extract::connect_info::{self, *};
    use filch_axum::serve::IncomingStream;

    pub(super) async fn server() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("filch-axum-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("socket");
        let _ = filch::fs::remove_file(&path).await;
        let uds = UnixListener::bind(&path)?;
        filch::spawn(async move {
            let app = Router::new().route("/", get(handler));
            filch_axum::serve(
                uds,
                app.into_make_service_with_connect_info::<UdsConnectInfo>(),
            )
            .await
            .unwrap();
        });

        let mut stream = UnixStream::connect(&path).await?;
        stream
            .write_all(
                b"GET / HTTP/1.1\r\nhost: uri-doesnt-matter.com\r\nconnection: close\r\n\r\n",
            )
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        println!("{answer}");
        std::fs::remove_dir_all(&folder)
    }

    async fn handler(ConnectInfo(info): ConnectInfo<UdsConnectInfo>) -> &'static str {
        println!("new connection from {:?}", info);
        "Hello, World!"
    }

    #[derive(Clone, Debug)]
    #[allow(dead_code, reason = "they are printed")]
    struct UdsConnectInfo {
        peer_addr: std::os::unix::net::SocketAddr,
        peer_cred: Option<UCred>,
    }

    impl connect_info::Connected<IncomingStream<'_, UnixListener>> for UdsConnectInfo {
        fn connect_info(stream: IncomingStream<'_, UnixListener>) -> UdsConnectInfo {
            UdsConnectInfo {
                peer_addr: stream.remote_addr().clone(),
                peer_cred: stream.io().peer_cred().ok(),
            }
        }
    }
}
