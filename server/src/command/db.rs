//! `doorward db …`.

use std::path::PathBuf;

use clap::Subcommand;
use doorward_provider_store::SqliteStore;

use super::{CommandError, DataArguments, Workplace, done};
use crate::StartError;

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Create the database if it is missing, and bring its schema up to date, as every start does.
    Migrate(DataArguments),
    /// Write a copy of the database, whole and consistent, while the server goes on. Keep a copy of the master key elsewhere: without
    /// it the signing keys are lost.
    Backup {
        /// The file to write, which must not be there.
        file: PathBuf,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl DbCommand {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Migrate(data) => {
                let place = Workplace::open(&data)?;
                done(place.json, &format!("The database {} is up to date.", place.config.store.path.display()));
                Ok(())
            }
            Self::Backup { file, data } => {
                let path = data.config.load()?.store.path;
                SqliteStore::backup(&path, &file).map_err(|error| StartError::Failed(error.to_string()))?;
                done(data.json, &format!("The database {} is copied to {}.", path.display(), file.display()));
                Ok(())
            }
        }
    }
}
