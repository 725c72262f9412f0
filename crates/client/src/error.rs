//! Everything that can go wrong, what to tell the user about it and what to offer next.

use std::fmt;

use doorward_protocol::error::ErrorCode;
use serde_json::Value;

use crate::{
    id_token::IdTokenError,
    ports::{EntropyError, NetworkFailure, ProofKeyError, StorageError},
};

/// Why an operation of the client failed. No variant carries a token, a code or a verifier.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting can't be used; the text names it.
    #[error("setting {0}")]
    Settings(String),
    /// No answer from the provider or the API.
    #[error("{url}: {failure}")]
    Network {
        /// What was asked.
        url: String,
        /// Why nothing came.
        failure: NetworkFailure,
    },
    /// An answer that is neither success nor an OAuth error.
    #[error("{url} answered with status {status}")]
    Http {
        /// What was asked.
        url: String,
        /// The status code.
        status: u16,
    },
    /// An answer whose body is not what the endpoint has to answer with.
    #[error("{url}: {problem}")]
    UnexpectedAnswer {
        /// What was asked.
        url: String,
        /// What is wrong with the body.
        problem: String,
    },
    /// The discovery document names another issuer than the one it was fetched for (OIDC Discovery
    /// section 4.3).
    #[error("the provider calls itself {found}, but {expected} was asked for")]
    IssuerMismatch {
        /// The configured authority, or the issuer of the metadata.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// The provider's metadata has no such endpoint, or one that must not be used.
    #[error("the provider offers no usable {0}")]
    NoEndpoint(&'static str),
    /// The URL carries no authorization response, or a malformed one; the text says what is wrong.
    #[error("{0}")]
    InvalidResponse(String),
    /// The response answers no request that is pending here: it was used, is too old, or began in
    /// another browser.
    #[error("no pending request belongs to this response")]
    NoMatchingState {
        /// Whether a user is signed in all the same.
        signed_in: bool,
    },
    /// The pending request was made with another setting than the present one.
    #[error("the pending request was made with another {0} than the present settings have")]
    StateMismatch(&'static str),
    /// The provider refused the request (RFC 6749 section 4.1.2.1).
    #[error("the provider refused: {0}")]
    Authorization(Box<AuthorizationError>),
    /// An endpoint that the page asks itself refused: token, revocation, userinfo (RFC 6749 section
    /// 5.2) or pushed authorization requests (RFC 9126 section 2.3).
    #[error("{endpoint} refused: {code}{}", described(description.as_deref()))]
    Refused {
        /// Which endpoint.
        endpoint: &'static str,
        /// The error code.
        code: ErrorCode,
        /// The provider's sentence for developers.
        description: Option<String>,
    },
    /// The ID token was not accepted.
    #[error("the ID token was not accepted: {0}")]
    IdToken(#[from] IdTokenError),
    /// Userinfo is about another user than the ID token (OIDC Core section 5.3.2).
    #[error("userinfo is about another user than the ID token")]
    UserInfoSubject,
    /// The renewed tokens belong to another user or sign-in than the present ones; these are kept.
    #[error("the renewed ID token has another {0} than the one before")]
    RenewedTokenDiffers(&'static str),
    /// Nobody is signed in.
    #[error("no user is signed in")]
    NotSignedIn,
    /// The access token can't be renewed: there is no refresh token.
    #[error("the session cannot be renewed, as there is no refresh token")]
    NoRefreshToken,
    /// The browser let no popup open.
    #[error("the browser blocked the popup")]
    PopupBlocked,
    /// The popup was closed before the provider answered.
    #[error("the popup was closed before it was done")]
    PopupClosed,
    /// The hidden frame did not come back (setting `silent_request_timeout`).
    #[error("the hidden frame did not come back in time")]
    FrameTimeout,
    /// Here is no page that could open a popup or hold a frame.
    #[error("no popup or frame can be opened here")]
    NoWindow,
    /// The browser's storage refused.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
    /// There is no key for proofs of possession (setting `dpop`).
    #[error("proof of possession: {0}")]
    ProofKey(#[from] ProofKeyError),
    /// The device gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// An [`Error`] on its way up through the client. Behind a pointer: whoever hands a failure on then
/// moves a word and not the whole error, which was a tenth of what the client weighs in the
/// browser.
pub(crate) type Fault = Box<Error>;

impl From<IdTokenError> for Fault {
    fn from(error: IdTokenError) -> Self {
        Self::new(error.into())
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::new(error.into())
    }
}

impl From<ProofKeyError> for Fault {
    fn from(error: ProofKeyError) -> Self {
        Self::new(error.into())
    }
}

impl From<EntropyError> for Fault {
    fn from(error: EntropyError) -> Self {
        Self::new(error.into())
    }
}

/// An error response of the authorization endpoint, with what the caller gave to the request.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationError {
    /// The error code.
    pub code: ErrorCode,
    /// The provider's sentence for developers.
    pub description: Option<String>,
    /// A page about the error.
    pub uri: Option<String>,
    /// The session at the provider.
    pub session_state: Option<String>,
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.code, described(self.description.as_deref()))
    }
}

fn described(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(" ({text})"))
}

/// What to offer after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing is lost: the same operation may succeed in a moment.
    Retry,
    /// The sign-in has to begin again.
    Restart,
    /// The user or the provider said no: signing in again, perhaps as somebody else, is up to the
    /// user.
    Refused,
    /// Somebody has to sign in first.
    SignIn,
    /// Only whoever runs the application or the provider can mend it.
    Configuration,
    /// Something about this browser or device has to change: storage, clock, https.
    Device,
}

impl Error {
    /// What to offer next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Network { .. } | Self::FrameTimeout => ErrorKind::Retry,
            Self::Http { status, .. } => {
                if *status >= 500 || matches!(status, 408 | 429) {
                    ErrorKind::Retry
                } else {
                    ErrorKind::Configuration
                }
            }
            // The response is used up, whatever it says: another comes only of another request.
            Self::Authorization(error) => match kind_of_code(&error.code) {
                ErrorKind::Retry => ErrorKind::Restart,
                kind => kind,
            },
            Self::Refused { code, .. } => kind_of_code(code),
            Self::InvalidResponse(_)
            | Self::NoMatchingState { .. }
            | Self::StateMismatch(_)
            | Self::RenewedTokenDiffers(_) => ErrorKind::Restart,
            Self::IdToken(error) => error.kind(),
            Self::NotSignedIn | Self::NoRefreshToken => ErrorKind::SignIn,
            Self::PopupClosed => ErrorKind::Refused,
            Self::Storage(_) | Self::Entropy(_) | Self::ProofKey(_) | Self::PopupBlocked => {
                ErrorKind::Device
            }
            Self::Settings(_)
            | Self::NoWindow
            | Self::UnexpectedAnswer { .. }
            | Self::IssuerMismatch { .. }
            | Self::NoEndpoint(_)
            | Self::UserInfoSubject => ErrorKind::Configuration,
        }
    }

    /// Whether trying the same again may help: for a response of the provider that is a whole new
    /// request.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Authorization(error) => kind_of_code(&error.code) == ErrorKind::Retry,
            other => other.kind() == ErrorKind::Retry,
        }
    }

    /// Whether the device says that it has no network.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self, Self::Network { failure: NetworkFailure::Offline, .. })
    }

    /// Whether the time ran out.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::FrameTimeout | Self::Network { failure: NetworkFailure::Timeout, .. })
    }

    /// Whether the provider said that the grant behind the refresh token is gone.
    pub(crate) fn ends_the_grant(&self) -> bool {
        matches!(self, Self::Refused { code: ErrorCode::InvalidGrant, .. })
    }

    /// A sentence or two for the user: what happened and what to do next.
    pub fn user_message(&self) -> String {
        match self {
            Self::Network { failure: NetworkFailure::Offline, .. } => {
                "You are offline. Connect to the network, then try again.".to_owned()
            }
            Self::Network { url, .. } => format!(
                "{} does not answer. Check your connection, then try again.",
                crate::url::origin(url).unwrap_or(url)
            ),
            Self::PopupBlocked => {
                "The browser blocked the sign-in window. Allow popups for this site, then try again.".to_owned()
            }
            Self::PopupClosed => {
                "The sign-in window was closed before the sign-in was done. You can sign in again.".to_owned()
            }
            Self::FrameTimeout => {
                "The sign-in service does not answer. Check your connection, then try again.".to_owned()
            }
            Self::Http { .. } if self.is_transient() => {
                "The sign-in service has trouble at the moment. Try again in a minute.".to_owned()
            }
            Self::InvalidResponse(_) | Self::StateMismatch(_) => {
                "The answer from the sign-in page cannot be used. Please sign in again.".to_owned()
            }
            Self::NoMatchingState { signed_in: true } => {
                "This sign-in was already used. You are signed in and can go on.".to_owned()
            }
            Self::NoMatchingState { signed_in: false } => {
                "This sign-in was already used, took too long, or began in another browser. Please sign in again."
                    .to_owned()
            }
            Self::Authorization(error) => refusal(&error.code, error.description.as_deref()),
            Self::Refused { code, description, .. } => refusal(code, description.as_deref()),
            Self::IdToken(error) => error.user_message(),
            Self::RenewedTokenDiffers(_) => {
                "Your session could not be renewed, because somebody else seems to have signed in. Please sign in again."
                    .to_owned()
            }
            Self::NotSignedIn => "You are not signed in. Please sign in first.".to_owned(),
            Self::NoRefreshToken => "Your session has ended. Please sign in again.".to_owned(),
            Self::Storage(_) => {
                "The browser does not let this page store anything. Allow storage for this site, then try again."
                    .to_owned()
            }
            Self::ProofKey(_) => {
                "The browser can't keep a key for this page. Open it by https and allow storage, or try another browser."
                    .to_owned()
            }
            Self::Entropy(_) => {
                "The browser gives this page no random numbers. Try another browser.".to_owned()
            }
            Self::Settings(_)
            | Self::NoWindow
            | Self::Http { .. }
            | Self::UnexpectedAnswer { .. }
            | Self::IssuerMismatch { .. }
            | Self::NoEndpoint(_)
            | Self::UserInfoSubject => format!(
                "Sign-in is not set up correctly: {self}. Please tell whoever runs this application."
            ),
        }
    }
}

