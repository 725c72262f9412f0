//! `doorward keys …`. Running servers take over what changed within ten seconds.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    keys::{KeyRing, MasterKey, RotationPolicy},
    model::{
        signing_key::StoredKey,
        time::{SystemClock, SystemEntropy, Timestamp},
    },
};
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, audit, done, print_rows};
use crate::{config::MasterKeySource, provider::master_key};

/// A new key signs after this many seconds. By then every process has published it, and no verifier
/// still uses an older list.
const ANNOUNCED_FOR: u32 = 420;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys.
    List(DataArguments),
    /// Make new keys that take over in seven minutes. The server does this by itself every 90 days.
    Rotate(DataArguments),
    /// Encrypt all keys with a new master key and replace the old one, which is kept beside it.
    /// Restart the servers afterwards. If the command is interrupted, everything stays usable: run
    /// it again, or just start the server.
    Rekey {
        /// A file with the new master key: 32 random bytes as 43 base64url characters. Default: a
        /// new one is made. Needed if the old one is set by `store.master_key`, which you then
        /// change.
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a key at once. Tokens that it signed are no longer valid.
    Retire {
        /// The key.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Also remove a key that signs, as after a leak: a new key signs at once. For some minutes
        /// APIs may refuse new tokens, until they have fetched the new key.
        #[arg(long)]
        replace: bool,
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
            Self::Retire { kid, replace, data } => {
                retire(&CommandContext::open(&data).await?, &kid, replace).await
            }
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
            } else if signs(context, key, &keys) {
                "signs"
            } else {
                "retained"
            };
            json!({
                "kid": key.kid, "algorithm": key.algorithm.as_str(),
                "since": key.activates_at.seconds(), "state": state,
            })
        })
        .collect();
    print_rows(context.json, &["kid", "algorithm", "since", "state"], &rows);
    Ok(())
}

/// Whether a key signs: its algorithm is configured, and it is the last of the algorithm to have
/// become active.
fn signs(context: &CommandContext, key: &StoredKey, keys: &[StoredKey]) -> bool {
    if !context.config.provider.signing_algorithms.contains(&key.algorithm) {
        return false;
    }
    let now = CommandContext::now();
    let rank = |key: &StoredKey| (key.activates_at, key.kid.clone());
    let active =
        keys.iter().filter(|other| other.algorithm == key.algorithm && other.activates_at <= now);
    active.max_by_key(|other| rank(other)).is_some_and(|latest| latest.kid == key.kid)
}

async fn rotate(context: &CommandContext) -> Result<(), CommandError> {
    let takes_over = CommandContext::now().plus(ANNOUNCED_FOR);
    let algorithms = context.config.provider.signing_algorithms.clone();
    add_keys(context, &algorithms, takes_over).await?;
    audit("keys_rotated", "issuer", &context.config.provider.settings.issuer);
    let facts = json!({"takes_over": takes_over.seconds()});
    done(context.json, "New keys are made; they take over in seven minutes.", facts);
    Ok(())
}

/// Makes a key for each of these algorithms that signs from this time on.
async fn add_keys(
    context: &CommandContext,
    algorithms: &[SigningAlgorithm],
    takes_over: Timestamp,
) -> Result<(), CommandError> {
    let stored_keys = context.store.signing_keys().await?;
    let master = master_key::obtain(&context.config.store.master_key, &stored_keys, &SystemEntropy)
        .map_err(CommandError::refused)?;
    let policy = RotationPolicy::default();
    let ring = KeyRing::open(
        &*context.store,
        master,
        policy,
        context.config.provider.signing_algorithms.clone(),
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .map_err(CommandError::refused)?;
    for algorithm in algorithms.iter().copied() {
        let added =
            ring.add_successor(&*context.store, algorithm, takes_over, &SystemEntropy).await;
        added.map_err(CommandError::refused)?;
    }
    Ok(())
}

async fn rekey(context: &CommandContext, new_key_file: Option<&Path>) -> Result<(), CommandError> {
    let given =
        new_key_file.map(master_key::read_given).transpose().map_err(CommandError::refused)?;
    let source = &context.config.store.master_key;
    let stored = context.store.signing_keys().await?;
    let old = master_key::obtain(source, &stored, &SystemEntropy).map_err(CommandError::refused)?;
    match (source, &given) {
        (MasterKeySource::File(path), given) => {
            rekey_file(context, path, &old, given.as_ref()).await
        }
        (MasterKeySource::Setting(_), Some(given)) => {
            reseal(context, &old, &parse(given)?).await?;
            audit("keys_resealed", "issuer", &context.config.provider.settings.issuer);
            let sentence = "The keys are encrypted with the new master key: set store.master_key \
                            to it, and restart the servers.";
            done(context.json, sentence, json!({}));
            Ok(())
        }
        (MasterKeySource::Setting(_), None) => Err(CommandError::refused(
            "the master key is set by store.master_key: give the new one by --new-key-file",
        )),
    }
}

/// Changes the master key in this file.
async fn rekey_file(
    context: &CommandContext,
    path: &Path,
    old: &MasterKey,
    given: Option<&Secret>,
) -> Result<(), CommandError> {
    let new = master_key::prepare(path, given, &SystemEntropy).map_err(CommandError::refused)?;
    reseal(context, old, &new).await?;
    let kept = master_key::take_over(path).map_err(CommandError::refused)?;
    audit("keys_resealed", "issuer", &context.config.provider.settings.issuer);
    let kept = kept.display();
    let sentence = format!(
        "The keys are encrypted with a new master key: restart the servers. The old one is kept \
         in {kept}, for older copies of the database."
    );
    done(context.json, &sentence, json!({"old_master_key_file": kept.to_string()}));
    Ok(())
}

fn parse(key: &Secret) -> Result<MasterKey, CommandError> {
    MasterKey::parse(key.expose()).map_err(CommandError::refused)
}

/// Encrypts all keys again in one store command. If a key was added meanwhile, it starts over.
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
    Err(CommandError::Missing("keys were added or removed at the same time: try again".to_owned()))
}

async fn retire(context: &CommandContext, kid: &str, replace: bool) -> Result<(), CommandError> {
    let keys = context.store.signing_keys().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid) else {
        return Err(CommandError::Missing(format!("there is no key {kid:?}")));
    };
    let is_replaced = signs(context, key, &keys);
    if is_replaced && !replace {
        let problem = format!(
            "the key {kid} signs: run keys rotate and retire it when the new one signs, or give \
             --replace"
        );
        return Err(CommandError::Missing(problem));
    }
    if is_replaced {
        add_keys(context, &[key.algorithm], CommandContext::now()).await?;
    }
    context.store.remove_signing_keys(&[kid.to_owned()]).await?;
    audit("key_retired", "kid", kid);
    done(context.json, &format!("The key {kid} is removed."), json!({"kid": kid}));
    Ok(())
}
