//! Sessions in the memory of one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{FoundSession, Key, SessionRow, SessionStore, StoreError, Whose};

/// How many sign-ins may wait for their response. Whoever opens a page begins one.
const MOST_REQUESTS: usize = 100_000;

/// Sessions in memory: for tests, for development, and for applications of one process whose users
/// may have to sign in again when it restarts. Clones share the sessions.
#[derive(Clone, Default)]
pub struct MemorySessions(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    requests: HashMap<Key, (Vec<u8>, u64)>,
    sessions: HashMap<Key, Entry>,
    used: HashMap<Key, u64>,
}

struct Entry {
    row: SessionRow,
    version: u64,
    claimed_until: u64,
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
        let requests = &mut self.tables().requests;
        if requests.len() >= MOST_REQUESTS {
            return Err(StoreError("too many sign-ins wait for their response".to_owned()));
        }
        requests.insert(key, (sealed, until));
        Ok(())
    }

    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let taken = self.tables().requests.remove(&key);
        Ok(taken.filter(|(_, until)| now < *until).map(|(sealed, _)| sealed))
    }

    async fn insert(&self, row: SessionRow) -> Result<(), StoreError> {
        self.tables().sessions.insert(row.key, Entry { row, version: 0, claimed_until: 0 });
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
        self.tables().sessions.remove(&key);
        Ok(())
    }

    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let before = tables.sessions.len();
        tables.sessions.retain(|_, entry| match whose {
            Whose::User(user) => entry.row.user != user,
            Whose::ProviderSession(session) => entry.row.provider_session != Some(session),
        });
        Ok((before - tables.sessions.len()) as u64)
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

    async fn sweep(&self, now: u64) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.requests.retain(|_, (_, until)| now < *until);
        tables.sessions.retain(|_, entry| now < entry.row.expires_at);
        tables.used.retain(|_, until| now < *until);
        Ok(())
    }
}
