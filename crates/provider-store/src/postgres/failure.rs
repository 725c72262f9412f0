//! Why a command failed inside the database, and how that looks through the port.

use crate::row::ColumnError;
use std::error::Error as _;

use deadpool_postgres::PoolError;
use doorward_provider::store::StoreError;
use tokio_postgres::{Error, error::SqlState};

/// A failure on this side of the port.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The database refused, or the way to it broke.
    #[error("{}", told(.0))]
    Postgres(#[from] Error),
    /// The pool had no free connection.
    #[error("{}", no_connection(.0))]
    NoConnection(#[from] PoolError),
    /// The database did not answer in time. What it was asked for may have happened.
    #[error("the database did not answer in time")]
    TimedOut,
    /// A column does not hold what it should.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The command contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The timestamps of this process can't be trusted.
    #[error(
        "this machine's clock differs from the database's by {seconds} seconds: set it right, by \
         NTP for example"
    )]
    ClockSkew {
        /// How far this machine is ahead; negative if it is behind.
        seconds: i64,
    },
    /// The database only reads.
    #[error("the database accepts no writes (transaction_read_only is on)")]
    ReadOnly,
    /// A user is to be enabled, or a client to be added, while more than a page is left of before.
    #[error("what is left of before is still being removed; try again in a moment")]
    LeftBehind,
    /// Others changed the rows that a statement read while it ran. Repeating it decides.
    #[error("others changed the same rows again and again")]
    Overtaken,
}

impl Failure {
    /// Whether a row was refused because another one has its key.
    pub(super) fn is_duplicate(&self) -> bool {
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether nothing was done and the same command may succeed now: it met others on the same
    /// rows.
    pub(super) fn may_be_repeated(&self) -> bool {
        let met_others = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        matches!(self, Self::Overtaken) || self.code().is_some_and(|code| met_others.contains(code))
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            _ => None,
        }
    }
}

/// The message of the database without its detail, which would show values; otherwise the chain of
/// causes.
pub(super) fn told(error: &Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

fn no_connection(error: &PoolError) -> String {
    match error {
        PoolError::Timeout(_) => "no connection to the database became free in time".to_owned(),
        PoolError::Backend(error) => told(error),
        other => other.to_string(),
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match &failure {
            Failure::Column(error) => (*error).into(),
            Failure::Conflict(_) => Self::Conflict(text),
            Failure::ClockSkew { .. } => Self::WrongClock(text),
            // Classes of SQLSTATE: 22 is data that a type can't hold, 23 a constraint, XX001 and
            // XX002 a damaged file.
            Failure::Postgres(_) => match failure.code().map(SqlState::code) {
                Some("XX001" | "XX002") => Self::Corrupt(text),
                Some(code) if code.starts_with("22") => Self::Corrupt(text),
                Some(code) if code.starts_with("23") => Self::Conflict(text),
                _ => Self::Unavailable(text),
            },
            Failure::NoConnection(_)
            | Failure::TimedOut
            | Failure::ReadOnly
            | Failure::LeftBehind
            | Failure::Overtaken => Self::Unavailable(text),
        }
    }
}
