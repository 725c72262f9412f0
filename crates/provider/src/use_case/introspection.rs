//! Token introspection (RFC 7662): what a token says, for the API that it is for and for the client
//! that it was issued to.

use std::sync::Arc;

use doorward_protocol::{
    claims::{AccessTokenClaims, Confirmation},
    ids::ClientId,
    jose::SigningAlgorithm,
    scope::Scope,
    secret::Secret,
    token::{BEARER, DPOP},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    keys::KeyRing,
    model::{
        client::Client,
        grant::RefreshTokenState,
        resource::{ApiResource, Resources},
        token_handle::TokenHandle,
        token_type::INTROSPECTION_TYPE,
        user::User,
    },
    store::{RefreshTokens, StoreError},
    use_case::{
        access_token::AccessTokens,
        authenticate::{
            AuthenticatedClient, ClientAuthenticator, ClientCredentials, ClientEndpoint,
        },
        error::{ClientAuthenticationError, TokenError},
        token::refresh_token::standing_grant,
    },
};

/// Who asks, after they have proven who they are. Nothing else can make one.
#[derive(Debug)]
pub struct Introspector(Caller);

#[derive(Debug)]
enum Caller {
    /// An API, by its name.
    Api(String),
    /// A confidential client.
    Client(AuthenticatedClient),
}

/// The answer (section 2.2).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// Unknown, expired, revoked, or not the caller's business. The answer does not say which
    /// (section 4).
    Inactive {
        /// Always `false`.
        active: bool,
    },
    /// The token is valid.
    Active(Box<ActiveToken>),
}

/// The answer about a valid token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveToken {
    active: bool,
    /// As far as it concerns the caller.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    scope: Scope,
    client_id: ClientId,
    /// Absent for refresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    sub: String,
    iss: String,
    exp: i64,
    iat: i64,
    /// The key that the token is bound to (RFC 9449 section 6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// `aud` and `jti` of an access token, `auth_time` and `acr` (RFC 9470 section 6.2), and claims
    /// about user and client.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// The answer in the form that the caller asked for.
#[derive(Debug)]
pub enum IntrospectionAnswer {
    /// JSON.
    Plain(Introspection),
    /// The same in a token (RFC 9701 section 5).
    Signed(Secret),
}

/// The claims of a signed answer. Times and names of the token stand inside `token_introspection`,
/// so that the answer can't be taken for the token (RFC 9701 section 8.1).
#[derive(Serialize)]
struct SignedIntrospection<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    token_introspection: &'a Introspection,
}

impl Introspection {
    const INACTIVE: Self = Self::Inactive { active: false };
}

/// Answers questions about tokens: what it reads for that.
pub struct TokenIntrospection<'a> {
    pub(crate) refresh_tokens: &'a dyn RefreshTokens,
    pub(crate) access_tokens: AccessTokens<'a>,
    pub(crate) authenticator: ClientAuthenticator<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) keys: &'a KeyRing,
    /// What signs answers to APIs that take any algorithm.
    pub(crate) access_token_signing_alg: SigningAlgorithm,
}

