//! The token endpoint's use case (RFC 6749 section 3.2): one file for each grant.

mod authorization_code;
mod client_credentials;
mod device_code;
mod password;
mod refresh_token;

use doorward_protocol::{
    error::ErrorCode,
    params::{Params, ParamsError},
    pkce::PkceError,
    scope::Scope,
    secret::Secret,
    token::TokenResponse,
};

use self::authorization_code::SentCode;
use crate::{
    Provider, audit,
    authenticate::{AuthenticatedClient, ClientAuthenticationError},
    client::{Client, GrantType},
    client_assertion::AssertionError,
    discovery::paths,
    dpop::DpopError,
    grant::{Grant, RefreshToken},
    keys::{KeyRingError, SigningError},
    opaque::{Family, OpaqueToken, Place},
    password::Busy,
    sign_in::SignInError,
    store::StoreError,
    target::InvalidTarget,
    time::Timestamp,
    tokens::Issued,
};

/// A token request, parsed; nothing in it is verified yet.
#[derive(Debug)]
pub enum TokenRequest {
    /// `grant_type=authorization_code` (RFC 6749 section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: OpaqueToken,
        /// The redirect URI of the authorization request.
        redirect_uri: Option<String>,
        /// RFC 7636 section 4.5. Kept as text: a malformed one is an invalid grant like a wrong
        /// one.
        code_verifier: Option<Secret>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=refresh_token` (RFC 6749 section 6).
    RefreshToken {
        /// The token.
        refresh_token: OpaqueToken,
        /// A narrower scope.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=client_credentials` (RFC 6749 section 4.4).
    ClientCredentials {
        /// The scope; all that the client may have where absent.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=password` (RFC 6749 section 4.3).
    Password {
        /// What the user typed.
        username: String,
        /// What the user typed.
        password: Secret,
        /// The scope; all that the client may have where absent.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4).
    DeviceCode {
        /// The code.
        device_code: OpaqueToken,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
}

impl TokenRequest {
    /// `grant_type` as it is written.
    fn grant_type(&self) -> &'static str {
        match self {
            Self::AuthorizationCode { .. } => "authorization_code",
            Self::RefreshToken { .. } => "refresh_token",
            Self::ClientCredentials { .. } => "client_credentials",
            Self::Password { .. } => "password",
            Self::DeviceCode { .. } => DEVICE_CODE,
        }
    }
}

/// `grant_type` of the device authorization grant (RFC 8628 section 3.4).
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Why a token request was refused. [`TokenError::code`] is the one mapping to the wire.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The parameters can't be read.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A parameter that the grant needs is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// Client authentication failed.
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    /// No such grant type here.
    #[error("the grant type is not supported; see grant_types_supported in the discovery document")]
    UnsupportedGrantType,
    /// The client may not use this grant type.
    #[error("this client may not use this grant type")]
    GrantTypeNotAllowed,
    /// The scope is malformed, unknown, or more than allowed.
    #[error("the scope is malformed, unknown, or more than was allowed")]
    InvalidScope,
    /// The token can't be for that API.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// The code, refresh token or password does not hold.
    #[error(transparent)]
    Grant(#[from] GrantProblem),
    /// The proof of possession does not hold.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// The user has not answered yet (RFC 8628 section 3.5).
    #[error("the user has not answered yet: ask again after the interval")]
    AuthorizationPending,
    /// The device asks too often (RFC 8628 section 3.5).
    #[error("the device asks too often: wait five seconds longer from now on")]
    SlowDown,
    /// The device code has expired (RFC 8628 section 3.5).
    #[error("the device code has expired: start again")]
    ExpiredDeviceCode,
    /// The user did not allow the device (RFC 8628 section 3.5).
    #[error("the user did not allow the device to sign in")]
    DeviceDenied,
    /// It is a JWT of no grant, which APIs verify without asking (RFC 7009 section 2.2.1).
    #[error("a JWT that a client got for itself can't be revoked: it lives until it expires")]
    NotRevocable,
    /// Sign-ins are throttled.
    #[error("too many failed sign-ins: try again in {0} seconds")]
    Throttled(u32),
    /// More sign-ins wait than the machine can check.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys failed.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// Signing failed.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Why a grant does not hold: all are `invalid_grant`. The text is for the log; the wire says less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantProblem {
    /// Unknown, or removed after its end.
    #[error("the authorization code is unknown")]
    UnknownCode,
    /// RFC 6749 section 4.1.2.
    #[error("the authorization code has expired")]
    ExpiredCode,
    /// Issued to another client.
    #[error("the authorization code was issued to another client")]
    CodeOfAnotherClient,
    /// RFC 6749 section 4.1.3.
    #[error("redirect_uri is not that of the authorization request")]
    RedirectUriMismatch,
    /// A challenge was sent, the verifier was not.
    #[error("code_verifier is missing")]
    VerifierMissing,
    /// RFC 7636 section 4.1.
    #[error(transparent)]
    VerifierMalformed(#[from] PkceError),
    /// RFC 7636 section 4.6.
    #[error("code_verifier does not match the code_challenge")]
    VerifierMismatch,
    /// A verifier without a challenge: somebody took the challenge out (RFC 9700 section 4.8.2).
    #[error("code_verifier was sent, but the authorization request had no code_challenge")]
    VerifierWithoutChallenge,
    /// The code was redeemed before; its grant is now revoked.
    #[error("the authorization code was used before; everything issued from it is revoked")]
    CodeReplayed,
    /// The authorization request named a key by `dpop_jkt` (RFC 9449 section 10).
    #[error("the authorization code is bound to a key, and the request has no proof of that key")]
    CodeOfAnotherKey,
    /// The user signed out before the client came with the code.
    #[error("the session in which the authorization code was issued has ended")]
    SessionEnded,
    /// Unknown, expired or revoked.
    #[error("the refresh token is unknown, has expired or was revoked")]
    UnknownRefreshToken,
    /// Issued to another client.
    #[error("the refresh token was issued to another client")]
    RefreshTokenOfAnotherClient,
    /// RFC 9449 section 5.
    #[error("the refresh token is bound to a key, and the request has no proof of that key")]
    RefreshTokenOfAnotherKey,
    /// A replay: the grant is now revoked.
    #[error("the refresh token was used before; everything issued from it is revoked")]
    RefreshTokenReplayed,
    /// Unknown, another client's, or used before.
    #[error("the device code is unknown, another client's, or was used before")]
    UnknownDeviceCode,
    /// The client may have no refresh tokens any more.
    #[error("offline access was withdrawn from this client")]
    OfflineAccessWithdrawn,
    /// The user may not sign in any more.
    #[error("the user is disabled or gone")]
    UserDisabled,
    /// Resource owner password credentials.
    #[error("the user name or the password is wrong")]
    WrongPassword,
}

impl TokenError {
    /// The error code on the wire (RFC 6749 section 5.2).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Params(_)
            | Self::Missing(_)
            | Self::Client(ClientAuthenticationError::TwoMethods) => ErrorCode::InvalidRequest,
            Self::Client(_) => ErrorCode::InvalidClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::InvalidScope => ErrorCode::InvalidScope,
            Self::Target(_) => ErrorCode::InvalidTarget,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::SlowDown => ErrorCode::SlowDown,
            Self::ExpiredDeviceCode => ErrorCode::ExpiredToken,
            Self::DeviceDenied => ErrorCode::AccessDenied,
            Self::NotRevocable => ErrorCode::UnsupportedTokenType,
            Self::Grant(_) | Self::Throttled(_) => ErrorCode::InvalidGrant,
            Self::Dpop(error) => error.code(),
            Self::Busy(_) => ErrorCode::TemporarilyUnavailable,
            Self::Store(error) => error.code(),
            Self::Keys(_) | Self::Signing(_) => ErrorCode::ServerError,
        }
    }

    /// The sentence on the wire. It tells a client's developer what to do and an attacker nothing
    /// about others' grants.
    pub fn description(&self) -> String {
        match self {
            Self::Client(
                ClientAuthenticationError::UnknownClient
                | ClientAuthenticationError::WrongSecret
                | ClientAuthenticationError::SecretMissing
                | ClientAuthenticationError::SecretUnexpected
                | ClientAuthenticationError::Assertion(AssertionError::BadSignature),
            ) => "The client is unknown or did not authenticate as it must.".to_owned(),
            Self::Grant(
                GrantProblem::UnknownCode
                | GrantProblem::ExpiredCode
                | GrantProblem::CodeOfAnotherClient
                | GrantProblem::CodeReplayed
                | GrantProblem::SessionEnded,
            ) => {
                "The authorization code is unknown, expired, used, or another client's. Start a new sign-in.".to_owned()
            }
            Self::Grant(
                GrantProblem::UnknownRefreshToken
                | GrantProblem::RefreshTokenOfAnotherClient
                | GrantProblem::RefreshTokenReplayed
                | GrantProblem::OfflineAccessWithdrawn,
            ) => "The refresh token is unknown, expired, used, revoked, or another client's. Start a new sign-in."
                .to_owned(),
            Self::Store(_) | Self::Dpop(DpopError::Store(_)) | Self::Keys(_) | Self::Signing(_) => {
                "The provider can't answer at the moment. Try again later.".to_owned()
            }
            other => sentence(&other.to_string()),
        }
    }
}

/// A message of ours as a sentence, in the characters that RFC 6749 section 5.2 allows in a
/// description.
pub(crate) fn sentence(message: &str) -> String {
    let allowed = |character| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
    let mut text: String =
        message.chars().map(|own| if allowed(own) { own } else { '\'' }).collect();
    // A parameter's name keeps its spelling at the beginning, too.
    let begins_with_name = message.split(' ').next().is_some_and(|word| word.contains('_'));
    if let Some(first) = text.get_mut(0..1).filter(|_| !begins_with_name) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

impl From<SignInError> for TokenError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongPassword => Self::Grant(GrantProblem::WrongPassword),
            SignInError::Throttled(seconds) => Self::Throttled(seconds),
            SignInError::Busy(busy) => Self::Busy(busy),
            SignInError::Store(error) => Self::Store(error),
        }
    }
}

