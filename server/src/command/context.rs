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

/// How often a change is tried when others change the same row.
const MOST_ATTEMPTS: u32 = 5;

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
        let _ = log::start(&config.log, None);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
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

    /// Changes a user. What another operator changes at the same time is kept: the change is then
    /// made again on the user as they are by now.
    pub async fn change_user(
        &self,
        name: &str,
        mut change: impl FnMut(&mut User) -> Result<(), CommandError>,
    ) -> Result<User, CommandError> {
        for _ in 0..MOST_ATTEMPTS {
            let before = self.user(name).await?;
            let mut user = before.clone();
            change(&mut user)?;
            if self.store.replace_user(user.clone(), before, Self::now()).await? {
                return Ok(user);
            }
        }
        Err(CommandError::Missing(format!(
            "the user {name:?} was changed at the same time: try again"
        )))
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
