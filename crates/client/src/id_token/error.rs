//! Why an ID token is not accepted.

use doorward_protocol::{jwk::KeySelectionError, jws::JwsError};

use crate::{ErrorKind, ports::SignatureError};

/// Why an ID token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// The response has no ID token, although the scope has `openid`, or a level or an age of the
    /// sign-in was asked for, which only an ID token proves.
    #[error("the token endpoint sent none")]
    Missing,
    /// The token is not a JWS.
    #[error(transparent)]
    Malformed(#[from] JwsError),
    /// `alg` is `none`, symmetric, unknown, not among those that the provider announces, or another
    /// than the client registered.
    #[error("it is signed with the algorithm {0:?}, which is not accepted")]
    Algorithm(String),
    /// The provider's keys do not contain the key that signed the token.
    #[error(transparent)]
    Key(#[from] KeySelectionError),
    /// The signature is wrong or cannot be checked.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A claim is missing or of the wrong type.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// `iss` is another issuer.
    #[error("it comes from the issuer {0:?}")]
    Issuer(String),
    /// `aud` does not contain this client.
    #[error("it is meant for another client")]
    Audience,
    /// `aud` also has this audience, which is none of those that the client trusts.
    #[error("it is meant for {0:?}, too, which is not trusted")]
    UntrustedAudience(String),
    /// `azp` is another client.
    #[error("it was issued to another client")]
    AuthorizedParty,
    /// `exp` has passed.
    #[error("it expired {0} seconds ago")]
    Expired(u64),
    /// `iat` or `nbf` is in the future.
    #[error("it is valid only in {0} seconds")]
    NotYetValid(u64),
    /// `nonce` is not that of the request.
    #[error("it answers another request (nonce)")]
    Nonce,
    /// `at_hash` is not that of the access token.
    #[error("it belongs to another access token (at_hash)")]
    AccessTokenHash,
    /// `acr` is none of those that are needed.
    #[error("the user did not sign in as strongly as was asked for (acr)")]
    Acr,
    /// The user authenticated longer ago than `max_age` allows.
    #[error("the user signed in to the provider {0} seconds ago, which is too long")]
    TooOld(u64),
    /// It was to be a logout token, and is none.
    #[error("it is not a logout token: {0}")]
    NoLogoutToken(&'static str),
}

impl IdTokenError {
    pub(crate) fn kind(&self) -> ErrorKind {
        use SignatureError::{Unavailable, UnsupportedAlgorithm};
        match self {
            Self::Expired(_)
            | Self::NotYetValid(_)
            | Self::Signature(Unavailable | UnsupportedAlgorithm) => ErrorKind::Device,
            Self::Nonce | Self::AccessTokenHash | Self::TooOld(_) | Self::Acr => ErrorKind::Restart,
            _ => ErrorKind::Configuration,
        }
    }

    pub(crate) fn user_message(&self) -> String {
        match self {
            Self::Expired(seconds) | Self::NotYetValid(seconds) => format!(
                "This device's clock differs from the sign-in service's by {} minutes or more. Set \
                    the clock, then sign in again.",
                (seconds / 60).max(1)
            ),
            Self::Signature(SignatureError::Unavailable) => {
                "This page is not served by https, so the browser cannot check who signed you in. \
                    Open the page by https."
                    .to_owned()
            }
            Self::Signature(SignatureError::UnsupportedAlgorithm) => {
                "This browser cannot check the sign-in service's signature. Update it, or try \
                    another browser."
                    .to_owned()
            }
            Self::Nonce | Self::AccessTokenHash | Self::TooOld(_) => {
                "The sign-in cannot be used. Please sign in again.".to_owned()
            }
            _ => format!(
                "The sign-in service sent proof that was not accepted: {self}. Please tell whoever \
                    runs this application."
            ),
        }
    }
}
