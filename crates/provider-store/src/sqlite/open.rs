//! Opening the database file: creation, settings of the connections, migrations, and what can go
//! wrong.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::schema::SchemaVersion;

/// The migrations in their order. A released one is never changed: the next change of the schema is
/// a new file.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_initial.sql")),
    M::up(include_str!("migrations/0002_clients.sql")),
    M::up(include_str!("migrations/0003_families.sql")),
    M::up(include_str!("migrations/0004_unredeemed.sql")),
    M::up(include_str!("migrations/0005_pages.sql")),
    M::up(include_str!("migrations/0006_known_and_bounded.sql")),
    M::up(include_str!("migrations/0007_accounts.sql")),
    M::up(include_str!("migrations/0008_outbox.sql")),
    M::up(include_str!("migrations/0009_factors.sql")),
    M::up(include_str!("migrations/0010_account_events.sql")),
    M::up(include_str!("migrations/0011_used_subs_and_sites.sql")),
    M::up(include_str!("migrations/0012_registered_clients.sql")),
    M::up(include_str!("migrations/0013_audit.sql")),
    M::up(include_str!("migrations/0014_groups.sql")),
    M::up(include_str!("migrations/0017_admin.sql")),
    M::up(include_str!("migrations/0018_external_identities.sql")),
    M::up(include_str!("migrations/0021_lasting.sql")),
    M::up(include_str!("migrations/0023_scim.sql")),
    M::up(include_str!("migrations/0024_further_addresses.sql")),
    M::up(include_str!("migrations/0025_lists.sql")),
    M::up(include_str!("migrations/0026_places.sql")),
    M::up(include_str!("migrations/0027_identity_providers.sql")),
    M::up(include_str!("migrations/0028_searches.sql")),
    M::up(include_str!("migrations/0029_left_behind.sql")),
    M::up(include_str!("migrations/0030_upstream_id_tokens.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// `application_id` of our files, set by the first migration ("Door").
const APPLICATION_ID: i64 = 0x446f_6f72;

/// Statements kept prepared by each connection; more than there are in this crate.
const STATEMENTS: usize = 200;

/// The database can't be used. Each message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder that should hold the file is not there.
    #[error(
        "the folder {folder} of the database {path} does not exist: create it, or set another path"
    )]
    FolderMissing {
        /// The database.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// The file can't be opened or created, or not be written to.
    #[error(
        "the database {path} can't be opened for writing ({reason}): the path must name a file \
            that this process may write to, in a folder that it may write to"
    )]
    Inaccessible {
        /// The database.
        path: PathBuf,
        /// What the operating system or SQLite says.
        reason: String,
    },
    /// The content is not a SQLite database, or a damaged one.
    #[error(
        "the database {path} is damaged, or is not a SQLite database: restore it from a backup, or \
            move it away to begin with an empty one"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
    },
    /// A SQLite database, but not one of this application.
    #[error("the database {path} belongs to another application: set another path")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error(
        "the database {path} was written by a newer version of Doorward (its schema is {found}, \
            this version knows {known}): start that version, or restore a backup made before the \
            upgrade"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Schema version of the file.
        found: i64,
        /// Highest schema version known here.
        known: i64,
    },
    /// Another process holds the file's lock.
    #[error(
        "the database {path} is locked by another process: stop that process, or set another path"
    )]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// Something else went wrong.
    #[error("the database {path} can't be made ready: {reason}")]
    Failed {
        /// The database.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

/// Opens the file for writing, creates it if it is not there, and brings its schema up to date.
pub(super) fn for_writing(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let mut connection = create_and_connect(path, busy_timeout)?;
    refuse_what_is_not_ours(path, &connection)?;
    let journal_mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(cause(path))?;
    if journal_mode != "wal" {
        let reason = format!(
            "its file system does not support a write-ahead log, journal mode is {journal_mode}"
        );
        return Err(OpenError::Failed { path: path.to_owned(), reason });
    }
    // FULL: each commit waits for the disk. The log is moved into the database every 8,000 pages
    // (32 MB) and does not keep more than 64 MB of disk after a burst.
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 8000;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -8192;",
        )
        .map_err(cause(path))?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    migrate(path, &mut connection)?;
    Ok(connection)
}

