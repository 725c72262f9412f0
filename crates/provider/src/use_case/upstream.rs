//! Sign-in at other OpenID providers: the request that leads there, and the response that comes
//! back. Who the user is then is decided in [`external_sign_in`](super::external_sign_in).
//!
//! What a response is checked against travels in a cookie of the browser, encrypted, so that nobody
//! can use up the places of others, and a response counts in the browser only that asked for it. It
//! counts once.

mod sessions;

pub use self::sessions::{LONGEST_ID_TOKEN, SessionElsewhere};

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{
    keys::KeyRing,
    model::{
        acr::AcrLevel,
        client::Client,
        external_identity::{ExternalSubject, InvalidExternalId, Issuer, LinkIntent, UpstreamUser},
        identity_provider::{IdentityProvider, IdentityProviderName},
        message_identity::MessageIdentity,
        session::{SessionSelector, UpstreamSelector},
        throttle,
        time::{Clock, Seconds, Timestamp},
        vouching::Vouching,
    },
    store::{FailedSignIns, Sessions, SingleUses, StoreError},
    use_case::{
        authorize::AuthorizeRequest,
        sealed_state::{OpenedState, SealedStates},
        single_use::is_first_use,
    },
};

/// How long a sign-in may take at the other provider.
pub const LIFETIME: Seconds = Seconds::new(900);
/// How far the clocks of other providers may differ: so long after its end, a token of theirs is
/// taken.
pub const CLOCK_TOLERANCE: Seconds = Seconds::new(60);
/// The longest waiting sign-in, encrypted, in bytes. Browsers keep cookies of 4096 bytes, of which
/// the name and the attributes are a part.
pub const LONGEST: usize = 3800;

/// The client of one other provider. HTTP and the protocol are behind it.
#[async_trait]
pub trait UpstreamClient: Send + Sync + fmt::Debug {
    /// Makes an authorization request.
    async fn begin(&self, request: UpstreamRequest) -> Result<BegunRequest, UpstreamError>;

    /// Turns the response to a request into a user. `url` is that of the callback with its query;
    /// `state` and `pending` are those of the request.
    async fn finish(
        &self,
        state: String,
        pending: Secret,
        url: String,
    ) -> Result<UpstreamAnswer, UpstreamError>;

    /// Where the session at the other provider ends, if it has such a page (OIDC RP-Initiated
    /// Logout section 2). `kept` comes back in `state`, behind a semicolon. `id_token_hint` says
    /// whose session it is.
    async fn end_session_url(
        &self,
        kept: Secret,
        id_token_hint: Option<Secret>,
    ) -> Result<Option<String>, UpstreamError>;

    /// Verifies a logout token (OIDC Back-Channel Logout section 2.6).
    async fn verify_logout_token(&self, token: String) -> Result<UpstreamLogout, UpstreamError>;

    /// Asks the provider for its metadata and keys, and makes an authorization request. Nothing is
    /// changed.
    async fn examine(&self) -> Vec<Examined>;
}

/// What was looked at, with a remark, or with what is wrong and what to do.
pub type Examined = (&'static str, Result<String, String>);

/// The clients by the names of their providers.
pub type UpstreamClients = BTreeMap<IdentityProviderName, Arc<dyn UpstreamClient>>;

/// What an authorization request to another provider asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRequest {
    /// The name or address that the user typed, or that the client knows.
    pub login_hint: Option<String>,
    /// The languages that the client wants the pages in.
    pub ui_locales: Option<String>,
    /// Whether the user must sign in there again (`prompt=login`).
    pub again: bool,
    /// Whether the user is to choose the account there (`prompt=select_account`).
    #[serde(default)]
    pub select_account: bool,
    /// Whether the user is to consent there once more (`prompt=consent`).
    #[serde(default)]
    pub consent: bool,
    /// How many seconds ago the user may have signed in there.
    pub max_age: Option<u32>,
    /// How strongly the user must sign in there, in that provider's words. Any of them will do.
    pub acr_values: Vec<String>,
}

