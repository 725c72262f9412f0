//! All errors, what to tell the user about each, and what to offer next.

use std::fmt;

use doorward_protocol::error::ErrorCode;
use serde_json::Value;

use crate::{
    ApiResponse, StepUp,
    id_token::IdTokenError,
    ports::{EntropyError, NetworkFailure, ProofKeyError, StorageError},
};

/// Why an operation of the client failed. No variant contains a token, a code or a verifier.
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
    #[error("{url}: {failure}")]
    Network {
        /// The URL of the request.
        url: String,
        /// Why there is no answer.
        failure: NetworkFailure,
    },
    /// The answer is neither a success nor an OAuth error.
    #[error("{url} answered with status {status}")]
    Http {
        /// The URL of the request.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The body of the answer is not what the endpoint must send.
    #[error("{url}: {problem}")]
    UnexpectedAnswer {
        /// The URL of the request.
        url: String,
        /// What is wrong with the body.
        problem: String,
    },
    /// The discovery document names another issuer than the authority it was fetched for (OIDC
    /// Discovery section 4.3).
    #[error("the provider calls itself {found}, but {expected} was asked for")]
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
    #[error("{0}")]
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
    #[error("{endpoint} refused: {code}{}", described(description.as_deref()))]
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
        write!(formatter, "{}{}", self.code, described(self.description.as_deref()))
    }
}

fn described(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(" ({text})"))
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

    /// One or two sentences for the user: what happened, and what to do next.
    pub fn user_message(&self) -> String {
        match self {
            Self::Network { failure: NetworkFailure::Offline, .. } => {
                "You are offline. Connect to the network, then try again.".to_owned()
            }
            Self::Network { url, .. } => format!(
                "{} does not answer. Check your connection, then try again.",
                crate::lean::url::origin(url).unwrap_or(url)
            ),
            Self::PopupBlocked => {
                "The browser blocked the sign-in window. Allow popups for this site, then try \
                    again."
                    .to_owned()
            }
            Self::PopupClosed => {
                "The sign-in window was closed before the sign-in was done. You can sign in \
                    again."
                    .to_owned()
            }
            Self::FrameTimeout => {
                "The sign-in service does not answer. Check your connection, then try \
                    again."
                    .to_owned()
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
                "This sign-in was already used, took too long, or began in another browser. Please \
                    sign in again."
                    .to_owned()
            }
            Self::Authorization(error) => refusal(&error.code, error.description.as_deref()),
            Self::Refused { code, description, .. } => refusal(code, description.as_deref()),
            Self::IdToken(error) => error.user_message(),
            Self::OtherTab => {
                "Another tab of this application is busy. Close it or reload it, then try again."
                    .to_owned()
            }
            Self::RenewedTokenDiffers("azp" | "auth_time") => {
                "Your session could not be renewed, because the sign-in service treats it as a new \
                    sign-in. Please sign in again."
                    .to_owned()
            }
            Self::RenewedTokenDiffers(_) => {
                "Your session could not be renewed, because somebody else seems to have signed in. \
                    Please sign in again."
                    .to_owned()
            }
            Self::StepUp { step_up, .. } => {
                let kind = match (&step_up.acr_values, step_up.max_age) {
                    (None, Some(_)) => "more recent",
                    (Some(_), None) => "stronger",
                    _ => "stronger or more recent",
                };
                format!("This needs a {kind} sign-in. Sign in again to continue.")
            }
            Self::NotSignedIn => "You are not signed in. Please sign in first.".to_owned(),
            Self::NoRefreshToken => "Your session has ended. Please sign in again.".to_owned(),
            Self::Storage(_) => {
                "The browser does not let this page store anything. Allow storage for this site, \
                    then try again."
                    .to_owned()
            }
            Self::ProofKey(_) => {
                "The browser can't keep a key for this page. Open it by https and allow storage, \
                    or try another browser."
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
                "Sign-in is not set up correctly: {self}. Please tell whoever runs this \
                    application."
            ),
        }
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

fn refusal(code: &ErrorCode, description: Option<&str>) -> String {
    match kind_of_code(code) {
        _ if *code == ErrorCode::UnmetAuthenticationRequirements => {
            "The sign-in service can't sign you in as strongly as this needs.".to_owned()
        }
        ErrorKind::Retry => {
            "The sign-in service has trouble at the moment. Try again in a minute.".to_owned()
        }
        ErrorKind::Refused => {
            "The sign-in was cancelled or refused. You can sign in again.".to_owned()
        }
        ErrorKind::Restart => "Your sign-in has ended or expired. Please sign in again.".to_owned(),
        _ => format!(
            "The sign-in service refused the request: {code}{}. Please tell whoever runs this \
                application.",
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
        let step_up = |acr_values: Option<&str>, max_age| Error::StepUp {
            step_up: StepUp {
                acr_values: acr_values.map(str::to_owned),
                max_age,
                ..StepUp::default()
            },
            response: Box::new(ApiResponse {
                status: 401,
                headers: Vec::new(),
                body: String::new(),
                date: None,
                url: None,
            }),
        };
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
            (Error::OtherTab, ErrorKind::Retry, "Another tab"),
            (Error::RenewedTokenDiffers("sub"), ErrorKind::Restart, "somebody else"),
            (Error::RenewedTokenDiffers("auth_time"), ErrorKind::Restart, "new sign-in"),
            (Error::PopupClosed, ErrorKind::Refused, "was closed"),
            (Error::FrameTimeout, ErrorKind::Retry, "try again"),
            (step_up(None, Some(5)), ErrorKind::StepUp, "more recent sign-in. Sign in again"),
            (step_up(Some("2"), None), ErrorKind::StepUp, "a stronger sign-in"),
            (step_up(Some("2"), Some(5)), ErrorKind::StepUp, "stronger or more recent"),
            (refused("unmet_authentication_requirements"), ErrorKind::Refused, "as strongly"),
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
