//! The cached keys of an issuer. They are fetched when first needed, shared by all requests,
//! refreshed in the background and when a token suggests that they changed, and kept for some time
//! while the issuer is away.
//!
//! One fetch runs at a time, in a task of its own, so that a caller who hangs up does not cancel it
//! for the others. [`Fetching::may_start`] alone decides when a fetch may start, and why.

use std::{
    collections::VecDeque,
    error::Error as _,
    fmt::Write as _,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    time::Duration,
};

use doorward_protocol::{jose::SigningAlgorithm, jws::UnverifiedHeader};
use tokio::sync::watch;
use url::Url;

use crate::{
    Clock, IssuerUnavailable, TokenError, VerificationError,
    issuer::{AddressError, IssuerClient, IssuerError, Published},
    key_set::KeySet,
    meter,
};

/// Keys older than this are fetched again. So a key that the issuer withdraws is accepted no longer
/// than this, as long as the issuer can be reached.
const REFRESH_AFTER: Duration = Duration::from_secs(10 * 60);
/// The largest share of that time that is left out at random, so that many processes don't fetch at
/// the same time.
const SPREAD: f64 = 0.2;
/// The shortest time between two fetches for tokens that the keys at hand don't verify. Anyone can
/// write such a token, and without the limit anyone could make this API flood the issuer.
const UNVERIFIED_INTERVAL: Duration = Duration::from_secs(10);
/// How many names of absent keys are kept.
const MAX_ABSENT: usize = 64;
/// Longer names of absent keys are not kept.
const MAX_NAME_LENGTH: usize = 256;
/// The shortest time between a failed fetch and the next, while requests wait for it.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The same while the keys at hand still serve.
const RELAXED_RETRY_INTERVAL: Duration = Duration::from_secs(15);

/// How long keys are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    refresh_after: Duration,
    max_age: Duration,
}

impl Freshness {
    /// Keys are used for `max_age` while the issuer can't be reached. `chance`, from 0 to 1,
    /// decides how much earlier than usual they are fetched again.
    pub(crate) fn new(max_age: Duration, chance: f64) -> Self {
        let usual = REFRESH_AFTER.min(max_age / 2);
        Self { refresh_after: usual.mul_f64(1.0 - SPREAD * chance.clamp(0.0, 1.0)), max_age }
    }
}

/// The keys of one issuer. Clones share them.
#[derive(Clone)]
pub(crate) struct KeyStore(Arc<Inner>);

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

/// Why keys are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// There are none at hand.
    First,
    /// The keys at hand are old.
    Age,
    /// A token names a key that is not at hand, or its signature fits none.
    Unverified,
}

/// What is known about fetches. Times are the clock's `elapsed`.
#[derive(Default)]
struct Fetching {
    /// Closed when the running fetch has ended.
    running: Option<watch::Receiver<()>>,
    /// When the last fetch began, if it failed.
    failed_at: Option<Duration>,
    /// When such a token last led to a fetch that succeeded.
    unverified_at: Option<Duration>,
    /// Names of keys that the issuer was found not to publish, the latest last: withdrawn ones, and
    /// those that tokens named.
    absent: VecDeque<String>,
    /// Whether the background task runs.
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
            Occasion::Unverified => wait(self.failed_at, RETRY_INTERVAL)
                .max(wait(self.unverified_at, UNVERIFIED_INTERVAL)),
        };
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Whether the issuer was found not to publish a key of this name.
    fn is_absent(&self, kid: Option<&str>) -> bool {
        self.failed_at.is_none() && kid.is_none_or(|kid| self.absent.iter().any(|own| own == kid))
    }

    fn note_absent(&mut self, kid: Option<&str>) {
        let is_kept = |kid: &&str| kid.len() <= MAX_NAME_LENGTH && !self.is_absent(Some(kid));
        let Some(kid) = kid.filter(is_kept) else { return };
        self.absent.push_back(kid.to_owned());
        if self.absent.len() > MAX_ABSENT {
            self.absent.pop_front();
        }
    }

    /// When the background task fetches again what was fetched at `fetched_at`.
    fn due(&self, fetched_at: Option<Duration>, freshness: Freshness) -> Duration {
        let retry = self.failed_at.map_or(Duration::ZERO, |failed| failed + RELAXED_RETRY_INTERVAL);
        fetched_at.map_or(retry, |fetched| retry.max(fetched + freshness.refresh_after))
    }
}

