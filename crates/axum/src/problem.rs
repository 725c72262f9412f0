//! What can go wrong, what the user is told about it, and the answer.

use axum::response::{Html, IntoResponse as _, Response};
use doorward_client::{Error, ErrorKind, IdTokenError};
use doorward_policy::Denial;
use doorward_relying_party::RelyingPartyError;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER},
};

use crate::{StoreError, refusal::Asker};

const NOT_SET_UP: &str = "The sign-in does not work. Please tell whoever runs this application.";

/// Why a request could not be answered as it was meant.
///
/// ```
/// use doorward_axum::{Denial, Problem};
///
/// let problem = Problem::Denied(Denial::because("an invoice address"));
/// assert_eq!(problem.status(), 403);
/// assert_eq!(problem.to_string(), "the user is not allowed: needs an invoice address");
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The provider refused, could not be reached, or sent what is not accepted.
    #[error("sign-in: {0}")]
    Protocol(Box<Error>),
    /// The store of sessions can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user does not meet the policy of the page.
    #[error("the user is not allowed: {}", .0.reasons().join(", "))]
    Denied(Denial),
    /// The user is not signed in, or not as the page needs, and posted a form: what is in it would
    /// be lost on the way to the provider and back.
    #[error("the user must sign in first")]
    NotSignedIn,
    /// A page of another site may have made the browser send the request.
    #[error("the request does not come from a page of this application")]
    Forged,
    /// The route has no sign-in: it was added after [`Auth::attach`](crate::Auth::attach).
    #[error("Auth::attach must come after this route was added to the router")]
    NotAttached,
    /// The thread of the protocol has ended.
    #[error("the thread of the sign-in has ended")]
    Stopped,
}

impl From<RelyingPartyError> for Problem {
    fn from(error: RelyingPartyError) -> Self {
        match error {
            RelyingPartyError::Protocol(error) => Self::Protocol(error),
            _ => Self::Stopped,
        }
    }
}

impl Problem {
    pub(crate) fn no_matching_state() -> Self {
        Self::Protocol(Box::new(Error::NoMatchingState { signed_in: false }))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Protocol(error) => match error.kind() {
                ErrorKind::Retry => StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::Refused => StatusCode::FORBIDDEN,
                ErrorKind::Configuration | ErrorKind::Device => StatusCode::BAD_GATEWAY,
                _ => StatusCode::BAD_REQUEST,
            },
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::Forged => StatusCode::FORBIDDEN,
            Self::NotAttached | Self::Stopped => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A sentence for the user, without internals.
    pub fn user_message(&self) -> String {
        match self {
            // The client's own words for these are about the user's device.
            Self::Protocol(error)
                if matches!(
                    **error,
                    Error::IdToken(IdTokenError::Expired(_) | IdTokenError::NotYetValid(_))
                ) =>
            {
                "The clocks of this application and of the sign-in service differ. Please tell \
                    whoever runs this application."
                    .to_owned()
            }
            // The client's own words have addresses and codes of the provider, for the log.
            Self::Protocol(error) => match error.kind() {
                ErrorKind::Retry => "The sign-in service does not answer, or has trouble at the \
                    moment. Please try again shortly."
                    .to_owned(),
                ErrorKind::Configuration | ErrorKind::Device => NOT_SET_UP.to_owned(),
                _ => error.user_message(),
            },
            Self::Store(_) => {
                "The sign-in can't be looked up now. Please try again shortly.".to_owned()
            }
            Self::Denied(denial) => {
                format!("You may not see this page: it {}.", denial.reasons().join(", and it "))
            }
            Self::NotSignedIn => {
                "You are not signed in, or not as this needs. Sign in, and then do it once more."
                    .to_owned()
            }
            Self::Forged => "This request does not come from a page of this application. Open the \
                page again, and try once more."
                .to_owned(),
            Self::NotAttached | Self::Stopped => NOT_SET_UP.to_owned(),
        }
    }

    /// Whether another sign-in may help.
    pub fn offers_sign_in(&self) -> bool {
        match self {
            Self::Protocol(error) => !matches!(error.kind(), ErrorKind::Configuration),
            Self::NotSignedIn => true,
            _ => false,
        }
    }

    /// A code for programs (RFC 6749 section 5.2).
    fn code(&self) -> &'static str {
        match self {
            Self::Protocol(_) if self.status() != StatusCode::SERVICE_UNAVAILABLE => {
                "sign_in_failed"
            }
            Self::Protocol(_) | Self::Store(_) => "temporarily_unavailable",
            Self::NotSignedIn => "unauthorized",
            Self::Denied(_) => "access_denied",
            Self::Forged => "cross_site_request",
            Self::NotAttached | Self::Stopped => "server_error",
        }
    }

