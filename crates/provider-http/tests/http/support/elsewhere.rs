//! Other providers: what comes of a request there is what the test says.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use doorward_protocol::{base64url, secret::Secret};
use doorward_provider::{
    model::{
        external_identity::UpstreamUser,
        identity_provider::{FirstSignIn, IdentityProvider, IdentityProviderName},
        stored_identity_provider::{Credential, CredentialKind},
        time::{Entropy as _, SystemEntropy, Timestamp},
    },
    use_case::{
        upstream::{
            BegunRequest, Examined, UpstreamAnswer, UpstreamClient, UpstreamClients, UpstreamError,
            UpstreamLogout, UpstreamRequest,
        },
        upstream_factory::{CheckedUpstream, UpstreamFactory, UpstreamRefusal},
    },
};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, RwLock, RwLockWriteGuard};

use super::{Answer, Browser, Page};

/// Another provider, whose answers are those of the test.
#[derive(Debug, Default)]
pub struct Elsewhere {
    answers: Mutex<VecDeque<Result<UpstreamUser, UpstreamError>>>,
    id_token: Mutex<Option<Secret>>,
    /// Whether no client of it can be made.
    is_broken: AtomicBool,
    gate: RwLock<()>,
    reached: Notify,
    asked: Mutex<Vec<UpstreamRequest>>,
    finished: Mutex<Vec<String>>,
    logouts: Mutex<BTreeMap<String, UpstreamLogout>>,
}

impl Elsewhere {
    /// The answer to the next response that comes back.
    pub fn answers(&self, answer: Result<UpstreamUser, UpstreamError>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The ID token of the answers from now on.
    pub fn gives(&self, id_token: &str) {
        *self.id_token.lock().unwrap() = Some(Secret::new(id_token));
    }

    /// Lets no client of it be made from now on, or lets one again.
    pub fn break_down(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Relaxed);
    }

    /// Lets nobody finish a sign-in there until this is dropped.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Waits until somebody wants to finish a sign-in there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<UpstreamRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// The addresses of the responses so far that were taken to the provider.
    pub fn finished(&self) -> Vec<String> {
        self.finished.lock().unwrap().clone()
    }

    /// A logout token that it signs.
    pub fn signs(&self, token: &str, logout: UpstreamLogout) {
        self.logouts.lock().unwrap().insert(token.to_owned(), logout);
    }
}

#[async_trait]
impl UpstreamClient for Elsewhere {
    async fn begin(&self, request: UpstreamRequest) -> Result<BegunRequest, UpstreamError> {
        self.asked.lock().unwrap().push(request);
        let waits = self.answers.lock().unwrap();
        if let Some(Err(UpstreamError::Unavailable(cause))) = waits.front() {
            return Err(UpstreamError::Unavailable(cause.clone()));
        }
        let state = base64url::encode(SystemEntropy.bytes());
        let url = format!("https://elsewhere.example/authorize?state={state}");
        Ok(BegunRequest { url, pending: Secret::new(format!("for {state}")), state })
    }

    async fn finish(
        &self,
        state: String,
        pending: Secret,
        url: String,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        assert_eq!(pending.expose(), format!("for {state}"));
        self.finished.lock().unwrap().push(url);
        self.reached.notify_one();
        let _open = self.gate.read().await;
        let user = self.answers.lock().unwrap().pop_front().expect("an answer")?;
        Ok(UpstreamAnswer { user, id_token: self.id_token.lock().unwrap().clone() })
    }

    async fn end_session_url(
        &self,
        kept: Secret,
        id_token_hint: Option<Secret>,
    ) -> Result<Option<String>, UpstreamError> {
        let hint = id_token_hint.map(|hint| format!("id_token_hint={}&", hint.expose()));
        let (hint, kept) = (hint.unwrap_or_default(), kept.expose());
        Ok(Some(format!("https://elsewhere.example/logout?{hint}state=id%3B{kept}")))
    }

    async fn verify_logout_token(&self, token: String) -> Result<UpstreamLogout, UpstreamError> {
        let logout = self.logouts.lock().unwrap().get(&token).cloned();
        logout.ok_or_else(|| UpstreamError::NotAccepted("no token of ours".to_owned()))
    }

    async fn examine(&self) -> Vec<Examined> {
        Vec::new()
    }
}

