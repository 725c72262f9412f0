//! Keys of clients that publish them (`jwks_uri`, OIDC Core section 10.1.1): fetched when they are needed, and kept.
//!
//! Only addresses that an operator wrote into a client's settings are fetched, without redirects; no request can name one. So many an
//! assertion with a forged `kid` as may come, an address is asked once a minute at most, and by one request at a time.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{
    client_assertion::{AssertionError, ClientKeys, VerifiedAssertion},
    time::Timestamp,
};

/// A fetched set is asked for again after so many seconds.
const FRESH_FOR: i64 = 3600;
/// While the client's address can't be reached, the last set counts so many seconds longer.
const USABLE_FOR: i64 = 86_400;
/// So many seconds lie between two requests to one address.
const PAUSE: i64 = 60;

/// The way to clients' key sets: HTTP. An implementation follows no redirects, and bounds time and size.
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

    /// Verifies by the keys at this address. One that no known key made is tried again with keys fetched anew.
    pub(crate) async fn verify(
        &self,
        uri: &str,
        now: Timestamp,
        verify: impl Fn(&ClientKeys) -> Result<VerifiedAssertion, AssertionError>,
    ) -> Result<VerifiedAssertion, AssertionError> {
        let set =
            Arc::clone(self.sets.lock().unwrap_or_else(PoisonError::into_inner).entry(uri.to_owned()).or_default());
        let known = {
            let mut set = set.lock().await;
            set.refresh_if(&*self.source, uri, now, |age| age >= FRESH_FOR).await;
            set.keys(now).ok_or(AssertionError::KeysUnavailable)?
        };
        match verify(&known) {
            Err(AssertionError::BadSignature) => {
                let mut set = set.lock().await;
                set.refresh_if(&*self.source, uri, now, |_| true).await;
                verify(&set.keys(now).ok_or(AssertionError::KeysUnavailable)?)
            }
            outcome => outcome,
        }
    }
}

impl RemoteSet {
    /// Asks the address if there are no keys or they are of such an age, unless it was asked a moment ago.
    async fn refresh_if(&mut self, source: &dyn JwksSource, uri: &str, now: Timestamp, old: impl Fn(i64) -> bool) {
        let is_old = self.keys.as_ref().is_none_or(|(_, fetched_at)| old(now.since(*fetched_at)));
        let asked_lately = self.asked_at.is_some_and(|asked_at| (0..PAUSE).contains(&now.since(asked_at)));
        if !is_old || asked_lately {
            return;
        }
        self.asked_at = Some(now);
        match source.fetch(uri).await.map(ClientKeys::from_published) {
            Ok(Some(keys)) => self.keys = Some((keys, now)),
            Ok(None) => tracing::warn!(uri, "a client's jwks_uri has no public key for an algorithm that is served"),
            Err(error) => tracing::warn!(uri, %error, "a client's jwks_uri can't be read"),
        }
    }

    fn keys(&self, now: Timestamp) -> Option<ClientKeys> {
        let (keys, fetched_at) = self.keys.as_ref()?;
        (now.since(*fetched_at) < FRESH_FOR + USABLE_FOR).then(|| keys.clone())
    }
}
