//! Accepting connections and serving HTTP/1.1 on them (RFC 9112) until told to stop; then requests under way are finished.

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use futures::future::join_all;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::Service as _;

use super::Listener;
use crate::stop::StopSignals;

/// A connection that has not sent the whole head of a request after this time is closed, as is one that idles.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head of a request. An access token in it may take 16 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// The most header fields of a request.
const MAX_FIELDS: usize = 100;
/// How long requests under way may take to finish when the process is told to stop.
const FINISHING_TIME: Duration = Duration::from_secs(10);

/// Serves each router on its listener until a signal comes, then finishes what is under way; a second signal cuts that
/// short.
pub async fn serve(parts: Vec<(Listener, Router)>, mut signals: StopSignals) {
    let connections = GracefulShutdown::new();
    let accepting = parts.into_iter().flat_map(|(listener, router)| {
        let connections = &connections;
        let accept = move |socket| accept(socket, router.clone(), connections);
        listener.into_sockets().into_iter().map(accept).collect::<Vec<_>>()
    });
    tokio::select! {
        () = signals.next() => {}
        _ = join_all(accepting) => {}
    }
    let under_way = connections.count();
    tracing::info!(connections = under_way, "stopping: requests under way are finished");
    tokio::select! {
        () = connections.shutdown() => {}
        () = signals.next() => tracing::warn!("stopped at once"),
        () = tokio::time::sleep(FINISHING_TIME) => tracing::warn!("some requests took too long to finish"),
    }
}

/// Accepts for ever.
async fn accept(socket: TcpListener, router: Router, connections: &GracefulShutdown) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => start(stream, peer, router.clone(), connections),
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: some will come back.
                tracing::error!(%error, "a connection can't be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Errors that concern the one connection, which is gone then.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn start(stream: TcpStream, peer: SocketAddr, router: Router, connections: &GracefulShutdown) {
    // Answers are written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_FIELDS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