/// Opens the file, which is there, for reading only.
pub(super) fn for_reading(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy_timeout)?;
    // Small, since SQLite drops a reader's cache at each commit of the writer; the operating
    // system's cache serves.
    connection.execute_batch("PRAGMA cache_size = -1024;").map_err(cause(path))?;
    Ok(connection)
}

/// Opens the file, which is there, as it is, and looks at its schema. Nothing is written to it.
pub(super) fn as_it_is(
    path: &Path,
    busy_timeout: Duration,
) -> Result<(Connection, SchemaVersion), OpenError> {
    let connection = for_reading(path, busy_timeout)?;
    refuse_what_is_not_ours(path, &connection)?;
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let found = usize::try_from(found.map_err(cause(path))?).unwrap_or_default();
    Ok((connection, SchemaVersion { found, known: STEPS.len() }))
}

/// A database in memory, brought up to date, for tests and trials.
pub(super) fn in_memory() -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(cause(path))?;
    configure(path, &connection, Duration::ZERO)?;
    migrate(path, &mut connection)?;
    Ok(connection)
}

fn create_and_connect(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    // Closing a file drops this process's locks on it (POSIX), also those of a store that opens the
    // same file meanwhile. So within the process one file is created and opened at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    create_file(path)?;
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy_timeout)
}

/// Creates an empty file that only this user may read, unless there is one, or a link, wherever it
/// leads. Returns whether it did. SQLite gives its log the same permissions.
pub(super) fn create_file(path: &Path) -> Result<bool, OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let created = options.open(path).and_then(|file| {
        file.sync_all()?;
        // The name of the file must survive a power failure as its content does.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    });
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_dir() => {
            Err(OpenError::FolderMissing { path: path.to_owned(), folder: folder.to_owned() })
        }
        Err(error) => {
            Err(OpenError::Inaccessible { path: path.to_owned(), reason: error.to_string() })
        }
    }
}

pub(super) fn connect(
    path: &Path,
    access: OpenFlags,
    busy_timeout: Duration,
) -> Result<Connection, OpenError> {
    // An absolute path can't be taken for a URI, which the bundled SQLite would interpret.
    let absolute = std::path::absolute(path).map_err(|error| OpenError::Inaccessible {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let connection =
        Connection::open_with_flags(absolute, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(cause(path))?;
    configure(path, &connection, busy_timeout)?;
    Ok(connection)
}

fn configure(
    path: &Path,
    connection: &Connection,
    busy_timeout: Duration,
) -> Result<(), OpenError> {
    connection.busy_timeout(busy_timeout).map_err(cause(path))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // No mapping of the file: its pages would count as memory of this process, and a read error
    // would kill it.
    connection
        .execute_batch(
            "PRAGMA mmap_size = 0;
             PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;",
        )
        .map_err(cause(path))
}

/// Looks at the file before anything is written to it.
pub(super) fn refuse_what_is_not_ours(
    path: &Path,
    connection: &Connection,
) -> Result<(), OpenError> {
    let number =
        |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(cause(path));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let (found, known) = (number("PRAGMA user_version")?, known_version());
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

fn known_version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let Err(error) = MIGRATIONS.to_latest(connection) else { return Ok(()) };
    // Of several processes that start together one migrates; the others find that it was done
    // meanwhile.
    if MIGRATIONS.pending_migrations(connection) == Ok(0) {
        return Ok(());
    }
    Err(match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => cause(path)(err),
        other => OpenError::Failed { path: path.to_owned(), reason: other.to_string() },
    })
}

pub(super) fn cause(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    move |error| {
        let path = path.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                OpenError::Inaccessible { path, reason: error.to_string() }
            }
            _ => OpenError::Failed { path, reason: error.to_string() },
        }
    }
}