impl KeyStore {
    /// A store that fetches from the issuer when it is first used.
    pub(crate) fn new(issuer: IssuerClient, freshness: Freshness, clock: Arc<dyn Clock>) -> Self {
        let (current, fetching) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Inner { issuer, clock, freshness, current, fetching }))
    }

    /// The keys at hand, unless they are too old. When they are old, a fetch starts in the
    /// background, so this must be called within a Tokio runtime.
    pub(crate) fn at_hand(&self) -> Option<Arc<KeySet>> {
        self.current().map(|current| Arc::clone(&current.keys))
    }

    /// The keys at hand; fetches them if there are none.
    pub(crate) async fn keys(&self) -> Result<Arc<KeySet>, IssuerUnavailable> {
        self.fetched().await.map(|current| Arc::clone(&current.keys))
    }

    /// The introspection endpoint, and the client that sends requests to it.
    pub(crate) async fn introspection(
        &self,
    ) -> Result<(&IssuerClient, Result<Url, IssuerError>), IssuerUnavailable> {
        if let Some(endpoint) = self.0.issuer.configured_introspection() {
            return Ok((&self.0.issuer, Ok(endpoint)));
        }
        let endpoint = self.fetched().await?.introspection_endpoint.clone();
        let endpoint =
            endpoint.ok_or(IssuerError::NoIntrospection).and_then(|endpoint| Ok(endpoint?));
        Ok((&self.0.issuer, endpoint))
    }

    /// What was fetched, unless it is too old.
    fn current(&self) -> Option<Arc<Current>> {
        let current = self.0.current()?;
        let now = self.0.clock.elapsed();
        let age = now.saturating_sub(current.fetched_at);
        if age >= self.0.freshness.refresh_after {
            // Whether or not the fetch may start, this request uses the keys at hand.
            let _ = self.start(Occasion::Age, Some(&current), now);
        }
        (age < self.0.freshness.max_age).then_some(current)
    }

    async fn fetched(&self) -> Result<Arc<Current>, IssuerUnavailable> {
        let seen = self.0.current();
        if let Some(current) = self.current() {
            return Ok(current);
        }
        match self.start(Occasion::First, seen.as_ref(), self.0.clock.elapsed()) {
            Ok(ended) => wait_for(ended).await,
            Err(wait) => return Err(IssuerUnavailable::after(wait)),
        }
        self.current().ok_or_else(|| IssuerUnavailable::after(RETRY_INTERVAL))
    }

    /// Newer keys than those that did not verify a token. `None`: the issuer was asked, and its
    /// keys have not changed.
    ///
    /// # Errors
    /// The issuer could not be asked, or was asked for such a token a short time ago. So it is not
    /// known whether it publishes the key now.
    pub(crate) async fn keys_newer_than(
        &self,
        seen: &Arc<KeySet>,
        kid: Option<&str>,
    ) -> Result<Option<Arc<KeySet>>, IssuerUnavailable> {
        let newer = |current: Option<&Arc<Current>>| {
            let keys = Arc::clone(&current?.keys);
            (!Arc::ptr_eq(&keys, seen)).then_some(keys)
        };
        let current = self.0.current();
        if let Some(keys) = newer(current.as_ref()) {
            return Ok(Some(keys));
        }
        match self.start(Occasion::Unverified, current.as_ref(), self.0.clock.elapsed()) {
            Ok(ended) => wait_for(ended).await,
            Err(_) if self.0.fetching().is_absent(kid) => return Ok(None),
            Err(wait) => return Err(IssuerUnavailable::after(wait)),
        }
        if let Some(keys) = newer(self.0.current().as_ref()) {
            return Ok(Some(keys));
        }
        let mut fetching = self.0.fetching();
        if fetching.failed_at.is_some() {
            return Err(IssuerUnavailable::after(RETRY_INTERVAL));
        }
        fetching.note_absent(kid);
        Ok(None)
    }

    /// Checks a signature of the issuer, with keys fetched anew where those at hand are not enough.
    /// Returns the keys that verified it.
    pub(crate) async fn verify(
        &self,
        token: &str,
        header: &UnverifiedHeader,
        algorithm: SigningAlgorithm,
    ) -> Result<Arc<KeySet>, VerificationError> {
        let keys = self.keys().await?;
        let verify = |keys: &KeySet| keys.verify(token, header.kid.as_deref(), algorithm);
        match verify(&keys) {
            Ok(()) => Ok(keys),
            // The token may be signed with a key that the issuer began to use after the last
            // fetch. If it can't be asked now, nobody knows whether the key is the issuer's.
            Err(TokenError::UnknownKey) => {
                let newer = self.keys_newer_than(&keys, header.kid.as_deref()).await?;
                let newer = newer.ok_or(TokenError::UnknownKey)?;
                verify(&newer)?;
                Ok(newer)
            }
            // An issuer may give another key the name of an old one.
            Err(error @ (TokenError::BadSignature | TokenError::WrongAlgorithm)) => {
                let newer = self.keys_newer_than(&keys, header.kid.as_deref()).await;
                let newer = newer.ok().flatten().ok_or(error)?;
                verify(&newer)?;
                Ok(newer)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Joins the running fetch or starts one. If one succeeded since the caller saw what was there,
    /// there is nothing to wait for. If none may start now, returns how long to wait.
    fn start(
        &self,
        occasion: Occasion,
        seen: Option<&Arc<Current>>,
        now: Duration,
    ) -> Result<watch::Receiver<()>, Duration> {
        let mut fetching = self.0.fetching();
        if let Some(running) = &fetching.running
            && running.has_changed().is_ok()
        {
            return Ok(running.clone());
        }
        if self.0.current().as_ref().map(Arc::as_ptr) != seen.map(Arc::as_ptr) {
            let (_, ended) = watch::channel(());
            return Ok(ended);
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

/// Fetches the keys again before they get old, whether or not requests arrive, until the store is
/// dropped.
async fn keep_fresh(store: Weak<Inner>, clock: Arc<dyn Clock>) {
    loop {
        let Some(inner) = store.upgrade() else { return };
        let seen = inner.current();
        let fetched_at = seen.as_ref().map(|current| current.fetched_at);
        let due = inner.fetching().due(fetched_at, inner.freshness);
        drop(inner);
        clock.sleep_until(due).await;
        let Some(inner) = store.upgrade() else { return };
        let started = KeyStore(inner).start(Occasion::Age, seen.as_ref(), clock.elapsed());
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
        outcome: Result<Published, IssuerError>,
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
                if occasion == Occasion::Unverified {
                    fetching.unverified_at = Some(started);
                }
                for withdrawn in self.keep(published, started) {
                    fetching.note_absent(Some(&withdrawn));
                }
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

    /// Keys that did not change stay the same object, so that tokens verified with them still
    /// count. Returns the names of keys that were withdrawn.
    fn keep(&self, published: Published, fetched_at: Duration) -> Vec<String> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let (keys, withdrawn) = match current.take() {
            Some(old) if old.keys.is_same_as(&published.keys) => {
                (Arc::clone(&old.keys), Vec::new())
            }
            Some(old) => {
                let withdrawn = old.keys.names_missing_in(&published.keys);
                (Arc::new(published.keys), withdrawn)
            }
            None => (Arc::new(published.keys), Vec::new()),
        };
        let introspection_endpoint = published.introspection_endpoint;
        *current = Some(Arc::new(Current { keys, introspection_endpoint, fetched_at }));
        withdrawn
    }
}

/// Returns when the fetch has ended, with or without success.
async fn wait_for(mut ended: watch::Receiver<()>) {
    while ended.changed().await.is_ok() {}
}

/// The error with its sources: an HTTP error names the reason only there.
pub(crate) fn with_sources(error: &IssuerError) -> String {
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
    #![allow(clippy::unwrap_used)]
    use std::pin::Pin;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A clock for tests that take longer than the intervals that they are about.
    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> i64 {
            0
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep_until(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }
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
    fn tokens_that_are_not_verified_lead_to_one_fetch_in_ten_seconds() {
        let mut fetching = Fetching::default();
        assert_eq!(fetching.may_start(Occasion::Unverified, at(5)), Ok(()));
        fetching.unverified_at = Some(at(5));
        assert_eq!(fetching.may_start(Occasion::Unverified, at(6)), Err(at(9)));
        assert_eq!(fetching.may_start(Occasion::Unverified, at(14)), Err(at(1)));
        assert_eq!(fetching.may_start(Occasion::Unverified, at(15)), Ok(()));
    }

    #[tokio::test]
    async fn a_million_forged_key_names_lead_to_one_fetch() {
        let keys = crate::KeySource::Fixed(crate::JwkSet::new(vec![crate::Jwk::ed25519("AA")]));
        let issuer = crate::TrustedIssuer::new("https://id.example.com", "api").with_keys(keys);
        let settings = crate::ResourceServerSettings::for_issuer(issuer);
        let client = IssuerClient::new(&settings.issuers[0], &settings).unwrap();
        let clock = Arc::new(StoppedClock);
        let store = KeyStore::new(client, Freshness::new(at(86_400), 0.0), clock);
        let keys = store.keys().await.unwrap();
        assert_eq!(store.keys_newer_than(&keys, Some("forged-0")).await.unwrap().map(drop), None);
        let looked_at = store.0.fetching().unverified_at;
        for number in 1..1_000_000 {
            let name = format!("forged-{number}");
            // Nobody looked for this one, so nobody can say that it does not exist.
            assert!(store.keys_newer_than(&keys, Some(&name)).await.is_err());
        }
        assert_eq!(store.0.fetching().unverified_at, looked_at);
        assert!(store.keys_newer_than(&keys, Some("forged-0")).await.unwrap().is_none());
        assert!(store.0.fetching().absent.len() <= MAX_ABSENT);
    }

    #[test]
    fn a_failure_is_retried_slowly_while_old_keys_serve() {
        let fetching = Fetching { failed_at: Some(at(100)), ..Fetching::default() };
        assert_eq!(fetching.may_start(Occasion::Age, at(101)), Err(at(14)));
        assert_eq!(fetching.may_start(Occasion::Age, at(115)), Ok(()));
        assert_eq!(fetching.may_start(Occasion::Unverified, at(101)), Ok(()));
    }

    #[test]
    fn keys_are_fetched_anew_long_before_they_are_stale_and_not_in_step() {
        let day = Duration::from_secs(86_400);
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
