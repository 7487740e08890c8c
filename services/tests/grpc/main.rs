//! tonic without its transport on filch: calls, streams one way and both, calls that are given up or too late, and how
//! server and client end.

mod calls;
mod deadlines;
mod streams;
mod talk;

use std::net::SocketAddr;
use std::time::Duration;

use filch::http::{Served, memory};
use filch::net::{TcpListener, TcpStream};
use filch::{CancelToken, JoinHandle};
use filch_services::grpc::{Channel, serve};
use talk::{Gone, TalkClient};
use tonic::service::Routes;
use tonic_health::pb::health_client::HealthClient;

struct Server {
    address: SocketAddr,
    stop: CancelToken,
    task: JoinHandle<std::io::Result<Served>>,
}

impl Server {
    async fn start(routes: Routes) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancelToken::new());
        let server = serve(listener, routes).graceful(stop.clone(), Duration::from_secs(30));
        Server {
            address,
            stop,
            task: filch::spawn(server.into_future()),
        }
    }

    async fn channel(&self) -> Channel {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Channel::new(stream).await.unwrap()
    }

    async fn client(&self) -> HealthClient<Channel> {
        HealthClient::with_origin(self.channel().await, origin())
    }

    async fn stop(self) -> Served {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }
}

fn origin() -> tonic::codegen::http::Uri {
    "http://localhost".parse().unwrap()
}

/// A client in memory, for a test whose clock is paused, and who hears of the streams that its server has dropped.
async fn talk_in_memory() -> (TalkClient, Gone) {
    let (dialer, listener) = memory();
    let (routes, gone) = talk::routes();
    let _detached = filch::spawn(serve(listener, routes).into_future());
    let channel = Channel::new(dialer.connect().await.unwrap()).await.unwrap();
    (TalkClient::new(channel), gone)
}
