//! Keys of clients that publish them (`jwks_uri`, OIDC Core section 10.1.1): fetched when they are
//! needed, and kept.
//!
//! Only addresses that an operator wrote into a client's settings are fetched, without redirects;
//! no request can name one. However many assertions with a
//! forged `kid` arrive, an address is fetched at most once a minute, and once at a time. A caller
//! who hangs up does not stop a fetch that others wait for.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::model::{
    client::assertion::{AssertionError, ClientKeys, VerifiedAssertion},
    time::Timestamp,
};

/// Seconds after which a fetched set is fetched again.
const FRESH_FOR: i64 = 3600;
/// Seconds for which the last set stays usable while the client's address can't be reached.
const USABLE_FOR: i64 = 86_400;
/// Minimum number of seconds between two requests to one address.
const PAUSE: i64 = 60;

/// The way to clients' key sets: HTTP. An implementation follows no redirects, and bounds time and
/// size.
#[async_trait]
pub trait JwksSource: Send + Sync + fmt::Debug + 'static {
    /// Fetches a JWK set.
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError>;
}

/// A key set can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// The key sets fetched so far, by their addresses.
#[derive(Debug)]
pub(crate) struct RemoteKeys {
    source: Arc<dyn JwksSource>,
    sets: Mutex<HashMap<String, Arc<tokio::sync::Mutex<RemoteSet>>>>,
}

/// One address.
#[derive(Debug, Default)]
struct RemoteSet {
    keys: Option<(ClientKeys, Timestamp)>,
    asked_at: Option<Timestamp>,
}

impl RemoteKeys {
    pub(crate) fn new(source: Arc<dyn JwksSource>) -> Self {
        Self { source, sets: Mutex::default() }
    }

    /// Verifies by the keys at this address. One that no known key made is tried again with keys
    /// fetched anew.
    pub(crate) async fn verify(
        &self,
        uri: &str,
        now: Timestamp,
        verify: impl Fn(&ClientKeys) -> Result<VerifiedAssertion, AssertionError>,
    ) -> Result<VerifiedAssertion, AssertionError> {
        match verify(&self.keys(uri, now, |age| age >= FRESH_FOR).await?) {
            Err(AssertionError::BadSignature) => verify(&self.keys(uri, now, |_| true).await?),
            outcome => outcome,
        }
    }

    /// The keys at this address, fetched anew if there are none or they are of such an age.
    async fn keys(
        &self,
        uri: &str,
        now: Timestamp,
        old: fn(i64) -> bool,
    ) -> Result<ClientKeys, AssertionError> {
        let set = Arc::clone(
            self.sets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(uri.to_owned())
                .or_default(),
        );
        let mut set = set.lock_owned().await;
        if set.is_to_be_fetched(now, old) {
            let (source, uri) = (Arc::clone(&self.source), uri.to_owned());
            // In a task of its own, which keeps the lock: a caller who hangs up does not stop it
            // for the others.
            let fetching = tokio::spawn(async move {
                set.fetch(&*source, &uri, now).await;
                set
            });
            set = fetching.await.map_err(|_| AssertionError::KeysUnavailable)?;
        }
        set.keys(now).ok_or(AssertionError::KeysUnavailable)
    }
}

impl RemoteSet {
    /// Whether there are no keys or they are of such an age, and the address was not asked a moment
    /// ago.
    fn is_to_be_fetched(&self, now: Timestamp, old: fn(i64) -> bool) -> bool {
        let is_old = self.keys.as_ref().is_none_or(|(_, fetched_at)| old(now.since(*fetched_at)));
        let asked_lately =
            self.asked_at.is_some_and(|asked_at| (0..PAUSE).contains(&now.since(asked_at)));
        is_old && !asked_lately
    }

    async fn fetch(&mut self, source: &dyn JwksSource, uri: &str, now: Timestamp) {
        self.asked_at = Some(now);
        match source.fetch(uri).await.map(ClientKeys::from_published) {
            Ok(Some(keys)) => self.keys = Some((keys, now)),
            Ok(None) => tracing::warn!(
                uri,
                "a client's jwks_uri has no public key for an algorithm that is served"
            ),
            Err(error) => tracing::warn!(uri, %error, "a client's jwks_uri can't be read"),
        }
    }

    fn keys(&self, now: Timestamp) -> Option<ClientKeys> {
        let (keys, fetched_at) = self.keys.as_ref()?;
        (now.since(*fetched_at) < FRESH_FOR + USABLE_FOR).then(|| keys.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use futures::FutureExt as _;
    use serde_json::json;
    use tokio::sync::Notify;

    use super::*;
    use crate::model::message_identity::MessageIdentity;

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
            let key = json!({
                "kty": "EC", "crv": "P-256",
                "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
            });
            Ok(Map::from_iter([("keys".to_owned(), json!([key]))]))
        }
    }

    #[tokio::test]
    async fn who_hangs_up_stops_no_fetch_for_the_others() {
        let gate = Arc::new(Gate::default());
        let keys = RemoteKeys::new(Arc::clone(&gate) as Arc<dyn JwksSource>);
        let verify = |second| {
            keys.verify(ADDRESS, Timestamp::from_seconds(second), |_| {
                Ok(VerifiedAssertion {
                    identity: MessageIdentity::from_bytes([0; 32]),
                    too_old_at: 0,
                })
            })
        };
        assert!(verify(0).now_or_never().is_none(), "dropped while it waits for the keys");
        gate.opened.notify_one();
        assert!(verify(1).await.is_ok());
        assert_eq!(gate.asked.load(Relaxed), 1);
    }
}
