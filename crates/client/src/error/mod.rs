//! All errors, what to tell the user about each, and what to offer next.

mod messages;

use std::fmt::{self, Write as _};

use doorward_protocol::error::ErrorCode;
use serde_json::Value;

use crate::{
    ApiResponse, StepUp,
    id_token::IdTokenError,
    ports::{EntropyError, NetworkFailure, ProofKeyError, StorageError},
};

/// Why an operation of the client failed. No variant contains a token, a code or a verifier. Each
/// is one line of text: control characters of what others sent are escaped.
///
/// ```
/// use doorward_client::{Error, ErrorKind, ports::NetworkFailure};
///
/// let error = Error::Network {
///     url: "https://id.example/connect/token".to_owned(),
///     failure: NetworkFailure::Timeout,
/// };
/// // For the log:
/// assert_eq!(error.to_string(), "https://id.example/connect/token: no answer in time");
/// // For the user, and what to offer:
/// assert_eq!(
///     error.user_message(),
///     "https://id.example does not answer. Check your connection, then try again."
/// );
/// assert_eq!(error.kind(), ErrorKind::Retry);
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is invalid. The text names it.
    #[error("setting {0}")]
    Settings(String),
    /// The provider or the API did not answer.
    #[error("{}: {failure}", OneLine(url))]
    Network {
        /// The URL of the request.
        url: String,
        /// Why there is no answer.
        failure: NetworkFailure,
    },
    /// The answer is neither a success nor an OAuth error.
    #[error("{} answered with status {status}", OneLine(url))]
    Http {
        /// The URL of the request.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The body of the answer is not what the endpoint must send.
    #[error("{}: {}", OneLine(url), OneLine(problem))]
    UnexpectedAnswer {
        /// The URL of the request.
        url: String,
        /// What is wrong with the body.
        problem: String,
    },
    /// The discovery document names another issuer than the authority it was fetched for (OIDC
    /// Discovery section 4.3).
    #[error(
        "the provider calls itself {}, but {} was asked for",
        OneLine(found),
        OneLine(expected)
    )]
    IssuerMismatch {
        /// The configured authority, or the issuer in the metadata.
        expected: String,
        /// The issuer that was found instead.
        found: String,
    },
    /// The provider's metadata does not contain this endpoint, or its URL must not be used.
    #[error("the provider offers no usable {0}")]
    NoEndpoint(&'static str),
    /// The URL carries no authorization response, or a malformed one. The text says what is wrong.
    #[error("{}", OneLine(.0))]
    InvalidResponse(String),
    /// No pending request belongs to the response: it was used already, is too old, or began in
    /// another browser.
    #[error("no pending request belongs to this response")]
    NoMatchingState {
        /// Whether a user is signed in nevertheless.
        signed_in: bool,
    },
    /// The pending request was made with a different value of this setting.
    #[error("the pending request was made with another {0} than the present settings have")]
    StateMismatch(&'static str),
    /// The provider refused the request (RFC 6749 section 4.1.2.1).
    #[error("the provider refused: {0}")]
    Authorization(Box<AuthorizationError>),
    /// An endpoint that the page calls itself refused the request: token, revocation, userinfo (RFC
    /// 6749 section 5.2) or pushed authorization requests (RFC 9126 section 2.3).
    #[error("{endpoint} refused: {}", described(code, description.as_deref()))]
    Refused {
        /// The name of the endpoint.
        endpoint: &'static str,
        /// The error code.
        code: ErrorCode,
        /// The provider's explanation for developers.
        description: Option<String>,
    },
    /// The ID token was not accepted.
    #[error("the ID token was not accepted: {0}")]
    IdToken(#[from] IdTokenError),
    /// Userinfo is about another user than the ID token (OIDC Core section 5.3.2).
    #[error("userinfo is about another user than the ID token")]
    UserInfoSubject,
    /// The renewed tokens belong to another user or sign-in than the current ones, which are kept.
    #[error("the renewed ID token has another {0} than the one before")]
    RenewedTokenDiffers(&'static str),
    /// An API needs another sign-in than that of the access token (RFC 9470 section 3).
    #[error("the API needs a stronger or a more recent sign-in")]
    StepUp {
        /// The sign-in that it needs.
        step_up: StepUp,
        /// The API's answer.
        response: Box<ApiResponse>,
    },
    /// Nobody is signed in.
    #[error("no user is signed in")]
    NotSignedIn,
    /// The access token cannot be renewed because there is no refresh token.
    #[error("the session cannot be renewed, as there is no refresh token")]
    NoRefreshToken,
    /// Another tab holds a lock, and does not finish what it is doing: it may be suspended.
    #[error("another tab is using the session, and does not finish")]
    OtherTab,
    /// The browser did not open the popup.
    #[error("the browser blocked the popup")]
    PopupBlocked,
    /// The popup was closed before the provider answered.
    #[error("the popup was closed before it was done")]
    PopupClosed,
    /// The hidden frame did not come back in time (setting `silent_request_timeout`).
    #[error("the hidden frame did not come back in time")]
    FrameTimeout,
    /// There is no page here that could open a popup or contain a frame.
    #[error("no popup or frame can be opened here")]
    NoWindow,
    /// The browser's storage failed.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
    /// There is no key for DPoP proofs (setting `dpop`).
    #[error("proof of possession: {0}")]
    ProofKey(#[from] ProofKeyError),
    /// The device provides no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// An [`Error`] inside the client. It is boxed because moving the whole error from function to
/// function was a tenth of the client's size in the browser.
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

/// An error response of the authorization endpoint, with what the caller passed to the request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuthorizationError {
    /// The error code.
    pub code: ErrorCode,
    /// The provider's explanation for developers.
    pub description: Option<String>,
    /// A page that describes the error.
    pub uri: Option<String>,
    /// The session state at the provider.
    pub session_state: Option<String>,
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&described(&self.code, self.description.as_deref()))
    }
}

/// A code with its description. Both may be anything.
fn described(code: &ErrorCode, description: Option<&str>) -> String {
    let code = OneLine(code.as_str());
    match description {
        Some(text) => format!("{code} ({})", OneLine(text)),
        None => code.to_string(),
    }
}

/// A text that somebody else wrote, without control characters: whoever reads a log must not take
/// it for several lines.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
                write!(formatter, "{}", letter.escape_unicode())
            } else {
                formatter.write_char(letter)
            }
        })
    }
}

