//! Issuing tokens: access tokens (RFC 9068) and ID tokens (OIDC Core section 2).

use std::sync::Arc;

use doorward_protocol::{
    claims::{AccessTokenClaims, Audience, IdTokenClaims},
    ids::Sub,
    jose::SigningAlgorithm,
    scope::{OPENID, Scope},
    secret::Secret,
    token::TokenResponse,
};
use serde_json::Map;

use crate::{
    keys::KeyRing,
    model::{
        acr::AcrLevels,
        client::{AccessTokenType, Client, fapi2},
        grant::{Grant, ReferenceToken},
        provider_settings::AccessTokenTyp,
        resource::Resources,
        target::{InvalidTarget, Targets},
        time::{Entropy, OnceAMinute, Timestamp},
        token_handle::{TokenHandle, random_id},
        token_type::{ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, PLAIN_TYPE},
        user::{User, UserClaims},
    },
    store::ReferenceTokens,
    use_case::{dpop::Binding, error::TokenError},
};

/// A grant of which every condition was checked. Only the exchange makes one.
pub(crate) struct VerifiedGrant<'a> {
    pub(crate) client: &'a Client,
    pub(crate) grant: &'a Grant,
    pub(crate) user: &'a User,
    /// The scope of this access token: the grant's or less.
    pub(crate) scope: Scope,
    /// The APIs that this access token is restricted to: the grant's or less.
    pub(crate) targets: Targets,
    pub(crate) nonce: Option<String>,
    /// The key that the access token is bound to.
    pub(crate) binding: Binding,
}

/// Tokens, and whom they are about.
pub(crate) struct Issued {
    pub(crate) tokens: TokenResponse,
    /// The user, by the name that the provider knows; `None` for a token that a client got for
    /// itself.
    pub(crate) sub: Option<Sub>,
}

