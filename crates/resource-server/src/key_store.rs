//! The issuer's keys at hand: fetched when first needed, shared by all requests, fetched anew in
//! the background and when they may have changed, and kept for some time while the issuer is away.
//!
//! One fetch runs at a time, in a task of its own, so that a caller who hangs up does not stop it
//! for the others. When a fetch may start, for whose sake, is decided by [`Fetching::may_start`]
//! alone.

use std::{
    error::Error as _,
    fmt::Write as _,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    time::Duration,
};

use tokio::sync::watch;
use url::Url;

use crate::{
    AddressError, Clock, FetchError, IssuerClient, IssuerUnavailable, KeySet, issuer::Published,
    meter,
};

/// Keys older than this are fetched anew: a key that the issuer withdraws is accepted no longer
/// than this after, as long as the issuer can be asked.
const REFRESH_AFTER: Duration = Duration::from_mins(10);
/// How much of that time chance may take away, so that many processes don't ask in step.
const SPREAD: f64 = 0.2;
/// A token that names an unknown key makes us look for new keys this often at most. Anyone can
/// write such a token; without the limit anyone could make us flood the issuer.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_mins(1);
/// The shortest time between a failed fetch and the next, while requests wait for it.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The same while the keys at hand still serve.
const RELAXED_RETRY_INTERVAL: Duration = Duration::from_secs(15);

/// How long keys serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    refresh_after: Duration,
    max_age: Duration,
}

impl Freshness {
    /// Keys that the issuer can't be asked about serve for `max_age`. `chance`, from 0 to 1,
    /// decides how much earlier than usual they are fetched anew.
    pub fn new(max_age: Duration, chance: f64) -> Self {
        let usual = REFRESH_AFTER.min(max_age / 2);
        Self { refresh_after: usual.mul_f64(1.0 - SPREAD * chance.clamp(0.0, 1.0)), max_age }
    }
}

/// The keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct KeyStore(Arc<Inner>);

struct Inner {
    issuer: IssuerClient,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    current: RwLock<Option<Arc<Current>>>,
    fetching: Mutex<Fetching>,
}

struct Current {
    keys: Arc<KeySet>,
    introspection_endpoint: Option<Result<Url, AddressError>>,
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
    /// Whether the task runs that fetches anew in the background.
    is_kept_fresh: bool,
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
            Occasion::UnknownKey => wait(self.failed_at, RETRY_INTERVAL)
                .max(wait(self.unknown_key_at, UNKNOWN_KEY_INTERVAL)),
        };
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// When the background is to fetch anew what was fetched at `fetched_at`.
    fn due(&self, fetched_at: Option<Duration>, freshness: Freshness) -> Duration {
        let retry = self.failed_at.map_or(Duration::ZERO, |failed| failed + RELAXED_RETRY_INTERVAL);
        fetched_at.map_or(retry, |fetched| retry.max(fetched + freshness.refresh_after))
    }
}

impl KeyStore {
    /// A store that fetches from the issuer when first asked.
    pub fn new(issuer: IssuerClient, freshness: Freshness, clock: Arc<dyn Clock>) -> Self {
        let (current, fetching) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Inner { issuer, clock, freshness, current, fetching }))
    }

    /// The keys at hand, if there are any that still serve. When they are old, newer ones are
    /// fetched behind the caller's back; so this is called within a Tokio runtime.
    pub fn at_hand(&self) -> Option<Arc<KeySet>> {
        self.current().map(|current| Arc::clone(&current.keys))
    }

    /// The keys at hand; fetches them if there are none yet.
    pub async fn keys(&self) -> Result<Arc<KeySet>, IssuerUnavailable> {
        self.fetched().await.map(|current| Arc::clone(&current.keys))
    }

    /// Where the issuer is asked about tokens, and by whom.
    pub(crate) async fn introspection(
        &self,
    ) -> Result<(&IssuerClient, Result<Url, FetchError>), IssuerUnavailable> {
        let endpoint = self.fetched().await?.introspection_endpoint.clone();
        let endpoint =
            endpoint.ok_or(FetchError::NoIntrospection).and_then(|endpoint| Ok(endpoint?));
        Ok((&self.0.issuer, endpoint))
    }

    /// What still serves.
    fn current(&self) -> Option<Arc<Current>> {
        let current = self.0.current()?;
        let now = self.0.clock.elapsed();
        let age = now.saturating_sub(current.fetched_at);
        if age >= self.0.freshness.refresh_after {
            // Whether it starts or must wait, this request goes on with the keys at hand.
            let _ = self.start(Occasion::Age, now);
        }
        (age < self.0.freshness.max_age).then_some(current)
    }

    async fn fetched(&self) -> Result<Arc<Current>, IssuerUnavailable> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        match self.start(Occasion::First, self.0.clock.elapsed()) {
            Ok(ended) => wait_for(ended).await,
            Err(wait) => return Err(IssuerUnavailable::after(wait)),
        }
        self.current().ok_or_else(|| IssuerUnavailable::after(RETRY_INTERVAL))
    }

    /// Newer keys than those in which a token's key was not found, if they may be fetched and are
    /// newer.
    ///
    /// # Errors
    /// The issuer could not be asked, so that nobody knows whether the key exists.
    pub async fn keys_newer_than(
        &self,
        seen: &Arc<KeySet>,
    ) -> Result<Option<Arc<KeySet>>, IssuerUnavailable> {
        let newer = |store: &Inner| {
            let keys = Arc::clone(&store.current()?.keys);
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
            Some(_) => Err(IssuerUnavailable::after(RETRY_INTERVAL)),
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
        let is_kept_fresh = mem::replace(&mut fetching.is_kept_fresh, true);
        drop(fetching);

        if !is_kept_fresh {
            tokio::spawn(keep_fresh(Arc::downgrade(&self.0), Arc::clone(&self.0.clock)));
        }
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let outcome = inner.issuer.fetch().await;
            inner.finish(outcome, occasion, now);
            drop(ends);
        });
        Ok(ended)
    }
}

