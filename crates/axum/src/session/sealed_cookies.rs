//! Sessions in encrypted cookies, for applications that keep nothing.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_protocol::base64url;

use super::{
    Key, MemorySessions, SessionRecord,
    seal::{SealError, Sealing},
};

/// Up to this many changed sessions, none is forgotten.
const FEW: usize = 1000;

/// How many sessions that frames ended are remembered, about 100 bytes each. Anybody can load such
/// a frame.
const MOST_NAMED: usize = 250_000;

/// The keys by which sessions in cookies are encrypted. The first encrypts, all decrypt.
///
/// Several processes can have the same keys, but they share nothing else. Each of them knows only
/// the sign-outs and the logouts of the provider that it was told itself, until it restarts: a copy
/// of an old cookie still counts at the others until the session ends. And two processes that renew
/// one session at the same time send the same refresh token. A provider that lets it be used once
/// may then end the grant, and the user has to sign in again. Send each browser to one process, or
/// keep sessions in a store, where that matters.
///
/// To replace a key, put the new one in front, and remove the old one after
/// [`session_lifetime`](crate::SignInSettings::session_lifetime).
///
/// ```
/// use doorward_axum::CookieKeys;
///
/// # fn variable(name: &str) -> String { "A".repeat(43) }
/// let keys = CookieKeys::parse([variable("COOKIE_KEY"), variable("OLD_COOKIE_KEY")])?;
/// # Ok::<(), doorward_axum::CookieKeysError>(())
/// ```
pub struct CookieKeys(Vec<Sealing>);

/// A key is not 32 bytes in base64url, or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cookie key must be 32 random bytes, written as 43 characters of base64url")]
#[non_exhaustive]
pub struct CookieKeysError;

