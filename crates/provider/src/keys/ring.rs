//! The keys in use: one that signs for each algorithm, all published ones to verify with.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::hmac;
use doorward_protocol::{
    claims::{AccessTokenClaims, IdTokenClaims},
    jose::SigningAlgorithm,
};
use jsonwebtoken::{Validation, decode, decode_header};
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{MasterKey, RotationPolicy, SigningError, SigningKey, UnsealError};
use crate::{
    audit,
    model::{
        signing_key::{SealedKey, StoredKey},
        time::{Clock, Entropy, Seconds, Timestamp},
        token_handle::random_id,
        token_type::{ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, PLAIN_TYPE},
    },
    store::{SigningKeys, StoreError},
};

/// The ring can't be loaded or rotated.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored key does not open with this master key.
    #[error(
        "signing key {0}: {1}. Give every process on this database one master key, \
         that which was used before, or remove the key from the database"
    )]
    Unseal(String, UnsealError),
    /// A key could not be made or read.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// No key of this algorithm signs now.
    #[error("there is no active signing key for {0}")]
    NoActiveKey(SigningAlgorithm),
}

/// The provider's signing keys, loaded from the store and reloaded by [`KeyRing::maintain`].
#[derive(Debug)]
pub struct KeyRing {
    master: MasterKey,
    policy: RotationPolicy,
    algorithms: Vec<SigningAlgorithm>,
    opened_at: Timestamp,
    loaded: RwLock<Arc<Loaded>>,
}

const DAY: Seconds = Seconds::new(86_400);

/// Number of verified access tokens that are kept in memory.
const REMEMBERED: usize = 4096;
/// A longer one is not, so that the memory stays bounded by their count.
const LONGEST_REMEMBERED: usize = 4096;

#[derive(Debug)]
struct Loaded {
    keys: BTreeMap<String, (Timestamp, Arc<SigningKey>)>,
    jwks: Arc<str>,
    /// What the access tokens say that these keys were seen to have signed, by SHA-256 of the
    /// token: signatures, which hold as long as the keys do, and nothing that time can change.
    verified: Cache<[u8; 32], Arc<AccessTokenClaims>>,
}

impl Default for Loaded {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), jwks: Arc::default(), verified: Cache::new(REMEMBERED) }
    }
}

impl Loaded {
    fn of(
        &self,
        algorithm: SigningAlgorithm,
    ) -> impl Iterator<Item = &(Timestamp, Arc<SigningKey>)> {
        self.keys.values().filter(move |(_, key)| key.algorithm() == algorithm)
    }

    fn verify<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Option<T> {
        let header = decode_header(token).ok()?;
        if !header.typ.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(typ)) {
            return None;
        }
        let (_, key) = self.keys.get(header.kid.as_deref()?)?;
        let (decoding, algorithm) = key.decoding();
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        decode(token, decoding, &validation).ok().map(|decoded| decoded.claims)
    }
}

