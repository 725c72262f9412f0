//! Keys of clients that publish them (`jwks_uri`, OIDC Core section 10.1.1): fetched when they are
//! needed, and kept; and request objects that they publish (`request_uri`, section 6.2).
//!
//! An address is one that an operator wrote into a client's settings, or that a client registered.
//! The two have sources of their own, so that a stranger leads to no address inside the network. No
//! redirect is followed. However many messages with a
//! forged `kid` arrive, an address is fetched at most once a minute, and once at a time. A caller
//! who hangs up does not stop a fetch that others wait for.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::{
    host_limit::HostLimit,
    kept::{Keep, Kept, Standing},
};
use crate::model::{
    client::{
        Client,
        keys::{ClientKeys, MOST_KEYS_OF_A_STRANGER, SignatureError},
    },
    time::Timestamp,
};

/// Seconds after which a fetched set is fetched again.
const FRESH_FOR: i64 = 3600;
/// Seconds for which the last set stays usable while the client's address can't be reached. A set
/// that is there without a key, or gone (404, 410), takes the last one with it.
const USABLE_FOR: i64 = 86_400;
/// How many request objects are fetched at once.
const MOST_OBJECTS: usize = 16;
/// How often within a minute one host of strangers is asked for keys that are not known yet, and
/// how often for request objects, which are not kept.
const MOST_UNKNOWN_KEYS_PER_HOST: u32 = 30;
const MOST_OBJECTS_PER_HOST: u32 = 120;
/// Minimum number of seconds between two requests to one address.
const PAUSE: i64 = 60;

/// How many addresses are kept, and about how many bytes their keys take. Clients that register
/// themselves name any number.
const MOST_KEPT: usize = 10_000;
const MOST_BYTES: usize = 32 << 20;

/// The way to what clients publish: HTTP. An implementation follows no redirects, and bounds time
/// and size.
#[async_trait]
pub trait JwksSource: Send + Sync + fmt::Debug + 'static {
    /// Fetches a JWK set.
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError>;
    /// Fetches a request object, as text. An implementation need not offer it.
    async fn fetch_request_object(&self, _uri: &str) -> Result<String, FetchError> {
        Err(FetchError::Away("request objects are not fetched".to_owned()))
    }
}

/// What a client publishes can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address can't be asked or reached, or its host can't answer now. What was there before
    /// may be there still.
    #[error("{0}")]
    Away(String),
    /// The host answers, and has nothing of the kind there (any more).
    #[error("{0}")]
    NotThere(String),
}

impl FetchError {
    /// What an answer with this status says, if that is not 200. "Not Found" and "Gone" are about
    /// the address (RFC 9110 sections 15.5.5 and 15.5.11), anything else may be about its host.
    pub fn of_status(status: u16) -> Self {
        let problem = format!("the answer has status {status}");
        match status {
            404 | 410 => Self::NotThere(problem),
            _ => Self::Away(problem),
        }
    }
}

/// The key sets fetched so far, by their addresses.
#[derive(Debug)]
pub(crate) struct RemoteKeys {
    source: Arc<dyn JwksSource>,
    /// Requests for request objects at the same time. Anybody can make the provider send one.
    objects: Semaphore,
    /// What holds for addresses that no operator wrote down.
    limits: Option<Limits>,
    /// How many keys of a set are used.
    most_keys: usize,
    sets: Kept<RemoteSet>,
}

/// How often hosts of strangers are asked.
#[derive(Debug)]
struct Limits {
    unknown_keys: HostLimit,
    objects: HostLimit,
}

/// One address.
#[derive(Debug, Default)]
struct RemoteSet {
    keys: Option<(ClientKeys, Timestamp)>,
    /// Whether keys were there at any time.
    had_keys: bool,
    asked_at: Option<Timestamp>,
}

impl RemoteKeys {
    pub(crate) fn new(source: Arc<dyn JwksSource>) -> Self {
        let objects = Semaphore::new(MOST_OBJECTS);
        let sets = Kept::new(MOST_KEPT, MOST_BYTES);
        Self { source, objects, limits: None, most_keys: usize::MAX, sets }
    }

    /// The same for addresses of strangers: each host is asked a limited number of times a minute,
    /// and a set has a limited number of keys.
    pub(crate) fn of_strangers(source: Arc<dyn JwksSource>) -> Self {
        let limits = Limits {
            unknown_keys: HostLimit::new(MOST_UNKNOWN_KEYS_PER_HOST),
            objects: HostLimit::new(MOST_OBJECTS_PER_HOST),
        };
        let most_keys = MOST_KEYS_OF_A_STRANGER;
        Self { limits: Some(limits), most_keys, ..Self::new(source) }
    }