impl CookieKeys {
    /// Reads keys from their text form: 32 random bytes each, as 43 base64url characters. For
    /// example `openssl rand 32 | basenc --base64url | tr -d =` makes one.
    ///
    /// # Errors
    /// A key is not of this form, or there is none.
    pub fn parse(keys: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, CookieKeysError> {
        let read = |text: &str| {
            let bytes = base64url::decode(text.trim()).map_err(|_| CookieKeysError)?;
            Sealing::from_bytes(&bytes).map_err(|_| CookieKeysError)
        };
        let keys =
            keys.into_iter().map(|text| read(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(CookieKeysError) } else { Ok(Self(keys)) }
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CookieKeys({})", self.0.len())
    }
}

/// Seals sessions and sign-in requests into cookies.
///
/// What cookies can't tell is in the memory of the process: which sessions the provider ended, and
/// what became of those that it changed.
pub(super) struct SealedCookies {
    keys: Vec<Sealing>,
    memory: Mutex<Memory>,
    /// What counts once.
    pub(super) used: MemorySessions,
}

#[derive(Default)]
struct Memory {
    /// Whose sessions ended, and when, until none of them can be there any more.
    ended: HashMap<Key, (u64, u64)>,
    /// Whose sessions a frame ended, and when. The oldest go first.
    named: HashMap<Key, u64>,
    named_in_order: VecDeque<Key>,
    /// What became of a session, its cookie, and when it ends. A browser may have an older cookie
    /// whose refresh token is spent: it never got the answer, or another tab's came later.
    changed: HashMap<Key, (Arc<SessionRecord>, String, u64)>,
    /// With how many of these the old ones are removed.
    many: usize,
}

impl SealedCookies {
    pub(super) fn new(keys: CookieKeys) -> Self {
        Self { keys: keys.0, memory: Mutex::default(), used: MemorySessions::default() }
    }

    /// The value of a cookie that holds this text.
    pub(super) fn seal(&self, context: Key, text: &[u8]) -> Result<String, SealError> {
        let first = self.keys.first().ok_or(SealError)?;
        Ok(base64url::encode(first.seal(context, text)?))
    }

    /// The text that a cookie holds. `None` if it was not sealed by one of the keys.
    pub(super) fn open(&self, context: Key, value: &str) -> Option<Vec<u8>> {
        let sealed = base64url::decode(value).ok()?;
        self.keys.iter().find_map(|key| key.open(context, &sealed).ok())
    }

    /// Notes that the sessions that began until now and have this key are over.
    pub(super) fn end(&self, key: Key, now: u64, until: u64) {
        let mut memory = self.memory();
        memory.ended.insert(key, (now, until));
        memory.changed.remove(&key);
    }

    /// The same on the word of somebody who need not be the provider.
    pub(super) fn end_named(&self, session: Key, now: u64) {
        let mut memory = self.memory();
        if memory.named.insert(session, now).is_none() {
            memory.named_in_order.push_back(session);
            if memory.named_in_order.len() > MOST_NAMED
                && let Some(oldest) = memory.named_in_order.pop_front()
            {
                memory.named.remove(&oldest);
            }
        }
    }

    /// Whether the session was ended by one of these keys.
    pub(super) fn is_ended(&self, keys: &[Key], began: u64) -> bool {
        let memory = self.memory();
        keys.iter().any(|key| {
            let ended = memory.ended.get(key).map(|(at, _)| at).max(memory.named.get(key));
            ended.is_some_and(|at| began <= *at)
        })
    }

    /// Changes the session with this key. `change` gets it as it is now, and gives it with its new
    /// cookie. One change comes after the other.
    pub(super) fn change<E>(
        &self,
        session: Key,
        known: &Arc<SessionRecord>,
        now: u64,
        change: impl FnOnce(&SessionRecord) -> Result<(SessionRecord, String), E>,
    ) -> Result<(Arc<SessionRecord>, String), E> {
        let mut memory = self.memory();
        if memory.changed.len() > memory.many {
            memory.changed.retain(|_, (_, _, until)| now < *until);
            memory.many = (memory.changed.len() * 2).max(FEW);
        }
        let newest = memory.changed.get(&session).map(|(record, ..)| record);
        let present = newest.filter(|newest| newest.changes > known.changes).unwrap_or(known);
        let (record, cookie) = change(present)?;
        let (record, until) = (Arc::new(record), known.expires_at);
        memory.changed.insert(session, (Arc::clone(&record), cookie.clone(), until));
        Ok((record, cookie))
    }

    /// What became of a session, if that is newer than what is known.
    pub(super) fn newer(
        &self,
        session: Key,
        known: &SessionRecord,
        now: u64,
    ) -> Option<(Arc<SessionRecord>, String)> {
        let memory = self.memory();
        let (record, cookie, until) = memory.changed.get(&session)?;
        let counts = now < *until && record.changes > known.changes;
        counts.then(|| (Arc::clone(record), cookie.clone()))
    }

    pub(super) fn sweep(&self, now: u64) {
        let mut memory = self.memory();
        memory.ended.retain(|_, (_, until)| now < *until);
        memory.changed.retain(|_, (_, _, until)| now < *until);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn strangers_fill_no_memory_and_bring_no_session_back() {
        let cookies = SealedCookies::new(CookieKeys::parse(["A".repeat(43)]).unwrap());
        let of = |name: String| Key::of(&[&name]);
        let (used, told) = (of("used".to_owned()), of("told".to_owned()));
        cookies.end_named(used, 10);
        cookies.end(told, 10, 100);
        for n in 1..MOST_NAMED {
            cookies.end_named(of(n.to_string()), 10);
        }
        assert!(cookies.is_ended(&[used], 10) && !cookies.is_ended(&[used], 11));
        cookies.end_named(of("one more".to_owned()), 10);
        assert!(!cookies.is_ended(&[used], 10), "it is the oldest");
        assert!(cookies.is_ended(&[told], 10) && !cookies.is_ended(&[told], 11));
        assert_eq!(cookies.memory().named.len(), MOST_NAMED);
    }
}