impl TokenIntrospection<'_> {
    /// Authenticates who asks: an API by its name and one of its secrets, or a confidential client
    /// as at the token endpoint. A caller who need not authenticate could try
    /// out tokens here (section 2.1).
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<Introspector, TokenError> {
        use ClientAuthenticationError::{SecretMissing, WrongSecret};
        let now = self.access_tokens.clock.now();
        if let Some(api) = self.resources.authenticating_api(credentials.client_id()) {
            let verified = match credentials {
                ClientCredentials::Public { .. } => return Err(SecretMissing.into()),
                ClientCredentials::Assertion { .. } => false,
                ClientCredentials::Post { secret, .. } => {
                    self.resources.verifies_api_secret(api, secret, now)
                }
                ClientCredentials::Basic { secret, as_sent, .. } => {
                    self.resources.verifies_api_secret(api, secret, now)
                        | self.resources.verifies_api_secret(api, as_sent, now)
                }
            };
            let api = || Introspector(Caller::Api(api.name.clone()));
            return if verified { Ok(api()) } else { Err(WrongSecret.into()) };
        }
        let authenticated =
            self.authenticator.authenticate(credentials, ClientEndpoint::Introspection);
        let client = authenticated.await?;
        if client.confidential {
            Ok(Introspector(Caller::Client(client)))
        } else {
            Err(SecretMissing.into())
        }
    }

    /// What a token says to this caller, signed if the caller accepts that or takes nothing else.
    pub async fn answer(
        &self,
        caller: &Introspector,
        token: &Secret,
        wants_signed: bool,
    ) -> Result<IntrospectionAnswer, TokenError> {
        let introspection = self.introspect(caller, token).await?;
        let (audience, algorithm, required) = match &caller.0 {
            Caller::Api(name) => (name.as_str(), self.algorithm_for(name), false),
            Caller::Client(client) => (
                client.client_id.as_str(),
                client.answers.introspection,
                client.answers.introspection_required,
            ),
        };
        if !wants_signed && !required {
            return Ok(IntrospectionAnswer::Plain(introspection));
        }
        let now = self.access_tokens.clock.now();
        let claims = SignedIntrospection {
            iss: self.access_tokens.issuer,
            aud: audience,
            iat: now.seconds(),
            token_introspection: &introspection,
        };
        let key = self.keys.active(algorithm, now)?;
        Ok(IntrospectionAnswer::Signed(key.sign(INTROSPECTION_TYPE, &claims)?))
    }

    /// What signs answers to an API: what may sign its access tokens.
    fn algorithm_for(&self, api: &str) -> SigningAlgorithm {
        let own = self.resources.api(api).map(|api| api.access_token_signing_algs.as_slice());
        match own.unwrap_or_default() {
            listed if listed.contains(&self.access_token_signing_alg) => {
                self.access_token_signing_alg
            }
            [first, ..] => *first,
            [] => self.access_token_signing_alg,
        }
    }

    /// What a token says to this API, which is known to ask by other means than its secret.
    pub async fn for_api(&self, name: &str, token: &Secret) -> Result<Introspection, StoreError> {
        self.introspect(&Introspector(Caller::Api(name.to_owned())), token).await
    }

    /// What a token says to this caller.
    async fn introspect(
        &self,
        caller: &Introspector,
        token: &Secret,
    ) -> Result<Introspection, StoreError> {
        let found = match &caller.0 {
            Caller::Api(name) => self.introspect_for_api(name, token).await?,
            Caller::Client(client) => match self.introspect_access_token(client, token).await? {
                None => self.introspect_refresh_token(client, token).await?,
                found => found,
            },
        };
        Ok(found.map_or(Introspection::INACTIVE, |token| Introspection::Active(Box::new(token))))
    }

    /// An API learns of access tokens that are for it, and of these only its own scopes, audience
    /// and claims.
    async fn introspect_for_api(
        &self,
        name: &str,
        token: &Secret,
    ) -> Result<Option<ActiveToken>, StoreError> {
        let Some(live) = self.access_tokens.live(token).await? else { return Ok(None) };
        let Some(api) = self.resources.api(name).filter(|_| live.claims.aud.contains(name)) else {
            return Ok(None);
        };
        let client = live.client;
        let username = live.grant.and_then(|(_, user)| shown_name(&client, user));
        let mut claims = Arc::unwrap_or_clone(live.claims);
        claims.scope = claims.scope.filtered(|scope| api.scopes.iter().any(|own| own == scope));
        claims.aud = vec![name.to_owned()].into();
        claims.extra.retain(|name, _| is_for(api, &client, name));
        Ok(Some(described(claims, username)))
    }

    /// A client learns of the access tokens that were issued to it.
    async fn introspect_access_token(
        &self,
        client: &Client,
        token: &Secret,
    ) -> Result<Option<ActiveToken>, StoreError> {
        let live = self.access_tokens.live(token).await?;
        let own = live.filter(|live| live.claims.client_id == client.client_id);
        Ok(own.map(|live| {
            described(
                Arc::unwrap_or_clone(live.claims),
                live.grant.and_then(|(_, user)| shown_name(client, user)),
            )
        }))
    }

    /// A client learns of its refresh tokens, too. Only the last of a family is valid.
    async fn introspect_refresh_token(
        &self,
        client: &Client,
        token: &Secret,
    ) -> Result<Option<ActiveToken>, StoreError> {
        let Some(record) =
            self.refresh_tokens.refresh_token(TokenHandle::parse(token.expose()).hash()).await?
        else {
            return Ok(None);
        };
        let Ok((grant, user)) = standing_grant(&record, client) else { return Ok(None) };
        let holds = record.state == RefreshTokenState::Unused
            && self.access_tokens.clock.now() < record.token.expires_at;
        Ok(holds.then(|| ActiveToken {
            active: true,
            scope: client.still_allowed(&grant.scope),
            client_id: grant.client_id.clone(),
            token_type: None,
            sub: client.subject(&user.sub),
            username: shown_name(client, user.clone()),
            iss: self.access_tokens.issuer.to_owned(),
            exp: record.token.expires_at.seconds(),
            iat: record.token.first_issued_at.seconds(),
            cnf: grant.dpop_jkt.clone().map(Confirmation::by_key),
            extra: Map::new(),
        }))
    }
}

/// Claims about the user go to the APIs that list them; those about the client to all.
fn is_for(api: &ApiResource, client: &Client, claim: &str) -> bool {
    api.user_claims.iter().any(|own| own == claim) || client.claims.contains_key(claim)
}

/// The user's name, unless the client knows its users by pairwise subjects only: all its APIs would
/// have in common is the name.
fn shown_name(client: &Client, user: User) -> Option<String> {
    (!client.has_pairwise_subjects()).then_some(user.username)
}

fn described(claims: AccessTokenClaims, username: Option<String>) -> ActiveToken {
    let mut extra = claims.extra;
    let audience: Vec<Value> = claims.aud.iter().map(Value::from).collect();
    extra.insert(
        "aud".to_owned(),
        if let [only] = audience.as_slice() { only.clone() } else { audience.into() },
    );
    extra.insert("jti".to_owned(), claims.jti.into());
    if let Some(auth_time) = claims.auth_time {
        extra.insert("auth_time".to_owned(), auth_time.into());
    }
    if let Some(acr) = claims.acr {
        extra.insert("acr".to_owned(), acr.into());
    }
    ActiveToken {
        active: true,
        scope: claims.scope,
        client_id: claims.client_id,
        token_type: Some(if claims.cnf.is_some() { DPOP } else { BEARER }),
        username,
        sub: claims.sub,
        iss: claims.iss,
        exp: claims.exp,
        iat: claims.iat,
        cnf: claims.cnf,
        extra,
    }
}
