//! The provider's metadata and signing keys: fetched once, shared by concurrent callers (OIDC Discovery section 4,
//! RFC 7517 section 5).

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
    Error,
    flight::Flight,
    json::Members,
    ports::CacheMode,
    provider_http::{ProviderHttp, json},
    trace::Tracer,
    url,
};

/// How often an unknown key may make the key set be fetched anew: whoever sends tokens with made-up key names must not
/// make this page a source of load on the provider.
const KEYS_REFETCH_INTERVAL: Duration = Duration::from_mins(1);

/// The provider's metadata and keys. Clones share them.
#[derive(Clone)]
pub(crate) struct MetadataService(Rc<Inner>);

struct Inner {
    http: ProviderHttp,
    metadata: RefCell<Option<Rc<Metadata>>>,
    metadata_flight: Flight<Result<Rc<Metadata>, Error>>,
    keys: RefCell<Option<Rc<JwkSet>>>,
    keys_refetched_at: Cell<Option<Duration>>,
    keys_flight: Flight<Result<Rc<JwkSet>, Error>>,
}

impl MetadataService {
    pub(crate) fn new(http: ProviderHttp) -> Self {
        let metadata = http.settings.metadata.as_ref().map(|given| Rc::new(Metadata::from(given)));
        let keys = http.settings.signing_keys.clone().map(Rc::new);
        Self(Rc::new(Inner {
            http,
            metadata: RefCell::new(metadata),
            metadata_flight: Flight::default(),
            keys: RefCell::new(keys),
            keys_refetched_at: Cell::new(None),
            keys_flight: Flight::default(),
        }))
    }

    /// Tells what is checked.
    pub(crate) fn trace(&self) -> &Tracer {
        &self.0.http.trace
    }

    /// The discovery document of the authority.
    pub(crate) async fn metadata(&self) -> Result<Rc<Metadata>, Error> {
        if let Some(known) = self.0.metadata.borrow().clone() {
            return Ok(known);
        }
        let inner = Rc::clone(&self.0);
        self.0
            .metadata_flight
            .join(&*self.0.http.ports.timer, || {
                Box::pin(async move {
                    let metadata = Rc::new(inner.fetch_metadata().await?);
                    *inner.metadata.borrow_mut() = Some(Rc::clone(&metadata));
                    Ok(metadata)
                })
            })
            .await
    }

    /// The keys that sign tokens.
    pub(crate) async fn keys(&self) -> Result<Rc<JwkSet>, Error> {
        if let Some(known) = self.0.keys.borrow().clone() {
            return Ok(known);
        }
        self.fetch_keys(CacheMode::Use).await
    }

    /// The keys fetched anew because one was not among them, at most once in [`KEYS_REFETCH_INTERVAL`]. `None`: too soon,
    /// or the keys were given by setting.
    pub(crate) async fn keys_anew(&self) -> Result<Option<Rc<JwkSet>>, Error> {
        let now = self.0.http.ports.clock.monotonic();
        let too_soon = self.0.keys_refetched_at.get().is_some_and(|at| now.saturating_sub(at) < KEYS_REFETCH_INTERVAL);
        if too_soon || self.0.http.settings.signing_keys.is_some() {
            return Ok(None);
        }
        self.0.keys_refetched_at.set(Some(now));
        self.fetch_keys(CacheMode::Refresh).await.map(Some)
    }

    async fn fetch_keys(&self, cache: CacheMode) -> Result<Rc<JwkSet>, Error> {
        let metadata = self.metadata().await?;
        let url = self.endpoint("jwks_uri", metadata.jwks_uri.as_ref())?;
        let inner = Rc::clone(&self.0);
        self.0
            .keys_flight
            .join(&*self.0.http.ports.timer, || {
                Box::pin(async move {
                    let keys = Rc::new(inner.fetch_key_set(&url, cache).await?);
                    *inner.keys.borrow_mut() = Some(Rc::clone(&keys));
                    Ok(keys)
                })
            })
            .await
    }

    /// An endpoint of the metadata, if it may be used: an http or https URL, and not one that can be listened to where
    /// the authority can't.
    pub(crate) fn endpoint(&self, name: &'static str, endpoint: Option<&String>) -> Result<String, Error> {
        let authority_is_protected = url::is_protected(&self.0.http.settings.authority);
        endpoint
            .filter(|endpoint| url::origin(endpoint).is_some())
            .filter(|endpoint| !authority_is_protected || url::is_protected(endpoint))
            .cloned()
            .ok_or(Error::NoEndpoint(name))
    }
}

impl Inner {
    async fn fetch(&self, url: &str, cache: CacheMode) -> Result<Members, Error> {
        let response = self.http.get(url, cache).await?;
        if response.is_success() {
            json(url, &response.body)
        } else {
            Err(Error::Http { url: url.to_owned(), status: response.status })
        }
    }

