//! Accepts connections and serves HTTP/1.1 on them (RFC 9112) until the process is told to stop.
//! Requests that have begun are then finished.

use std::{error::Error as _, io, net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use futures::future::join_all;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::{Instant, sleep},
};
use tower::Service as _;

use super::{
    Admission, Draining, Listener,
    admission::{Refused, Slot},
    stream::{TimedWrites, WriteLimits},
};
use crate::{
    config::StopConfig,
    process::{notify, signals::StopSignals},
    tls::TlsServer,
};

/// A connection that has not sent the whole head of a request after this time is closed. So is one
/// that idles.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head of a request. An access token in it may take 16 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// The most header fields of a request.
const MAX_FIELDS: usize = 100;
/// Refused connections are logged at most this often.
const REFUSALS_LOGGED_EVERY: Duration = Duration::from_mins(1);

/// A listener, and what answers there.
pub struct Part {
    /// Its sockets.
    pub listener: Listener,
    /// What answers.
    pub router: Router,
    /// `None` for plain HTTP.
    pub tls: Option<TlsServer>,
    /// How many connections it accepts.
    pub admission: Admission,
}

/// How long a connection may last.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimes {
    /// How long its reader may take.
    pub writes: WriteLimits,
    /// After this time it is closed when the request in progress is answered.
    pub max_age: Duration,
}

/// What every connection of a listener shares.
#[derive(Clone)]
struct Shared {
    router: Router,
    tls: Option<TlsServer>,
    times: ConnectionTimes,
    /// Changes when the process stops.
    stopping: watch::Receiver<bool>,
    /// Its other end sees when the last clone is gone.
    open: mpsc::Sender<()>,
}

/// Serves each part until a signal comes, reports for a while that it is not ready, then finishes
/// the requests that have begun. A second signal ends the waiting.
pub async fn serve(
    parts: Vec<Part>,
    times: ConnectionTimes,
    mut signals: StopSignals,
    stop: StopConfig,
    draining: Draining,
) {
    let (stop_connections, stopping) = watch::channel(false);
    let (open, mut all_closed) = mpsc::channel(1);
    let accepting = parts.into_iter().flat_map(|Part { listener, router, tls, admission }| {
        let shared = Shared { router, tls, times, stopping: stopping.clone(), open: open.clone() };
        let accept = move |socket| accept(socket, shared.clone(), admission.clone());
        listener.into_sockets().into_iter().map(accept).collect::<Vec<_>>()
    });
    let accepting = join_all(accepting);
    drop(open);
    tokio::select! {
        () = told_to_stop(&mut signals, stop, &draining) => {}
        _ = accepting => {}
    }
    tracing::info!("stopping: requests that have begun are finished");
    let _ = stop_connections.send(true);
    tokio::select! {
        // Nothing is ever sent: this ends when the last connection is closed.
        _ = all_closed.recv() => {}
        () = signals.next() => tracing::warn!("stopped at once by a second signal"),
        () = sleep(stop.finishing_time) => tracing::warn!("some requests took too long to finish"),
    }
}

async fn told_to_stop(signals: &mut StopSignals, stop: StopConfig, draining: &Draining) {
    signals.next().await;
    notify::stopping();
    draining.begin();
    if stop.drain_delay.is_zero() {
        return;
    }
    tracing::info!(
        seconds = stop.drain_delay.as_secs(),
        "about to stop: /health/ready says so, and requests are still accepted"
    );
    tokio::select! {
        () = sleep(stop.drain_delay) => {}
        () = signals.next() => {}
    }
}

/// Accepts for ever.
async fn accept(socket: TcpListener, shared: Shared, admission: Admission) {
    let mut refusals = Refusals::default();
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => match admission.admit(peer.ip()) {
                Ok(slot) => start(stream, peer, shared.clone(), slot),
                Err(refused) => refusals.note(refused, peer),
            },
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                // Most likely there are no file descriptors left; some will be closed.
                tracing::error!(%error, "a connection can't be accepted");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Errors of a single connection, which is then gone.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Counts refused connections, and logs them now and then: an attacker must not fill the log.
#[derive(Default)]
struct Refusals {
    since_last_line: u64,
    last_line: Option<Instant>,
}

impl Refusals {
    fn note(&mut self, refused: Refused, peer: SocketAddr) {
        metrics::counter!("doorward_refused_connections_total", "limit" => refused.label())
            .increment(1);
        self.since_last_line += 1;
        if self.last_line.is_none_or(|last| last.elapsed() >= REFUSALS_LOGGED_EVERY) {
            tracing::warn!(
                %peer,
                limit = refused.label(),
                refused = self.since_last_line,
                "too many connections: some are refused (see [connections])"
            );
            *self = Self { since_last_line: 0, last_line: Some(Instant::now()) };
        }
    }
}

fn start(stream: TcpStream, peer: SocketAddr, shared: Shared, slot: Slot) {
    // Answers are written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = TimedWrites::new(stream, shared.times.writes);
    tokio::spawn(async move {
        let mut stopping = shared.stopping.clone();
        let Some(tls) = &shared.tls else {
            http(stream, peer, shared, slot).await;
            return;
        };
        // Handshakes are not waited for when the process stops.
        let accepted = tokio::select! {
            accepted = tls.accept(stream) => accepted,
            _ = stopping.changed() => return,
        };
        match accepted {
            Ok(stream) => http(stream, peer, shared, slot).await,
            Err(error) => {
                metrics::counter!("doorward_failed_handshakes_total").increment(1);
                tracing::debug!(%peer, %error, "a TLS handshake failed");
            }
        }
    });
}

/// Serves HTTP on one connection until it ends.
async fn http<S>(stream: S, peer: SocketAddr, shared: Shared, _slot: Slot)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Shared { router, times, mut stopping, open: _open, .. } = shared;
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
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = wait_for_end(&mut stopping, times.max_age) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // hyper's own text does not say what happened to the stream.
        let cause = error.source().map(ToString::to_string);
        tracing::debug!(%peer, %error, cause, "a connection ended early");
    }
}

/// Waits until the process stops or the connection is old.
async fn wait_for_end(stopping: &mut watch::Receiver<bool>, max_age: Duration) {
    tokio::select! {
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = sleep(max_age) => {}
    }
}