/// Fetches anew before what is at hand gets old, whether or not requests come, until the store is
/// gone.
async fn keep_fresh(store: Weak<Inner>, clock: Arc<dyn Clock>) {
    loop {
        let Some(inner) = store.upgrade() else { return };
        let due = inner
            .fetching()
            .due(inner.current().map(|current| current.fetched_at), inner.freshness);
        drop(inner);
        clock.sleep_until(due).await;
        let Some(inner) = store.upgrade() else { return };
        let started = KeyStore(inner).start(Occasion::Age, clock.elapsed());
        if let Ok(ended) = started {
            wait_for(ended).await;
        }
    }
}

impl Inner {
    fn current(&self) -> Option<Arc<Current>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the outcome of the fetch that began at `started`.
    fn finish(
        &self,
        outcome: Result<Published, FetchError>,
        occasion: Occasion,
        started: Duration,
    ) {
        let mut fetching = self.fetching();
        fetching.running = None;
        meter::keys_fetched(outcome.as_ref().err());
        match outcome {
            Ok(published) => {
                tracing::info!(
                    issuer = self.issuer.issuer(),
                    ?occasion,
                    "fetched the issuer's keys"
                );
                fetching.failed_at = None;
                if occasion == Occasion::UnknownKey {
                    fetching.unknown_key_at = Some(started);
                }
                self.keep(published, started);
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
    fn keep(&self, published: Published, fetched_at: Duration) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let keys = match current.take() {
            Some(old) if old.keys.is_same_as(&published.keys) => Arc::clone(&old.keys),
            _ => Arc::new(published.keys),
        };
        let introspection_endpoint = published.introspection_endpoint;
        *current = Some(Arc::new(Current { keys, introspection_endpoint, fetched_at }));
    }
}

/// Returns when the fetch has ended, however it did.
async fn wait_for(mut ended: watch::Receiver<()>) {
    while ended.changed().await.is_ok() {}
}

/// An HTTP error says why only in its sources.
pub(crate) fn with_sources(error: &FetchError) -> String {
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
    fn keys_are_fetched_anew_long_before_they_are_stale_and_not_in_step() {
        let day = Duration::from_hours(24);
        assert_eq!(Freshness::new(day, 0.0).refresh_after, at(600));
        assert_eq!(Freshness::new(day, 1.0).refresh_after, at(480));
        assert_eq!(Freshness::new(day, f64::INFINITY).refresh_after, at(480));
        assert_eq!(Freshness::new(at(100), 0.0).refresh_after, at(50));
    }

    #[test]
    fn the_background_waits_longer_after_a_failure() {
        let freshness = Freshness::new(at(86_400), 0.0);
        let fetching = Fetching { failed_at: Some(at(1000)), ..Fetching::default() };
        assert_eq!(Fetching::default().due(Some(at(7)), freshness), at(607));
        assert_eq!(fetching.due(Some(at(7)), freshness), at(1015));
        assert_eq!(fetching.due(Some(at(999)), freshness), at(1599));
        assert_eq!(fetching.due(None, freshness), at(1015));
    }
}
