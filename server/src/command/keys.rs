//! `doorward keys …`. Running servers take over what changed within ten seconds.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    keys::{KeyRing, MasterKey, RotationPolicy},
    model::{
        signing_key::StoredKey,
        time::{SystemClock, SystemEntropy},
    },
};
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, audit, done, print_rows};
use crate::{config::MasterKeySource, provider::master_key};

/// A new key signs so many seconds after it was made: until then every process has published it,
/// and no verifier still takes the older list for fresh.
const ANNOUNCED_FOR: u32 = 420;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys.
    List(DataArguments),
    /// Make new keys that take over in seven minutes. Usually they are replaced by themselves,
    /// every 90 days.
    Rotate(DataArguments),
    /// Encrypt all keys with a new master key, and put it in context of the old one, which is kept
    /// beside it. Servers must be started again afterwards. Interrupted, it leaves everything
    /// usable: run it again, or just start the server.
    Rekey {
        /// A file with the new master key, 32 random bytes as 43 base64url characters. Default: one
        /// is made. Needed where the old one is set by `store.master_key`, which is then yours to
        /// change.
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a key at once: what it signed verifies no more.
    Retire {
        /// The key.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl KeysCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Rotate(data) => rotate(&CommandContext::open(&data).await?).await,
            Self::Rekey { new_key_file, data } => {
                rekey(&CommandContext::open(&data).await?, new_key_file.as_deref()).await
            }
            Self::Retire { kid, data } => retire(&CommandContext::open(&data).await?, &kid).await,
        }
    }
}

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let keys = context.store.signing_keys().await?;
    let now = CommandContext::now();
    let rows: Vec<Value> = keys
        .iter()
        .map(|key| {
            let state = if key.activates_at > now {
                "announced"
            } else if signs(key, &keys) {
                "signs"
            } else {
                "retained"
            };
            json!({
                "kid": key.kid, "algorithm": key.algorithm.as_str(), "since": key.activates_at.seconds(), "state": state,
            })
        })
        .collect();
    print_rows(context.json, &["kid", "algorithm", "since", "state"], &rows);
    Ok(())
}

/// Whether it is the last of its algorithm to have become active.
fn signs(key: &StoredKey, keys: &[StoredKey]) -> bool {
    let now = CommandContext::now();
    let rank = |key: &StoredKey| (key.activates_at, key.kid.clone());
    let active =
        keys.iter().filter(|other| other.algorithm == key.algorithm && other.activates_at <= now);
    active.max_by_key(|other| rank(other)).is_some_and(|latest| latest.kid == key.kid)
}

async fn rotate(context: &CommandContext) -> Result<(), CommandError> {
    let stored_keys = context.store.signing_keys().await?;
    let master = master_key::obtain(&context.config.store.master_key, &stored_keys, &SystemEntropy)
        .map_err(CommandError::refused)?;
    let algorithms: Vec<SigningAlgorithm> = context.config.provider.signing_algorithms.clone();
    let policy = RotationPolicy::default();
    let ring = KeyRing::open(
        &*context.store,
        master,
        policy,
        algorithms.clone(),
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .map_err(CommandError::refused)?;
    let takes_over = CommandContext::now().plus(ANNOUNCED_FOR);
    for algorithm in algorithms {
        let added =
            ring.add_successor(&*context.store, algorithm, takes_over, &SystemEntropy).await;
        added.map_err(CommandError::refused)?;
    }
    audit("keys_rotated", "issuer", &context.config.provider.settings.issuer);
    let facts = json!({"takes_over": takes_over.seconds()});
    done(context.json, "New keys are made; they take over in seven minutes.", facts);
    Ok(())
}

async fn rekey(context: &CommandContext, new_key_file: Option<&Path>) -> Result<(), CommandError> {
    let given =
        new_key_file.map(master_key::read_given).transpose().map_err(CommandError::refused)?;
    let source = &context.config.store.master_key;
    let stored = context.store.signing_keys().await?;
    let old = master_key::obtain(source, &stored, &SystemEntropy).map_err(CommandError::refused)?;
    let new = match (source, &given) {
        (MasterKeySource::File(path), given) => master_key::prepare(path, given.as_ref(), &SystemEntropy),
        (MasterKeySource::Setting(_), Some(given)) => return reseal(context, &old, &parse(given)?).await.map(|()| {
            audit("keys_resealed", "issuer", &context.config.provider.settings.issuer);
            let sentence = "The keys are encrypted with the new master key: set store.master_key to it, and start the servers again.";
            done(context.json, sentence, json!({}));
        }),
        (MasterKeySource::Setting(_), None) => {
            let problem = "the master key is set by store.master_key: give the new one by --new-key-file";
            return Err(CommandError::refused(problem));
        }
    };
    reseal(context, &old, &new.map_err(CommandError::refused)?).await?;
    let MasterKeySource::File(path) = source else { return Ok(()) };
    let kept = master_key::take_over(path).map_err(CommandError::refused)?;
    audit("keys_resealed", "issuer", &context.config.provider.settings.issuer);
    let kept = kept.display();
    let sentence = format!(
        "The keys are encrypted with a new master key: start the servers again. The old one is kept in {kept}, for older copies of the database."
    );
    done(context.json, &sentence, json!({"old_master_key_file": kept.to_string()}));
    Ok(())
}

fn parse(key: &Secret) -> Result<MasterKey, CommandError> {
    MasterKey::parse(key.expose()).map_err(CommandError::refused)
}

/// Encrypts all keys anew in one command of the store; again, if one was added meanwhile.
async fn reseal(
    context: &CommandContext,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), CommandError> {
    for _ in 0..3 {
        let stored = context.store.signing_keys().await?;
        let resealed: Result<Vec<_>, _> = stored.iter().map(|key| key.resealed(old, new)).collect();
        if context.store.reseal_signing_keys(resealed.map_err(CommandError::refused)?).await? {
            return Ok(());
        }
    }
    Err(CommandError::Missing("keys are added or removed at this moment: try again".to_owned()))
}

async fn retire(context: &CommandContext, kid: &str) -> Result<(), CommandError> {
    let keys = context.store.signing_keys().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid) else {
        return Err(CommandError::Missing(format!("there is no key {kid:?}")));
    };
    if signs(key, &keys) {
        let problem = format!(
            "the key {kid} is the one that signs: run keys rotate, and retire it when the new one signs"
        );
        return Err(CommandError::Missing(problem));
    }
    context.store.remove_signing_keys(&[kid.to_owned()]).await?;
    audit("key_retired", "kid", kid);
    done(context.json, &format!("The key {kid} is removed."), json!({"kid": kid}));
    Ok(())
}