    /// Fetches a request object from an address that its client registered. At most
    /// [`MOST_OBJECTS`] are fetched at once, and who comes then is not kept waiting.
    pub(crate) async fn request_object(
        &self,
        uri: &str,
        now: Timestamp,
    ) -> Result<String, FetchError> {
        let Ok(_permit) = self.objects.try_acquire() else {
            return Err(FetchError::Away("too many request objects are being fetched".to_owned()));
        };
        if self.limits.as_ref().is_some_and(|limits| !limits.objects.allows(uri, now)) {
            return Err(FetchError::Away(
                "its host was asked too often within this minute".to_owned(),
            ));
        }
        self.source.fetch_request_object(uri).await
    }

    /// Verifies a message by the keys at this address. One that no known key made is tried again
    /// with keys fetched anew, if they may be fetched now.
    pub(crate) async fn verify<T>(
        &self,
        uri: &str,
        now: Timestamp,
        verify: impl Fn(&ClientKeys) -> Result<T, SignatureError>,
    ) -> Result<T, SignatureError> {
        let known = self.keys(uri, now, |age| age >= FRESH_FOR).await?;
        let outcome = verify(&known);
        if !matches!(outcome, Err(SignatureError::BadSignature)) {
            return outcome;
        }
        let newest = self.keys(uri, now, |_| true).await?;
        // The same keys say the same, and take as long.
        if newest.is(&known) { outcome } else { verify(&newest) }
    }

    /// The keys at this address, fetched anew if there are none or they are of such an age.
    async fn keys(
        &self,
        uri: &str,
        now: Timestamp,
        old: fn(i64) -> bool,
    ) -> Result<ClientKeys, SignatureError> {
        let mut set = self.sets.entry(uri, now).lock_owned().await;
        if set.is_to_be_fetched(now, old) && self.may_ask(&set, uri, now) {
            let (source, uri) = (Arc::clone(&self.source), uri.to_owned());
            let most_keys = self.most_keys;
            // In a task of its own, which keeps the lock: a caller who hangs up does not stop it
            // for the others.
            let fetching = tokio::spawn(async move {
                set.fetch(&*source, &uri, most_keys, now).await;
                set
            });
            set = fetching.await.map_err(|_| SignatureError::KeysUnavailable)?;
            let keys = set.keys(now);
            drop(set);
            self.sets.sweep(now);
            return keys.ok_or(SignatureError::KeysUnavailable);
        }
        set.keys(now).ok_or(SignatureError::KeysUnavailable)
    }

    /// Whether the limit of its host lets an address be asked. One where keys were found is asked
    /// beyond that, so that a stranger who makes up addresses takes nothing from others.
    fn may_ask(&self, set: &RemoteSet, uri: &str, now: Timestamp) -> bool {
        let Some(limits) = &self.limits else { return true };
        set.had_keys || limits.unknown_keys.allows(uri, now)
    }

    /// Drops the sets that are not usable any more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.sets.sweep(now);
    }
}

/// The keys that clients publish, by who wrote their addresses down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublishedKeys<'a> {
    pub(crate) of_operators: &'a RemoteKeys,
    /// Of clients that registered themselves: fetched from public addresses only.
    pub(crate) of_strangers: &'a RemoteKeys,
}

impl PublishedKeys<'_> {
    /// Verifies a message by the keys of this client, wherever they are.
    pub(crate) async fn verify_by<T>(
        &self,
        client: &Client,
        now: Timestamp,
        verify: impl Fn(&ClientKeys) -> Result<T, SignatureError>,
    ) -> Result<T, SignatureError> {
        match &client.jwks_uri {
            Some(uri) if client.is_stranger() => self.of_strangers.verify(uri, now, verify).await,
            Some(uri) => self.of_operators.verify(uri, now, verify).await,
            None => verify(&client.keys),
        }
    }

    /// Fetches a request object of this client.
    pub(crate) async fn request_object(
        &self,
        client: &Client,
        uri: &str,
        now: Timestamp,
    ) -> Result<String, FetchError> {
        let source = if client.is_stranger() { self.of_strangers } else { self.of_operators };
        source.request_object(uri, now).await
    }
}

impl RemoteSet {
    /// Whether there are no keys or they are of such an age, and the address was not asked a moment
    /// ago. After the clock was set back nobody knows their age, and they are old.
    fn is_to_be_fetched(&self, now: Timestamp, old: fn(i64) -> bool) -> bool {
        let is_old = self.keys.as_ref().is_none_or(|(_, fetched_at)| {
            let age = now.since(*fetched_at);
            age < 0 || old(age)
        });
        is_old && !self.was_asked_lately(now)
    }

