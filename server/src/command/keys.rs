//! `doorward keys …`. Running servers take over what changed within ten seconds.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    keys::{KeyRing, MasterKey, RotationPolicy, StoredKey},
    time::{SystemClock, SystemEntropy},
};
use serde_json::{Value, json};

use super::{CommandError, DataArguments, Workplace, audit, done, print_rows};
use crate::{StartError, config::MasterKeySource, master_key};

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
    /// Encrypt all keys with a new master key, and put it in place of the old one, which is kept
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
            Self::List(data) => list(&Workplace::open(&data).await?).await,
            Self::Rotate(data) => rotate(&Workplace::open(&data).await?).await,
            Self::Rekey { new_key_file, data } => {
                rekey(&Workplace::open(&data).await?, new_key_file.as_deref()).await
            }
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
    let active =
        keys.iter().filter(|other| other.algorithm == key.algorithm && other.activates_at <= now);
    active.max_by_key(|other| rank(other)).is_some_and(|latest| latest.kid == key.kid)
}

async fn rotate(place: &Workplace) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Failed(error.to_string());
    let stored_keys = place.store.signing_keys().await?;
    let master = master_key::obtain(&place.config.store.master_key, &stored_keys, &SystemEntropy)
        .map_err(|error| failed(&error))?;
    let algorithms: Vec<SigningAlgorithm> = place.config.provider.signing_algorithms.clone();
    let policy = RotationPolicy::default();
    let ring = KeyRing::open(
        &*place.store,
        master,
        policy,
        algorithms.clone(),
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .map_err(|error| failed(&error))?;
    let takes_over = Workplace::now().plus(ANNOUNCED_FOR);
    for algorithm in algorithms {
        let added = ring.add_successor(&*place.store, algorithm, takes_over, &SystemEntropy).await;
        added.map_err(|error| failed(&error))?;
    }
    audit("keys_rotated", "issuer", &place.config.provider.settings.issuer);
    let facts = json!({"takes_over": takes_over.seconds()});
    done(place.json, "New keys are made; they take over in seven minutes.", facts);
    Ok(())
}

async fn rekey(place: &Workplace, new_key_file: Option<&Path>) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Failed(error.to_string());
    let given =
        new_key_file.map(master_key::read_given).transpose().map_err(|error| failed(&error))?;
    let source = &place.config.store.master_key;
    let stored = place.store.signing_keys().await?;
    let old =
        master_key::obtain(source, &stored, &SystemEntropy).map_err(|error| failed(&error))?;
    let new = match (source, &given) {
        (MasterKeySource::File(path), given) => master_key::prepare(path, given.as_ref(), &SystemEntropy),
        (MasterKeySource::Setting(_), Some(given)) => return reseal(place, &old, &parse(given)?).await.map(|()| {
            audit("keys_resealed", "issuer", &place.config.provider.settings.issuer);
            let sentence = "The keys are encrypted with the new master key: set store.master_key to it, and start the servers again.";
            done(place.json, sentence, json!({}));
        }),
        (MasterKeySource::Setting(_), None) => {
            let problem = "the master key is set by store.master_key: give the new one by --new-key-file";
            return Err(failed(&problem).into());
        }
    };
    reseal(place, &old, &new.map_err(|error| failed(&error))?).await?;
    let MasterKeySource::File(path) = source else { return Ok(()) };
    let kept = master_key::take_over(path).map_err(|error| failed(&error))?;
    audit("keys_resealed", "issuer", &place.config.provider.settings.issuer);
    let kept = kept.display();
    let sentence = format!(
        "The keys are encrypted with a new master key: start the servers again. The old one is kept in {kept}, for older copies of the database."
    );
    done(place.json, &sentence, json!({"old_master_key_file": kept.to_string()}));
    Ok(())
}

fn parse(key: &Secret) -> Result<MasterKey, CommandError> {
    Ok(MasterKey::parse(key.expose()).map_err(|error| StartError::Failed(error.to_string()))?)
}

/// Encrypts all keys anew in one command of the store; again, if one was added meanwhile.
async fn reseal(place: &Workplace, old: &MasterKey, new: &MasterKey) -> Result<(), CommandError> {
    for _ in 0..3 {
        let stored = place.store.signing_keys().await?;
        let resealed: Result<Vec<_>, _> = stored.iter().map(|key| key.resealed(old, new)).collect();
        if place
            .store
            .reseal_signing_keys(resealed.map_err(|error| StartError::Failed(error.to_string()))?)
            .await?
        {
            return Ok(());
        }
    }
    Err(CommandError::Missing("keys are added or removed at this moment: try again".to_owned()))
}

async fn retire(place: &Workplace, kid: &str) -> Result<(), CommandError> {
    let keys = place.store.signing_keys().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid) else {
        return Err(CommandError::Missing(format!("there is no key {kid:?}")));
    };
    if signs(key, &keys) {
        let problem = format!(
            "the key {kid} is the one that signs: run keys rotate, and retire it when the new one signs"
        );
        return Err(CommandError::Missing(problem));
    }
    place.store.remove_signing_keys(&[kid.to_owned()]).await?;
    audit("key_retired", "kid", kid);
    done(place.json, &format!("The key {kid} is removed."), json!({"kid": kid}));
    Ok(())
}