/// What a request without a grant of its own asks for.
struct Asked {
    scope: Option<Scope>,
    resources: Vec<String>,
}

/// The scope that a request names, if it does.
pub(crate) fn parse_scope(params: &Params) -> Result<Option<Scope>, TokenError> {
    match params.get("scope").map(str::parse::<Scope>) {
        None => Ok(None),
        Some(Ok(scope)) if !scope.is_empty() => Ok(Some(scope)),
        Some(_) => Err(TokenError::InvalidScope),
    }
}

impl TokenRequest {
    /// Reads the parameters of a token request.
    pub fn parse(params: &Params) -> Result<Self, TokenError> {
        let required = |name| params.get(name).ok_or(TokenError::Missing(name));
        let resources = params.get_all("resource").map(str::to_owned).collect();
        match required("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: OpaqueToken::presented(required("code")?),
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                code_verifier: params.get_secret("code_verifier"),
                resources,
            }),
            "refresh_token" => Ok(Self::RefreshToken {
                refresh_token: OpaqueToken::presented(required("refresh_token")?),
                scope: parse_scope(params)?,
                resources,
            }),
            "client_credentials" => {
                Ok(Self::ClientCredentials { scope: parse_scope(params)?, resources })
            }
            "password" => Ok(Self::Password {
                username: required("username")?.to_owned(),
                password: Secret::new(required("password")?),
                scope: parse_scope(params)?,
                resources,
            }),
            DEVICE_CODE => Ok(Self::DeviceCode {
                device_code: OpaqueToken::presented(required("device_code")?),
                resources,
            }),
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }
}