/// Signs and issues tokens.
pub(crate) struct TokenIssuer {
    pub(crate) issuer: String,
    /// What signs access tokens where the APIs do not ask for something else.
    pub(crate) access_token_signing_alg: SigningAlgorithm,
    /// What the levels of sign-ins are called.
    pub(crate) acr: AcrLevels,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) resources: Arc<Resources>,
    /// Keeps reference tokens.
    pub(crate) reference_tokens: Arc<dyn ReferenceTokens>,
    /// When it was logged last that a reference token has ended another one.
    pub(crate) ended_logged: OnceAMinute,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl TokenIssuer {
    /// Issues the tokens of a grant that the store is recording; what comes of the recording is the
    /// refresh token.
    ///
    /// They are signed while the disk works, and nobody gets them before the record is durable:
    /// signing alone changes nothing.
    pub(crate) async fn issue(
        &self,
        recording: impl Future<Output = Result<Option<TokenHandle>, TokenError>>,
        verified: VerifiedGrant<'_>,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let signing = async {
            // Signing is the longest part: first those get to the store who are on their way there,
            // and share one wait for the disk.
            tokio::task::yield_now().await;
            self.sign(&verified, now).await
        };
        let (refresh_token, mut issued) = match verified.client.access_token_type {
            AccessTokenType::Jwt => {
                let (recorded, signed) = futures::join!(recording, signing);
                (recorded?, signed?)
            }
            // It is a row of the store itself, and so waits for the grant's.
            AccessTokenType::Reference => (recording.await?, signing.await?),
        };
        issued.tokens.refresh_token = refresh_token.map(TokenHandle::into_secret);
        Ok(issued)
    }

    async fn sign(
        &self,
        verified: &VerifiedGrant<'_>,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let VerifiedGrant { client, grant, targets, binding, .. } = verified;
        let scope = self.resources.scope_within(&verified.scope, targets);
        let access_token = self.issue_access_token(verified, &scope, now).await?;
        let id_token = if scope.contains(OPENID) {
            Some(self.issue_id_token(verified, &scope, &access_token, now)?)
        } else {
            None
        };
        let lifetime = u64::from(client.access_token_lifetime);
        let mut tokens = TokenResponse::new(access_token, binding.token_type(), lifetime, scope);
        tokens.id_token = id_token;
        Ok(Issued { tokens, sub: Some(grant.authentication.sub.clone()) })
    }

    /// Issues an access token that is about no user (RFC 9068 section 2.2: `sub` is then the
    /// client).
    pub(crate) async fn issue_client_token(
        &self,
        client: &Client,
        scope: &Scope,
        targets: &Targets,
        binding: &Binding,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let scope = self.resources.scope_within(scope, targets);
        let claims = AccessTokenClaims {
            sub: client.client_id.to_string(),
            extra: client.claims.clone(),
            ..self.access_token_claims(client, &scope, targets, binding, now)
        };
        let access_token = self.write_access_token(client, targets, claims, now).await?;
        let lifetime = u64::from(client.access_token_lifetime);
        let tokens = TokenResponse::new(access_token, binding.token_type(), lifetime, scope);
        Ok(Issued { tokens, sub: None })
    }

    /// Leaves of a grant what its client may still have: of its scope, and of the claims that were
    /// asked for one by one, which the client may have by a scope only.
    pub(crate) fn keep_allowed(&self, client: &Client, grant: &mut Grant) {
        grant.scope = client.still_allowed(&grant.scope);
        let given = self.resources.identity_claims(&client.allowed_scope);
        grant.requested_claims = grant.requested_claims.within(given);
    }

    /// The APIs that a token request asks for, the granted ones or less. Those that verify its
    /// tokens agree on what signs them.
    pub(crate) fn narrowed_targets(
        &self,
        client: &Client,
        granted: &Targets,
        requested: &[String],
        scope: &Scope,
    ) -> Result<Targets, InvalidTarget> {
        let targets = self.resources.narrowed_targets(granted, requested, scope)?;
        if client.access_token_type == AccessTokenType::Jwt {
            self.access_token_algorithm(client, scope, &targets)?;
        }
        Ok(targets)
    }

    /// What signs an access token: what the settings say, or else the first that all its APIs take.
    pub(crate) fn access_token_algorithm(
        &self,
        client: &Client,
        scope: &Scope,
        targets: &Targets,
    ) -> Result<SigningAlgorithm, InvalidTarget> {
        let all = [self.access_token_signing_alg]
            .into_iter()
            .chain(self.keys.algorithms().iter().copied());
        let may_sign =
            all.filter(|algorithm| !client.fapi2 || fapi2::ALGORITHMS.contains(algorithm));
        self.resources
            .algorithm_within(scope, targets, may_sign)
            .ok_or(InvalidTarget::NoCommonAlgorithm)
    }

    /// The user's claims for access tokens of this scope.
    pub(crate) fn access_token_user_claims(&self, scope: &Scope, user: &User) -> UserClaims {
        let is_list = |name: &str| self.resources.is_list_claim(name);
        UserClaims(user.all_claims(is_list).select(
            self.resources.apis(scope).flat_map(|api| api.user_claims.iter().map(String::as_str)),
            is_list,
        ))
    }

    async fn issue_access_token(
        &self,
        verified: &VerifiedGrant<'_>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Secret, TokenError> {
        let VerifiedGrant { client, grant, targets, binding, .. } = verified;
        let apis = self.resources.apis_within(scope, targets);
        let names = apis.flat_map(|api| api.user_claims.iter().map(String::as_str));
        let is_list = |name: &str| self.resources.is_list_claim(name);
        let mut extra = grant.access_token_claims.select(names, is_list);
        if client.always_send_client_claims {
            extra.extend(client.claims.clone());
        }
        let claims = AccessTokenClaims {
            sub: client.subject(&grant.authentication.sub),
            auth_time: Some(grant.authentication.auth_time.seconds()),
            acr: Some(self.acr.acr(&grant.authentication.amr).to_owned()),
            grant_id: Some(grant.id.clone()),
            sid: Some(client.session_id(&grant.authentication.sid)),
            extra,
            ..self.access_token_claims(client, scope, targets, binding, now)
        };
        self.write_access_token(client, targets, claims, now).await
    }

    fn issue_id_token(
        &self,
        verified: &VerifiedGrant<'_>,
        scope: &Scope,
        access_token: &Secret,
        now: Timestamp,
    ) -> Result<Secret, TokenError> {
        let VerifiedGrant { client, grant, user, .. } = verified;
        let key = self.keys.active(client.id_token_signing_alg, now)?;
        let is_list = |name: &str| self.resources.is_list_claim(name);
        let user = user.all_claims(is_list);
        let mut extra =
            user.select(grant.requested_claims.id_token.iter().map(String::as_str), is_list);
        if client.user_claims_in_id_token {
            extra.extend(user.select(self.resources.identity_claims(scope), is_list));
        }
        let claims = IdTokenClaims {
            iss: self.issuer.clone(),
            sub: client.subject(&grant.authentication.sub),
            aud: Audience::One(client.client_id.to_string()),
            exp: now.plus(client.identity_token_lifetime).seconds(),
            iat: now.seconds(),
            auth_time: Some(grant.authentication.auth_time.seconds()),
            nonce: verified.nonce.clone(),
            acr: Some(self.acr.acr(&grant.authentication.amr).to_owned()),
            amr: grant.authentication.amr.clone(),
            at_hash: Some(key.algorithm().left_half_hash(access_token.expose())),
            sid: Some(client.session_id(&grant.authentication.sid)),
            extra,
        };
        Ok(key.sign(ID_TOKEN_TYPE, &claims)?)
    }

    /// What every access token has; the caller says whom it is about. Without an API in its scope
    /// the token is for this provider's userinfo endpoint (RFC 9068 section 3 asks for a default
    /// audience).
    fn access_token_claims(
        &self,
        client: &Client,
        scope: &Scope,
        targets: &Targets,
        binding: &Binding,
        now: Timestamp,
    ) -> AccessTokenClaims {
        let mut audience: Vec<String> =
            self.resources.apis_within(scope, targets).map(|api| api.name.clone()).collect();
        if audience.is_empty() {
            audience.push(self.issuer.clone());
        }
        AccessTokenClaims {
            iss: self.issuer.clone(),
            exp: now.plus(client.access_token_lifetime).seconds(),
            aud: audience.into(),
            sub: String::new(),
            client_id: client.client_id.clone(),
            iat: now.seconds(),
            nbf: None,
            jti: random_id(&*self.entropy),
            scope: scope.clone(),
            auth_time: None,
            acr: None,
            grant_id: None,
            sid: None,
            cnf: binding.confirmation(),
            extra: Map::new(),
        }
    }

    /// `typ` of an access token: `JWT` where all its APIs want that, and otherwise `at+jwt`.
    fn access_token_typ(&self, scope: &Scope, targets: &Targets) -> &'static str {
        let mut apis = self.resources.apis_within(scope, targets).peekable();
        let is_plain = |api| self.resources.access_token_typ(api) == AccessTokenTyp::Jwt;
        let plain = match apis.peek() {
            None => is_plain(None),
            Some(_) => apis.all(|api| is_plain(Some(api))),
        };
        if plain { PLAIN_TYPE } else { ACCESS_TOKEN_TYPE }
    }

    /// Writes the token in the form that the client is set to.
    pub(crate) async fn write_access_token(
        &self,
        client: &Client,
        targets: &Targets,
        claims: AccessTokenClaims,
        now: Timestamp,
    ) -> Result<Secret, TokenError> {
        match client.access_token_type {
            AccessTokenType::Jwt => {
                let key = self
                    .keys
                    .active(self.access_token_algorithm(client, &claims.scope, targets)?, now)?;
                Ok(key.sign(self.access_token_typ(&claims.scope, targets), &claims)?)
            }
            AccessTokenType::Reference => {
                let handle = TokenHandle::generate(&*self.entropy);
                let token = ReferenceToken { hash: handle.hash(), claims };
                let ended = self.reference_tokens.add_reference_token(token).await?;
                if ended > 0 && self.ended_logged.is_due(now) {
                    tracing::warn!(
                        client_id = %client.client_id,
                        "a reference token has ended an older one before its time: there were \
                         1000 of the same grant, or of the client itself. Let the client use a \
                         token until it expires, or give it a shorter access_token_lifetime"
                    );
                }
                Ok(handle.into_secret())
            }
        }
    }
}
