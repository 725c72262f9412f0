//! Sessions in the memory of one process.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{FoundSession, Key, SessionRow, SessionStore, StoreError, Whose};

/// Sessions in memory: for tests, for development, and for applications of one process whose users
/// may have to sign in again when it restarts. Clones share the sessions.
///
/// ```
/// use doorward_axum::{Key, MemorySessions, SessionStore, StoreError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let sessions = MemorySessions::default();
/// let key = Key::of(&["the secret of a browser"]);
/// sessions.put_request(key, b"sealed".to_vec(), 300).await?;
/// assert_eq!(sessions.take_request(key, 299).await?, Some(b"sealed".to_vec()));
/// assert_eq!(sessions.take_request(key, 299).await?, None, "it was taken");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemorySessions(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    requests: HashMap<Key, (Vec<u8>, u64)>,
    sessions: HashMap<Key, Entry>,
    /// The sessions of each user, and of each sign-in at the provider.
    by_user: BTreeSet<(Key, Key)>,
    by_provider_session: BTreeSet<(Key, Key)>,
    used: HashMap<Key, u64>,
}

struct Entry {
    row: SessionRow,
    version: u64,
    claimed_until: u64,
}

impl Tables {
    fn insert(&mut self, row: SessionRow) {
        self.by_user.insert((row.user, row.key));
        self.by_provider_session.extend(row.provider_session.map(|session| (session, row.key)));
        self.sessions.insert(row.key, Entry { row, version: 0, claimed_until: 0 });
    }

    fn remove(&mut self, key: Key) {
        let Some(Entry { row, .. }) = self.sessions.remove(&key) else { return };
        self.by_user.remove(&(row.user, key));
        if let Some(session) = row.provider_session {
            self.by_provider_session.remove(&(session, key));
        }
    }

    fn keys_of(&self, whose: Whose) -> Vec<Key> {
        let (index, of) = match whose {
            Whose::User(user) | Whose::UserWithoutProviderSession(user) => (&self.by_user, user),
            Whose::ProviderSession(session) => (&self.by_provider_session, session),
        };
        let all = (of, Key::from_bytes([0; 32]))..=(of, Key::from_bytes([255; 32]));
        let found = index.range(all).map(|(_, key)| *key);
        if !matches!(whose, Whose::UserWithoutProviderSession(_)) {
            return found.collect();
        }
        let is_unnamed = |entry: &Entry| entry.row.provider_session.is_none();
        found.filter(|key| self.sessions.get(key).is_some_and(is_unnamed)).collect()
    }
}

impl MemorySessions {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a session, if this is its present version. Returns whether it was.
    fn replaced(
        &self,
        key: Key,
        version: u64,
        sealed: Vec<u8>,
        also: impl FnOnce(&mut Entry),
    ) -> bool {
        let mut tables = self.tables();
        let entry = tables.sessions.get_mut(&key).filter(|entry| entry.version == version);
        let replaced = entry.map(|entry| {
            entry.row.sealed = sealed;
            entry.version += 1;
            also(entry);
        });
        replaced.is_some()
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn put_request(&self, key: Key, sealed: Vec<u8>, until: u64) -> Result<(), StoreError> {
        self.tables().requests.insert(key, (sealed, until));
        Ok(())
    }

    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let taken = self.tables().requests.remove(&key);
        Ok(taken.filter(|(_, until)| now < *until).map(|(sealed, _)| sealed))
    }

    async fn insert(&self, row: SessionRow) -> Result<(), StoreError> {
        self.tables().insert(row);
        Ok(())
    }

    async fn find(&self, key: Key, now: u64) -> Result<Option<FoundSession>, StoreError> {
        let tables = self.tables();
        let entry = tables.sessions.get(&key).filter(|entry| now < entry.row.expires_at);
        Ok(entry
            .map(|entry| FoundSession { sealed: entry.row.sealed.clone(), version: entry.version }))
    }

    async fn claim_renewal(
        &self,
        key: Key,
        version: u64,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let entry = tables.sessions.get_mut(&key);
        let free = entry.filter(|entry| entry.version == version && entry.claimed_until <= now);
        Ok(free.map(|entry| entry.claimed_until = until).is_some())
    }

    async fn replace(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        Ok(self.replaced(key, version, sealed, |entry| entry.claimed_until = 0))
    }

    async fn update(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        Ok(self.replaced(key, version, sealed, |_| ()))
    }

    async fn remove(&self, key: Key) -> Result<(), StoreError> {
        self.tables().remove(key);
        Ok(())
    }

    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let keys = tables.keys_of(whose);
        for key in &keys {
            tables.remove(*key);
        }
        Ok(keys.len() as u64)
    }

    async fn was_used(&self, key: Key, now: u64) -> Result<bool, StoreError> {
        Ok(self.tables().used.get(&key).is_some_and(|until| now < *until))
    }

    async fn use_once(&self, key: Key, now: u64, until: u64) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let is_new = tables.used.get(&key).is_none_or(|until| *until <= now);
        if is_new {
            tables.used.insert(key, until);
        }
        Ok(is_new)
    }

    async fn sweep(&self, now: u64, most_requests: u32) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.requests.retain(|_, (_, until)| now < *until);
        let mut ends: Vec<u64> = tables.requests.values().map(|(_, until)| *until).collect();
        ends.sort_unstable_by(|one, other| other.cmp(one));
        if let Some(too_old) = ends.get(most_requests as usize) {
            tables.requests.retain(|_, (_, until)| too_old < until);
        }
        let ended = tables.sessions.values().filter(|entry| entry.row.expires_at <= now);
        for key in ended.map(|entry| entry.row.key).collect::<Vec<_>>() {
            tables.remove(key);
        }
        tables.used.retain(|_, until| now < *until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn what_is_removed_is_in_no_index() {
        let store = MemorySessions::default();
        let key = |name: &str| Key::of(&[name]);
        for (name, user, provider_session) in [
            ("swept", "alice", Some("1")),
            ("removed", "alice", Some("1")),
            ("of bob", "bob", None),
            ("of a sign-in", "carol", Some("2")),
        ] {
            let provider_session = provider_session.map(key);
            let expires_at = if name == "swept" { 10 } else { 20 };
            let (key, user, sealed) = (key(name), key(user), Vec::new());
            store
                .insert(SessionRow { key, user, provider_session, expires_at, sealed })
                .await
                .unwrap();
        }
        store.sweep(10, 0).await.unwrap();
        store.remove(key("removed")).await.unwrap();
        for whose in [Whose::User(key("bob")), Whose::ProviderSession(key("2"))] {
            assert_eq!(store.remove_all(whose).await.unwrap(), 1);
        }
        let tables = store.tables();
        assert!(tables.sessions.is_empty());
        assert!(tables.by_user.is_empty() && tables.by_provider_session.is_empty());
    }
}
