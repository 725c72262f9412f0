//! `doorward db …`.

use std::path::PathBuf;

use clap::Subcommand;
use doorward_provider_store::SqliteStore;
use serde_json::json;

use super::{CommandContext, CommandError, DataArguments, done};
use crate::config::DatabaseConfig;

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Create the database if it is missing, and bring its schema up to date, as every start does.
    Migrate(DataArguments),
    /// Write a copy of a SQLite database, whole and consistent, while the server goes on. Keep a
    /// copy of the master key elsewhere: without it the signing keys are lost.
    Backup {
        /// The file to write, which must not be there.
        file: PathBuf,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl DbCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Migrate(data) => {
                let context = CommandContext::open(&data).await?;
                let database = context.config.store.database.to_string();
                let sentence = format!("The database {database} is up to date.");
                done(context.json, &sentence, json!({"database": database}));
                Ok(())
            }
            Self::Backup { file, data } => {
                let path = match data.config.load()?.store.database {
                    DatabaseConfig::Sqlite { path, .. } => path,
                    other @ DatabaseConfig::Postgres(_) => {
                        let problem = format!(
                            "{other} is copied by its own tools: pg_dump --format=custom --file=FILE DATABASE"
                        );
                        return Err(CommandError::Missing(problem));
                    }
                };
                SqliteStore::backup(&path, &file).map_err(CommandError::refused)?;
                let (database, file) = (path.display().to_string(), file.display().to_string());
                let sentence = format!("The database {database} is copied to {file}.");
                done(data.json, &sentence, json!({"database": database, "file": file}));
                Ok(())
            }
        }
    }
}