impl KeyRing {
    /// Loads the keys. It makes one where there is none, and changes none that is there: that is
    /// for [`KeyRing::maintain`], whose caller checks the clock first.
    pub async fn open(
        store: &dyn SigningKeys,
        master: MasterKey,
        policy: RotationPolicy,
        algorithms: Vec<SigningAlgorithm>,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyRingError> {
        let opened_at = clock.now();
        let ring = Self { master, policy, algorithms, opened_at, loaded: RwLock::default() };
        let mut keys = ring.stored(store).await?;
        for &algorithm in &ring.algorithms {
            if newest(&keys, algorithm).is_none() {
                keys = ring.add(store, algorithm, None, opened_at, entropy).await?;
            }
        }
        ring.load(keys)?;
        Ok(ring)
    }

    /// Makes keys that are due, removes retired ones and takes over what other processes did. To be
    /// called now and then, after [`Maintenance::check_clock`](crate::store::Maintenance): with a
    /// wrong clock it would remove a key that other processes need.
    pub async fn maintain(
        &self,
        store: &dyn SigningKeys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), KeyRingError> {
        let mut keys = self.stored(store).await?;
        for &algorithm in &self.algorithms {
            let newest = newest(&keys, algorithm);
            if let Some(activates_at) = self.policy.successor_due(newest, now) {
                keys = self.add(store, algorithm, newest, activates_at, entropy).await?;
            }
        }
        let retired = self.retired(&keys, now);
        if !retired.is_empty() {
            store.remove_signing_keys(&retired).await?;
            for kid in &retired {
                audit::Event::SigningKeyRetired { kid }.log();
            }
            keys.retain(|key| !retired.contains(&key.kid));
        }
        self.load(keys)
    }

    /// Makes one more key, which takes over at this timestamp, whatever else is announced. Returns
    /// its identifier.
    pub async fn add_successor(
        &self,
        store: &dyn SigningKeys,
        algorithm: SigningAlgorithm,
        activates_at: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, KeyRingError> {
        let key = self.generate(algorithm, activates_at, entropy)?;
        let kid = key.kid.clone();
        let keys = store.add_signing_key(key, Timestamp::from_seconds(i64::MAX)).await?;
        self.load(keys)?;
        Ok(kid)
    }

    /// The key that signs by this algorithm now.
    pub fn active(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, KeyRingError> {
        self.active_since(algorithm, now).map(|(_, key)| key)
    }

    /// The same with the timestamp from which it signs.
    pub fn active_since(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Result<(Timestamp, Arc<SigningKey>), KeyRingError> {
        let loaded = self.loaded();
        let age = |(activates_at, key): &&(Timestamp, Arc<SigningKey>)| {
            (*activates_at, key.kid().to_owned())
        };
        let activated =
            loaded.of(algorithm).filter(|(activates_at, _)| *activates_at <= now).max_by_key(age);
        // After the clock was set back no key may be active yet: the oldest one then signs on.
        let key = activated.or_else(|| loaded.of(algorithm).min_by_key(age));
        key.cloned().ok_or(KeyRingError::NoActiveKey(algorithm))
    }

    /// A key for message authentication that every process with the same master key derives alike,
    /// one for each purpose.
    pub fn mac_key(&self, purpose: &'static str) -> hmac::Key {
        self.master.mac_key(purpose)
    }

    /// A code over these parts by such a key, which tells whoever has it and not the key nothing
    /// about them.
    pub fn mac(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.master.mac(purpose, parts)
    }

    /// 256 secret bits that every process with the same master key derives alike, for one purpose.
    pub(crate) fn derived_secret(&self, purpose: &'static str) -> [u8; 32] {
        self.master.derived_secret(purpose)
    }

    /// The master key.
    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Encrypts a secret of this purpose and owner for the store, by the master key.
    pub fn seal(
        &self,
        purpose: &str,
        owner: &str,
        secret: &[u8],
    ) -> Result<SealedKey, UnsealError> {
        self.master.seal(&format!("{purpose}:{owner}"), secret)
    }

    /// Decrypts what [`KeyRing::seal`] has encrypted for the same purpose and owner.
    pub fn unseal(
        &self,
        purpose: &str,
        owner: &str,
        sealed: &SealedKey,
    ) -> Result<Vec<u8>, UnsealError> {
        self.master.unseal(&format!("{purpose}:{owner}"), sealed)
    }

    /// The algorithms that the ring keeps keys for; the first is the default.
    pub fn algorithms(&self) -> &[SigningAlgorithm] {
        &self.algorithms
    }

    /// The JWK set with every published key, public parts only, as JSON text (RFC 7517 section 5).
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.loaded().jwks)
    }

    /// The claims of a JWT of this `typ` that one of our keys signed. Only the signature and `typ`
    /// are checked: whether it expired, and whom it is for, is the caller's question.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Option<T> {
        self.loaded().verify(token, typ)
    }

    /// The claims of an ID token that one of our keys signed. An access token of the same `typ` is
    /// none: it has a `client_id`.
    pub(crate) fn verify_id_token(&self, token: &str) -> Option<IdTokenClaims> {
        self.loaded()
            .verify::<IdTokenClaims>(token, ID_TOKEN_TYPE)
            .filter(|claims| !claims.extra.contains_key("client_id"))
    }

    /// The same for an access token, which often comes many times.
    pub(crate) fn verify_access_token(&self, token: &str) -> Option<Arc<AccessTokenClaims>> {
        let digest = Sha256::digest(token).into();
        let loaded = self.loaded();
        if let Some(known) = loaded.verified.get(&digest) {
            return Some(known);
        }
        // An ID token has no `client_id` and no `jti`, and so can't be read as an access token.
        let claims = loaded
            .verify::<AccessTokenClaims>(token, ACCESS_TOKEN_TYPE)
            .or_else(|| loaded.verify(token, PLAIN_TYPE))?;
        let claims = Arc::new(claims);
        if token.len() <= LONGEST_REMEMBERED {
            loaded.verified.insert(digest, Arc::clone(&claims));
        }
        Some(claims)
    }

    /// The keys in the store.
    async fn stored(&self, store: &dyn SigningKeys) -> Result<Vec<StoredKey>, KeyRingError> {
        let keys = store.signing_keys().await?;
        // After a change of the master key this process must start again. Until then it signs on,
        // but makes no key that no other process could open.
        match keys.iter().find(|key| !key.opens_with(&self.master)) {
            Some(foreign) => Err(KeyRingError::Unseal(foreign.kid.clone(), UnsealError)),
            None => Ok(keys),
        }
    }

    /// Adds a key, unless one of its algorithm became active after the newest one that is known.
    /// Returns all keys.
    async fn add(
        &self,
        store: &dyn SigningKeys,
        algorithm: SigningAlgorithm,
        newest: Option<Timestamp>,
        activates_at: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<StoredKey>, KeyRingError> {
        let key = self.generate(algorithm, activates_at, entropy)?;
        let kid = key.kid.clone();
        let unless_since =
            newest.map_or(Timestamp::from_seconds(i64::MIN), |newest| newest.plus(1));
        let keys = store.add_signing_key(key, unless_since).await?;
        // Otherwise another process was faster, and has logged its own key.
        if keys.iter().any(|key| key.kid == kid) {
            audit::Event::SigningKeyAnnounced { kid: &kid }.log();
        }
        Ok(keys)
    }

    fn generate(
        &self,
        algorithm: SigningAlgorithm,
        activates_at: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<StoredKey, KeyRingError> {
        let kid = random_id(entropy);
        let pkcs8 = SigningKey::generate_pkcs8(algorithm)?;
        let sealed = self
            .master
            .seal(&kid, &pkcs8)
            .map_err(|error| KeyRingError::Unseal(kid.clone(), error))?;
        Ok(StoredKey { kid, algorithm, activates_at, sealed })
    }

    /// The keys that nothing needs any more. A key whose algorithm is not configured signs nothing,
    /// and when it stopped is not stored. It goes when this process has seen it unused for as long
    /// as its last tokens may live, and a day more, in case another process had the old
    /// configuration at first. If processes start more often than that, it goes as if its algorithm
    /// had a successor: without one it has signed for no longer than a key does.
    fn retired(&self, keys: &[StoredKey], now: Timestamp) -> Vec<String> {
        let is_configured = |key: &StoredKey| self.algorithms.contains(&key.algorithm);
        let successor_of = |key: &StoredKey| {
            keys.iter()
                .filter(|other| other.algorithm == key.algorithm)
                .filter(|other| other.activates_at > key.activates_at)
                .map(|other| other.activates_at)
                .min()
        };
        let up_for = now.since(self.opened_at);
        let retained_for = i64::from(self.policy.retained_for);
        let is_settled = up_for >= retained_for.min(DAY.into());
        let has_seen_it_unused = up_for >= retained_for + i64::from(DAY);
        let is_retired = |key: &&StoredKey| {
            let successor = successor_of(key);
            if is_configured(key) {
                return self.policy.is_retired(successor, now);
            }
            let ended = successor.unwrap_or(key.activates_at.plus(self.policy.signs_for));
            has_seen_it_unused || (is_settled && self.policy.is_retired(Some(ended), now))
        };
        keys.iter().filter(is_retired).map(|key| key.kid.clone()).collect()
    }

    fn load(&self, stored: Vec<StoredKey>) -> Result<(), KeyRingError> {
        let before = self.loaded();
        let is_known = |key: &StoredKey| {
            before.keys.get(&key.kid).is_some_and(|(since, _)| *since == key.activates_at)
        };
        if stored.len() == before.keys.len() && stored.iter().all(is_known) {
            // Nothing new, and so nothing to forget.
            return Ok(());
        }
        let mut keys = BTreeMap::new();
        for key in stored {
            let ready = if let Some((_, ready)) = before.keys.get(&key.kid) {
                Arc::clone(ready)
            } else {
                let unsealed = self.master.unseal(&key.kid, &key.sealed);
                let pkcs8 =
                    unsealed.map_err(|error| KeyRingError::Unseal(key.kid.clone(), error))?;
                Arc::new(SigningKey::from_pkcs8(&key.kid, key.algorithm, &pkcs8)?)
            };
            keys.insert(key.kid, (key.activates_at, ready));
        }
        let public: Vec<&Value> = keys.values().map(|(_, key)| key.public_jwk()).collect();
        let jwks = json!({ "keys": public }).to_string().into();
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Loaded { keys, jwks, ..Loaded::default() });
        Ok(())
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When the newest key of this algorithm becomes active.
fn newest(keys: &[StoredKey], algorithm: SigningAlgorithm) -> Option<Timestamp> {
    let of_algorithm = keys.iter().filter(|key| key.algorithm == algorithm);
    of_algorithm.map(|key| key.activates_at).max()
}
