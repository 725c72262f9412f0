//! The one writer: a thread that owns the connection for writing and commits waiting commands
//! together.
//!
//! A commit costs one wait for the disk, however many commands it holds. So the writer takes all
//! commands that wait, runs each in a savepoint of its own, commits once, and only then answers.
//! While the disk works the next commands gather.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;

/// The most commands that share a commit. It bounds how long the first of them waits.
const MAX_BATCH: usize = 256;
/// Commands that may wait for the writer. Further callers wait for a place in the queue.
const QUEUE: usize = 1024;
/// How often the writer looks whether another process has released the file's lock. A process that
/// writes all the time releases it for a moment after each commit. SQLite's own waiting looks every
/// 100 ms after a while, and would hardly ever find it free.
const LOOK_AGAIN: Duration = Duration::from_micros(250);

/// The way to the writer's thread. Dropping it ends the thread after all accepted commands are
/// committed.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<thread::JoinHandle<()>>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    commands: AtomicU64,
}

/// What the writer did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Commands answered with success. Divided by `commits` it is how many shared a commit.
    pub commands: u64,
}

impl Writer {
    /// Starts the thread. Without `group_commit` each command has a transaction of its own.
    /// A transaction waits `busy_timeout` for a lock that another process holds, beside what the
    /// connection itself waits.
    pub(super) fn start(
        connection: Connection,
        group_commit: bool,
        busy_timeout: Duration,
    ) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let counters = Arc::new(Counters::default());
        let max_batch = if group_commit { MAX_BATCH } else { 1 };
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn({
            let counters = Arc::clone(&counters);
            move || work(connection, jobs, max_batch, busy_timeout, &counters)
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), counters })
    }

    /// Runs a command and answers when it is durable. If the caller stops waiting, an accepted
    /// command is still run.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let queue = self.queue.as_ref().ok_or(Failure::WriterStopped)?;
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Command { work: Some(command), outcome: None, answer });
        queue.send(job).await.map_err(|_| Failure::WriterStopped)?;
        answered.await.map_err(|_| Failure::WriterStopped)?
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            commits: self.counters.commits.load(Relaxed),
            commands: self.counters.commands.load(Relaxed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the database writer had stopped after a panic");
        }
    }
}

/// A command whose result type is hidden from the writer.
trait Job: Send {
    /// Runs the command. An error says why it failed; its changes must be undone.
    fn run(&mut self, connection: &Connection) -> Result<(), String>;
    /// Answers: with the outcome if the transaction was committed, else with why it was not.
    fn answer(self: Box<Self>, not_committed: Option<&str>);
}

struct Command<T, W> {
    /// `None` once run.
    work: Option<W>,
    /// `None` until run.
    outcome: Option<Result<T, Failure>>,
    answer: oneshot::Sender<Result<T, Failure>>,
}

impl<T: Send, W: FnOnce(&Connection) -> Result<T, Failure> + Send> Job for Command<T, W> {
    fn run(&mut self, connection: &Connection) -> Result<(), String> {
        // A panic is a defect of this one command: it must not take the writer, and with it every
        // other command, along.
        self.outcome = self.work.take().map(|work| {
            catch_unwind(AssertUnwindSafe(|| work(connection)))
                .unwrap_or_else(|_| Err(Failure::Panicked))
        });
        match &self.outcome {
            Some(Err(failure)) => Err(failure.to_string()),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    fn answer(self: Box<Self>, not_committed: Option<&str>) {
        let outcome = match (not_committed, self.outcome) {
            (None, Some(outcome)) => outcome,
            (None, None) => Err(Failure::WriterStopped),
            (Some(why), _) => Err(Failure::NotCommitted(why.to_owned())),
        };
        // A caller that no longer waits misses its answer; what was committed stays.
        let _ = self.answer.send(outcome);
    }
}

fn work(
    connection: Connection,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    max_batch: usize,
    busy_timeout: Duration,
    counters: &Counters,
) {
    let mut batch = Vec::with_capacity(max_batch);
    while jobs.blocking_recv_many(&mut batch, max_batch) > 0 {
        let not_committed = match commit(&connection, &mut batch, busy_timeout) {
            Ok(succeeded) => {
                counters.commits.fetch_add(1, Relaxed);
                counters.commands.fetch_add(succeeded, Relaxed);
                None
            }
            Err(failure) => {
                tracing::error!(commands = batch.len(), %failure, "a transaction was not \
                    committed");
                if failure.is_locked() {
                    // These have waited for the same lock: they must not wait as long once more.
                    // Whoever comes after the first answer may find the lock gone.
                    batch.extend((0..QUEUE).map_while(|_| jobs.try_recv().ok()));
                }
                Some(failure.to_string())
            }
        };
        for job in batch.drain(..) {
            job.answer(not_committed.as_deref());
        }
    }
    // The last connection to close moves the log into the database file and removes it.
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database was not closed cleanly; nothing is lost, the next \
            start recovers it");
    }
}

/// Runs all commands in one transaction; returns how many succeeded. On an error nothing of any of
/// them is left.
fn commit(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    busy_timeout: Duration,
) -> Result<u64, Failure> {
    let transaction = begin(connection, busy_timeout)?;
    let mut succeeded = 0;
    for job in batch {
        transaction.prepare_cached("SAVEPOINT command")?.execute([])?;
        match job.run(&transaction) {
            Ok(()) => succeeded += 1,
            // A full disk or a failed write may have ended the whole transaction, with the earlier
            // commands in it.
            Err(why) if transaction.is_autocommit() => return Err(Failure::NotCommitted(why)),
            Err(_) => {
                transaction.prepare_cached("ROLLBACK TO command")?.execute([])?;
            }
        }
        transaction.prepare_cached("RELEASE command")?.execute([])?;
    }
    transaction.commit()?;
    Ok(succeeded)
}

/// Begins a transaction that may write, as soon as no other process has the file's lock.
fn begin(connection: &Connection, busy_timeout: Duration) -> Result<Transaction<'_>, Failure> {
    let began = Instant::now();
    loop {
        // The connection has no transaction yet: only this thread has the connection.
        match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
            Err(error) => {
                let failure = Failure::from(error);
                if !failure.is_locked() || began.elapsed() >= busy_timeout {
                    return Err(failure);
                }
                thread::sleep(LOOK_AGAIN);
            }
            Ok(transaction) => return Ok(transaction),
        }
    }
}

#[cfg(test)]
mod tests;
