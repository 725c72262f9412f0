//! Clients that are documents at the URL which is their identifier
//! (draft-ietf-oauth-client-id-metadata-document): fetched when they are needed, and kept for a
//! while.
//!
//! Anybody can name any URL in an authorization request. So a document is fetched once at a time,
//! one that can't be had is not asked for again at once, and one host is asked a limited number of
//! times a minute, however many URLs are made up. A document that was there before is asked for
//! beyond that. A caller who hangs up does not stop a fetch that others wait for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::{
    keys::{document_source::DocumentSource, host_limit::HostLimit},
    model::{
        client::{Client, ClientOrigin},
        registration::{DocumentUrl, MetadataError, RegistrationPolicy},
        time::Timestamp,
    },
};

/// How long a document is used before it is fetched again, in seconds, if its publisher does not
/// say, and the bounds of what the publisher may say.
const FRESH_FOR: u32 = 300;
const SHORTEST: u32 = 60;
const LONGEST: u32 = 86_400;
/// Seconds for which the last document stays usable while its address can't be reached.
const USABLE_FOR: i64 = 3600;
/// Seconds after which a document is asked for again that could not be had.
const PAUSE: i64 = 10;
/// How often one host is asked within a minute.
const MOST_PER_HOST: u32 = 30;
/// How many documents are kept.
const MOST_KEPT: usize = 1000;

/// The documents fetched so far.
#[derive(Debug)]
pub(crate) struct ClientDocuments {
    source: Arc<dyn DocumentSource>,
    kept: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Kept>>>>,
    limit: HostLimit,
}

/// One address.
#[derive(Debug, Default)]
struct Kept {
    /// What was found there last, and until when it is fresh.
    document: Option<(Value, Timestamp)>,
    asked_at: Option<Timestamp>,
}

impl ClientDocuments {
    pub(crate) fn new(source: Arc<dyn DocumentSource>) -> Self {
        Self { source, kept: Mutex::default(), limit: HostLimit::new(MOST_PER_HOST) }
    }

    /// The client that this document describes; `None` if it can't be had or is not valid.
    pub(crate) async fn find(
        &self,
        url: &DocumentUrl,
        policy: RegistrationPolicy<'_>,
        now: Timestamp,
    ) -> Option<Arc<Client>> {
        let content = self.content(url, now).await?;
        let client = described(url, content, policy).inspect_err(|error| {
            let client_id = url.client_id();
            tracing::info!(%client_id, %error, "a client's document is not valid");
        });
        client.ok().map(Arc::new)
    }

    /// The name of the client as it was read last; nothing is fetched.
    pub(crate) fn known_name(&self, url: &DocumentUrl) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(url.client_id().as_str())?.try_lock().ok()?;
        let (content, _) = kept.document.clone()?;
        url.read(content).ok()?.client_name
    }

    /// What is at the address, fetched anew if it is not fresh.
    async fn content(&self, url: &DocumentUrl, now: Timestamp) -> Option<Value> {
        let mut kept = self.kept(url).lock_owned().await;
        let may_ask =
            || kept.document.is_some() || self.limit.allows(url.client_id().as_str(), now);
        if kept.is_to_be_fetched(now) && may_ask() {
            let (source, client_id) = (Arc::clone(&self.source), url.client_id().clone());
            // In a task of its own, which keeps the lock: a caller who hangs up does not stop it
            // for the others.
            let fetching = tokio::spawn(async move {
                kept.fetch(&*source, &client_id, now).await;
                kept
            });
            kept = fetching.await.ok()?;
        }
        kept.usable(now)
    }

    fn kept(&self, url: &DocumentUrl) -> Arc<tokio::sync::Mutex<Kept>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(url.client_id().as_str()) {
            // Those that somebody waits for stay, and the others only if they have a document.
            let is_empty = |own: &tokio::sync::Mutex<Kept>| {
                own.try_lock().is_ok_and(|own| own.document.is_none())
            };
            kept.retain(|_, own| Arc::strong_count(own) > 1 || !is_empty(own));
            if kept.len() >= MOST_KEPT {
                kept.retain(|_, own| Arc::strong_count(own) > 1);
            }
        }
        Arc::clone(kept.entry(url.client_id().to_string()).or_default())
    }
}

impl Kept {
    fn is_to_be_fetched(&self, now: Timestamp) -> bool {
        let is_fresh = self.document.as_ref().is_some_and(|(_, until)| now < *until);
        let asked_lately =
            self.asked_at.is_some_and(|asked_at| (0..PAUSE).contains(&now.since(asked_at)));
        !is_fresh && !asked_lately
    }

    async fn fetch(&mut self, source: &dyn DocumentSource, client_id: &str, now: Timestamp) {
        self.asked_at = Some(now);
        match source.fetch(client_id).await {
            Ok(document) => {
                let fresh_for = document.max_age.unwrap_or(FRESH_FOR).clamp(SHORTEST, LONGEST);
                self.document = Some((document.content, now.plus(fresh_for)));
            }
            Err(error) => {
                tracing::warn!(client_id, %error, "a client's document can't be read");
            }
        }
    }

    fn usable(&self, now: Timestamp) -> Option<Value> {
        let (content, until) = self.document.as_ref()?;
        (now.since(*until) < USABLE_FOR).then(|| content.clone())
    }
}

fn described(
    url: &DocumentUrl,
    content: Value,
    policy: RegistrationPolicy<'_>,
) -> Result<Client, MetadataError> {
    let metadata = policy.accept_document(url.read(content)?)?;
    let client = policy.document_client(url, &metadata)?;
    Ok(client.of_origin(ClientOrigin::Document { host: url.host().to_owned() }))
}
