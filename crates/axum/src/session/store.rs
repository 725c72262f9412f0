//! The port to where sessions are kept.

use std::fmt;

use async_trait::async_trait;
use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

/// The store can't be used. The text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the session store can't be used: {0}")]
#[expect(clippy::exhaustive_structs, reason = "who implements a store handles all of it")]
pub struct StoreError(pub String);

/// What a row is found by: the SHA-256 hash of a secret or an identifier, which the store never
/// sees.
///
/// ```
/// use doorward_axum::Key;
///
/// assert_ne!(Key::of(&["ab", "c"]), Key::of(&["a", "bc"]));
/// let key = Key::of(&["issuer", "sub"]);
/// assert_eq!(Key::from_bytes(*key.as_bytes()), key);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of these texts. No other list of texts has it.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// The key with these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", &base64url::encode(self.0)[..8])
    }
}

/// A session to be kept. Times are seconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "who implements a store handles all of it")]
pub struct SessionRow {
    /// What it is found by.
    pub key: Key,
    /// What all sessions of the user are found by.
    pub user: Key,
    /// What the sessions of one sign-in at the provider are found by, if the provider names it
    /// (`sid`).
    pub provider_session: Option<Key>,
    /// When it ends. It is not found from then on.
    pub expires_at: u64,
    /// The session, encrypted. Its length is a few kilobytes.
    pub sealed: Vec<u8>,
}

/// A session as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "who implements a store handles all of it")]
pub struct FoundSession {
    /// The session, encrypted.
    pub sealed: Vec<u8>,
    /// How often it was replaced.
    pub version: u64,
}

/// Whose sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who implements a store handles all of it")]
pub enum Whose {
    /// All sessions of a user: those with this [`SessionRow::user`].
    User(Key),
    /// Those of one sign-in at the provider: with this [`SessionRow::provider_session`].
    ProviderSession(Key),
    /// Those of a user that have no [`SessionRow::provider_session`].
    UserWithoutProviderSession(Key),
}

/// Keeps sessions, and the sign-ins that wait for their response. See [`MemorySessions`] for one,
/// and how it is called.
///
/// [`MemorySessions`]: crate::MemorySessions
///
/// Each command is atomic, also between processes that share the store, and durable when it
/// returns. Times are seconds since 1970 (UTC), by the caller's clock. The crate's own stores pass
/// one suite of tests, `crates/axum/tests/sign_in/sessions.rs` in the repository.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a sign-in request until its response arrives, or until `until`.
    async fn put_request(&self, key: Key, sealed: Vec<u8>, until: u64) -> Result<(), StoreError>;

    /// Takes a sign-in request out of the store. Of several callers only one gets it. Nobody gets
    /// it at `until` or later.
    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a new session, with version 0.
    async fn insert(&self, row: SessionRow) -> Result<(), StoreError>;

    /// Finds a session that has not ended.
    async fn find(&self, key: Key, now: u64) -> Result<Option<FoundSession>, StoreError>;

    /// Says that the caller renews the session's tokens until `until`. Of several callers only one
    /// gets `true`. It needs the present version, and that nobody else renews at `now`.
    async fn claim_renewal(
        &self,
        key: Key,
        version: u64,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError>;

    /// Replaces a session, if this is its present version, raises the version by one, and ends the
    /// claim. `false` if the session is not there, or was replaced meanwhile.
    async fn replace(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError>;

    /// Replaces a session like [`replace`](Self::replace), and leaves the claim as it is: whoever
    /// renews the session's tokens goes on.
    async fn update(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError>;

    /// Removes a session.
    async fn remove(&self, key: Key) -> Result<(), StoreError>;

    /// Removes sessions. Returns how many there were.
    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError>;

    /// Whether something that counts once was used, by [`use_once`](Self::use_once).
    async fn was_used(&self, key: Key, now: u64) -> Result<bool, StoreError>;

    /// Notes that something that counts once was used. Returns whether this is the first time. It
    /// is remembered until `until`.
    async fn use_once(&self, key: Key, now: u64, until: u64) -> Result<bool, StoreError>;

    /// Removes what has expired, and the oldest sign-in requests if more than this many wait:
    /// strangers begin as many as they like.
    async fn sweep(&self, now: u64, most_requests: u32) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_one_list_of_texts() {
        assert_eq!(Key::of(&["a", "b"]), Key::of(&["a", "b"]));
        let others = [Key::of(&["ab"]), Key::of(&["a", "b", ""]), Key::of(&["", "ab"])];
        assert!(!others.contains(&Key::of(&["a", "b"])));
    }
}