    fn was_asked_lately(&self, now: Timestamp) -> bool {
        self.asked_at.is_some_and(|asked_at| (0..PAUSE).contains(&now.since(asked_at)))
    }

    /// Fetches the set, and uses this many of its keys at most.
    async fn fetch(
        &mut self,
        source: &dyn JwksSource,
        uri: &str,
        most_keys: usize,
        now: Timestamp,
    ) {
        self.asked_at = Some(now);
        let fetched = source.fetch(uri).await;
        match fetched.map(|jwks| ClientKeys::from_published(jwks, most_keys)) {
            Ok(Some(keys)) => {
                self.keys = Some((keys, now));
                self.had_keys = true;
            }
            // The client has taken its keys away: what it may have lost counts no more.
            Ok(None) => {
                self.keys = None;
                tracing::warn!(
                    uri,
                    "a client's jwks_uri has no public key for an algorithm that is served"
                );
            }
            Err(error) => {
                if matches!(error, FetchError::NotThere(_)) {
                    self.keys = None;
                }
                tracing::warn!(uri, %error, "a client's jwks_uri can't be read");
            }
        }
    }

    fn keys(&self, now: Timestamp) -> Option<ClientKeys> {
        let (keys, fetched_at) = self.keys.as_ref()?;
        (now.since(*fetched_at).abs() < FRESH_FOR + USABLE_FOR).then(|| keys.clone())
    }
}

