//! Clients that are documents at the URL which is their identifier
//! (draft-ietf-oauth-client-id-metadata-document): fetched when they are needed, and kept for a
//! while.
//!
//! Anybody can name any URL in an authorization request. So a document is fetched once at a time,
//! one that can't be had is not asked for again at once, and one host is asked a limited number of
//! times a minute, however many URLs are made up. A document that was there before is asked for
//! beyond that. A caller who hangs up does not stop a fetch that others wait for.
//!
//! Of a document the client is kept that it describes. What else its publisher put in takes no
//! memory. When the client is too old or its document is not valid any more, a mark stays that a
//! valid one was there: an application that nobody used for a while is not taken for a made-up one.

use std::sync::Arc;

use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use serde_json::Value;

use crate::{
    keys::{
        document_source::DocumentSource,
        host_limit::HostLimit,
        kept::{Keep, Kept, Standing},
        remote::FetchError,
    },
    model::{
        client::{Client, ClientOrigin},
        registration::{
            ClientMetadata, DocumentUrl, MetadataError, RegistrationPolicy, RegistrationSettings,
        },
        resource::Resources,
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
/// Seconds after which a document is asked for again that could not be had or is not valid.
const PAUSE: i64 = 10;
/// How often one host is asked within a minute.
const MOST_PER_HOST: u32 = 30;
/// How many documents are kept, and about how many bytes all of them take.
const MOST_KEPT: usize = 1000;
const MOST_BYTES: usize = 16 << 20;
/// How many bytes a text of a document takes as a part of a client: some are also kept as what was
/// read out of them.
const BYTES_OF_A_BYTE: usize = 4;

/// The documents fetched so far.
#[derive(Debug)]
pub(crate) struct ClientDocuments {
    source: Arc<dyn DocumentSource>,
    rules: Arc<DocumentRules>,
    kept: Kept<KeptDocument>,
    limit: HostLimit,
}

/// What the clients are held to: the parts of a [`RegistrationPolicy`].
#[derive(Debug)]
pub(crate) struct DocumentRules {
    pub(crate) settings: RegistrationSettings,
    pub(crate) resources: Arc<Resources>,
    pub(crate) algorithms: Vec<SigningAlgorithm>,
    pub(crate) salt: Secret,
}

/// One address.
#[derive(Debug, Default)]
struct KeptDocument {
    found: Option<Found>,
    /// Whether a valid document was there at any time.
    was_valid: bool,
    asked_at: Option<Timestamp>,
}

/// What was found there last, when that was, and until when it is fresh.
#[derive(Debug)]
struct Found {
    client: Described,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

/// The client that a document describes, and about how many bytes it takes.
#[derive(Debug)]
struct Described {
    client: Arc<Client>,
    bytes: usize,
}

impl ClientDocuments {
    pub(crate) fn new(source: Arc<dyn DocumentSource>, rules: DocumentRules) -> Self {
        let kept = Kept::new(MOST_KEPT, MOST_BYTES);
        Self { source, rules: Arc::new(rules), kept, limit: HostLimit::new(MOST_PER_HOST) }
    }

    /// The client that this document describes, fetched anew if it is not fresh; `None` if it can't
    /// be had or is not valid.
    pub(crate) async fn find(&self, url: &DocumentUrl, now: Timestamp) -> Option<Arc<Client>> {
        let client_id = url.client_id().as_str();
        let mut kept = self.kept.entry(client_id, now).lock_owned().await;
        let may_ask = || kept.was_valid || self.limit.allows(client_id, now);
        if !kept.is_to_be_fetched(now) || !may_ask() {
            return kept.usable(now);
        }
        let (source, rules, url) = (Arc::clone(&self.source), Arc::clone(&self.rules), url.clone());
        // In a task of its own, which keeps the lock: a caller who hangs up does not stop it for
        // the others.
        let fetching = tokio::spawn(async move {
            kept.fetch(&*source, &url, &rules, now).await;
            kept
        });
        let kept = fetching.await.ok()?;
        let client = kept.usable(now);
        drop(kept);
        self.kept.sweep(now);
        client
    }

    /// The name of the client as it was read last; nothing is fetched.
    pub(crate) fn known_name(&self, url: &DocumentUrl) -> Option<String> {
        let name = |kept: &KeptDocument| Some(kept.described()?.client.name.clone());
        self.kept.glance(url.client_id(), name).flatten()
    }

    /// Drops what is not usable any more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.kept.sweep(now);
    }
}

impl DocumentRules {
    fn policy(&self) -> RegistrationPolicy<'_> {
        let Self { settings, resources, algorithms, salt } = self;
        RegistrationPolicy { settings, resources, algorithms, salt }
    }
}

impl KeptDocument {
    fn described(&self) -> Option<&Described> {
        self.found.as_ref().map(|found| &found.client)
    }

    fn is_to_be_fetched(&self, now: Timestamp) -> bool {
        // After the clock was set back nobody knows its age, and it is old.
        let is_fresh = |found: &Found| found.fetched_at <= now && now < found.fresh_until;
        !self.found.as_ref().is_some_and(is_fresh) && !self.was_asked_lately(now)
    }

    fn was_asked_lately(&self, now: Timestamp) -> bool {
        self.asked_at.is_some_and(|asked_at| (0..PAUSE).contains(&now.since(asked_at)))
    }

    async fn fetch(
        &mut self,
        source: &dyn DocumentSource,
        url: &DocumentUrl,
        rules: &DocumentRules,
        now: Timestamp,
    ) {
        self.asked_at = Some(now);
        let client_id = url.client_id();
        let document = match source.fetch(client_id).await {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(%client_id, %error, "a client's document can't be read");
                if matches!(error, FetchError::NotThere(_)) {
                    // Its publisher took it away.
                    self.found = None;
                }
                return;
            }
        };
        let fresh_for = document.max_age.unwrap_or(FRESH_FOR).clamp(SHORTEST, LONGEST);
        // One that is not valid is not kept: its publisher may mend it at any time.
        self.found = match described(url, document.content, rules.policy()) {
            Ok(client) => Some(Found { client, fetched_at: now, fresh_until: now.plus(fresh_for) }),
            Err(error) => {
                tracing::info!(%client_id, %error, "a client's document is not valid");
                None
            }
        };
        self.was_valid |= self.found.is_some();
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<Client>> {
        let found = self.found.as_ref().filter(|found| found.is_usable(now))?;
        Some(Arc::clone(&found.client.client))
    }
}

impl Found {
    /// A client is used beyond its time while its address can't be reached.
    fn is_usable(&self, now: Timestamp) -> bool {
        now.since(self.fresh_until) < USABLE_FOR && self.fetched_at.since(now) < USABLE_FOR
    }
}

impl Keep for KeptDocument {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.described().map_or(0, |described| described.bytes)
    }

    fn standing(&self) -> Standing {
        match (&self.found, self.was_valid) {
            (Some(_), _) => Standing::Filled,
            (None, true) => Standing::Marked,
            (None, false) => Standing::Empty,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let is_usable = self.found.as_ref().is_some_and(|found| found.is_usable(now));
        !is_usable && !self.was_asked_lately(now)
    }

    fn forget(&mut self) {
        self.found = None;
    }
}

fn described(
    url: &DocumentUrl,
    content: Value,
    policy: RegistrationPolicy<'_>,
) -> Result<Described, MetadataError> {
    let metadata = policy.accept_document(url.read(content)?)?;
    let client = policy.document_client(url, &metadata)?;
    let client = client.of_origin(ClientOrigin::Document { host: url.host().to_owned() });
    let bytes = bytes_of(&client, metadata);
    Ok(Described { client: Arc::new(client), bytes })
}

/// About how many bytes the client takes that these metadata describe.
fn bytes_of(client: &Client, metadata: ClientMetadata) -> usize {
    // Of keys nothing is kept but what they verify by.
    let texts = ClientMetadata { jwks: None, ..metadata };
    let texts = serde_json::to_vec(&texts).map_or(0, |texts| texts.len());
    size_of::<Client>() + client.keys.bytes() + texts * BYTES_OF_A_BYTE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use async_trait::async_trait;
    use serde_json::json;

    use super::*;
    use crate::{keys::document_source::Document, model::resource::IdentityResource};

    /// Answers each address by what it makes of it.
    struct Publisher {
        document: fn(&str) -> Value,
        asked: AtomicU32,
    }

    impl std::fmt::Debug for Publisher {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("Publisher")
        }
    }

    #[async_trait]
    impl DocumentSource for Publisher {
        async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
            self.asked.fetch_add(1, Relaxed);
            Ok(Document { content: (self.document)(uri), max_age: None })
        }
    }

    fn documents(document: fn(&str) -> Value) -> (Arc<Publisher>, ClientDocuments) {
        let publisher = Arc::new(Publisher { document, asked: AtomicU32::new(0) });
        let resources = Resources::new(IdentityResource::standard(), vec![], vec![], false);
        let rules = DocumentRules {
            settings: RegistrationSettings::default(),
            resources: Arc::new(resources.unwrap()),
            algorithms: vec![SigningAlgorithm::Es256],
            salt: Secret::new("a salt of sixteen"),
        };
        let source = Arc::clone(&publisher) as Arc<dyn DocumentSource>;
        (publisher, ClientDocuments::new(source, rules))
    }

    fn url(number: usize) -> DocumentUrl {
        DocumentUrl::parse(&format!("https://{number}.zone-{number}.example/client"), false)
            .unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn bytes(documents: &ClientDocuments, url: &DocumentUrl) -> usize {
        documents.kept.glance(url.client_id(), Keep::bytes).unwrap()
    }

    /// 64 KiB as text, and 6 MB as a JSON value.
    fn many_objects() -> Value {
        Value::Array(vec![json!({"": 0}); 8000])
    }

    fn valid(uri: &str) -> Value {
        json!({"client_id": uri, "client_name": "Tool", "redirect_uris": ["https://a.example/cb"]})
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_document_that_is_not_valid() {
        let (publisher, documents) = documents(|_| json!({"a": many_objects()}));
        for number in 0..20 {
            assert!(documents.find(&url(number), at(0)).await.is_none());
        }
        assert_eq!(documents.kept.len(), 20);
        for number in 0..20 {
            assert_eq!(bytes(&documents, &url(number)), size_of::<KeptDocument>());
        }
        // Its publisher may have mended it after a pause.
        assert!(documents.find(&url(0), at(PAUSE - 1)).await.is_none());
        assert_eq!(publisher.asked.load(Relaxed), 20);
        documents.sweep(at(PAUSE));
        assert_eq!(documents.kept.len(), 0);
        assert!(documents.find(&url(0), at(PAUSE)).await.is_none());
        assert_eq!(publisher.asked.load(Relaxed), 21);
    }

    /// A document that was taken away, or cannot be asked for now.
    #[derive(Debug)]
    struct Answer(Mutex<Result<(), FetchError>>);

    #[async_trait]
    impl DocumentSource for Answer {
        async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
            let answer = self.0.lock().unwrap().clone();
            answer.map(|()| Document { content: valid(uri), max_age: None })
        }
    }

    #[tokio::test]
    async fn a_document_serves_while_its_host_is_away_and_not_when_it_was_taken_away() {
        let later = i64::from(FRESH_FOR);
        for (error, is_found) in [
            (FetchError::Away("no route".to_owned()), true),
            (FetchError::of_status(503), true),
            (FetchError::of_status(404), false),
            (FetchError::of_status(410), false),
            (FetchError::NotThere("a page".to_owned()), false),
        ] {
            let answer = Arc::new(Answer(Mutex::new(Ok(()))));
            let mut documents = documents(valid).1;
            documents.source = Arc::clone(&answer) as Arc<dyn DocumentSource>;
            assert!(documents.find(&url(1), at(0)).await.is_some());
            *answer.0.lock().unwrap() = Err(error.clone());
            let found = documents.find(&url(1), at(later)).await.is_some();
            assert_eq!(found, is_found, "{error}");
            // It is not asked for again at once, and a mark stays that it was there.
            assert_eq!(documents.find(&url(1), at(later + 1)).await.is_some(), is_found);
            *answer.0.lock().unwrap() = Ok(());
            assert!(documents.find(&url(1), at(later + PAUSE)).await.is_some(), "{error}");
        }
    }

    #[tokio::test]
    async fn a_document_of_before_the_clock_was_set_back_is_old() {
        const BEGIN: i64 = 1_000_000;
        let (publisher, documents) = documents(valid);
        let found = async |second| documents.find(&url(1), at(second)).await.is_some();
        assert!(found(BEGIN).await && found(BEGIN + 1).await);
        assert_eq!(publisher.asked.load(Relaxed), 1);
        assert!(found(BEGIN - 10).await);
        assert_eq!(publisher.asked.load(Relaxed), 2);
        documents.sweep(at(BEGIN - 10 - USABLE_FOR));
        assert_eq!(bytes(&documents, &url(1)), size_of::<KeptDocument>(), "a mark");
    }

    #[tokio::test]
    async fn members_that_mean_nothing_take_no_memory() {
        let (_, documents) = documents(|uri| {
            let mut document = valid(uri);
            if uri.contains("//1.") {
                document["more"] = many_objects();
                document["jwks"] = json!({"keys": [], "more": many_objects()});
            }
            document
        });
        for number in [1, 2] {
            let found = documents.find(&url(number), at(0)).await.unwrap();
            assert_eq!(found.name, "Tool");
        }
        assert_eq!(bytes(&documents, &url(1)), bytes(&documents, &url(2)));
        assert!(bytes(&documents, &url(1)) < 8192, "{}", bytes(&documents, &url(1)));
    }

    #[tokio::test]
    async fn so_many_bytes_are_kept_in_all_and_nothing_that_is_not_usable() {
        const MANY: usize = 200;
        let (_, documents) = documents(|uri| {
            let mut document = valid(uri);
            let long = |kind: &str, number: u32| {
                format!("https://a.example/{kind}{number}/{}", "x".repeat(350))
            };
            for kind in ["redirect_uris", "post_logout_redirect_uris", "request_uris", "contacts"] {
                document[kind] = (0..20).map(|number| long(kind, number)).collect();
            }
            document
        });
        for number in 0..MANY {
            assert!(documents.find(&url(number), at(0)).await.is_some());
        }
        let is_kept = |number: &usize| documents.kept.glance(url(*number).client_id(), |_| ());
        let kept: Vec<_> = (0..MANY).filter(|number| is_kept(number).is_some()).collect();
        let bytes_of = |number: &usize| bytes(&documents, &url(*number));
        let all: usize = kept.iter().map(bytes_of).sum();
        assert!(all <= MOST_BYTES, "{all}");
        assert!(kept.len() > 50, "{}", kept.len());
        assert!(kept.contains(&(MANY - 1)), "the last one is among them");
        documents.sweep(at(i64::from(FRESH_FOR) + USABLE_FOR - 1));
        assert!(kept.iter().all(|number| bytes_of(number) > size_of::<KeptDocument>()));
        documents.sweep(at(i64::from(FRESH_FOR) + USABLE_FOR));
        assert_eq!(documents.kept.len(), kept.len());
        assert!(kept.iter().all(|number| bytes_of(number) == size_of::<KeptDocument>()));
    }

    /// Uses up what one host is asked within the minute of this time, by addresses of this client's
    /// host that somebody makes up.
    async fn use_up_host(documents: &ClientDocuments, now: Timestamp) {
        for number in 0..MOST_PER_HOST {
            let made_up = format!("https://1.zone-1.example/made-up/{number}");
            let made_up = DocumentUrl::parse(&made_up, false).unwrap();
            assert!(documents.find(&made_up, now).await.is_none());
        }
    }

    #[tokio::test]
    async fn a_client_that_nobody_used_for_a_while_is_not_taken_for_a_made_up_one() {
        let (publisher, documents) =
            documents(|uri| if uri.contains("made-up") { Value::Null } else { valid(uri) });
        assert!(documents.find(&url(1), at(0)).await.is_some());
        let over = at(i64::from(FRESH_FOR) + USABLE_FOR);
        documents.sweep(over);
        assert_eq!(bytes(&documents, &url(1)), size_of::<KeptDocument>());
        assert_eq!(documents.known_name(&url(1)), None);
        use_up_host(&documents, over).await;
        assert!(documents.find(&url(1), over).await.is_some());
        assert_eq!(publisher.asked.load(Relaxed), 1 + MOST_PER_HOST + 1);
    }

    #[tokio::test]
    async fn neither_is_one_whose_document_was_not_valid_for_a_while() {
        static BROKEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        let (_, documents) = documents(|uri| {
            if uri.contains("made-up") || BROKEN.load(Relaxed) { Value::Null } else { valid(uri) }
        });
        assert!(documents.find(&url(1), at(0)).await.is_some());
        BROKEN.store(true, Relaxed);
        let later = i64::from(FRESH_FOR);
        assert!(documents.find(&url(1), at(later)).await.is_none(), "it counts at once");
        BROKEN.store(false, Relaxed);
        documents.sweep(at(later + PAUSE));
        use_up_host(&documents, at(later + PAUSE)).await;
        assert!(documents.find(&url(1), at(later + PAUSE)).await.is_some());
    }
}
