//! The provider's metadata and signing keys (OIDC Discovery section 4, RFC 7517 section 5). They
//! are fetched once, and concurrent callers share the request. A page that comes a moment later
//! finds them in the tab's storage ([`KeptDocuments`]).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use doorward_protocol::{
    jwk::JwkSet,
    metadata::{OPENID_CONFIGURATION_PATH, ProviderMetadata},
};

use crate::{
    Error, Fault, Settings,
    id_token::{TENANT, is_issuer},
    kept::{Document, KeptDocuments},
    lean::{json::Members, single_flight::SingleFlight, url},
    ports::CacheMode,
    trace::Tracer,
    transport::{Transport, json, unexpected},
};

/// Minimum time between two fetches of the key set because of unknown keys. Otherwise anyone who
/// sends tokens with invented key IDs could make this page put load on the provider.
const KEYS_REFETCH_INTERVAL: Duration = Duration::from_secs(60);

/// The provider's metadata and keys. Clones share them.
#[derive(Clone)]
pub(crate) struct MetadataService(Rc<Inner>);

struct Inner {
    http: Transport,
    kept: KeptDocuments,
    metadata: RefCell<Option<Rc<Metadata>>>,
    metadata_flight: SingleFlight,
    keys: RefCell<Option<Rc<JwkSet>>>,
    /// Whether the keys were kept by an earlier page.
    keys_are_kept: Cell<bool>,
    keys_refetched_at: Cell<Option<Duration>>,
    keys_flight: SingleFlight,
}

impl MetadataService {
    pub(crate) fn new(http: Transport) -> Self {
        let metadata = http.settings.metadata.as_ref().map(|given| Rc::new(Metadata::from(given)));
        let keys = http.settings.signing_keys.clone().map(Rc::new);
        let kept = KeptDocuments::of(&http.settings, &http.ports);
        Self(Rc::new(Inner {
            http,
            kept,
            metadata: RefCell::new(metadata),
            metadata_flight: SingleFlight::default(),
            keys: RefCell::new(keys),
            keys_are_kept: Cell::new(false),
            keys_refetched_at: Cell::new(None),
            keys_flight: SingleFlight::default(),
        }))
    }

    /// Records what is checked.
    pub(crate) fn trace(&self) -> &Tracer {
        &self.0.http.trace
    }

    /// The discovery document of the authority.
    pub(crate) async fn metadata(&self) -> Result<Rc<Metadata>, Fault> {
        loop {
            if let Some(known) = self.0.metadata.borrow().clone() {
                return Ok(known);
            }
            let fetching = self.0.metadata_flight.join(&*self.0.http.ports.timer, &|| {
                let service = self.clone();
                Box::pin(async move { service.fetch_metadata().await })
            });
            fetching.outcome().await?;
        }
    }

    /// The URL of an endpoint, if it may be used: it must be an http or https URL, and must not be
    /// readable on the network if the authority's is not.
    pub(crate) async fn endpoint(&self, endpoint: Endpoint) -> Result<String, Fault> {
        let metadata = self.metadata().await?;
        let authority_is_protected = url::is_protected(&self.0.http.settings.authority);
        metadata
            .address(endpoint)
            .filter(|address| url::origin(address).is_some())
            .filter(|address| !authority_is_protected || url::is_protected(address))
            .map(str::to_owned)
            .ok_or_else(|| Error::NoEndpoint(endpoint.name()).into())
    }

    /// The keys that sign tokens.
    pub(crate) async fn keys(&self) -> Result<Rc<JwkSet>, Fault> {
        loop {
            if let Some(known) = self.0.keys.borrow().clone() {
                return Ok(known);
            }
            let kept = self.0.kept.get(Document::Keys);
            match kept.and_then(|document| JwkSet::from_members(document.0)) {
                Some(keys) => {
                    self.0.keys_are_kept.set(true);
                    *self.0.keys.borrow_mut() = Some(Rc::new(keys));
                }
                None => self.fetch_keys(CacheMode::Use).await?,
            }
        }
    }

    /// Whether the keys were kept by an earlier page. The provider may have replaced one since,
    /// under the same identifier.
    pub(crate) fn keys_are_kept(&self) -> bool {
        self.0.keys_are_kept.get()
    }

    /// Keeps the documents for the next page, and uses those of the page before.
    pub(crate) fn keep(&self) {
        self.0.kept.enable();
    }

    /// The next page fetches all documents, because a sign-in failed with these.
    pub(crate) fn forget_kept(&self) {
        self.0.kept.forget();
    }

    /// Starts to fetch the keys if they are not known, because they are needed soon. A failure is
    /// reported by whoever needs them.
    pub(crate) fn expect_keys(&self) {
        let service = self.clone();
        self.0.http.ports.timer.spawn(Box::pin(async move { drop(service.keys().await) }));
    }

