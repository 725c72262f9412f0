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
        (0..self.list.len()).find(|server| !self.rests(*server))
    }

    fn rests(&self, server: usize) -> bool {
        let until = self.resting().get(server).copied().flatten();
        until.is_some_and(|until| until > Instant::now())
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
        let (mut last, mut silent) = (None, None);
        if let Some(mut idle) = self.take_idle() {
            match question(&mut idle.connection).await {
                // It has died while it waited, which says nothing about the server.
                Err(Failure::Broken(_)) => {}
                Err(failure @ Failure::Late(_)) => {
                    self.give_up(idle.server, &failure);
                    (last, silent) = (Some(failure), Some(idle.server));
                }
                answer => {
                    self.give_back(idle.connection, idle.server);
                    return answer;
                }
            }
        }
        for _ in 0..self.servers.list.len() {
            // If it was the connection alone, the silent one may answer on a new one. Others first.
            let Some(server) = self.servers.next().or_else(|| silent.take()) else { break };
            let answer = match self.open(server).await {
                Ok(mut connection) => {
                    let answer = question(&mut connection).await;
                    if !answer.as_ref().is_err_and(Failure::is_unanswered) {
                        self.give_back(connection, server);
                        return answer;
                    }
                    answer
                }
                Err(failure) => Err(failure),
            };
            let Err(failure) = answer else { break };
            self.give_up(server, &failure);
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
                // One change that takes long says nothing about the server.
                Ok(mut connection) => return question(&mut connection).await,
                Err(failure) => {
                    self.give_up(server, &failure);
                    last = failure;
                }
            }
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
        // A server that rests has not answered others: these would wait for it in vain.
        idle.retain(|own| now.duration_since(own.since) < IDLE && !self.servers.rests(own.server));
        idle.pop()
    }

    /// Lets a server rest that does not answer, and closes the connections to it.
    fn give_up(&self, server: usize, failure: &Failure) {
        tracing::warn!(server = %self.servers.list[server], cause = %failure,
            "a server of a directory does not answer");
        self.servers.note(server, false);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|own| own.server != server);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::AtomicUsize;

    use futures::FutureExt as _;
    use tokio::{net::TcpListener, sync::Barrier};

    use super::*;
    use crate::{connection::tls, settings::Security};

    /// A server that takes connections and says nothing, with the count of them.
    async fn server() -> (Server, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Relaxed);
                open.push(stream);
            }
        });
        (Server { host: "127.0.0.1".to_owned(), port, security: Security::Plain }, count)
    }

    fn servers(list: Vec<Server>) -> Arc<Servers> {
        let tls = Arc::new(tls(&[], &[]).unwrap());
        Arc::new(Servers::new(list, tls, Limits::default()))
    }

    /// Leaves two idle connections behind.
    async fn warm(pool: &Pool) {
        let both = Arc::new(Barrier::new(2));
        let question = || {
            pool.ask(|_| {
                let both = Arc::clone(&both);
                async move {
                    both.wait().await;
                    Ok(())
                }
                .boxed()
            })
        };
        let (first, second) = tokio::join!(question(), question());
        first.and(second).unwrap();
    }

    /// Asks a question that gets these answers, one for each time that it is asked.
    async fn ask(pool: &Pool, answers: &[Result<(), Failure>]) -> Result<(), Failure> {
        let asked = AtomicUsize::new(0);
        let outcome = pool
            .ask(|_| {
                let answer = answers[asked.fetch_add(1, Relaxed)].clone();
                async move { answer }.boxed()
            })
            .await;
        assert_eq!(asked.load(Relaxed), answers.len());
        outcome
    }

    fn late() -> Result<(), Failure> {
        Err(Failure::Late("no answer".to_owned()))
    }

    #[tokio::test]
    async fn idle_connections_to_a_server_that_hangs_are_left() {
        let ((first, of_first), (second, of_second)) = (server().await, server().await);
        let servers = servers(vec![first, second]);
        let pool = Pool::new(Arc::clone(&servers), None);
        let passwords = Pool::new(servers, None);
        warm(&pool).await;
        warm(&passwords).await;
        // One question finds it out, and is answered by the other server.
        ask(&pool, &[late(), Ok(())]).await.unwrap();
        ask(&pool, &[Ok(())]).await.unwrap();
        ask(&passwords, &[Ok(())]).await.unwrap();
        // The count may be late, the connections were there before the answers.
        while of_first.load(Relaxed) < 4 || of_second.load(Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!((of_first.load(Relaxed), of_second.load(Relaxed)), (4, 2));
    }

    #[tokio::test]
    async fn an_idle_connection_that_has_died_says_nothing_about_the_server() {
        let ((first, of_first), (second, _)) = (server().await, server().await);
        let pool = Pool::new(servers(vec![first, second]), None);
        warm(&pool).await;
        ask(&pool, &[Err(Failure::Broken("closed".to_owned())), Ok(())]).await.unwrap();
        while of_first.load(Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_only_server_is_asked_once_more_on_a_new_connection() {
        let (only, _) = server().await;
        let pool = Pool::new(servers(vec![only]), None);
        warm(&pool).await;
        ask(&pool, &[late(), Ok(())]).await.unwrap();
        assert!(pool.servers.is_up());
        assert_eq!(ask(&pool, &[late(), late()]).await, late());
        assert!(!pool.servers.is_up());
        let resting = ask(&pool, &[]).await.unwrap_err();
        assert!(resting.is_unanswered(), "{resting:?}");
    }

    #[tokio::test]
    async fn a_change_that_takes_long_keeps_nobody_out() {
        let (only, _) = server().await;
        let pool = Pool::new(servers(vec![only]), None);
        assert_eq!(pool.ask_once(async |_: &mut Connection| late()).await, late());
        assert!(!pool.servers.rests(0));
    }
}