    /// What a script gets.
    fn json(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "error": self.code(),
            "error_description": self.user_message(),
        });
        if let Self::Denied(denial) = self {
            body["reasons"] = denial.reasons().into();
            body["unmet"] = serde_json::to_value(denial.unmet()).unwrap_or_default();
        }
        body
    }

    /// Logs the cause, once.
    fn log(&self) {
        match self {
            Self::NotSignedIn | Self::Denied(_) | Self::Forged => {
                tracing::debug!(problem = %self, "refused");
            }
            Self::Protocol(error)
                if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Restart) =>
            {
                tracing::info!(problem = %self, "a sign-in failed");
            }
            _ => tracing::warn!(problem = %self, "a request can't be answered"),
        }
    }
}

impl crate::Auth {
    /// The answer to whoever asked: a page, or JSON.
    pub(crate) fn answer(&self, problem: &Problem, asker: &Asker) -> Response {
        self.answer_with_sign_in(problem, asker, &self.settings.sign_in_path)
    }

    /// The same, with another address for the sign-in.
    pub(crate) fn answer_with_sign_in(
        &self,
        problem: &Problem,
        asker: &Asker,
        sign_in: &str,
    ) -> Response {
        problem.log();
        let mut response = match (&self.settings.problem_page, asker.wants_page()) {
            (Some(page), true) => page(problem),
            (None, true) => default_page(problem, sign_in),
            (_, false) => asker.json(problem.status(), &problem.json()),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if problem.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// A small page without style or script.
fn default_page(problem: &Problem, sign_in: &str) -> Response {
    let message = escaped(&problem.user_message());
    let link = if problem.offers_sign_in() {
        format!("<p><a href=\"{}\">Sign in again</a></p>", escaped(sign_in))
    } else {
        String::new()
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
            content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">\
            <title>Sign-in</title><h1>Sign-in</h1>\
            <p role=\"alert\">{message}</p>{link}<p><a href=\"/\">Start page</a></p></html>"
    );
    (problem.status(), Html(page)).into_response()
}

/// Text for HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use doorward_client::ports::NetworkFailure;
    use doorward_protocol::error::ErrorCode;

    use super::*;

    #[test]
    fn users_are_told_nothing_of_the_inside() {
        let url = || "https://id.inside/token".to_owned();
        for error in [
            Error::Network { url: url(), failure: NetworkFailure::Timeout },
            Error::Http { url: url(), status: 503 },
            Error::Http { url: url(), status: 404 },
            Error::UnexpectedAnswer { url: url(), problem: "inside".to_owned() },
            Error::IssuerMismatch { expected: url(), found: url() },
            Error::Settings("inside".to_owned()),
            Error::Refused {
                endpoint: "token_endpoint",
                code: ErrorCode::InvalidScope,
                description: Some("inside".to_owned()),
            },
        ] {
            let told = Problem::Protocol(Box::new(error.clone())).user_message();
            assert!(!told.contains("inside") && told.ends_with('.'), "{error}: {told}");
        }
    }
}