    /// Fetches the keys again because one is missing, at most once in [`KEYS_REFETCH_INTERVAL`].
    /// Concurrent callers share the request, and a temporary failure does not count. Returns `None`
    /// if it is too soon, or if the keys are fixed by a setting.
    pub(crate) async fn keys_anew(&self) -> Result<Option<Rc<JwkSet>>, Fault> {
        let now = self.0.http.ports.clock.monotonic();
        let too_soon = self
            .0
            .keys_refetched_at
            .get()
            .is_some_and(|at| now.saturating_sub(at) < KEYS_REFETCH_INTERVAL);
        let is_settled = too_soon && !self.0.keys_flight.is_under_way();
        if is_settled || self.0.http.settings.signing_keys.is_some() {
            return Ok(None);
        }
        self.0.keys_refetched_at.set(Some(now));
        let fetched = self.fetch_keys(CacheMode::Refresh).await;
        if fetched.as_ref().is_err_and(|error| error.is_transient()) {
            self.0.keys_refetched_at.set(None);
        }
        fetched?;
        Ok(self.0.keys.borrow().clone())
    }

    async fn fetch_keys(&self, cache: CacheMode) -> Result<(), Fault> {
        let fetching = self.0.keys_flight.join(&*self.0.http.ports.timer, &|| {
            let service = self.clone();
            Box::pin(async move {
                let url = service.endpoint(Endpoint::Jwks).await?;
                let (document, text) = service.fetch(&url, cache).await?;
                let keys = JwkSet::from_members(document.0);
                let keys = keys.ok_or_else(|| unexpected(&url, "the answer is not a key set"))?;
                service.0.kept.put(Document::Keys, &text);
                service.0.keys_are_kept.set(false);
                *service.0.keys.borrow_mut() = Some(Rc::new(keys));
                Ok(())
            })
        });
        fetching.outcome().await
    }

    /// Fetches a document, which is returned with its text.
    async fn fetch(&self, url: &str, cache: CacheMode) -> Result<(Members, String), Fault> {
        let response = self.0.http.get(url, cache).await?;
        if response.is_success() {
            Ok((json(url, &response.body)?, response.body))
        } else {
            Err(Error::Http { url: url.to_owned(), status: response.status }.into())
        }
    }

    async fn fetch_metadata(&self) -> Result<(), Fault> {
        let settings = &self.0.http.settings;
        let authority = without_final_slash(&settings.authority);
        let url = match &settings.metadata_url {
            Some(url) => url.clone(),
            None => [authority, OPENID_CONFIGURATION_PATH].concat(),
        };
        let (document, text) = if let Some(kept) = self.0.kept.get(Document::Metadata) {
            (kept, None)
        } else {
            let (document, text) = self.fetch(&url, CacheMode::Use).await?;
            (document, Some(text))
        };
        let mut metadata = Metadata::read(document);
        if let Some(seed) = &settings.metadata_seed {
            metadata.complete(seed);
        }
        // The document's URL does not show whether the issuer ends with a slash, so the slash is
        // ignored. All else must agree.
        let agrees = without_final_slash(&metadata.issuer) == authority
            || issuer_of_group(authority).as_ref() == Some(&metadata.issuer);
        if !self.0.http.trace.check("issuer", &settings.authority, &metadata.issuer, agrees) {
            let expected = settings.authority.clone();
            return Err(Error::IssuerMismatch { expected, found: metadata.issuer }.into());
        }
        if let Some(text) = text {
            self.0.kept.put(Document::Metadata, &text);
        }
        *self.0.metadata.borrow_mut() = Some(Rc::new(metadata));
        Ok(())
    }
}

/// The endpoints that the client uses.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint {
    Authorization,
    Token,
    #[cfg_attr(not(feature = "userinfo"), allow(dead_code))]
    Userinfo,
    Jwks,
    Revocation,
    EndSession,
    #[cfg_attr(not(feature = "popups"), allow(dead_code))]
    CheckSession,
    #[cfg_attr(not(feature = "par"), allow(dead_code))]
    PushedAuthorizationRequest,
}

/// Their names in the metadata, in the order of [`Endpoint`].
const ENDPOINTS: [&str; 8] = [
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "end_session_endpoint",
    "check_session_iframe",
    "pushed_authorization_request_endpoint",
];

impl Endpoint {
    /// The name in the metadata.
    pub(crate) fn name(self) -> &'static str {
        ENDPOINTS[self as usize]
    }
}