/// Makes the clients of stored providers: of one name the same one each time, so that a test can
/// say what it answers.
#[derive(Debug, Clone, Default)]
pub struct Elsewheres(Arc<Mutex<BTreeMap<String, Arc<Elsewhere>>>>);

impl Elsewheres {
    /// The client of the stored provider with this name.
    pub fn of(&self, name: &str) -> Arc<Elsewhere> {
        Arc::clone(self.0.lock().unwrap().entry(name.to_owned()).or_default())
    }
}

impl UpstreamFactory for Elsewheres {
    fn check(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        _: CredentialKind,
    ) -> Result<CheckedUpstream, UpstreamRefusal> {
        let issuer = format!("https://{name}.example");
        let text = |key: &str| settings.get(key).and_then(Value::as_str);
        let claims = settings.get("claims").cloned().unwrap_or_else(|| json!([]));
        let provider = IdentityProvider {
            title: text("title").unwrap_or(name.as_str()).to_owned(),
            enabled: settings.get("enabled") != Some(&json!(false)),
            first_sign_in: FirstSignIn::Create,
            claims: serde_json::from_value(claims)
                .map_err(|error| UpstreamRefusal::new("claims", error.to_string()))?,
            ..IdentityProvider::new(name.clone(), text("issuer").unwrap_or(&issuer))
        };
        Ok(CheckedUpstream { provider, asked_at: Vec::new() })
    }

    fn client(
        &self,
        name: &IdentityProviderName,
        _: &Map<String, Value>,
        _: &Credential,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        let client = self.of(name);
        if client.is_broken.load(Relaxed) {
            return Err(UpstreamRefusal::new("name", "on purpose"));
        }
        Ok(client)
    }
}

/// A provider of this name that makes accounts, and its client.
pub fn elsewhere(name: &str) -> (IdentityProvider, Arc<Elsewhere>) {
    let issuer = format!("https://{name}.example");
    let name = IdentityProviderName::parse(name).unwrap();
    let first_sign_in = FirstSignIn::Create;
    let provider = IdentityProvider { first_sign_in, ..IdentityProvider::new(name, &issuer) };
    (provider, Arc::default())
}

/// The clients of these providers.
pub fn upstream_clients(pairs: &[(IdentityProvider, Arc<Elsewhere>)]) -> UpstreamClients {
    let client = |(provider, client): &(IdentityProvider, Arc<Elsewhere>)| {
        (provider.name.clone(), Arc::clone(client) as Arc<dyn UpstreamClient>)
    };
    pairs.iter().map(client).collect()
}

/// A user of the provider with this name.
pub fn user_of(name: &str, sub: &str) -> UpstreamUser {
    let claims = json!({"sub": sub, "name": "Ada", "preferred_username": sub});
    let Value::Object(claims) = claims else { unreachable!() };
    UpstreamUser {
        issuer: format!("https://{name}.example"),
        sub: sub.to_owned(),
        claims,
        auth_time: None,
        amr: Vec::new(),
        acr: None,
        sid: None,
        provisioned_as: None,
    }
}

/// The same user, who signed in there at this time.
pub fn signed_in_at(user: UpstreamUser, seconds: i64) -> UpstreamUser {
    UpstreamUser { auth_time: Some(Timestamp::from_seconds(seconds)), ..user }
}

/// The `state` of a redirect to the other provider.
pub fn state_of(answer: &Answer) -> String {
    assert!(answer.location().starts_with("https://elsewhere.example/"), "{answer:?}");
    answer.redirect_param("state").unwrap()
}

impl Browser<'_> {
    /// Presses the button of a provider on the login page.
    pub async fn press(&mut self, page: &Page, name: &str, fields: &[(&str, &str)]) -> Answer {
        let action = format!("/account/external/{name}");
        let has_button =
            page.all("button").any(|button| button.attribute("formaction") == Some(&action));
        assert!(has_button, "{}", page.text);
        let own = page.fields();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let sent: Vec<_> =
            own.chain(fields.iter().copied()).filter(|(_, v)| !v.is_empty()).collect();
        self.post(&action, &sent).await
    }

    /// Comes back from the provider with a response.
    pub async fn come_back(&mut self, name: &str, state: &str) -> Answer {
        self.get(&format!("/account/external/{name}/callback?code=c&state={state}")).await
    }
}