impl Keep for RemoteSet {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.keys.as_ref().map_or(0, |(keys, _)| keys.bytes())
    }

    fn standing(&self) -> Standing {
        match (&self.keys, self.had_keys) {
            (Some(_), _) => Standing::Filled,
            (None, true) => Standing::Marked,
            (None, false) => Standing::Empty,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.keys(now).is_none() && !self.was_asked_lately(now)
    }

    fn forget(&mut self) {
        self.keys = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use futures::FutureExt as _;
    use serde_json::json;
    use tokio::sync::Notify;

    use super::*;

    const ADDRESS: &str = "https://client.example/jwks";

    /// A source that answers when it is let.
    #[derive(Debug, Default)]
    struct Gate {
        opened: Notify,
        asked: AtomicU32,
    }

    #[async_trait]
    impl JwksSource for Gate {
        async fn fetch(&self, _: &str) -> Result<Map<String, Value>, FetchError> {
            self.asked.fetch_add(1, Relaxed);
            self.opened.notified().await;
            Ok(twenty_keys())
        }
    }

    fn twenty_keys() -> Map<String, Value> {
        let key = json!({
            "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        Map::from_iter([("keys".to_owned(), Value::Array(vec![key; 20]))])
    }

    /// A source that answers at once.
    #[derive(Debug)]
    struct Open;

    #[async_trait]
    impl JwksSource for Open {
        async fn fetch(&self, _: &str) -> Result<Map<String, Value>, FetchError> {
            Ok(twenty_keys())
        }
    }

    /// A source that answers once.
    #[derive(Debug, Default)]
    struct Once(AtomicU32);

    #[async_trait]
    impl JwksSource for Once {
        async fn fetch(&self, _: &str) -> Result<Map<String, Value>, FetchError> {
            match self.0.fetch_add(1, Relaxed) {
                0 => Ok(twenty_keys()),
                _ => Err(FetchError::Away("it is gone".to_owned())),
            }
        }
    }

    #[tokio::test]
    async fn keys_of_before_the_clock_was_set_back_are_old() {
        const BEGIN: i64 = 1_000_000;
        let source = Arc::new(Once::default());
        let keys = RemoteKeys::new(Arc::clone(&source) as Arc<dyn JwksSource>);
        let verify = |second| keys.verify(ADDRESS, Timestamp::from_seconds(second), |_| Ok(()));
        assert!(verify(BEGIN).await.is_ok());
        assert!(verify(BEGIN - 10).await.is_ok(), "while the address can't be reached");
        assert_eq!(source.0.load(Relaxed), 2, "it was asked");
        let over = verify(BEGIN - FRESH_FOR - USABLE_FOR).await;
        assert_eq!(over, Err(SignatureError::KeysUnavailable));
    }

    /// A source that answers so, until it is told another answer.
    #[derive(Debug)]
    struct Told(Mutex<Result<Map<String, Value>, FetchError>>);

    impl Told {
        fn answer_by(&self, answer: Result<Map<String, Value>, FetchError>) {
            *self.0.lock().unwrap() = answer;
        }
    }

    #[async_trait]
    impl JwksSource for Told {
        async fn fetch(&self, _: &str) -> Result<Map<String, Value>, FetchError> {
            self.0.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn a_set_that_is_empty_or_gone_takes_its_keys_with_it() {
        let empty = Map::from_iter([("keys".to_owned(), json!([]))]);
        for (answer, stay) in [
            (Ok(empty), false),
            (Err(FetchError::of_status(404)), false),
            (Err(FetchError::of_status(410)), false),
            (Err(FetchError::of_status(500)), true),
            (Err(FetchError::Away("nobody there".to_owned())), true),
        ] {
            let source = Arc::new(Told(Mutex::new(Ok(twenty_keys()))));
            let keys = RemoteKeys::of_strangers(Arc::clone(&source) as Arc<dyn JwksSource>);
            let verify = |second| keys.verify(ADDRESS, Timestamp::from_seconds(second), |_| Ok(()));
            assert!(verify(0).await.is_ok());
            source.answer_by(answer.clone());
            assert!(verify(FRESH_FOR - 1).await.is_ok(), "{answer:?}: not asked again yet");
            assert_eq!(verify(FRESH_FOR).await.is_ok(), stay, "{answer:?}");
            source.answer_by(Ok(twenty_keys()));
            assert!(verify(FRESH_FOR + PAUSE).await.is_ok(), "{answer:?}: it has keys again");
        }
    }

    #[tokio::test]
    async fn who_hangs_up_stops_no_fetch_for_the_others() {
        let gate = Arc::new(Gate::default());
        let keys = RemoteKeys::new(Arc::clone(&gate) as Arc<dyn JwksSource>);
        let verify = |second| keys.verify(ADDRESS, Timestamp::from_seconds(second), |_| Ok(()));
        assert!(verify(0).now_or_never().is_none(), "dropped while it waits for the keys");
        gate.opened.notify_one();
        assert!(verify(1).await.is_ok());
        assert_eq!(gate.asked.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn a_forged_message_is_verified_once_unless_the_keys_are_new() {
        let keys = RemoteKeys::of_strangers(Arc::new(Open));
        let tries = AtomicU32::new(0);
        let tried_at = async |second| {
            tries.store(0, Relaxed);
            let outcome = keys.verify(ADDRESS, Timestamp::from_seconds(second), |_| {
                tries.fetch_add(1, Relaxed);
                Err::<(), _>(SignatureError::BadSignature)
            });
            assert_eq!(outcome.await, Err(SignatureError::BadSignature));
            tries.load(Relaxed)
        };
        assert_eq!(tried_at(0).await, 1, "they were fetched for it");
        assert_eq!(tried_at(59).await, 1);
        assert_eq!(tried_at(60).await, 2, "they were fetched anew");
        assert_eq!(tried_at(61).await, 1);
    }

    #[tokio::test]
    async fn a_stranger_has_few_keys_and_they_are_forgotten_in_time() {
        let count = async |keys: &RemoteKeys| {
            let kept = keys.verify(ADDRESS, Timestamp::from_seconds(0), |keys| Ok(keys.clone()));
            format!("{:?}", kept.await.unwrap()).matches("Es256").count()
        };
        let strangers = RemoteKeys::of_strangers(Arc::new(Open));
        assert_eq!(count(&strangers).await, MOST_KEYS_OF_A_STRANGER);
        assert_eq!(count(&RemoteKeys::new(Arc::new(Open))).await, 20);
        let bytes = || strangers.sets.glance(ADDRESS, Keep::bytes).unwrap();
        strangers.sweep(Timestamp::from_seconds(FRESH_FOR + USABLE_FOR - 1));
        assert!(bytes() > size_of::<RemoteSet>());
        strangers.sweep(Timestamp::from_seconds(FRESH_FOR + USABLE_FOR));
        assert_eq!(bytes(), size_of::<RemoteSet>(), "a mark");
    }

    #[tokio::test]
    async fn keys_that_nobody_used_for_a_while_are_not_taken_for_made_up_ones() {
        let keys = RemoteKeys::of_strangers(Arc::new(Open));
        let verify = async |uri: &str, second| {
            keys.verify(uri, Timestamp::from_seconds(second), |_| Ok(())).await
        };
        assert!(verify(ADDRESS, 0).await.is_ok());
        let over = FRESH_FOR + USABLE_FOR;
        keys.sweep(Timestamp::from_seconds(over));
        for number in 0..MOST_UNKNOWN_KEYS_PER_HOST {
            let made_up = format!("https://client.example/made-up/{number}");
            assert!(verify(&made_up, over).await.is_ok());
        }
        let one_more = verify("https://client.example/made-up/more", over).await;
        assert_eq!(one_more, Err(SignatureError::KeysUnavailable));
        assert!(verify(ADDRESS, over).await.is_ok());
    }
}
