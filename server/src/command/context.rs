//! What a command on the database works with.

use std::sync::Arc;

use doorward_provider::{
    model::{
        time::{Clock as _, SystemClock, Timestamp},
        user::{User, normalized_username},
    },
    store::Store,
};

use super::{CommandError, DataArguments};
use crate::{config::Config, process::log, provider::database::Database};

/// The configuration, its database, and the output format.
pub struct CommandContext {
    /// The configuration.
    pub config: Config,
    /// Its database.
    pub store: Arc<dyn Store>,
    /// Whether to write JSON.
    pub json: bool,
}

impl CommandContext {
    /// Reads the configuration and opens its database.
    pub async fn open(arguments: &DataArguments) -> Result<Self, CommandError> {
        let config = arguments.config.load()?;
        log::start(&config.log, None);
        let store = Database::open(&config.store, &config.sources).await?.store();
        Ok(Self { config, store, json: arguments.json })
    }

    /// The user with this name or this `sub`.
    pub async fn user(&self, name: &str) -> Result<User, CommandError> {
        let by_name = self.store.user_by_username(&normalized_username(name)).await?;
        let found = match by_name {
            None => self.store.user(name).await?,
            found => found,
        };
        found.ok_or_else(|| CommandError::Missing(format!("there is no user {name:?}")))
    }

    /// The present time.
    pub fn now() -> Timestamp {
        SystemClock.now()
    }
}

/// Logs what an operator changed, and on whom.
pub fn audit(event: &'static str, kind: &'static str, name: &str) {
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
    tracing::info!(target: "doorward::audit", event, kind, name, by, "changed by command");
}
