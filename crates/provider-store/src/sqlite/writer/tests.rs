//! The writer on a bare database: batches, failures, the end.
#![allow(clippy::unwrap_used)]
use std::{
    path::Path,
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
};

use tempfile::TempDir;

use super::*;

/// A file with one table, whose rows name an owner that must exist at the commit, and no other
/// owner than 1.
fn database() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(folder.path());
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE owners (id INTEGER PRIMARY KEY);
             CREATE TABLE things (
                 id INTEGER PRIMARY KEY,
                 owner INTEGER REFERENCES owners DEFERRABLE INITIALLY DEFERRED,
                 content BLOB
             );
             INSERT INTO owners VALUES (1);",
        )
        .unwrap();
    (folder, connection)
}

fn connect(folder: &Path) -> Connection {
    Connection::open(folder.join("test.sqlite3")).unwrap()
}

fn things(folder: &Path) -> Vec<i64> {
    let connection = connect(folder);
    let mut statement = connection.prepare("SELECT id FROM things ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn insert(
    id: i64,
    owner: i64,
    size: i64,
) -> impl FnOnce(&Connection) -> Result<(), Failure> + Send {
    move |connection| {
        connection
            .execute("INSERT INTO things VALUES (?1, ?2, zeroblob(?3))", (id, owner, size))?;
        Ok(())
    }
}

/// Puts a command into the queue; where its answer comes.
fn send<W>(writer: &Writer, command: W) -> oneshot::Receiver<Result<(), Failure>>
where
    W: FnOnce(&Connection) -> Result<(), Failure> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let job = Box::new(Command { work: Some(command), outcome: None, answer });
    assert!(writer.queue.as_ref().unwrap().try_send(job).is_ok());
    answered
}