    async fn fetch_key_set(&self, url: &str, cache: CacheMode) -> Result<JwkSet, Error> {
        let document = self.fetch(url, cache).await?;
        JwkSet::from_members(document.0).ok_or_else(|| Error::UnexpectedAnswer {
            url: url.to_owned(),
            problem: "the answer is no key set".to_owned(),
        })
    }

    async fn fetch_metadata(&self) -> Result<Metadata, Error> {
        let settings = &self.http.settings;
        let authority = without_final_slash(&settings.authority);
        let url = match &settings.metadata_url {
            Some(url) => url.clone(),
            None => format!("{authority}{OPENID_CONFIGURATION_PATH}"),
        };
        let mut metadata = Metadata::read(self.fetch(&url, CacheMode::Use).await?);
        if let Some(seed) = &settings.metadata_seed {
            metadata.complete(seed);
        }
        // A final slash is lost on the way to the document's URL, so it says nothing; all else must agree.
        let agrees = without_final_slash(&metadata.issuer) == authority;
        if self.http.trace.check("issuer", &settings.authority, &metadata.issuer, agrees) {
            Ok(metadata)
        } else {
            Err(Error::IssuerMismatch { expected: settings.authority.clone(), found: metadata.issuer })
        }
    }
}

/// What the client acts on in a provider's metadata.
pub(crate) struct Metadata {
    /// Empty if the document names none, which is no authority.
    pub issuer: String,
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: Option<String>,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    pub check_session_iframe: Option<String>,
    #[cfg(feature = "par")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Whether authorization requests must be pushed (RFC 9126 section 5).
    #[cfg(feature = "par")]
    pub require_pushed_authorization_requests: bool,
    /// None listed: the provider does not say.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Whether authorization responses carry `iss` (RFC 9207 section 3).
    pub responses_carry_iss: bool,
}

impl Metadata {
    fn read(mut members: Members) -> Self {
        Self {
            issuer: members.text("issuer").unwrap_or_default(),
            authorization_endpoint: members.text("authorization_endpoint"),
            token_endpoint: members.text("token_endpoint"),
            userinfo_endpoint: members.text("userinfo_endpoint"),
            jwks_uri: members.text("jwks_uri"),
            revocation_endpoint: members.text("revocation_endpoint"),
            end_session_endpoint: members.text("end_session_endpoint"),
            check_session_iframe: members.text("check_session_iframe"),
            #[cfg(feature = "par")]
            pushed_authorization_request_endpoint: members.text("pushed_authorization_request_endpoint"),
            #[cfg(feature = "par")]
            require_pushed_authorization_requests: members.value("require_pushed_authorization_requests")
                == Some(true.into()),
            id_token_signing_alg_values_supported: members.texts("id_token_signing_alg_values_supported"),
            responses_carry_iss: members.value("authorization_response_iss_parameter_supported") == Some(true.into()),
        }
    }
}

impl Metadata {
    /// Takes endpoints that are not named from the seed.
    fn complete(&mut self, seed: &ProviderMetadata) {
        for (own, seed) in [
            (&mut self.authorization_endpoint, &seed.authorization_endpoint),
            (&mut self.token_endpoint, &seed.token_endpoint),
            (&mut self.userinfo_endpoint, &seed.userinfo_endpoint),
            (&mut self.jwks_uri, &seed.jwks_uri),
            (&mut self.revocation_endpoint, &seed.revocation_endpoint),
            (&mut self.end_session_endpoint, &seed.end_session_endpoint),
            (&mut self.check_session_iframe, &seed.check_session_iframe),
            #[cfg(feature = "par")]
            (&mut self.pushed_authorization_request_endpoint, &seed.pushed_authorization_request_endpoint),
        ] {
            if own.is_none() {
                own.clone_from(seed);
            }
        }
    }
}

impl From<&ProviderMetadata> for Metadata {
    fn from(given: &ProviderMetadata) -> Self {
        Self {
            issuer: given.issuer.clone(),
            authorization_endpoint: given.authorization_endpoint.clone(),
            token_endpoint: given.token_endpoint.clone(),
            userinfo_endpoint: given.userinfo_endpoint.clone(),
            jwks_uri: given.jwks_uri.clone(),
            revocation_endpoint: given.revocation_endpoint.clone(),
            end_session_endpoint: given.end_session_endpoint.clone(),
            check_session_iframe: given.check_session_iframe.clone(),
            #[cfg(feature = "par")]
            pushed_authorization_request_endpoint: given.pushed_authorization_request_endpoint.clone(),
            #[cfg(feature = "par")]
            require_pushed_authorization_requests: given.require_pushed_authorization_requests == Some(true),
            id_token_signing_alg_values_supported: given.id_token_signing_alg_values_supported.clone(),
            responses_carry_iss: given.authorization_response_iss_parameter_supported == Some(true),
        }
    }
}

fn without_final_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}
