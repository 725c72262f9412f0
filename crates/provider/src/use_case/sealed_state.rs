//! What belongs to something half done and travels with the browser, encrypted: a question to a
//! passkey, a sign-in that waits for its second step. Strangers can begin such things as often as
//! they like, so nothing is stored for them. What came back counts once.

use doorward_protocol::{base64url, secret::Secret};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::{
    keys::KeyRing,
    model::{
        message_identity::MessageIdentity,
        signing_key::SealedKey,
        time::{Clock, Seconds, Timestamp},
    },
    store::{SingleUses, StoreError},
    use_case::single_use::is_first_use,
};

/// Encrypts states of one purpose, and opens them again.
#[derive(Clone, Copy)]
pub(crate) struct SealedStates<'a> {
    pub(crate) purpose: &'static str,
    pub(crate) keys: &'a KeyRing,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) clock: &'a dyn Clock,
}

/// What is encrypted.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    state: T,
    expires_at: Timestamp,
}

/// A state that came back and has not expired.
pub(crate) struct OpenedState<T> {
    pub(crate) state: T,
    /// SHA-256 of what came back: no two are alike, since each is encrypted with a new nonce.
    pub(crate) identity: [u8; 32],
    expires_at: Timestamp,
}

impl SealedStates<'_> {
    /// Encrypts a state, as base64url.
    pub(crate) fn seal(
        &self,
        state: impl Serialize,
        lifetime: Seconds,
    ) -> Result<Secret, StoreError> {
        let failed = |cause: String| {
            StoreError::Unavailable(format!("a {} can't be encrypted: {cause}", self.purpose))
        };
        let envelope = Envelope { state, expires_at: self.clock.now().plus(lifetime) };
        let text = serde_json::to_vec(&envelope).map_err(|error| failed(error.to_string()))?;
        let sealed = self.keys.seal(self.purpose, "", &text);
        let sealed = sealed.map_err(|error| failed(error.to_string()))?;
        Ok(Secret::new(base64url::encode(sealed.as_bytes())))
    }

    /// Opens a state without using it up; `None` if it is none of ours, or has expired.
    pub(crate) fn open<T: DeserializeOwned>(&self, sealed: &str) -> Option<OpenedState<T>> {
        let sealed = base64url::decode(sealed).ok()?;
        let identity = Sha256::new().chain_update(self.purpose).chain_update(&sealed).finalize();
        let text = self.keys.unseal(self.purpose, "", &SealedKey::from_bytes(sealed)).ok()?;
        let Envelope { state, expires_at } = serde_json::from_slice(&text).ok()?;
        let is_live = self.clock.now() < expires_at;
        is_live.then(|| OpenedState { state, identity: identity.into(), expires_at })
    }

    /// Uses a state up. Of any number of calls at the same time one gets `true`.
    pub(crate) async fn use_up<T>(&self, opened: &OpenedState<T>) -> Result<bool, StoreError> {
        let identity = MessageIdentity::from_bytes(opened.identity);
        is_first_use(self.single_uses, identity, opened.expires_at.seconds()).await
    }
}
