//! The extractor that gives a handler its user.

use std::{fmt, sync::Arc};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use doorward_client::Secret;
use doorward_policy::{Principal, SCOPE_CLAIM};
use doorward_protocol::{
    dpop, json,
    jws::UnverifiedJws,
    token::{BEARER, DPOP},
};
use doorward_relying_party::ProvenCall;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Auth, Problem, Refusal, csrf, layer::RequestSession, session::Loaded};

/// The signed-in user.
///
/// As an extractor it sends whoever opens a page without being signed in to the provider, and back
/// to the page afterwards. A script gets 401 in place of that. `Option<SignedIn>` is `None` for
/// them.
///
/// ```
/// use doorward_axum::SignedIn;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Profile {
///     name: Option<String>,
///     #[serde(default)]
///     role: Vec<String>,
/// }
///
/// async fn me(user: SignedIn) -> String {
///     let name = user.claims::<Profile>().ok().and_then(|profile| profile.name);
///     format!("Hello {}", name.as_deref().unwrap_or(user.sub()))
/// }
/// ```
#[derive(Clone)]
pub struct SignedIn {
    pub(crate) auth: Auth,
    pub(crate) session: Arc<Loaded>,
}

/// There is no access token that can be used now.
///
/// ```
/// use axum::http::StatusCode;
/// use doorward_axum::{AccessTokenError, SignedIn};
///
/// async fn orders(user: SignedIn) -> Result<String, StatusCode> {
///     let token = user.access_token().map_err(|error| match error {
///         AccessTokenError::Expired => StatusCode::UNAUTHORIZED,
///         _ => StatusCode::SERVICE_UNAVAILABLE,
///     })?;
///     # let get_orders = |_: &str| String::new();
///     Ok(get_orders(token.expose()))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(orders));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// It expired, and the provider issued no refresh token. Another sign-in brings a new one.
    #[error("the access token expired, and there is no refresh token: the user must sign in again")]
    Expired,
    /// It expired, and the provider could not be asked for another one.
    #[error("the access token expired, and the provider can't be asked for another one now")]
    NotRenewed,
    /// It is bound to a key, and the settings have none
    /// ([`proof_key`](crate::SignInSettings::proof_key)), or there is no randomness.
    #[error("the access token is bound to a key, which can't be used: see proof_key")]
    NoProof,
}

impl SignedIn {
    /// The user's identifier, unique at the provider (`sub`).
    pub fn sub(&self) -> &str {
        self.session.record.user.sub()
    }

    /// A claim, if it is a string.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.session.record.user.claim(name)
    }

    /// The claims of the ID token and of userinfo.
    pub fn profile(&self) -> &Map<String, Value> {
        &self.session.record.user.profile
    }

    /// The claims as a type of the application.
    ///
    /// # Errors
    /// The claims are not of this type.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(Value::Object(self.profile().clone()))
    }

    /// The granted scope.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.session.record.user.scopes()
    }

    /// The user as policies see them: the claims, with roles where
    /// [`roles_at`](crate::SignInSettings::roles_at) says, and the granted scope.
    pub fn principal(&self) -> Principal {
        let (user, settings) = (&self.session.record.user, &self.auth.settings);
        let mut claims = Map::new();
        if settings.reads_access_token {
            claims = claims_of(&user.access_token);
        }
        claims.extend(user.profile.clone());
        if let Some(scope) = &user.scope {
            claims.insert(SCOPE_CLAIM.to_owned(), Value::from(scope.as_str()));
        }
        Principal::from_provider(claims, &settings.roles_at)
            .unwrap_or_else(|_| Principal::new(self.sub()))
    }

    /// The access token, for calls to APIs. It was renewed at the begin of this request if that was
    /// due, unless the provider took its time while the token can still be used. It must not reach
    /// the browser. If it is bound to a key, a call needs a proof beside it:
    /// [`SignedIn::credentials`].
    ///
    /// # Errors
    /// It has expired.
    pub fn access_token(&self) -> Result<Secret, AccessTokenError> {
        let user = &self.session.record.user;
        if !user.expired(self.auth.now()) {
            return Ok(Secret::new(&*user.access_token));
        }
        Err(if user.refresh_token.is_some() {
            AccessTokenError::NotRenewed
        } else {
            AccessTokenError::Expired
        })
    }

    /// The headers of one call of an API: `Authorization` with the access token, and the proof
    /// (`DPoP`) if the token is bound to a key (RFC 9449 section 7.1). `nonce` is the one that the
    /// API asked for, in its last `DPoP-Nonce`. Neither header may reach the browser.
    ///
    /// # Errors
    /// There is no token that can be used now.
    pub fn credentials(
        &self,
        method: &Method,
        url: &str,
        nonce: Option<&str>,
    ) -> Result<HeaderMap, AccessTokenError> {
        let token = self.access_token()?;
        let mut headers = HeaderMap::new();
        let mut insert = |name: HeaderName, text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| AccessTokenError::NoProof)?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Ok(())
        };
        if !self.is_bound() {
            insert(AUTHORIZATION, &format!("{BEARER} {}", token.expose()))?;
            return Ok(headers);
        }
        let key = self.auth.settings.proof_key.as_ref().ok_or(AccessTokenError::NoProof)?;
        let (method, access_token, now) = (method.as_str(), token.expose(), self.auth.now());
        let proof = key.proof(ProvenCall { method, url, access_token, nonce, now });
        let proof = proof.map_err(|_| AccessTokenError::NoProof)?;
        insert(AUTHORIZATION, &format!("{DPOP} {}", token.expose()))?;
        insert(HeaderName::from_static(dpop::HEADER), &proof)?;
        Ok(headers)
    }

    /// Whether the access token is bound to a key.
    pub(crate) fn is_bound(&self) -> bool {
        self.session.record.user.token_type.eq_ignore_ascii_case(DPOP)
    }

    /// When the session began: seconds since 1970 (UTC).
    pub fn began(&self) -> u64 {
        self.session.record.began
    }

    /// The token for forms of this session, for the field `csrf_token`. Browsers of today say where
    /// a request comes from; the token is for those that don't.
    pub fn form_token(&self) -> Secret {
        csrf::form_token(&self.session.record)
    }
}

/// The claims of a token that the provider sent itself.
fn claims_of(access_token: &str) -> Map<String, Value> {
    let token = UnverifiedJws::parse(access_token).ok();
    token.and_then(|token| json::object(token.unverified_payload())).unwrap_or_default()
}

/// Shows no token.
impl fmt::Debug for SignedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedIn").field("sub", &self.sub()).finish_non_exhaustive()
    }
}

impl SignedIn {
    /// The user of a request, if there is one, and the slot of the request.
    pub(crate) async fn of_request(
        parts: &Parts,
    ) -> Result<(Option<Self>, Arc<RequestSession>), Refusal> {
        let slot = match RequestSession::of(parts) {
            Ok(slot) => slot,
            Err(problem) => return Err(Refusal::problem(parts, None, &problem)),
        };
        match slot.session().await {
            Ok(session) => {
                let auth = slot.auth.clone();
                Ok((session.map(|session| Self { auth, session }), slot))
            }
            Err(problem) => Err(Refusal::problem(parts, Some(&slot), &problem)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match Self::of_request(parts).await? {
            (Some(user), _) => Ok(user),
            (None, slot) => Err(Refusal::sign_in(parts, &slot, None).await),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        Self::of_request(parts).await.map(|(user, _)| user)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let slot = RequestSession::of(parts);
        slot.map(|slot| slot.auth.clone())
            .map_err(|problem: Problem| Refusal::problem(parts, None, &problem))
    }
}
