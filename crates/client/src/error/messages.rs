//! What users are told about each error.

use doorward_protocol::error::ErrorCode;

use super::{Error, ErrorKind, described, kind_of_code};
use crate::{StepUp, lean::url, ports::NetworkFailure};

const OFFLINE: &str = "You are offline. Connect to the network, then try again.";
const POPUP_BLOCKED: &str =
    "The browser blocked the sign-in window. Allow popups for this site, then try again.";
const POPUP_CLOSED: &str =
    "The sign-in window was closed before the sign-in was done. You can sign in again.";
const FRAME_TIMEOUT: &str =
    "The sign-in service does not answer. Check your connection, then try again.";
const TROUBLE: &str = "The sign-in service has trouble at the moment. Try again in a minute.";
const UNUSABLE: &str = "The answer from the sign-in page cannot be used. Please sign in again.";
const USED_AND_SIGNED_IN: &str = "This sign-in was already used. You are signed in and can go on.";
const USED: &str = "This sign-in was already used, took too long, or began in another browser. \
    Please sign in again.";
const OTHER_TAB: &str =
    "Another tab of this application is busy. Close it or reload it, then try again.";
const ANOTHER_SIGN_IN: &str = "Your session could not be renewed, because the sign-in service \
    treats it as a new sign-in. Please sign in again.";
const ANOTHER_USER: &str = "Your session could not be renewed, because somebody else seems to \
    have signed in. Please sign in again.";
const NOT_SIGNED_IN: &str = "You are not signed in. Please sign in first.";
const SESSION_ENDED: &str = "Your session has ended. Please sign in again.";
const NO_STORAGE: &str = "The browser does not let this page store anything. Allow storage for \
    this site, then try again.";
const NO_PROOF_KEY: &str = "The browser can't keep a key for this page. Open it by https and \
    allow storage, or try another browser.";
const NO_ENTROPY: &str = "The browser gives this page no random numbers. Try another browser.";
const TOO_WEAK: &str = "The sign-in service can't sign you in as strongly as this needs.";
const REFUSED: &str = "The sign-in was cancelled or refused. You can sign in again.";
const ENDED: &str = "Your sign-in has ended or expired. Please sign in again.";

impl Error {
    /// One or two sentences for the user: what happened, and what to do next.
    pub fn user_message(&self) -> String {
        let fixed = match self {
            Self::Network { failure: NetworkFailure::Offline, .. } => OFFLINE,
            Self::Network { url, .. } => {
                return format!(
                    "{} does not answer. Check your connection, then try again.",
                    url::origin(url).unwrap_or(url)
                );
            }
            Self::PopupBlocked => POPUP_BLOCKED,
            Self::PopupClosed => POPUP_CLOSED,
            Self::FrameTimeout => FRAME_TIMEOUT,
            Self::Http { .. } if self.is_transient() => TROUBLE,
            Self::InvalidResponse(_) | Self::StateMismatch(_) => UNUSABLE,
            Self::NoMatchingState { signed_in: true } => USED_AND_SIGNED_IN,
            Self::NoMatchingState { signed_in: false } => USED,
            Self::Authorization(error) => {
                return refusal(&error.code, error.description.as_deref());
            }
            Self::Refused { code, description, .. } => {
                return refusal(code, description.as_deref());
            }
            Self::IdToken(error) => return error.user_message(),
            Self::OtherTab => OTHER_TAB,
            Self::RenewedTokenDiffers("azp" | "auth_time") => ANOTHER_SIGN_IN,
            Self::RenewedTokenDiffers(_) => ANOTHER_USER,
            Self::StepUp { step_up, .. } => return needs(step_up),
            Self::NotSignedIn => NOT_SIGNED_IN,
            Self::NoRefreshToken => SESSION_ENDED,
            Self::Storage(_) => NO_STORAGE,
            Self::ProofKey(_) => NO_PROOF_KEY,
            Self::Entropy(_) => NO_ENTROPY,
            Self::Settings(_)
            | Self::NoWindow
            | Self::Http { .. }
            | Self::UnexpectedAnswer { .. }
            | Self::IssuerMismatch { .. }
            | Self::NoEndpoint(_)
            | Self::UserInfoSubject => {
                return format!(
                    "Sign-in is not set up correctly: {self}. Please tell whoever runs this \
                        application."
                );
            }
        };
        fixed.to_owned()
    }
}

/// An API needs another sign-in.
fn needs(step_up: &StepUp) -> String {
    let kind = match (&step_up.acr_values, step_up.max_age) {
        (None, Some(_)) => "more recent",
        (Some(_), None) => "stronger",
        _ => "stronger or more recent",
    };
    format!("This needs a {kind} sign-in. Sign in again to continue.")
}

fn refusal(code: &ErrorCode, description: Option<&str>) -> String {
    let fixed = match kind_of_code(code) {
        _ if *code == ErrorCode::UnmetAuthenticationRequirements => TOO_WEAK,
        ErrorKind::Retry => TROUBLE,
        ErrorKind::Refused => REFUSED,
        ErrorKind::Restart => ENDED,
        _ => {
            return format!(
                "The sign-in service refused the request: {}. Please tell whoever runs this \
                    application.",
                described(code, description)
            );
        }
    };
    fixed.to_owned()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::{
        ApiResponse, IdTokenError,
        ports::{ProofKeyError, StorageError},
    };

    fn step_up(acr_values: Option<&str>, max_age: Option<u64>) -> Error {
        let step_up =
            StepUp { acr_values: acr_values.map(str::to_owned), max_age, ..StepUp::default() };
        let (headers, body) = (Vec::new(), String::new());
        let response = ApiResponse { status: 401, headers, body, date: None, url: None };
        Error::StepUp { step_up, response: Box::new(response) }
    }

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