impl Provider {
    /// Answers a token request. `proof` is the `DPoP` header; `address` is the peer's, for
    /// throttling and audit.
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<TokenResponse, TokenError> {
        let grant_type = request.grant_type();
        let Issued { tokens, sub } = self.answer(client, request, proof, address).await?;
        audit::Event {
            event: "tokens_issued",
            sub: sub.as_deref(),
            client_id: Some(&client.client_id),
            peer: Some(address),
            grant_type: Some(grant_type),
            ..audit::Event::default()
        }
        .log();
        Ok(tokens)
    }

    async fn answer(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<Issued, TokenError> {
        let proof = self.check_proof(client, proof, ("POST", paths::TOKEN), None)?;
        match request {
            TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier, resources } => {
                require(client, GrantType::AuthorizationCode)?;
                let sent = SentCode { code, redirect_uri, verifier: code_verifier };
                self.redeem_code(client, sent, &resources, proof, address).await
            }
            TokenRequest::RefreshToken { refresh_token, scope, resources } => {
                self.refresh(client, &refresh_token, scope, &resources, proof, address).await
            }
            TokenRequest::ClientCredentials { scope, resources } => {
                require(client, GrantType::ClientCredentials)?;
                self.client_credentials(client, scope, &resources, proof).await
            }
            TokenRequest::Password { username, password, scope, resources } => {
                require(client, GrantType::Password)?;
                let asked = Asked { scope, resources };
                self.resource_owner_password(client, &username, password, asked, proof, address)
                    .await
            }
            TokenRequest::DeviceCode { device_code, resources } => {
                require(client, GrantType::DeviceCode)?;
                self.poll_device_code(client, &device_code, &resources, proof).await
            }
        }
    }

