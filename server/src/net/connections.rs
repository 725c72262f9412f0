//! Accepting connections and serving HTTP/1.1 on them (RFC 9112) until told to stop; then requests
//! under way are finished.

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
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::Service as _;

use super::{Draining, Listener};
use crate::{config::StopConfig, process::signals::StopSignals, tls::TlsServer};

/// A connection that has not sent the whole head of a request after this time is closed, as is one
/// that idles.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head of a request. An access token in it may take 16 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// The most header fields of a request.
const MAX_FIELDS: usize = 100;

/// A listener, and what answers there.
pub struct Part {
    /// Its sockets.
    pub listener: Listener,
    /// What answers.
    pub router: Router,
    /// With what it speaks TLS; `None` for plain HTTP.
    pub tls: Option<TlsServer>,
}

/// Serves each part until a signal comes, says for a while that it is not ready, then finishes what
/// is under way; a second signal cuts that short.
pub async fn serve(
    parts: Vec<Part>,
    mut signals: StopSignals,
    stop: StopConfig,
    draining: Draining,
) {
    let connections = GracefulShutdown::new();
    // Handshakes are not waited for: they end when this is dropped.
    let (serving, handshakes) = watch::channel(());
    let accepting = parts.into_iter().flat_map(|Part { listener, router, tls }| {
        let connections = &connections;
        let tls = tls.map(|server| (server, handshakes.clone()));
        let accept = move |socket| accept(socket, router.clone(), tls.clone(), connections);
        listener.into_sockets().into_iter().map(accept).collect::<Vec<_>>()
    });
    let told_to_stop = async {
        signals.next().await;
        if !stop.drain_delay.is_zero() {
            draining.begin();
            tracing::info!(
                seconds = stop.drain_delay.as_secs(),
                "about to stop: /health/ready says so, requests are still taken"
            );
            tokio::select! {
                () = tokio::time::sleep(stop.drain_delay) => {}
                () = signals.next() => {}
            }
        }
    };
    tokio::select! {
        () = told_to_stop => {}
        _ = join_all(accepting) => {}
    }
    drop(serving);
    let under_way = connections.count();
    tracing::info!(connections = under_way, "stopping: requests under way are finished");
    tokio::select! {
        () = connections.shutdown() => {}
        () = signals.next() => tracing::warn!("stopped at once"),
        () = tokio::time::sleep(stop.finishing_time) => tracing::warn!("some requests took too long to finish"),
    }
}

/// What does handshakes, and what ends them: its other side is dropped.
type Handshakes = (TlsServer, watch::Receiver<()>);

/// Accepts for ever.
async fn accept(
    socket: TcpListener,
    router: Router,
    tls: Option<Handshakes>,
    connections: &GracefulShutdown,
) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                start(stream, peer, router.clone(), tls.clone(), connections.watcher())
            }
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
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

fn start(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    tls: Option<Handshakes>,
    watcher: Watcher,
) {
    // Answers are written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    tokio::spawn(async move {
        let Some((tls, mut serving)) = tls else {
            return http(stream, peer, router, watcher).await;
        };
        let accepted = tokio::select! {
            accepted = tls.accept(stream) => accepted,
            _ = serving.changed() => return,
        };
        match accepted {
            Ok(stream) => http(stream, peer, router, watcher).await,
            Err(error) => {
                metrics::counter!("doorward_failed_handshakes_total").increment(1);
                tracing::debug!(%peer, %error, "a TLS handshake failed");
            }
        }
    });
}

/// Serves HTTP on one connection until it ends.
async fn http<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
