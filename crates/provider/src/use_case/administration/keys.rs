//! Operators look at signing keys, make new ones and retire old ones.

use doorward_protocol::jose::SigningAlgorithm;

use crate::{
    keys::{KeyRing, KeyRingError, MasterKey, provider_credential, waiting_mail},
    model::{
        signing_key::StoredKey,
        stored_identity_provider::{StoredIdentityProvider, StoredIdentityProviders},
        time::{Entropy, Seconds, Timestamp},
    },
    store::{IdentityProviders, Maintenance, Outbox, SigningKeys, StoreError},
};

/// How many mails are encrypted again at a time.
const MAILS_AT_A_TIME: u32 = 100;
/// How often it is looked again when others change providers at the same time.
const ATTEMPTS: u32 = 10;

/// A new key signs after this time. By then every process has published it, and no verifier still
/// uses an older list.
pub const ANNOUNCED_FOR: Seconds = Seconds::new(420);

/// What a key does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is published and will sign.
    Announced,
    /// It signs.
    Signs,
    /// It is published for tokens that it has signed.
    Retained,
}

impl KeyState {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Signs => "signs",
            Self::Retained => "retained",
        }
    }

    /// What this key does now, among all keys. A key signs if its algorithm is one of these, and it
    /// is the last of the algorithm to have become active.
    pub fn of(
        key: &StoredKey,
        keys: &[StoredKey],
        algorithms: &[SigningAlgorithm],
        now: Timestamp,
    ) -> Self {
        if key.activates_at > now {
            return Self::Announced;
        }
        if !algorithms.contains(&key.algorithm) {
            return Self::Retained;
        }
        let rank = |key: &StoredKey| (key.activates_at, key.kid.clone());
        let active = keys
            .iter()
            .filter(|other| other.algorithm == key.algorithm && other.activates_at <= now);
        let signs =
            active.max_by_key(|other| rank(other)).is_some_and(|latest| latest.kid == key.kid);
        if signs { Self::Signs } else { Self::Retained }
    }
}

/// Why a key is not retired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetireError {
    /// There is none of this name.
    #[error("there is no key {0:?}")]
    Missing(String),
    /// It signs, and nobody has said that it is to be replaced.
    #[error("the key {0} signs")]
    Signs(String),
}

/// The algorithm for which a new key must sign at once before this key is removed, if any. The
/// caller checks the clock first: which key signs is a question of time.
pub fn retirement(
    kid: &str,
    replace: bool,
    keys: &[StoredKey],
    algorithms: &[SigningAlgorithm],
    now: Timestamp,
) -> Result<Option<SigningAlgorithm>, RetireError> {
    let key = keys.iter().find(|key| key.kid == kid);
    let key = key.ok_or_else(|| RetireError::Missing(kid.to_owned()))?;
    match KeyState::of(key, keys, algorithms, now) {
        KeyState::Signs if replace => Ok(Some(key.algorithm)),
        KeyState::Signs => Err(RetireError::Signs(kid.to_owned())),
        KeyState::Announced | KeyState::Retained => Ok(None),
    }
}

/// Makes a key for each of these algorithms that signs after this many seconds. With a wrong
/// clock none is made: it would sign for all processes at a wrong time.
pub async fn add_keys(
    ring: &KeyRing,
    signing_keys: &dyn SigningKeys,
    database: &dyn Maintenance,
    algorithms: &[SigningAlgorithm],
    now: Timestamp,
    announced_for: Seconds,
    entropy: &dyn Entropy,
) -> Result<AddedKeys, KeyRingError> {
    database.check_clock(now).await?;
    let takes_over = now.plus(announced_for);
    let mut kids = Vec::with_capacity(algorithms.len());
    for algorithm in algorithms.iter().copied() {
        kids.push(ring.add_successor(signing_keys, algorithm, takes_over, entropy).await?);
    }
    Ok(AddedKeys { takes_over, kids })
}

/// Keys that were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedKeys {
    /// When they begin to sign.
    pub takes_over: Timestamp,
    /// Their identifiers.
    pub kids: Vec<String>,
}

/// Encrypts the mails that wait with another master key. It can be repeated.
pub async fn reseal_mails(
    outbox: &dyn Outbox,
    old: &MasterKey,
    new: &MasterKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = outbox.outbox(after.as_ref(), MAILS_AT_A_TIME, now).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.cursor());
        for mail in page.into_iter().map(|queued| queued.mail) {
            if waiting_mail::open(new, mail.clone()).is_ok() {
                continue;
            }
            // One that neither key opens is lost already, and must not keep the others.
            if let Ok(mail) = waiting_mail::open(old, mail) {
                let sealed = waiting_mail::seal(new, mail)
                    .map_err(|error| StoreError::Unavailable(error.to_string()))?;
                outbox.reseal_mail(sealed).await?;
            }
        }
    }
}

/// Encrypts what clients authenticate by at other providers with another master key. It can be
/// repeated. If a provider is changed meanwhile, it looks again.
pub async fn reseal_identity_providers(
    table: &dyn IdentityProviders,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        let StoredIdentityProviders { version, providers } = table.identity_providers().await?;
        let mut resealed = Vec::new();
        for StoredIdentityProvider { name, credential, .. } in providers {
            if provider_credential::open(new, &name, &credential).is_ok() {
                continue;
            }
            // One that neither key opens is lost already, and must not keep the others.
            if let Ok(credential) = provider_credential::open(old, &name, &credential) {
                let sealed = provider_credential::seal(new, &name, &credential)
                    .map_err(|error| StoreError::Unavailable(error.to_string()))?;
                resealed.push((name, sealed));
            }
        }
        if table.reseal_identity_providers(resealed, version).await? {
            return Ok(());
        }
    }
    let problem = "identity providers were changed again and again meanwhile: try again";
    Err(StoreError::Unavailable(problem.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::signing_key::SealedKey;

    const ES: SigningAlgorithm = SigningAlgorithm::Es256;

    fn key(kid: &str, algorithm: SigningAlgorithm, since: i64) -> StoredKey {
        let (kid, sealed) = (kid.to_owned(), SealedKey::from_bytes(Vec::new()));
        StoredKey { kid, algorithm, activates_at: Timestamp::from_seconds(since), sealed }
    }

    #[test]
    fn the_latest_active_key_of_an_algorithm_signs() {
        let keys = [
            key("old", ES, 1),
            key("now", ES, 5),
            key("next", ES, 20),
            key("other", SigningAlgorithm::Rs256, 1),
        ];
        let now = Timestamp::from_seconds(10);
        let state = |index: usize| KeyState::of(&keys[index], &keys, &[ES], now);
        assert_eq!(
            [state(0), state(1), state(2), state(3)],
            [KeyState::Retained, KeyState::Signs, KeyState::Announced, KeyState::Retained]
        );
        let retire = |kid, replace| retirement(kid, replace, &keys, &[ES], now);
        assert_eq!(retire("old", false).unwrap(), None);
        assert_eq!(retire("now", false), Err(RetireError::Signs("now".to_owned())));
        assert_eq!(retire("now", true).unwrap(), Some(ES));
        assert_eq!(retire("none", true), Err(RetireError::Missing("none".to_owned())));
    }
}
