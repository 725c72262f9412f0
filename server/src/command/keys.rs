//! `doorward keys …`. Running servers take over what changed within ten seconds.

use clap::Subcommand;
use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    keys::{KeyRing, RotationPolicy, StoredKey},
    time::{SystemClock, SystemEntropy},
};
use serde_json::{Value, json};

use super::{CommandError, DataArguments, Workplace, audit, done, print_rows};
use crate::{StartError, master_key};

/// A new key signs so many seconds after it was made: until then every process has published it, and no verifier still takes the
/// older list for fresh.
const ANNOUNCED_FOR: u32 = 420;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys.
    List(DataArguments),
    /// Make new keys that take over in seven minutes. Usually they are replaced by themselves, every 90 days.
    Rotate(DataArguments),
    /// Remove a key at once: what it signed verifies no more.
    Retire {
        /// The key.
        kid: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl KeysCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&Workplace::open(&data).await?).await,
            Self::Rotate(data) => rotate(&Workplace::open(&data).await?).await,
            Self::Retire { kid, data } => retire(&Workplace::open(&data).await?, &kid).await,
        }
    }
}

async fn list(place: &Workplace) -> Result<(), CommandError> {
    let keys = place.store.signing_keys().await?;
    let now = Workplace::now();
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
    print_rows(place.json, &["kid", "algorithm", "since", "state"], &rows);
    Ok(())
}

/// Whether it is the last of its algorithm to have become active.
fn signs(key: &StoredKey, keys: &[StoredKey]) -> bool {
    let now = Workplace::now();
    let rank = |key: &StoredKey| (key.activates_at, key.kid.clone());
    let active = keys.iter().filter(|other| other.algorithm == key.algorithm && other.activates_at <= now);
    active.max_by_key(|other| rank(other)).is_some_and(|latest| latest.kid == key.kid)
}

async fn rotate(place: &Workplace) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Failed(error.to_string());
    let keys_exist = !place.store.signing_keys().await?.is_empty();
    let master = master_key::obtain(&place.config.store.master_key, keys_exist, &SystemEntropy)
        .map_err(|error| failed(&error))?;
    let algorithms: Vec<SigningAlgorithm> = place.config.provider.signing_algorithms.clone();
    let policy = RotationPolicy::default();
    let ring = KeyRing::open(&*place.store, master, policy, algorithms.clone(), &SystemClock, &SystemEntropy)
        .await
        .map_err(|error| failed(&error))?;
    let takes_over = Workplace::now().plus(ANNOUNCED_FOR);
    for algorithm in algorithms {
        let added = ring.add_successor(&*place.store, algorithm, takes_over, &SystemEntropy).await;
        added.map_err(|error| failed(&error))?;
    }
    audit("keys_rotated", "issuer", &place.config.provider.settings.issuer);
    done(place.json, "New keys are made; they take over in seven minutes.");
    Ok(())
}

async fn retire(place: &Workplace, kid: &str) -> Result<(), CommandError> {
    let keys = place.store.signing_keys().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid) else {
        return Err(CommandError::Missing(format!("there is no key {kid:?}")));
    };
    if signs(key, &keys) {
        let problem =
            format!("the key {kid} is the one that signs: run keys rotate, and retire it when the new one signs");
        return Err(CommandError::Missing(problem));
    }
    place.store.remove_signing_keys(&[kid.to_owned()]).await?;
    audit("key_retired", "kid", kid);
    done(place.json, &format!("The key {kid} is removed."));
    Ok(())
}
