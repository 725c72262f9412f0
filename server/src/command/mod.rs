//! The commands that work on the database, beside a running server or without one: each opens the
//! same database and leaves what it did for the server to see.

mod client;
mod db;
mod grant;
mod keys;
mod session;
mod user;

use std::sync::Arc;

use clap::Subcommand;
use doorward_provider::{
    store::{Store, StoreError},
    time::{Clock as _, SystemClock, Timestamp},
    user::{User, normalized_username},
};
use serde_json::Value;

use crate::{
    StartError,
    cli::ConfigArgument,
    config::{Config, ConfigError},
    database::Database,
    logging,
};

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// What it was asked to work on is not there, or is not as it would have to be.
    #[error("{0}")]
    Missing(String),
    /// The configuration or the database can't be used.
    #[error(transparent)]
    Refused(#[from] StartError),
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(problem) => Self::Missing(problem),
            other => Self::Refused(StartError::Failed(other.to_string())),
        }
    }
}

/// A command on the database.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Users. What the configuration says of its users counts again when it says something else
    /// than before.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Clients of the database, beside those of the configuration.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Sessions of users at the provider.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Access of clients to users' data.
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The database itself.
    #[command(subcommand)]
    Db(db::DbCommand),
}

/// What every command on the database takes.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArguments {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// Write JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

impl DataCommand {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), CommandError> {
        let failed = |error: std::io::Error| {
            StartError::Failed(format!("the process can't be set up: {error}"))
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(async {
            match self {
                Self::User(command) => command.run().await,
                Self::Client(command) => command.run().await,
                Self::Session(command) => command.run().await,
                Self::Grant(command) => command.run().await,
                Self::Keys(command) => command.run().await,
                Self::Db(command) => command.run().await,
            }
        })
    }
}

/// The configuration, its database, and how to answer.
struct Workplace {
    config: Config,
    store: Arc<dyn Store>,
    json: bool,
}

impl Workplace {
    async fn open(arguments: &DataArguments) -> Result<Self, CommandError> {
        let config = arguments.config.load()?;
        logging::start(&config.log, None);
        let store = Database::open(&config.store, &config.places).await?.store();
        Ok(Self { config, store, json: arguments.json })
    }

    /// The user whom the operator means: by name, or by `sub`.
    async fn user(&self, name: &str) -> Result<User, CommandError> {
        let by_name = self.store.user_by_username(&normalized_username(name)).await?;
        let found = match by_name {
            None => self.store.user(name).await?,
            found => found,
        };
        found.ok_or_else(|| CommandError::Missing(format!("there is no user {name:?}")))
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }
}

/// Writes rows, one object each: as JSON, or as columns under these names.
fn print_rows(json: bool, columns: &[&str], rows: &[Value]) {
    if json {
        crate::welcome::print(&format!("{:#}\n", Value::from(rows.to_vec())));
        return;
    }
    let cell = |row: &Value, column: &str| match &row[column] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    };
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| {
            rows.iter()
                .map(|row| cell(row, column).chars().count())
                .max()
                .unwrap_or(0)
                .max(column.len())
        })
        .collect();
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    };
    line(columns.iter().map(|column| column.to_uppercase()).collect());
    for row in rows {
        line(columns.iter().map(|column| cell(row, column)).collect());
    }
    crate::welcome::print(&text);
}

/// Notes in the log what an operator changed and on whom it was done.
fn audit(event: &'static str, kind: &'static str, name: &str) {
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
    tracing::info!(target: "doorward::audit", event, kind, name, by, "changed by command");
}

/// Says what was done, in a sentence; with `--json` as an object with these members and the
/// sentence as `message`.
fn done(json: bool, sentence: &str, mut facts: Value) {
    if json {
        facts["message"] = sentence.into();
        crate::welcome::print(&format!("{facts:#}\n"));
    } else {
        crate::welcome::print(&format!("{sentence}\n"));
    }
}
