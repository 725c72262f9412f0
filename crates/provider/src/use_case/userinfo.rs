//! The userinfo endpoint's use case (OIDC Core section 5.3).

use doorward_protocol::{
    claims::Confirmation, dpop::Proof, error::ErrorCode, scope::OPENID, secret::Secret,
};
use serde_json::{Map, Value};

use crate::{
    keys::{KeyRing, KeyRingError},
    model::{client::Client, paths, resource::Resources, time::Clock, token_type::PLAIN_TYPE},
    store::StoreError,
    use_case::{
        access_token::{AccessTokens, LiveAccessToken},
        dpop::{DpopError, ProofVerifier, is_made_by},
        error::sentence,
    },
};

/// Why userinfo was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserinfoError {
    /// Not an access token of this provider, expired, or its grant or user is gone.
    #[error("The access token is invalid, expired or revoked.")]
    InvalidToken,
    /// `cnf` binds the token to a key, and it was sent as a bearer token or without `DPoP` being
    /// enough (RFC 9449 section 7.2).
    #[error("The access token is bound to a key: send it by the DPoP scheme with a proof.")]
    KeyBound,
    /// It was sent by the `DPoP` scheme and is a bearer token.
    #[error("The access token is not bound to a key: send it as a bearer token.")]
    NotKeyBound,
    /// The proof was made by another key than the token is bound to.
    #[error("The access token is bound to another key than the one in the proof.")]
    AnotherKey,
    /// The proof is not valid.
    #[error("{}", sentence(&.0.to_string()))]
    Dpop(#[from] DpopError),
    /// The token has no `openid` scope.
    #[error("The access token has no openid scope.")]
    InsufficientScope,
    /// The answer could not be signed.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserinfoError {
    /// The error code on the wire (RFC 6750 section 3.1).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidToken | Self::KeyBound | Self::NotKeyBound | Self::AnotherKey => {
                ErrorCode::InvalidToken
            }
            Self::Dpop(error) => error.code(),
            Self::InsufficientScope => ErrorCode::InsufficientScope,
            Self::Keys(_) => ErrorCode::ServerError,
            Self::Store(error) => error.code(),
        }
    }
}

/// The answer, in the form that the client registered (section 5.3.2).
#[derive(Debug)]
pub enum UserinfoAnswer {
    /// JSON.
    Plain(Map<String, Value>),
    /// The same claims in a token, with `iss` and `aud`.
    Signed(Secret),
}

/// How an access token is presented.
#[derive(Debug, Clone, Copy)]
pub enum Presentation<'a> {
    /// RFC 6750 section 2.
    Bearer,
    /// RFC 9449 section 7.1.
    Dpop {
        /// The `DPoP` header.
        proof: Option<&'a str>,
        /// The request's method.
        method: &'a str,
    },
}

/// Answers with claims about the user: what it reads for that.
pub struct Userinfo<'a> {
    pub(crate) access_tokens: AccessTokens<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) proofs: ProofVerifier<'a>,
    pub(crate) keys: &'a KeyRing,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl Userinfo<'_> {
    /// The claims about the user that an access token gives.
    pub async fn answer(
        &self,
        access_token: &Secret,
        presented: Presentation<'_>,
    ) -> Result<UserinfoAnswer, UserinfoError> {
        let LiveAccessToken { claims: token, client, grant } =
            self.access_tokens.live(access_token).await?.ok_or(UserinfoError::InvalidToken)?;
        let proof =
            self.check_presentation(&client, access_token, token.cnf.as_ref(), presented)?;
        if !token.scope.contains(OPENID) {
            return Err(UserinfoError::InsufficientScope);
        }
        let (grant, user) = grant.ok_or(UserinfoError::InvalidToken)?;
        self.proofs.consume(proof).await?;
        let scope = client.still_allowed(&token.scope);
        // As at the token endpoint: what was taken from the client is given no more.
        let given = self.resources.identity_claims(&client.allowed_scope);
        let requested = grant.requested_claims.within(given);
        let requested = requested.userinfo.iter().map(String::as_str);
        let is_list = |name: &str| self.resources.is_list_claim(name);
        let mut claims = user
            .all_claims(is_list)
            .select(self.resources.identity_claims(&scope).chain(requested), is_list);
        claims.insert("sub".to_owned(), Value::String(client.subject(&user.sub)));
        let Some(algorithm) = client.answers.userinfo else {
            return Ok(UserinfoAnswer::Plain(claims));
        };
        // Neither `exp` nor `iat`: so it can't be taken for an ID token.
        claims.insert("iss".to_owned(), self.issuer.into());
        claims.insert("aud".to_owned(), client.client_id.as_str().into());
        let key = self.keys.active(algorithm, self.clock.now())?;
        let token = key.sign(PLAIN_TYPE, &claims).map_err(KeyRingError::from)?;
        Ok(UserinfoAnswer::Signed(token))
    }

    /// Checks that a token bound to a key comes with that key's proof, and any other token without
    /// one.
    fn check_presentation(
        &self,
        client: &Client,
        access_token: &Secret,
        confirmation: Option<&Confirmation>,
        presented: Presentation<'_>,
    ) -> Result<Option<Proof>, UserinfoError> {
        match (presented, confirmation) {
            (Presentation::Bearer, None) => Ok(None),
            (Presentation::Bearer, Some(_)) => Err(UserinfoError::KeyBound),
            (Presentation::Dpop { .. }, None) => Err(UserinfoError::NotKeyBound),
            (Presentation::Dpop { proof, method }, Some(confirmation)) => {
                let proof = proof.ok_or(DpopError::Missing)?;
                let request = (method, paths::USERINFO);
                let proof =
                    self.proofs.check(client, Some(proof), request, Some(access_token.expose()))?;
                let key = confirmation.sole_key().ok_or(UserinfoError::KeyBound)?;
                if is_made_by(proof.as_ref(), key) {
                    Ok(proof)
                } else {
                    Err(UserinfoError::AnotherKey)
                }
            }
        }
    }
}
