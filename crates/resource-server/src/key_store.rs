//! The issuer's keys at hand: fetched when first needed, shared by all requests, fetched anew when they may have
//! changed, and kept while the issuer is away.
//!
//! One fetch runs at a time, in a task of its own, so that a caller who hangs up does not stop it for the others. When
//! a fetch may start, for whose sake, is decided by [`Fetching::may_start`] alone.

use std::{
    error::Error as _,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::watch;

use crate::{Clock, FetchError, IssuerClient, KeySet};

/// Keys older than this are fetched anew, behind the requests that use them: a key that the issuer withdraws is
/// accepted no longer than this after.
const MAX_AGE: Duration = Duration::from_mins(10);
/// A token that names an unknown key makes us look for new keys this often at most. Anyone can write such a token;
/// without the limit anyone could make us flood the issuer.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_mins(1);
/// The shortest time between a failed fetch and the next, while requests wait for it.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The same while the keys at hand still serve.
const RELAXED_RETRY_INTERVAL: Duration = Duration::from_secs(15);

/// The keys can't be had now; nothing can be said about the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are not available")]
pub struct KeysUnavailable {
    /// When it makes sense to ask again, in seconds, at least one.
    pub retry_after: u64,
}

/// The keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct KeyStore(Arc<Inner>);

struct Inner {
    issuer: IssuerClient,
    clock: Arc<dyn Clock>,
    current: RwLock<Option<Current>>,
    fetching: Mutex<Fetching>,
}

#[derive(Clone)]
struct Current {
    keys: Arc<KeySet>,
    fetched_at: Duration,
}

/// Why keys are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// There are none yet.
    First,
    /// The keys at hand are old.
    Age,
    /// A token names a key that is not at hand.
    UnknownKey,
}

/// What is known about fetches. Times are the clock's `elapsed`.
#[derive(Default)]
struct Fetching {
    /// Closed when the running fetch has ended.
    running: Option<watch::Receiver<()>>,
    /// When the last fetch began, if it failed.
    failed_at: Option<Duration>,
    /// When an unknown key last led to a fetch that succeeded.
    unknown_key_at: Option<Duration>,
}

impl Fetching {
    /// Whether a fetch may start now; if not, how long to wait.
    fn may_start(&self, occasion: Occasion, now: Duration) -> Result<(), Duration> {
        let wait = |since: Option<Duration>, interval: Duration| {
            since.map_or(Duration::ZERO, |since| (since + interval).saturating_sub(now))
        };
        let wait = match occasion {
            Occasion::First => wait(self.failed_at, RETRY_INTERVAL),
            Occasion::Age => wait(self.failed_at, RELAXED_RETRY_INTERVAL),
            Occasion::UnknownKey => {
                wait(self.failed_at, RETRY_INTERVAL).max(wait(self.unknown_key_at, UNKNOWN_KEY_INTERVAL))
            }
        };
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }
}

impl KeyStore {
    /// A store that fetches from the issuer when first asked.
    pub fn new(issuer: IssuerClient, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { issuer, clock, current: RwLock::default(), fetching: Mutex::default() }))
    }

    /// The keys at hand, if there are any. When they are old, newer ones are fetched behind the caller's back; so
    /// this is called within a Tokio runtime.
    pub fn at_hand(&self) -> Option<Arc<KeySet>> {
        let current = self.0.current()?;
        let now = self.0.clock.elapsed();
        if now.saturating_sub(current.fetched_at) >= MAX_AGE {
            // Whether it starts or must wait, this request goes on with the keys at hand.
            let _ = self.start(Occasion::Age, now);
        }
        Some(current.keys)
    }

    /// The keys at hand; fetches them if there are none yet.
    pub async fn keys(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        if let Some(keys) = self.at_hand() {
            return Ok(keys);
        }
        let started = self.start(Occasion::First, self.0.clock.elapsed());
        match started {
            Ok(ended) => wait_for(ended).await,
            Err(wait) => return Err(unavailable_for(wait)),
        }
        let current = self.0.current();
        current.map(|current| current.keys).ok_or_else(|| unavailable_for(RETRY_INTERVAL))
    }

    /// Newer keys than those in which a token's key was not found, if they may be fetched and are newer.
    ///
    /// # Errors
    /// The issuer could not be asked, so that nobody knows whether the key exists.
    pub async fn keys_newer_than(&self, seen: &Arc<KeySet>) -> Result<Option<Arc<KeySet>>, KeysUnavailable> {
        let newer = |store: &Inner| {
            let keys = store.current()?.keys;
            (!Arc::ptr_eq(&keys, seen)).then_some(keys)
        };
        if let Some(keys) = newer(&self.0) {
            return Ok(Some(keys));
        }
        if let Ok(ended) = self.start(Occasion::UnknownKey, self.0.clock.elapsed()) {
            wait_for(ended).await;
        }
        if let Some(keys) = newer(&self.0) {
            return Ok(Some(keys));
        }
        match self.0.fetching().failed_at {
            Some(_) => Err(unavailable_for(RETRY_INTERVAL)),
            None => Ok(None),
        }
    }

    /// Joins the running fetch or starts one; if none may start now, says how long to wait.
    fn start(&self, occasion: Occasion, now: Duration) -> Result<watch::Receiver<()>, Duration> {
        let mut fetching = self.0.fetching();
        if let Some(running) = &fetching.running
            && running.has_changed().is_ok()
        {
            return Ok(running.clone());
        }
        fetching.may_start(occasion, now)?;
        let (ends, ended) = watch::channel(());
        fetching.running = Some(ended.clone());
        drop(fetching);

        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let outcome = inner.issuer.fetch_keys().await;
            inner.finish(outcome, occasion, now);
            drop(ends);
        });
        Ok(ended)
    }
}