/// Runs the commands in one batch: they gather while a first command holds the writer.
async fn run_together<W>(writer: &Arc<Writer>, commands: Vec<W>) -> Vec<Result<(), Failure>>
where
    W: FnOnce(&Connection) -> Result<(), Failure> + Send + 'static,
{
    let (go, wait) = channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let holder = tokio::spawn({
        let writer = Arc::clone(writer);
        async move {
            let hold = move |_: &Connection| {
                let _ = begun.send(());
                wait.recv().map_err(|_| Failure::WriterStopped)
            };
            writer.run(hold).await
        }
    });
    has_begun.await.unwrap();
    let answers: Vec<_> = commands.into_iter().map(|command| send(writer, command)).collect();
    go.send(()).unwrap();
    holder.await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for answer in answers {
        outcomes.push(answer.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn waiting_commands_share_a_commit() {
    let (folder, connection) = database();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    let outcomes = run_together(&writer, (1..=50).map(|id| insert(id, 1, 1)).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(writer.stats(), Stats { commits: 2, commands: 51 });
    assert_eq!(things(folder.path()).len(), 50);
}

#[tokio::test]
async fn without_group_commit_each_has_its_own() {
    let (_folder, connection) = database();
    let writer = Arc::new(Writer::start(connection, false, Duration::ZERO).unwrap());
    run_together(&writer, (1..=50).map(|id| insert(id, 1, 1)).collect()).await;
    assert_eq!(writer.stats(), Stats { commits: 51, commands: 51 });
}

#[tokio::test]
async fn a_failing_command_leaves_no_trace_and_spares_the_others() {
    let (folder, connection) = database();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    let half_done: fn(&Connection) -> Result<(), Failure> = |connection| {
        connection.execute("INSERT INTO things VALUES (7, 1, NULL)", [])?;
        connection.execute("INSERT INTO things VALUES (1, 1, NULL)", [])?;
        Ok(())
    };
    let whole: fn(&Connection) -> Result<(), Failure> = |connection| insert(1, 1, 1)(connection);
    let last: fn(&Connection) -> Result<(), Failure> = |connection| insert(2, 1, 1)(connection);
    let outcomes = run_together(&writer, vec![whole, half_done, last]).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert!(outcomes[1].as_ref().unwrap_err().is_constraint());
    assert_eq!(things(folder.path()), [1, 2]);
}

#[tokio::test]
async fn a_failed_commit_fails_all_and_leaves_nothing() {
    let (folder, connection) = database();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    // There is no owner 2, which is found out at the commit.
    let outcomes =
        run_together(&writer, vec![insert(1, 1, 1), insert(2, 2, 1), insert(3, 1, 1)]).await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Err(Failure::NotCommitted(_)))),
        "{outcomes:?}"
    );
    assert!(things(folder.path()).is_empty());
    writer.run(insert(4, 1, 1)).await.unwrap();
    assert_eq!(things(folder.path()), [4]);
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_not_the_end() {
    let (folder, connection) = database();
    connection.execute_batch("PRAGMA max_page_count = 40").unwrap();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    let outcomes =
        run_together(&writer, vec![insert(1, 1, 1), insert(2, 1, 1_000_000), insert(3, 1, 1)])
            .await;
    let succeeded: Vec<_> =
        (1..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(id, _)| id).collect();
    assert!(!succeeded.contains(&2));
    assert_eq!(
        things(folder.path()),
        succeeded,
        "what was answered is there, what was refused is not"
    );
    writer.run(insert(4, 1, 1)).await.unwrap();
    assert!(things(folder.path()).contains(&4));
}

#[tokio::test]
async fn what_was_accepted_is_committed_before_the_end() {
    let (folder, connection) = database();
    let writer = Writer::start(connection, true, Duration::ZERO).unwrap();
    for id in 1..=20 {
        drop(send(&writer, insert(id, 1, 1)));
    }
    drop(writer);
    assert_eq!(things(folder.path()).len(), 20);
    assert!(!folder.path().join("test.sqlite3-wal").exists(), "the log was moved into the file");
}

#[tokio::test]
async fn a_panic_fails_its_own_command_only() {
    type Boxed = Box<dyn FnOnce(&Connection) -> Result<(), Failure> + Send>;
    let (folder, connection) = database();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    let panics = |connection: &Connection| {
        insert(2, 1, 1)(connection)?;
        panic!("a defect in a command");
    };
    let commands: Vec<Boxed> =
        vec![Box::new(insert(1, 1, 1)), Box::new(panics), Box::new(insert(3, 1, 1))];
    let outcomes = run_together(&writer, commands).await;
    assert!(matches!(&outcomes[..], [Ok(()), Err(Failure::Panicked), Ok(())]), "{outcomes:?}");
    writer.run(insert(4, 1, 1)).await.unwrap();
    assert_eq!(things(folder.path()), [1, 3, 4]);
}

/// The first command waits for a lock of another program, and two more come meanwhile.
#[tokio::test]
async fn nobody_waits_twice_for_a_lock_of_another_program() {
    // SQLite calls a plain function while it waits, so what the function knows is shared.
    static WAITS: Mutex<Option<(oneshot::Sender<()>, Receiver<()>)>> = Mutex::new(None);
    let (begun, has_begun) = oneshot::channel();
    let (go, wait) = channel();
    *WAITS.lock().unwrap() = Some((begun, wait));
    let (folder, connection) = database();
    connection
        .busy_handler(Some(|_| {
            let (begun, wait) = WAITS.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            wait.recv().unwrap();
            false
        }))
        .unwrap();
    let other = connect(folder.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writer = Arc::new(Writer::start(connection, true, Duration::ZERO).unwrap());
    let first = tokio::spawn({
        let writer = Arc::clone(&writer);
        async move { writer.run(insert(1, 1, 1)).await }
    });
    has_begun.await.unwrap();
    let answers: Vec<_> = [2, 3].map(|id| send(&writer, insert(id, 1, 1))).into();
    go.send(()).unwrap();
    // A second wait would find nothing in WAITS, and the writer's thread would panic.
    assert!(matches!(first.await.unwrap(), Err(Failure::NotCommitted(_))));
    for answer in answers {
        assert!(matches!(answer.await.unwrap(), Err(Failure::NotCommitted(_))));
    }
    other.execute_batch("ROLLBACK").unwrap();
    writer.run(insert(4, 1, 1)).await.unwrap();
    assert_eq!(things(folder.path()), [4]);
}
