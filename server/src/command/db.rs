//! `doorward db …`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_provider::model::time::SystemEntropy;
use doorward_provider_store::SqliteStore;
use serde_json::json;

use super::{
    CommandContext, CommandError, DataArguments, by_operator, confirm::Confirmation, done,
};
use crate::{
    config::{Config, DatabaseConfig},
    net,
    private_file::{self, adopt_owner},
    provider::{database::Database, master_key},
};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Create the database if it is missing, and bring its schema up to date, as every start does.
    Migrate(DataArguments),
    /// Write a complete, consistent copy of a SQLite database while the server goes on. Keep a copy
    /// of the master key elsewhere: without it the signing keys are lost.
    Backup {
        /// The file to write. It must not exist.
        file: PathBuf,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Put a backup in place of a SQLite database. Stop the server first. The present database is
    /// kept beside it. Whatever happened after the backup is lost: refresh tokens that were issued
    /// since count as replays, so their users sign in again.
    Restore {
        /// The backup.
        file: PathBuf,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl DbCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Migrate(data) => migrate(&data).await,
            Self::Backup { file, data } => backup(&file, &data),
            Self::Restore { file, confirmation, data } => restore(&file, confirmation, &data).await,
        }
    }
}

async fn migrate(data: &DataArguments) -> Result<(), CommandError> {
    let context = CommandContext::open(data).await?;
    let database = context.config.store.database.to_string();
    let sentence = format!("The database {database} is up to date.");
    done(context.json, &sentence, json!({"database": database}));
    Ok(())
}

fn backup(file: &Path, data: &DataArguments) -> Result<(), CommandError> {
    let path = match data.config.load()?.store.database {
        DatabaseConfig::Sqlite { path, .. } => path,
        other @ DatabaseConfig::Postgres(_) => {
            return Err(CommandError::Missing(format!(
                "{other} is copied by its own tools: pg_dump --format=custom --file=FILE DATABASE"
            )));
        }
    };
    SqliteStore::backup(&path, file).map_err(CommandError::refused)?;
    adopt_owner(file, &path);
    let (database, file) = (path.display().to_string(), file.display().to_string());
    let sentence = format!("The database {database} is copied to {file}.");
    done(data.json, &sentence, json!({"database": database, "file": file}));
    Ok(())
}

async fn restore(
    file: &Path,
    confirmation: Confirmation,
    data: &DataArguments,
) -> Result<(), CommandError> {
    let config = data.config.load()?;
    let path = match &config.store.database {
        DatabaseConfig::Sqlite { path, .. } => path.clone(),
        other @ DatabaseConfig::Postgres(_) => {
            return Err(CommandError::Missing(format!(
                "{other} is restored by its own tools: pg_restore --clean --dbname=DATABASE FILE"
            )));
        }
    };
    if !file.is_file() {
        return Err(CommandError::Missing(format!("there is no backup {}", file.display())));
    }
    refuse_running_server(&config)?;
    confirmation.ask(&format!("Replace {} by {}?", path.display(), file.display()))?;
    // The backup is read in full before anything is moved.
    let incoming = beside(&path, "restoring");
    let _ = fs::remove_file(&incoming);
    SqliteStore::backup(file, &incoming).map_err(CommandError::refused)?;
    let kept = path.exists().then(|| set_aside(&path)).transpose()?;
    fs::rename(&incoming, &path)?;
    adopt_owner(&path, kept.as_deref().unwrap_or(private_file::folder_of(&path)));
    check_restored(&config).await?;
    let record =
        by_operator(ChangeEvent::DatabaseRestored).on("database", &path.display().to_string());
    Box::pin(CommandContext::open(data)).await?.audit(record).await;
    let kept_text = kept.map(|kept| kept.display().to_string());
    let mut sentence = format!("The database {} is restored.", path.display());
    if let Some(kept) = &kept_text {
        sentence = format!("{sentence} The one before is kept as {kept}.");
    }
    done(data.json, &sentence, json!({"database": path, "kept": kept_text}));
    Ok(())
}

/// A running server would go on with the old file. Its port tells.
fn refuse_running_server(config: &Config) -> Result<(), CommandError> {
    match net::bind(&config.provider.listen) {
        Ok(_) => Ok(()),
        Err(error) => Err(CommandError::refused(format!(
            "stop the server before its database is replaced ({})",
            error.advice()
        ))),
    }
}

/// Moves the database with its log files to a free name beside it; returns the name.
fn set_aside(path: &Path) -> Result<PathBuf, CommandError> {
    let free = (1..1000)
        .map(|number| beside(path, &format!("before-restore-{number}")))
        .find(|kept| !kept.exists())
        .ok_or_else(|| CommandError::refused("remove old files before-restore-… first"))?;
    for ending in ["", "-wal", "-shm"] {
        let with_ending = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let from = with_ending(path);
        if from.exists() {
            fs::rename(from, with_ending(&free))?;
        }
    }
    Ok(free)
}

/// Opens the restored database, which also brings its schema up to date, and its signing keys.
async fn check_restored(config: &Config) -> Result<(), CommandError> {
    let store = Database::open(&config.store, &config.sources).await?.store();
    let keys = store.signing_keys().await?;
    let master = master_key::obtain(&config.store.master_key, &keys, &SystemEntropy)
        .map_err(CommandError::refused)?;
    if keys.iter().all(|key| key.opens_with(&master)) {
        return Ok(());
    }
    Err(CommandError::refused(
        "the database is restored, but the master key is not the one of its signing keys: put the \
         master key of that time back as well",
    ))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    path.with_file_name(name)
}