    /// A first refresh token of the family, for a grant with offline access.
    fn first_refresh_token(
        &self,
        client: &Client,
        grant: &Grant,
        family: &Family,
        now: Timestamp,
    ) -> Option<(OpaqueToken, RefreshToken)> {
        if !grant.scope.contains(doorward_protocol::scope::OFFLINE_ACCESS) {
            return None;
        }
        let token =
            OpaqueToken::first_of(family, Place::at(self.clock.milliseconds()), &*self.entropy);
        let record = RefreshToken {
            hash: token.hash(),
            first_issued_at: now,
            expires_at: refresh_token::expiry(client, now, now),
        };
        Some((token, record))
    }
}

fn require(client: &Client, grant_type: GrantType) -> Result<(), TokenError> {
    if client.grant_types.contains(&grant_type) {
        Ok(())
    } else {
        Err(TokenError::GrantTypeNotAllowed)
    }
}

/// When a grant can be forgotten: when neither its access token nor its refresh token lives.
fn grant_end(client: &Client, refresh_token: Option<&RefreshToken>, now: Timestamp) -> Timestamp {
    let access_token_ends = now.plus(client.access_token_lifetime);
    refresh_token.map_or(access_token_ends, |token| token.expires_at.max(access_token_ends))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(body: &str) -> Result<TokenRequest, TokenError> {
        TokenRequest::parse(&Params::parse(body).unwrap())
    }

    /// RFC 6749 sections 4.1.3, 4.3.2, 4.4.2 and 6, and RFC 8628 section 3.4, the example bodies.
    #[test]
    fn reads_the_rfc_examples() {
        let code = "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";
        assert!(
            matches!(parse(code).unwrap(), TokenRequest::AuthorizationCode { redirect_uri: Some(uri), .. }
            if uri == "https://client.example.com/cb")
        );
        assert!(matches!(
            parse("grant_type=client_credentials").unwrap(),
            TokenRequest::ClientCredentials { scope: None, .. }
        ));
        assert!(matches!(parse("grant_type=password&username=johndoe&password=A3ddj3w").unwrap(),
            TokenRequest::Password { username, .. } if username == "johndoe"));
        assert!(matches!(
            parse("grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA").unwrap(),
            TokenRequest::RefreshToken { scope: None, .. }
        ));
        let device = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
            &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730";
        assert!(matches!(parse(device).unwrap(), TokenRequest::DeviceCode { .. }));
    }

    #[test]
    fn refuses_what_is_missing_or_unknown() {
        let code = |body| parse(body).unwrap_err().code();
        assert_eq!(code(""), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type="), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=implicit"), ErrorCode::UnsupportedGrantType);
        assert_eq!(code("grant_type=authorization_code"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=refresh_token"), ErrorCode::InvalidRequest);
        assert_eq!(
            code("grant_type=urn:ietf:params:oauth:grant-type:device_code"),
            ErrorCode::InvalidRequest,
            "without its code"
        );
        assert_eq!(code("grant_type=password&username=a"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=client_credentials&scope=%22"), ErrorCode::InvalidScope);
    }

    #[test]
    fn descriptions_hold_only_allowed_characters() {
        let error = TokenError::Params(ParamsError::Repeated("a\"b\\c".into()));
        assert_eq!(error.description(), "The parameter a'b'c is there more than once.");
        assert_eq!(
            TokenError::Grant(GrantProblem::VerifierMissing).description(),
            "code_verifier is missing."
        );
    }
}