impl Inner {
    fn current(&self) -> Option<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the outcome of the fetch that began at `started`.
    fn finish(&self, outcome: Result<KeySet, FetchError>, occasion: Occasion, started: Duration) {
        let mut fetching = self.fetching();
        fetching.running = None;
        match outcome {
            Ok(keys) => {
                tracing::info!(issuer = self.issuer.issuer(), ?occasion, "fetched the issuer's keys");
                fetching.failed_at = None;
                if occasion == Occasion::UnknownKey {
                    fetching.unknown_key_at = Some(started);
                }
                self.keep(keys, started);
            }
            Err(error) => {
                tracing::warn!(
                    issuer = self.issuer.issuer(),
                    ?occasion,
                    cause = with_sources(&error),
                    "could not fetch the issuer's keys"
                );
                fetching.failed_at = Some(started);
            }
        }
    }

    /// Keys that did not change keep their identity, and with it what was verified with them.
    fn keep(&self, keys: KeySet, fetched_at: Duration) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let keys = match current.take() {
            Some(old) if old.keys.is_same_as(&keys) => old.keys,
            _ => Arc::new(keys),
        };
        *current = Some(Current { keys, fetched_at });
    }
}

/// Returns when the fetch has ended, however it did.
async fn wait_for(mut ended: watch::Receiver<()>) {
    while ended.changed().await.is_ok() {}
}

fn unavailable_for(wait: Duration) -> KeysUnavailable {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    KeysUnavailable { retry_after: seconds.max(1) }
}

/// An HTTP error says why only in its sources.
fn with_sources(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a String can't fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_fetch_waits_only_after_a_failure() {
        let mut fetching = Fetching::default();
        assert_eq!(fetching.may_start(Occasion::First, at(0)), Ok(()));
        fetching.failed_at = Some(at(10));
        assert_eq!(fetching.may_start(Occasion::First, at(10)), Err(RETRY_INTERVAL));
        assert_eq!(fetching.may_start(Occasion::First, at(11)), Ok(()));
    }

    #[test]
    fn unknown_keys_lead_to_one_fetch_a_minute() {
        let mut fetching = Fetching::default();
        assert_eq!(fetching.may_start(Occasion::UnknownKey, at(5)), Ok(()));
        fetching.unknown_key_at = Some(at(5));
        assert_eq!(fetching.may_start(Occasion::UnknownKey, at(6)), Err(at(59)));
        assert_eq!(fetching.may_start(Occasion::UnknownKey, at(64)), Err(at(1)));
        assert_eq!(fetching.may_start(Occasion::UnknownKey, at(65)), Ok(()));
    }

    #[test]
    fn a_failure_is_retried_slowly_while_old_keys_serve() {
        let fetching = Fetching { failed_at: Some(at(100)), ..Fetching::default() };
        assert_eq!(fetching.may_start(Occasion::Age, at(101)), Err(at(14)));
        assert_eq!(fetching.may_start(Occasion::Age, at(115)), Ok(()));
        assert_eq!(fetching.may_start(Occasion::UnknownKey, at(101)), Ok(()));
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        assert_eq!(unavailable_for(Duration::from_millis(1200)).retry_after, 2);
        assert_eq!(unavailable_for(Duration::ZERO).retry_after, 1);
    }
}