impl UpstreamRequest {
    /// What is passed on of a request that waits for the sign-in.
    pub fn passing_on(request: &AuthorizeRequest, provider: &IdentityProvider) -> Self {
        let Client { user_sso_lifetime, .. } = &*request.client;
        // What the client demands of every sign-in must hold for this one, too. Otherwise it would
        // be asked for again and again.
        let max_age = [request.max_age, *user_sso_lifetime].into_iter().flatten().min();
        let two_factors = request.required_acr() == Some(AcrLevel::Two);
        Self {
            login_hint: request.login_hint.clone(),
            ui_locales: request.ui_locales.clone(),
            again: request.prompt.login,
            select_account: request.prompt.select_account,
            consent: request.prompt.consent,
            max_age: max_age.map(Seconds::get),
            acr_values: if two_factors { provider.mfa_acr.clone() } else { Vec::new() },
        }
    }
}

/// A request to another provider.
pub struct BegunRequest {
    /// Where to send the browser.
    pub url: String,
    /// The unguessable part of `state`.
    pub state: String,
    /// What the response is checked against.
    pub pending: Secret,
}

/// Shows no secret.
impl fmt::Debug for BegunRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BegunRequest").finish_non_exhaustive()
    }
}

/// What a provider has answered, after it was verified.
#[derive(Debug)]
pub struct UpstreamAnswer {
    /// Who signed in.
    pub user: UpstreamUser,
    /// The ID token, if there is one.
    pub id_token: Option<Secret>,
}

/// Whose session ended at another provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamLogout {
    /// The issuer of the token.
    pub issuer: String,
    /// The user there. `None` only if there is a session.
    pub sub: Option<String>,
    /// The session there. `None`: all sessions of the user.
    pub sid: Option<String>,
    /// The token's identifier, by which it is recognised when it is sent again.
    pub jti: String,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Why a sign-in at another provider did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The user cancelled there, or may not use this provider.
    #[error("the other provider denied access: {0}")]
    Denied(String),
    /// It can't be reached, or has no answer now.
    #[error("the other provider does not answer: {0}")]
    Unavailable(String),
    /// It answered with an error, or with what is not accepted.
    #[error("the other provider's answer was not accepted: {0}")]
    NotAccepted(String),
    /// The user did not sign in there as freshly as was asked for.
    #[error("the sign-in at the other provider is too old: {0}")]
    TooOld(String),
    /// The response belongs to no request of this browser: it took too long, was used before, or
    /// came from another provider or browser.
    #[error("no sign-in of this browser waits for this response")]
    NotAwaited,
    /// Too many responses from this address were of no use. The next one is taken after this many
    /// seconds.
    #[error("too many sign-ins at other providers failed: try again in {0} seconds")]
    Throttled(u32),
    /// The waiting request is too long for a cookie.
    #[error("the authorization request that waits is too long, by {0} bytes")]
    TooLong(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a sign-in elsewhere is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The user signs in.
    #[default]
    SignIn,
    /// The user of a session links the identity with the account.
    Link(LinkIntent),
    /// Somebody with this invitation gets an account.
    Invitation(Secret),
}

/// What to come back to after a sign-in elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What it is for.
    pub purpose: Purpose,
    /// Where the user wanted to go, as the pages write it.
    pub return_url: Option<String>,
    /// Whether to remember the sign-in beyond the closing of the browser.
    pub remember: bool,
}

/// A sign-in that waits for the response of another provider, as the browser carries it.
#[derive(Serialize, Deserialize)]
struct Waiting {
    provider: IdentityProviderName,
    state: String,
    pending: String,
    begun_at: Timestamp,
    asked: UpstreamRequest,
    kept: Kept,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct BegunSignIn {
    /// Where to send the browser.
    pub url: String,
    /// The `state` of the request, which names the cookie.
    pub state: String,
    /// The cookie's value.
    pub sealed: Secret,
}

/// A sign-in whose response has come.
#[derive(Debug)]
pub struct AnsweredSignIn {
    /// What to come back to.
    pub kept: Kept,
    /// What was asked for.
    pub asked: UpstreamRequest,
    /// Who signed in, or why nobody did.
    pub user: Result<UpstreamUser, UpstreamError>,
}

/// Why what a provider says of a user can't be used, and what to do.
pub fn unusable(provider: &IdentityProvider, user: &UpstreamUser) -> Option<String> {
    if !provider.issues_as(&user.issuer) {
        let (found, own) = (&user.issuer, &provider.issuer);
        return Some(format!(
            "the user is one of {found}, and the configuration says {own}: write the issuer as the \
             discovery document has it"
        ));
    }
    let claim = user.kept_elsewhere(&provider.claims)?;
    Some(format!(
        "it does not have the claim {claim}, which a rule under claims reads: the provider keeps \
         it elsewhere, since it is too long; let it send less there, such as only the groups that \
         are assigned to this client"
    ))
}

/// Begins and finishes sign-ins elsewhere: what they read and change.
pub struct UpstreamSignIns<'a> {
    pub(crate) vouching: Arc<Vouching>,
    pub(crate) clients: Arc<UpstreamClients>,
    pub(crate) keys: &'a KeyRing,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) sessions: &'a dyn Sessions,
    /// Notified when sessions ended.
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
}

