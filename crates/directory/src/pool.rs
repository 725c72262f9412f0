//! Several connections to the first server that answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use rustls::ClientConfig;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use crate::{
    connection::{Connection, Failure, REST},
    settings::{Limits, Server, ServiceAccount},
};

/// For how long a connection waits for another question. Servers close those that wait longer.
const IDLE: Duration = Duration::from_secs(30);

/// The servers of a directory, and which of them answer.
#[derive(Debug)]
pub(crate) struct Servers {
    list: Vec<Server>,
    tls: Arc<ClientConfig>,
    limits: Limits,
    /// Until when each is not asked, since it has failed.
    resting: Mutex<Vec<Option<Instant>>>,
    is_up: AtomicBool,
}

impl Servers {
    pub(crate) fn new(list: Vec<Server>, tls: Arc<ClientConfig>, limits: Limits) -> Self {
        let resting = Mutex::new(vec![None; list.len()]);
        Self { list, tls, limits, resting, is_up: AtomicBool::new(true) }
    }

    /// Whether the last question was answered.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Relaxed)
    }

    /// The first server that does not rest.
    fn next(&self) -> Option<usize> {
        let (now, resting) = (Instant::now(), self.resting());
        resting.iter().position(|until| until.is_none_or(|until| until <= now))
    }

    fn resting(&self) -> std::sync::MutexGuard<'_, Vec<Option<Instant>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, server: usize, answers: bool) {
        let until = (!answers).then(|| Instant::now() + REST);
        if let Some(resting) = self.resting().get_mut(server) {
            *resting = until;
        }
        if answers {
            self.is_up.store(true, Relaxed);
        }
    }
}

/// Connections for one purpose: with the account that searches, or for the passwords of users.
#[derive(Debug)]
pub(crate) struct Pool {
    servers: Arc<Servers>,
    account: Option<ServiceAccount>,
    places: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    server: usize,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(servers: Arc<Servers>, account: Option<ServiceAccount>) -> Self {
        let places = Semaphore::new(servers.limits.connections);
        Self { servers, account, places, idle: Mutex::default() }
    }

    /// Asks the first server that answers. The question may be asked of several.
    pub(crate) async fn ask<T>(
        &self,
        question: impl Fn(&mut Connection) -> BoxFuture<'_, Result<T, Failure>> + Send + Sync,
    ) -> Result<T, Failure> {
        let busy = |_| Failure::Broken("all connections are busy".to_owned());
        let place = timeout(self.servers.limits.answer, self.places.acquire()).await;
        let _place = place.map_err(busy)?;
        if let Some(mut idle) = self.take_idle() {
            // It may have died while it waited: then it says nothing about the server.
            let answer = question(&mut idle.connection).await;
            if !matches!(answer, Err(Failure::Broken(_))) {
                self.give_back(idle.connection, idle.server);
                return answer;
            }
        }
        let mut last = None;
        for _ in 0..self.servers.list.len() {
            let Some(server) = self.servers.next() else { break };
            let answer = match self.open(server).await {
                Ok(mut connection) => {
                    let answer = question(&mut connection).await;
                    if !matches!(answer, Err(Failure::Broken(_))) {
                        self.give_back(connection, server);
                        return answer;
                    }
                    answer
                }
                Err(failure) => Err(failure),
            };
            self.servers.note(server, false);
            let Err(failure) = answer else { break };
            tracing::warn!(server = %self.servers.list[server], cause = %failure,
                "a server of a directory does not answer");
            last = Some(failure);
        }
        self.servers.is_up.store(false, Relaxed);
        let resting = || Failure::Broken("no server has answered lately".to_owned());
        Err(last.unwrap_or_else(resting))
    }

    /// Asks one server, once. Which one it is may be found out by several tries: nothing is asked
    /// before the connection is there.
    pub(crate) async fn ask_once<T>(
        &self,
        question: impl AsyncFnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let busy = |_| Failure::Broken("all connections are busy".to_owned());
        let place = timeout(self.servers.limits.answer, self.places.acquire()).await;
        let _place = place.map_err(busy)?;
        let mut last = Failure::Broken("no server has answered lately".to_owned());
        for _ in 0..self.servers.list.len() {
            let Some(server) = self.servers.next() else { break };
            match self.open(server).await {
                Ok(mut connection) => return question(&mut connection).await,
                Err(failure) => last = failure,
            }
            self.servers.note(server, false);
        }
        Err(last)
    }

    /// A new connection, with the account that searches.
    async fn open(&self, server: usize) -> Result<Connection, Failure> {
        let Servers { list, tls, limits, .. } = &*self.servers;
        let mut connection = Connection::open(&list[server], tls, *limits).await?;
        if let Some(ServiceAccount { dn, password }) = &self.account {
            // What can't be read here is no answer to this account: this server is not a directory.
            let bound = connection.bind(dn, password).await.map_err(Failure::of_the_server)?;
            if bound.answer().check().is_err() {
                let told = bound.answer().told();
                let text = format!("the account {dn} may not sign in: {told}");
                return Err(Failure::Broken(text));
            }
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|own| now.duration_since(own.since) < IDLE);
        idle.pop()
    }

    fn give_back(&self, connection: Connection, server: usize) {
        self.servers.note(server, true);
        if connection.is_usable {
            let since = Instant::now();
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(Idle { connection, server, since });
        }
    }
}
