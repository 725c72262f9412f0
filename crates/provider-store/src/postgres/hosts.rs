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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use tokio::io::{AsyncWriteExt as _, duplex};
    use tokio_postgres::NoTls;

    use super::*;

    /// Whoever connects is accepted, and only one host answers.
    struct OneAnswers {
        port: u16,
        /// The ports of the hosts that were asked.
        asked: Mutex<Vec<u16>>,
    }

    impl Connect for OneAnswers {
        fn connect(&self, host: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
            let (host, port) = (host.clone(), host.get_ports()[0]);
            self.asked.lock().unwrap().push(port);
            async move {
                let (own, mut theirs) = duplex(4096);
                if port == self.port {
                    // AuthenticationOk and ReadyForQuery (PostgreSQL's protocol, message formats).
                    let greeting = [b"R\0\0\0\x08\0\0\0\0".as_slice(), b"Z\0\0\0\x05I"].concat();
                    theirs.write_all(&greeting).await.unwrap();
                }
                let (client, connection) = host.connect_raw(own, NoTls).await?;
                let connection = tokio::spawn(async move {
                    let _ends_last = theirs;
                    let _ = connection.await;
                });
                Ok((client, connection))
            }
            .boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_answers_is_passed_over_and_the_one_that_did_is_asked_first() {
        let connect = OneAnswers { port: 3, asked: Mutex::default() };
        let host = |port| Config::new().user("doorward").host("db.example").port(port).clone();
        let limit = Duration::from_secs(3);
        let hosts = Hosts::new(connect, [1, 2, 3].map(host).into(), limit, None);
        let began = tokio::time::Instant::now();
        hosts.first_that_answers().await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(2), "a third of the limit for each host");
        hosts.first_that_answers().await.unwrap();
        assert_eq!(*hosts.connect.asked.lock().unwrap(), [1, 2, 3, 3]);
    }
}
