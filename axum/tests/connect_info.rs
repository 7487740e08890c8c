//! Who has connected, whether or not axum's feature `tokio` is on, and whether or not this crate knows of that.

use axum::Router;
use axum::handler::HandlerWithoutStateExt;
use axum::routing::get;
use filch::http::{Body, Client, test_client};
use filch::net::TcpListener;
use filch_axum::connect_info::*;
use filch_axum::{IncomingStream, serve};
use std::net::SocketAddr;

/// Serves until the test's end, and asks for `/`.
macro_rules! answers {
    ($make:expr) => {{
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _server = filch::spawn(serve(listener, $make).into_future());
        let client = Client::builder().no_proxy().build();
        let answer = client.get(&format!("http://{address}/")).await.unwrap();
        answer.text().await.unwrap()
    }};
}

async fn peer(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    peer.ip().to_string()
}

#[filch::test]
async fn handlers_learn_who_has_connected() {
    let router = Router::new().route("/", get(peer));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    assert_eq!(answers!(router), "127.0.0.1");
    let method = get(peer).into_make_service_with_connect_info::<SocketAddr>();
    assert_eq!(answers!(method), "127.0.0.1");
    let service = peer.into_service();
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    assert_eq!(answers!(service), "127.0.0.1");
    assert!(answers!(Router::new().route("/", get(peer))).contains("onnect"));
}

/// Here `ConnectInfo` is axum's, if axum has one: what the block imports hides what the file does.
#[filch::test]
async fn axums_own_extractor_finds_it_too_if_there_is_one() {
    #[allow(unused_imports, reason = "it may bring nothing")]
    use axum::extract::*;

    async fn peer(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
        peer.ip().to_string()
    }

    let router = Router::new().route("/", get(peer));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    assert_eq!(answers!(router), "127.0.0.1");
}

#[derive(Clone)]
struct Port(u16);

impl Connected<IncomingStream<'_, TcpListener>> for Port {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Port {
        Port(stream.io().peer_addr().unwrap().port())
    }
}

#[filch::test]
async fn what_a_handler_wants_to_know_may_be_a_type_of_its_own() {
    async fn port(ConnectInfo(Port(port)): ConnectInfo<Port>) -> String {
        (port > 0).to_string()
    }
    let router = Router::new().route("/", get(port));
    let router = MakeServiceExt::into_make_service_with_connect_info::<Port>(router);
    assert_eq!(answers!(router), "true");
}

#[filch::test]
async fn a_test_says_who_has_connected_where_nobody_has() {
    let somebody = SocketAddr::from(([192, 0, 2, 7], 1337));
    let router = Router::new().route("/", get(peer));
    let client = test_client(router.layer(MockConnectInfo(somebody)));
    let body: Body = client.get("/").await.unwrap().into_body();
    assert_eq!(body.text(100).await.unwrap(), "192.0.2.7");
}