impl UpstreamSignIns<'_> {
    fn waiting(&self) -> SealedStates<'_> {
        SealedStates {
            purpose: "sign-in elsewhere",
            keys: self.keys,
            single_uses: self.single_uses,
            clock: self.clock,
        }
    }

    /// The client of a provider.
    pub(crate) fn client(
        &self,
        provider: &IdentityProviderName,
    ) -> Result<&dyn UpstreamClient, UpstreamError> {
        let client = self.clients.get(provider).map(|client| &**client);
        client.ok_or_else(|| UpstreamError::NotAccepted(format!("{provider} has no client")))
    }

    /// Begins a sign-in at another provider.
    pub async fn begin(
        &self,
        provider: &IdentityProvider,
        asked: UpstreamRequest,
        kept: Kept,
    ) -> Result<BegunSignIn, UpstreamError> {
        let begun = self.client(&provider.name)?.begin(asked.clone()).await?;
        let BegunRequest { url, state, pending } = begun;
        let waiting = Waiting {
            provider: provider.name.clone(),
            state: state.clone(),
            pending: pending.expose().to_owned(),
            begun_at: self.clock.now(),
            asked,
            kept,
        };
        let sealed = self.waiting().seal(&waiting, LIFETIME)?;
        let excess = sealed.expose().len().saturating_sub(LONGEST);
        if excess > 0 {
            return Err(UpstreamError::TooLong(excess));
        }
        Ok(BegunSignIn { url, state, sealed })
    }

    /// Takes the response of a provider. `sealed` is the browser's cookie for this `state`; it is
    /// used up, whatever comes of it. `Err` if the response is none to a request of this browser
    /// to this provider.
    pub async fn finish(
        &self,
        provider: &IdentityProvider,
        state: &str,
        sealed: &Secret,
        url: String,
        address: &str,
    ) -> Result<AnsweredSignIn, UpstreamError> {
        let opened: OpenedState<Waiting> =
            self.waiting().open(sealed.expose()).ok_or(UpstreamError::NotAwaited)?;
        let waiting = &opened.state;
        if waiting.provider != provider.name || waiting.state != state {
            return Err(UpstreamError::NotAwaited);
        }
        // Each response is a request of ours to the other provider.
        let limits = throttle::of_upstream_answers_from(address);
        let wait = self.failures.admit_sign_in(&limits, self.clock.now()).await?;
        if wait > 0 {
            return Err(UpstreamError::Throttled(wait));
        }
        if !self.waiting().use_up(&opened).await? {
            return Err(UpstreamError::NotAwaited);
        }
        let Waiting { state, pending, begun_at, asked, kept, .. } = opened.state;
        let answer = match self.client(&provider.name) {
            Ok(client) => client.finish(state, Secret::new(pending), url).await,
            Err(error) => Err(error),
        };
        let answer = answer.and_then(|answer| match unusable(provider, &answer.user) {
            None => Ok(answer),
            Some(problem) => Err(UpstreamError::NotAccepted(problem)),
        });
        if answer.is_ok() {
            self.failures.withdraw_attempt(&throttle::keys(&limits)).await?;
        }
        let answer = answer.and_then(|UpstreamAnswer { user, id_token }| {
            Ok((self.fresh_enough(user, &asked, begun_at)?, id_token))
        });
        let user = match answer {
            Ok((user, id_token)) => {
                self.keep_id_token(provider, &kept.purpose, &user, id_token).await?;
                Ok(user)
            }
            Err(error) => Err(error),
        };
        Ok(AnsweredSignIn { kept, asked, user })
    }

    /// Where the browser goes after it was signed out at another provider. It was checked before;
    /// `None` if there is nowhere to go.
    pub fn signed_out(&self, kept: &str) -> Option<String> {
        self.signing_out().open::<Option<String>>(kept)?.state
    }

    fn signing_out(&self) -> SealedStates<'_> {
        SealedStates { purpose: "sign-out elsewhere", ..self.waiting() }
    }

    /// What the browser wanted that comes back from a provider which is not offered any more. It
    /// is not used up: nothing comes of it.
    pub fn abandoned(&self, state: &str, sealed: &Secret) -> Option<Kept> {
        let opened: OpenedState<Waiting> = self.waiting().open(sealed.expose())?;
        (opened.state.state == state).then_some(opened.state.kept)
    }

    /// Whose sessions end by a logout token of a provider (OIDC Back-Channel Logout section 2.6).
    /// A token for all sessions of a user counts once, so that it can't end a later one.
    async fn verified_logout(
        &self,
        provider: &IdentityProvider,
        token: &str,
    ) -> Result<Option<SessionSelector>, UpstreamError> {
        let logout = self.client(&provider.name)?.verify_logout_token(token.to_owned()).await?;
        let UpstreamLogout { issuer, sub, sid, jti, expires_at } = logout;
        if !provider.issues_as(&issuer) {
            return Err(UpstreamError::NotAccepted(format!("it comes from {issuer}")));
        }
        let invalid = |error: InvalidExternalId| UpstreamError::NotAccepted(error.to_string());
        let issuer = Issuer::parse(&issuer).map_err(invalid)?;
        let subject = sub.as_deref().map(ExternalSubject::parse).transpose().map_err(invalid)?;
        let which = match (subject, sid) {
            (Some(subject), Some(sid)) => UpstreamSelector::SubjectAndSession(subject, sid),
            (None, Some(sid)) => UpstreamSelector::Session(sid),
            (Some(subject), None) => {
                let identity = MessageIdentity::of("logout token", &issuer, &jti);
                let too_old_at = expires_at.plus(CLOCK_TOLERANCE).seconds();
                if !is_first_use(self.single_uses, identity, too_old_at).await? {
                    return Ok(None);
                }
                UpstreamSelector::Subject(subject)
            }
            (None, None) => {
                return Err(UpstreamError::NotAccepted("it names nobody".to_owned()));
            }
        };
        Ok(Some(SessionSelector::Upstream { issuer, which }))
    }

    /// When the user signed in, as far as that is known. Refuses one who did not sign in again
    /// although that was asked for. The client has checked `max_age` (OIDC Core section 3.1.3.7).
    fn fresh_enough(
        &self,
        user: UpstreamUser,
        asked: &UpstreamRequest,
        begun_at: Timestamp,
    ) -> Result<UpstreamUser, UpstreamError> {
        /// By how many seconds clocks may differ.
        const TOLERANCE: i64 = 60;
        let now = self.clock.now();
        let age = user.auth_time.map(|at| now.since(at));
        let auth_time = match (asked.again, age) {
            (true, Some(age)) if age > now.since(begun_at) + TOLERANCE => {
                return Err(UpstreamError::TooOld(format!("it was {age} seconds ago")));
            }
            // The user has signed in for this request, so it counts from now on. The client takes
            // a user without `auth_time` from a provider that is known to ask.
            (true, _) => Some(now),
            // The provider may have asked nobody, so nothing makes it fresh.
            (false, None) => None,
            (false, Some(age)) => {
                // Clocks that differ a little must not have the user asked again.
                let most = asked.max_age.map_or(i64::MAX, |most| i64::from(most) - TOLERANCE);
                let age = age.min(most).max(0);
                Some(Timestamp::from_seconds(now.seconds().saturating_sub(age)))
            }
        };
        Ok(UpstreamUser { auth_time, ..user })
    }
}
