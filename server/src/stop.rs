//! When to stop: SIGTERM, as service managers send it, or Ctrl-C. And when to read the certificate
//! anew: SIGHUP.

use std::io;

/// Waits for signals.
#[cfg(unix)]
pub struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// From now on the signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    /// Nothing to be set up.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next Ctrl-C.
    pub async fn next(&mut self) {
        // One that can't be heard is waited for like one that is never pressed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for SIGHUP.
#[cfg(unix)]
pub struct HangUps(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUps {
    /// From now on the signal no longer ends the process.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        // Without a next one there is nothing to wait for.
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// There is no such signal.
#[cfg(not(unix))]
pub struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    /// Nothing to be set up.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// It never comes.
    pub async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