fn kind_of_code(code: &ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => ErrorKind::Retry,
        ErrorCode::AccessDenied => ErrorKind::Refused,
        ErrorCode::InvalidGrant
        | ErrorCode::InvalidToken
        | ErrorCode::ExpiredToken
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::InteractionRequired
        | ErrorCode::AccountSelectionRequired => ErrorKind::Restart,
        _ => ErrorKind::Configuration,
    }
}

fn refusal(code: &ErrorCode, description: Option<&str>) -> String {
    match kind_of_code(code) {
        ErrorKind::Retry => {
            "The sign-in service has trouble at the moment. Try again in a minute.".to_owned()
        }
        ErrorKind::Refused => {
            "The sign-in was cancelled or refused. You can sign in again.".to_owned()
        }
        ErrorKind::Restart => "Your sign-in has ended or expired. Please sign in again.".to_owned(),
        _ => format!(
            "The sign-in service refused the request: {code}{}. Please tell whoever runs this application.",
            described(description)
        ),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn each_error_tells_a_person_what_to_do() {
        let network =
            |failure| Error::Network { url: "https://op.example/token".to_owned(), failure };
        let refused = |code: &str| Error::Refused {
            endpoint: "token_endpoint",
            code: code.into(),
            description: None,
        };
        for (error, kind, part) in [
            (network(NetworkFailure::Offline), ErrorKind::Retry, "offline"),
            (
                network(NetworkFailure::Timeout),
                ErrorKind::Retry,
                "https://op.example does not answer",
            ),
            (Error::Http { url: String::new(), status: 503 }, ErrorKind::Retry, "Try again"),
            (
                Error::Http { url: "u".to_owned(), status: 404 },
                ErrorKind::Configuration,
                "whoever runs",
            ),
            (Error::NoMatchingState { signed_in: false }, ErrorKind::Restart, "sign in again"),
            (Error::NoMatchingState { signed_in: true }, ErrorKind::Restart, "You are signed in"),
            (Error::InvalidResponse(String::new()), ErrorKind::Restart, "sign in again"),
            (refused("invalid_grant"), ErrorKind::Restart, "sign in again"),
            (refused("temporarily_unavailable"), ErrorKind::Retry, "Try again"),
            (refused("invalid_scope"), ErrorKind::Configuration, "invalid_scope"),
            (Error::PopupBlocked, ErrorKind::Device, "Allow popups"),
            (Error::PopupClosed, ErrorKind::Refused, "was closed"),
            (Error::FrameTimeout, ErrorKind::Retry, "try again"),
            (Error::NotSignedIn, ErrorKind::SignIn, "sign in first"),
            (Error::NoRefreshToken, ErrorKind::SignIn, "sign in again"),
            (Error::Storage(StorageError("off".to_owned())), ErrorKind::Device, "Allow storage"),
            (ProofKeyError::Unavailable.into(), ErrorKind::Device, "by https"),
            (IdTokenError::Expired(7200).into(), ErrorKind::Device, "120 minutes"),
            (IdTokenError::Audience.into(), ErrorKind::Configuration, "another client"),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
            let message = error.user_message();
            assert!(message.contains(part) && message.ends_with('.'), "{error}: {message}");
        }
    }
}