/// The metadata that the client uses.
pub(crate) struct Metadata {
    /// Empty if the document names none. It then matches no authority.
    pub issuer: String,
    /// The URLs as written, in the order of [`Endpoint`].
    endpoints: [Option<String>; ENDPOINTS.len()],
    /// Whether authorization requests must be pushed (RFC 9126 section 5).
    #[cfg(feature = "par")]
    pub require_pushed_authorization_requests: bool,
    /// Empty if the provider does not list any.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Empty if the provider does not list any.
    #[cfg(feature = "prompts")]
    pub prompt_values_supported: Vec<String>,
    /// Whether authorization responses carry `iss` (RFC 9207 section 3).
    pub responses_carry_iss: bool,
}

impl Metadata {
    fn read(mut members: Members) -> Self {
        Self {
            issuer: members.text("issuer").unwrap_or_default(),
            endpoints: ENDPOINTS.map(|name| members.text(name)),
            #[cfg(feature = "par")]
            require_pushed_authorization_requests: members
                .value("require_pushed_authorization_requests")
                == Some(true.into()),
            id_token_signing_alg_values_supported: members
                .texts("id_token_signing_alg_values_supported"),
            #[cfg(feature = "prompts")]
            prompt_values_supported: members.texts("prompt_values_supported"),
            responses_carry_iss: members.value("authorization_response_iss_parameter_supported")
                == Some(true.into()),
        }
    }

    /// The URL of an endpoint, as written.
    pub(crate) fn address(&self, endpoint: Endpoint) -> Option<&str> {
        self.endpoints[endpoint as usize].as_deref()
    }

    /// Takes missing endpoints from the seed.
    fn complete(&mut self, seed: &ProviderMetadata) {
        for (own, seeded) in self.endpoints.iter_mut().zip(endpoints_of(seed)) {
            if own.is_none() {
                own.clone_from(seeded);
            }
        }
    }
}

impl From<&ProviderMetadata> for Metadata {
    fn from(given: &ProviderMetadata) -> Self {
        Self {
            issuer: given.issuer.clone(),
            endpoints: endpoints_of(given).map(Option::clone),
            #[cfg(feature = "par")]
            require_pushed_authorization_requests: given.require_pushed_authorization_requests
                == Some(true),
            id_token_signing_alg_values_supported: given
                .id_token_signing_alg_values_supported
                .clone(),
            #[cfg(feature = "prompts")]
            prompt_values_supported: given.prompt_values_supported.clone(),
            responses_carry_iss: given.authorization_response_iss_parameter_supported == Some(true),
        }
    }
}

/// In the order of [`Endpoint`].
fn endpoints_of(given: &ProviderMetadata) -> [&Option<String>; ENDPOINTS.len()] {
    [
        &given.authorization_endpoint,
        &given.token_endpoint,
        &given.userinfo_endpoint,
        &given.jwks_uri,
        &given.revocation_endpoint,
        &given.end_session_endpoint,
        &given.check_session_iframe,
        &given.pushed_authorization_request_endpoint,
    ]
}

/// The tenant of all personal accounts of Microsoft.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The issuer in the metadata of Entra ID, if the authority names a group of tenants in place of
/// one. For `common` and `organizations`, it has a placeholder for the tenant. For `consumers` it
/// names the one tenant of personal accounts.
fn issuer_of_group(authority: &str) -> Option<String> {
    let tenant_of = |segment| match segment {
        "common" | "organizations" => TENANT,
        "consumers" => CONSUMERS,
        other => other,
    };
    let issuer = authority.split('/').map(tenant_of).collect::<Vec<_>>().join("/");
    (issuer != authority).then_some(issuer)
}

impl Settings {
    /// Whether the provider of these settings may call itself so: by the authority, by the issuer
    /// of the metadata if that is given, or as one tenant of Entra ID if the authority names a
    /// group of them. It proves nothing: anybody can write the name of an issuer.
    ///
    /// ```
    /// use doorward_client::Settings;
    ///
    /// let of = |authority| Settings::new(authority, "app", "https://app.example.com/callback");
    /// assert!(of("https://id.example.com").accepts_issuer("https://id.example.com/"));
    /// let common = of("https://login.microsoftonline.com/common/v2.0");
    /// let tenant = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    /// assert!(common.accepts_issuer(tenant));
    /// assert!(!common.accepts_issuer("https://evil.example.com/common/v2.0"));
    /// ```
    pub fn accepts_issuer(&self, issuer: &str) -> bool {
        let authority = without_final_slash(&self.authority);
        let given = self.metadata.as_ref().map(|given| given.issuer.clone());
        without_final_slash(issuer) == authority
            || [given, issuer_of_group(authority)]
                .into_iter()
                .flatten()
                .any(|own| is_issuer(&own, issuer, None))
    }
}

fn without_final_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}
