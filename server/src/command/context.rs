//! What a command on the database works with.

use std::sync::Arc;

use doorward_admin::ChangeEvent;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    audit::{Actor, ActorKind, ChainKey, Outcome, Record},
    keys::MasterKey,
    model::{
        account_notice::AccountNotices,
        time::{Clock as _, SystemClock, SystemEntropy, Timestamp},
        token_handle::random_id,
        user::{User, normalized_username},
        vouching::Vouching,
    },
    store::Store,
    use_case::{
        administration::notices::{OperatorNotices, is_told},
        audit_trail::chain_key,
        identity_provider_registry::ConfiguredVouching,
    },
};

use super::{CommandError, DataArguments};
use crate::{
    config::{Config, ProviderConfig},
    process::log,
    provider::{database::Database, master_key, upstream::StoredUpstreams},
};

/// How often a change is tried when others change the same row.
const MOST_ATTEMPTS: u32 = 5;

/// A user before a change and after it.
pub struct ChangedUser {
    pub before: User,
    pub after: User,
}

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
        let by_sub = match Sub::parse(name) {
            Ok(sub) => self.store.user(&sub).await?,
            Err(_) => None,
        };
        if let (Some(named), Some(of_sub)) = (&by_name, &by_sub)
            && named.sub != of_sub.sub
        {
            return Err(super::user::ambiguous(name, &named.sub));
        }
        by_name.or(by_sub).ok_or_else(|| super::user::missing(name))
    }

    /// Changes a user. What another operator changes at the same time is kept: the change is then
    /// made again on the user as they are by now.
    pub async fn change_user(
        &self,
        name: &str,
        mut change: impl FnMut(&mut User) -> Result<(), CommandError>,
    ) -> Result<ChangedUser, CommandError> {
        for _ in 0..MOST_ATTEMPTS {
            let before = self.user(name).await?;
            let mut after = before.clone();
            change(&mut after)?;
            let notices = if is_told(&before, &after) {
                self.notices(self.mail_key().await?.as_ref()).of_change(&before, &after)?
            } else {
                AccountNotices::default()
            };
            let (user, now) = (after.clone(), Self::now());
            if self.store.change_user(user, before.clone(), notices, now).await? {
                return Ok(ChangedUser { before, after });
            }
        }
        Err(CommandError::Missing(format!(
            "the user {name:?} was changed at the same time: try again"
        )))
    }

    /// What tells users of changes, with the [`mail_key`](Self::mail_key).
    pub fn notices<'a>(&'a self, master: Option<&'a MasterKey>) -> OperatorNotices<'a> {
        OperatorNotices {
            accounts: &self.config.provider.settings.accounts,
            master,
            clock: &SystemClock,
            entropy: &SystemEntropy,
        }
    }

    /// The master key, if mails are sent here: it encrypts those that wait.
    pub async fn mail_key(&self) -> Result<Option<MasterKey>, CommandError> {
        if !self.config.provider.settings.accounts.mail {
            return Ok(None);
        }
        self.master_key().await.map(Some)
    }

    /// The master key.
    pub async fn master_key(&self) -> Result<MasterKey, CommandError> {
        let keys = self.store.signing_keys().await?;
        master_key::obtain(&self.config.store.master_key, &keys, &SystemEntropy)
            .map_err(CommandError::refused)
    }

    /// What the configuration says of who vouches for users.
    pub fn configured_vouching(&self) -> ConfiguredVouching<'_> {
        let settings = &self.config.provider.settings;
        ConfiguredVouching {
            providers: &settings.identity_providers,
            directories: &settings.directories,
        }
    }

    /// The rules for identity providers in the database. `trusted` are certification authorities
    /// (DER) beside the machine's.
    pub fn stored_upstreams(&self, trusted: &[Vec<u8>]) -> StoredUpstreams {
        let ProviderConfig { settings, allow_private_providers, .. } = &self.config.provider;
        StoredUpstreams::new(&settings.issuer, trusted, *allow_private_providers)
    }

    /// Who vouches for users now: what the configuration says, and the database beside it.
    pub async fn vouching(&self) -> Result<Vouching, CommandError> {
        let stored = self.store.identity_providers().await?.providers;
        // Nothing is asked of them.
        let rules = self.stored_upstreams(&[]);
        Ok(self.configured_vouching().with_stored(&stored, &rules))
    }

    /// Logs what an operator changed, and keeps it in the audit history. A history that can't be
    /// written does not undo the change: it is said.
    pub async fn audit(&self, record: Record) {
        // In boxes, so that the futures of commands stay small.
        let key = Box::pin(self.chain_key()).await;
        Box::pin(self.audit_by(key, record)).await;
    }

    /// The same with a key that was read before the change, which may have changed the master key.
    pub async fn audit_by(&self, key: Result<ChainKey, CommandError>, record: Record) {
        record.log();
        let kept = match key {
            Ok(key) => {
                let stamped = key.stamp(record, random_id(&SystemEntropy), Self::now());
                self.store.add_audit_records(vec![stamped]).await.map_err(CommandError::from)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::error!(%error, "the change is in the log, but not in the audit history");
        }
    }

    /// The key of the audit history.
    pub async fn chain_key(&self) -> Result<ChainKey, CommandError> {
        let master = self.master_key().await?;
        chain_key(&*self.store, &master, &SystemEntropy).await.map_err(CommandError::refused)
    }

    /// The present time.
    pub fn now() -> Timestamp {
        SystemClock.now()
    }
}

/// A change by whoever runs the command. What it changed is still to be said.
pub fn by_operator(event: ChangeEvent) -> Record {
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).ok();
    Record::new(event.name(), Outcome::Succeeded, Actor::new(ActorKind::Operator, by.as_deref()))
}
