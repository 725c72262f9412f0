//! Why the token endpoint and its neighbours refuse a request, and what they answer: one mapping
//! of causes to the wire for client authentication, grants, revocation, introspection and devices.

use doorward_protocol::{error::ErrorCode, params::ParamsError, pkce::PkceError};

use crate::{
    keys::{KeyRingError, SigningError},
    model::{
        asked_scope::ScopeNotAllowed, client::assertion::AssertionError, target::InvalidTarget,
    },
    store::StoreError,
    use_case::{dpop::DpopError, password_verifier::Busy},
};

/// When a client may try again of which too many requests wait, in seconds.
pub const TOO_MANY_RETRY: u32 = 60;

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
    /// The code, refresh token or password is not valid.
    #[error(transparent)]
    Grant(#[from] GrantProblem),
    /// The proof of possession is not valid.
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
    /// Too many device codes wait: of this client, for its address or in all, or of all clients of
    /// this address that no operator wrote down.
    #[error(
        "too many devices of this client or at this address wait for their users: \
         try again in some minutes"
    )]
    TooManyDevices,
    /// More sign-ins wait than the machine can check.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The directory that has the user has not answered for too long.
    #[error("the user's directory does not answer: try again later")]
    DirectoryUnavailable,
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

/// Why a grant is not valid. All are `invalid_grant`. The text is for the log; the answer says
/// less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantProblem {
    /// The client's `require_acr` was raised since.
    #[error("the client requires a stronger sign-in than that of the grant")]
    SignInTooWeak,
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
    /// The client's sector, its salt or its kind of subjects is another one by now.
    #[error(
        "this client knows its users by other identifiers than when access was given: \
         start a new sign-in"
    )]
    AnotherSubject,
    /// The user may not sign in any more.
    #[error("the user is disabled or gone")]
    UserDisabled,
    /// Resource owner password credentials.
    #[error("the user name or the password is wrong")]
    WrongPassword,
    /// A password alone does not sign this user in.
    #[error(
        "this user signs in with a second factor, which this grant can't ask for: \
         use the authorization code flow"
    )]
    SecondFactorNeeded,
}

impl From<ScopeNotAllowed> for TokenError {
    fn from(_: ScopeNotAllowed) -> Self {
        Self::InvalidScope
    }
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
            Self::Grant(_) => ErrorCode::InvalidGrant,
            Self::Dpop(error) => error.code(),
            // The client must not take it for a wrong password.
            Self::Throttled(_)
            | Self::TooManyDevices
            | Self::Busy(_)
            | Self::DirectoryUnavailable => ErrorCode::TemporarilyUnavailable,
            Self::Store(error) => error.code(),
            Self::Keys(_) | Self::Signing(_) => ErrorCode::ServerError,
        }
    }

    /// Seconds after which a client that asked too often may ask again; `None` for other errors.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Throttled(seconds) => Some(*seconds),
            Self::TooManyDevices => Some(TOO_MANY_RETRY),
            _ => None,
        }
    }

    /// The sentence on the wire. It says what a client's developer can do, and nothing about
    /// others' grants.
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
            ) => "The authorization code is unknown, expired, used, or another client's. \
                 Start a new sign-in."
                .to_owned(),
            Self::Grant(
                GrantProblem::UnknownRefreshToken
                | GrantProblem::RefreshTokenOfAnotherClient
                | GrantProblem::RefreshTokenReplayed
                | GrantProblem::OfflineAccessWithdrawn
                | GrantProblem::SignInTooWeak,
            ) => "The refresh token is unknown, expired, used, revoked, or another client's. \
                 Start a new sign-in."
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

/// Why a client was not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthenticationError {
    /// Neither header nor `client_id`.
    #[error("the request names no client: send client_id or an Authorization header")]
    Missing,
    /// Header and body both hold credentials (RFC 6749 section 2.3).
    #[error("the request uses two methods of client authentication; use one")]
    TwoMethods,
    /// The assertion is not valid.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// The `Authorization` header is not `Basic` with base64 of two form-encoded texts.
    #[error(
        "the Authorization header is not Basic with client_id and secret, \
         each form-encoded, in base64"
    )]
    MalformedHeader,
    /// Unknown or disabled client.
    #[error("the client is unknown")]
    UnknownClient,
    /// The secret is wrong or has expired.
    #[error("the client secret is wrong or has expired")]
    WrongSecret,
    /// A client with a secret did not present it.
    #[error("this client must authenticate")]
    SecretMissing,
    /// A client without a secret presented one.
    #[error("this client has no secret to authenticate with")]
    SecretUnexpected,
}

#[cfg(test)]
mod tests {
    use super::*;

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