/// What to offer after an error.
///
/// ```
/// use doorward_client::{Error, ErrorKind};
///
/// fn button(error: &Error) -> Option<&'static str> {
///     match error.kind() {
///         ErrorKind::Retry => Some("Try again"),
///         ErrorKind::Restart | ErrorKind::Refused | ErrorKind::SignIn => Some("Sign in"),
///         _ => None,
///     }
/// }
///
/// assert_eq!(button(&Error::PopupClosed), Some("Sign in"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The same operation may succeed a little later. Nothing is lost.
    Retry,
    /// The sign-in has to start again.
    Restart,
    /// The user or the provider refused. The user may sign in again, perhaps as somebody else.
    Refused,
    /// The user has to sign in first.
    SignIn,
    /// The user has to sign in again, as [`Error::step_up`] says, and then repeat the call.
    StepUp,
    /// Only the operator of the application or of the provider can fix it.
    Configuration,
    /// Something about this browser or device has to change: storage, clock, https.
    Device,
}

impl Error {
    /// What to offer next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Network { .. } | Self::FrameTimeout | Self::OtherTab => ErrorKind::Retry,
            Self::Http { status, .. } => {
                if may_pass(*status) {
                    ErrorKind::Retry
                } else {
                    ErrorKind::Configuration
                }
            }
            // A response is used up, whatever it says. Only a new request brings another one.
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
            Self::StepUp { .. } => ErrorKind::StepUp,
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

    /// The sign-in that an API needs, if that is what failed.
    pub fn step_up(&self) -> Option<&StepUp> {
        match self {
            Self::StepUp { step_up, .. } => Some(step_up),
            _ => None,
        }
    }

    /// Whether a new attempt may succeed. After an error response of the provider, that means a new
    /// request.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Authorization(error) => kind_of_code(&error.code) == ErrorKind::Retry,
            other => other.kind() == ErrorKind::Retry,
        }
    }

    /// Whether the device reports that it has no network.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self, Self::Network { failure: NetworkFailure::Offline, .. })
    }

    /// Whether the time limit was reached.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::FrameTimeout | Self::Network { failure: NetworkFailure::Timeout, .. })
    }

    /// Whether the provider said that the grant of the refresh token has ended.
    pub(crate) fn ends_the_grant(&self) -> bool {
        matches!(self, Self::Refused { code: ErrorCode::InvalidGrant, .. })
    }
}

/// Whether the same request may be answered otherwise a little later: the server has trouble,
/// waited too long (408), or was asked too often (429).
pub(crate) fn may_pass(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 429)
}

fn kind_of_code(code: &ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => ErrorKind::Retry,
        ErrorCode::AccessDenied | ErrorCode::UnmetAuthenticationRequirements => ErrorKind::Refused,
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_writes_lines_into_a_log() {
        let text = || "evil\r\n2026-12-01 INFO a user signed in\u{1b}[2K\u{2028}".to_owned();
        let escaped = "evil\\u{d}\\u{a}2026-12-01 INFO a user signed in\\u{1b}[2K\\u{2028}";
        let code = ErrorCode::Other(text());
        let refused = AuthorizationError {
            code: code.clone(),
            description: Some(text()),
            uri: None,
            session_state: None,
            state: None,
            url_state: None,
        };
        let (url, problem, expected, found) = (text(), text(), text(), text());
        for (error, times) in [
            (Error::Network { url: text(), failure: NetworkFailure::Failed(text()) }, 2),
            (Error::Http { url: text(), status: 404 }, 1),
            (Error::UnexpectedAnswer { url, problem }, 2),
            (Error::IssuerMismatch { expected, found }, 2),
            (Error::InvalidResponse(text()), 1),
            (Error::Authorization(Box::new(refused)), 2),
            (Error::Refused { endpoint: "token_endpoint", code, description: Some(text()) }, 2),
        ] {
            assert_eq!(error.to_string().matches(escaped).count(), times, "{error}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
        for error in [
            IdTokenError::Algorithm(text()),
            IdTokenError::Issuer(text()),
            IdTokenError::UntrustedAudience(text()),
        ] {
            assert!(!Error::from(error.clone()).to_string().contains(char::is_control), "{error}");
        }
    }
}
