//! The HTTP servers: one axum `Router`, on filch by filch-axum and on tokio by axum's own `serve`.
//!
//! The hogs of such a server are handlers: each has a route, in which it computes once.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt;

use super::hogs::{self, Held};
use super::job::{Job, ready};
use crate::load::PLAINTEXT;
use crate::runtimes::filch::Filch;
use crate::runtimes::tokio::Tokio;
use crate::runtimes::{Peer, Runtime};

/// Serves HTTP until the process ends.
///
/// # Errors
/// When it cannot listen, or for a peer without axum.
pub(super) fn serve(job: &Job) -> io::Result<()> {
    let app = app(job)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    ready(&listener.local_addr()?.to_string())?;
    match job.peer {
        Peer::Filch | Peer::FilchUnwatched | Peer::FilchUnlooking => {
            crate::runtimes::filch::be(job.peer);
            Filch::run(&Filch::start(job.workers), async move {
                filch_axum::serve(Filch::tcp_listener(listener)?, app).await
            })
        }
        Peer::Tokio => Tokio::run(&Tokio::start(job.workers), async move {
            // filch-axum does that by itself.
            let listener = Tokio::tcp_listener(listener)?.tap_io(|stream| {
                stream.set_nodelay(true).expect("it is a TCP stream");
            });
            axum::serve(listener, app).await
        }),
        other => Err(io::Error::other(format!("there is no axum on {other}"))),
    }
}

fn app(job: &Job) -> io::Result<Router> {
    let hogs = Mutex::new(Vec::new());
    hogs::each(
        job.server.hog,
        job.server.hogs(job.workers),
        &job.board()?,
        |held| {
            let mut hogs = hogs.lock().unwrap_or_else(PoisonError::into_inner);
            hogs.push(Mutex::new(held));
        },
    )?;
    let hogs = hogs.into_inner().unwrap_or_else(PoisonError::into_inner);
    let hogs: Arc<[Mutex<Held>]> = hogs.into();
    Ok(Router::new()
        .route("/plaintext", get(|| async { PLAINTEXT }))
        .route(
            "/compute/{hog}",
            get(|Path(hog): Path<usize>| async move {
                let Some(held) = hogs.get(hog) else {
                    return Err(StatusCode::NOT_FOUND);
                };
                held.lock().unwrap_or_else(PoisonError::into_inner).poll();
                Ok(PLAINTEXT)
            }),
        ))
}
