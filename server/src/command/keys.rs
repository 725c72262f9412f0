//! `doorward keys …`. Running servers take over what changed within ten seconds.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::{ids::Sub, jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    audit::Record,
    keys::{KeyRing, MasterKey, RotationPolicy},
    model::time::{Entropy as _, Seconds, SystemClock, SystemEntropy},
    use_case::{
        administration::keys::{self, AddedKeys, KeyState, RetireError},
        audit_trail::{OWNER, PURPOSE},
        totp,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, PAGE, by_operator, done, print_rows};
use crate::{config::MasterKeySource, provider::master_key};

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys.
    List(DataArguments),
    /// Make new keys that take over in seven minutes. The server does this by itself every 90 days.
    Rotate(DataArguments),
    /// Encrypt all keys, the secrets of authenticator apps and of identity providers, and the mails
    /// that wait, with a new master key and replace the old one, which is kept beside it. Restart
    /// the servers afterwards. If the command is interrupted, run it again.
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
    let (now, algorithms) = (CommandContext::now(), &context.config.provider.signing_algorithms);
    let rows: Vec<Value> = keys
        .iter()
        .map(|key| {
            let line = KeyLine {
                kid: key.kid.clone(),
                algorithm: key.algorithm.as_str().to_owned(),
                since: key.activates_at.seconds(),
                state: KeyState::of(key, &keys, algorithms, now).as_str().to_owned(),
            };
            line.to_value()
        })
        .collect();
    print_rows(context.json, COLUMNS, &rows);
    Ok(())
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["kid", "algorithm", "since", "state"];

/// What is said about a key, under the names that the API has, too.
#[derive(Deserialize)]
pub(super) struct KeyLine {
    kid: String,
    algorithm: String,
    since: i64,
    state: String,
}

impl KeyLine {
    pub(super) fn to_value(&self) -> Value {
        json!({
            "kid": self.kid, "algorithm": self.algorithm, "since": self.since,
            "state": self.state,
        })
    }
}

async fn rotate(context: &CommandContext) -> Result<(), CommandError> {
    let algorithms = &context.config.provider.signing_algorithms;
    let added = add_keys(context, algorithms, keys::ANNOUNCED_FOR).await?;
    record_each(context, &added).await;
    tell_rotated(context.json, added.takes_over.seconds());
    Ok(())
}

/// Each key has a record of its own, so that it is found by its name.
async fn record_each(context: &CommandContext, added: &AddedKeys) {
    for kid in &added.kids {
        context.audit(by_operator(ChangeEvent::KeysRotated).on("kid", kid)).await;
    }
}

/// Says that new keys are made.
pub(super) fn tell_rotated(json: bool, takes_over: i64) {
    let facts = json!({"takes_over": takes_over});
    done(json, "New keys are made; they take over in seven minutes.", facts);
}

/// Makes a key for each of these algorithms that signs after this many seconds.
async fn add_keys(
    context: &CommandContext,
    algorithms: &[SigningAlgorithm],
    announced_for: Seconds,
) -> Result<AddedKeys, CommandError> {
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
    let (store, now) = (&*context.store, CommandContext::now());
    keys::add_keys(&ring, store, store, algorithms, now, announced_for, &SystemEntropy)
        .await
        .map_err(CommandError::refused)
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
            let key = context.chain_key().await;
            reseal(context, &old, &parse(given)?).await?;
            context.audit_by(key, on_issuer(context, ChangeEvent::KeysResealed)).await;
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

/// A change of this provider's keys.
fn on_issuer(context: &CommandContext, event: ChangeEvent) -> Record {
    by_operator(event).on("issuer", &context.config.provider.settings.issuer)
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
    context.audit(on_issuer(context, ChangeEvent::KeysResealed)).await;
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

/// Encrypts the secrets of authenticator apps again, page by page, and those of our clients at
/// other providers, then all keys in one store command, and then the mails that wait. If it stops
/// in between, it can be repeated with the same new key.
async fn reseal(
    context: &CommandContext,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), CommandError> {
    let store = &*context.store;
    reseal_apps(context, old, new).await?;
    keys::reseal_identity_providers(store, old, new).await?;
    reseal_audit_key(context, old, new).await?;
    reseal_keys(context, old, new).await?;
    // Those that were set up meanwhile.
    reseal_apps(context, old, new).await?;
    keys::reseal_identity_providers(store, old, new).await?;
    // Last: from here on, running servers leave these to those that are restarted.
    keys::reseal_mails(&*context.store, old, new, CommandContext::now()).await?;
    Ok(())
}

async fn reseal_apps(
    context: &CommandContext,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), CommandError> {
    let mut after: Option<(Sub, bool)> = None;
    loop {
        let from = after.as_ref().map(|(sub, confirmed)| (sub, *confirmed));
        let page = context.store.totps(from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.sub.clone(), last.confirmed));
        for app in page {
            let purpose = format!("{}:{}", totp::PURPOSE, app.sub);
            if new.unseal(&purpose, &app.secret).is_ok() {
                continue;
            }
            // One that neither key opens is lost already, and must not keep the others.
            if let Ok(secret) = old.unseal(&purpose, &app.secret) {
                let sealed = new.seal(&purpose, &secret).map_err(CommandError::refused)?;
                context.store.reseal_totp(&app, sealed).await?;
            }
        }
    }
}

/// Encrypts the key of the audit history again, if there is one that the old master key opens.
async fn reseal_audit_key(
    context: &CommandContext,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), CommandError> {
    let name = format!("{PURPOSE}:{OWNER}");
    let offered = new.seal(&name, &SystemEntropy.bytes()).map_err(CommandError::refused)?;
    let before = context.store.audit_key(offered).await?;
    if let Ok(key) = old.unseal(&name, &before) {
        let after = new.seal(&name, &key).map_err(CommandError::refused)?;
        context.store.reseal_audit_key(before, after).await?;
    }
    Ok(())
}

/// If a key was added meanwhile, it starts over.
async fn reseal_keys(
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
    let (now, algorithms) = (CommandContext::now(), &context.config.provider.signing_algorithms);
    context.store.check_clock(now).await?;
    let stored = context.store.signing_keys().await?;
    let replaced = keys::retirement(kid, replace, &stored, algorithms, now);
    let replaced = replaced.map_err(|error| {
        CommandError::Missing(match error {
            RetireError::Missing(_) => error.to_string(),
            RetireError::Signs(_) => format!(
                "{error}: run keys rotate and retire it when the new one signs, or give --replace"
            ),
        })
    })?;
    if let Some(algorithm) = replaced {
        let added = add_keys(context, &[algorithm], Seconds::ZERO).await?;
        record_each(context, &added).await;
    }
    context.store.remove_signing_keys(&[kid.to_owned()]).await?;
    context.audit(by_operator(ChangeEvent::KeyRetired).on("kid", kid)).await;
    tell_retired(context.json, kid);
    Ok(())
}

/// Says that a key is removed.
pub(super) fn tell_retired(json: bool, kid: &str) {
    done(json, &format!("The key {kid} is removed."), json!({"kid": kid}));
}
