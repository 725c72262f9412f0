//! The connection to the first host that answers.
//!
//! A host may accept a connection and then never answer: a stopped machine, a hung disk. So each
//! host has its own time limit, for the whole way from TCP to the session, and the next one is
//! tried after it. The host that answered last is tried first.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use deadpool_postgres::Connect;
use futures::{FutureExt as _, future::BoxFuture};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, Error};

/// Connects to the hosts in turn. `C` connects to one.
pub(super) struct Hosts<C> {
    connect: C,
    /// One configuration for each host.
    configs: Vec<Config>,
    /// How long one host may take.
    limit: Duration,
    /// The host that answered last.
    preferred: AtomicUsize,
    /// The password is read anew for each connection, so that it can be changed.
    password_file: Option<PathBuf>,
}

impl<C> Hosts<C> {
    /// Tries each host for its part of the time limit.
    pub(super) fn new(
        connect: C,
        hosts: Vec<Config>,
        limit: Duration,
        password_file: Option<PathBuf>,
    ) -> Self {
        let parts = u32::try_from(hosts.len()).unwrap_or(u32::MAX).max(1);
        Self {
            connect,
            configs: hosts,
            limit: limit / parts,
            preferred: AtomicUsize::new(0),
            password_file,
        }
    }
}

impl<C: Connect> Hosts<C> {
    async fn first_that_answers(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let first = self.preferred.load(Relaxed);
        let count = self.configs.len();
        let mut failure = None;
        for index in (0..count).map(|step| (first + step) % count) {
            let host = self.with_password(&self.configs[index]);
            match timeout(self.limit, self.connect.connect(&host)).await {
                Ok(Ok(connected)) => {
                    self.preferred.store(index, Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => failure = Some(error),
                Err(_) => {
                    tracing::warn!(host = index + 1, "a database host did not answer in time");
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            // No host refused: the pool's own time limit, which is near, reports it.
            None => std::future::pending().await,
        }
    }

    fn with_password(&self, host: &Config) -> Config {
        let mut host = host.clone();
        if let Some(file) = &self.password_file {
            match std::fs::read_to_string(file) {
                Ok(password) => {
                    host.password(password.trim_end_matches(['\r', '\n']));
                }
                Err(error) => {
                    let file = file.display();
                    tracing::error!(%file, %error, "the database's password can't be read");
                }
            }
        }
        host
    }
}

impl<C: Connect> Connect for Hosts<C> {
    fn connect(&self, _all: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        self.first_that_answers().boxed()
    }
}
