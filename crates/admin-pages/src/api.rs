//! Calls to the admin API. Method and path come from the table of operations that the API is built
//! from, and the bodies are its types.

use doorward_admin::{
    BASE_PATH, Method, Operation,
    types::problem::{FieldError, ProblemDetails},
};
use doorward_leptos::{ApiRequest, ApiResponse, Error, ErrorKind, NetworkFailure, StepUp};
use serde::{Serialize, de::DeserializeOwned};

use crate::{route::encoded, texts::Texts, ui::fill};

/// A request that is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

/// How long an export may take, in seconds. It is one answer of any length, so it has no limit but
/// that a request needs one.
const A_DAY: u64 = 86_400;

/// The problem of a request that comes again while the first one under its key runs.
const STILL_RUNNING: &str = "urn:doorward:problem:idempotency-running";

/// An answer with a status of success.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The state of the object.
    pub etag: Option<String>,
    body: String,
}

/// Why a call did nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Another sign-in is needed first (RFC 9470).
    StepUp(StepUp),
    /// The API says what is wrong.
    Refused(Box<ProblemDetails>),
    /// There is no answer, or none that can be read. A sentence for the user.
    Broken(String),
}

impl Call {
    /// A call of an operation. `names` take the places in its path, in their order.
    pub fn new(operation: Operation, names: &[&str]) -> Self {
        let mut names = names.iter();
        let path = operation.path().split('/').map(|segment| {
            let is_place = segment.starts_with('{');
            if is_place { encoded(names.next().unwrap_or(&"")) } else { segment.to_owned() }
        });
        let path = path.collect::<Vec<_>>().join("/");
        let url = format!("{BASE_PATH}{path}");
        Self { operation, url, headers: Vec::new(), body: None }
    }

    /// With this query, which may be empty.
    pub fn query(mut self, query: &str) -> Self {
        if !query.is_empty() {
            self.url.push(if self.url.contains('?') { '&' } else { '?' });
            self.url.push_str(query);
        }
        self
    }

    /// About this state of the object.
    pub fn if_match(mut self, etag: Option<String>) -> Self {
        self.headers.extend(etag.map(|etag| ("if-match", etag)));
        self
    }

    /// Under this key: sent twice, it creates once.
    pub fn key(mut self, key: String) -> Self {
        self.headers.push(("idempotency-key", key));
        self
    }

    /// With this body.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.headers.push(("content-type", "application/json".to_owned()));
        self.body = serde_json::to_string(body).ok();
        self
    }

    /// The request to a server at this origin.
    pub fn request(self, origin: &str) -> ApiRequest {
        let method = match self.operation.method() {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let request = ApiRequest::new(method, format!("{origin}{}", self.url));
        let request = self
            .headers
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value));
        let mut request = request;
        if self.operation == Operation::ExportEvents {
            request.timeout = Some(A_DAY);
        }
        match self.body {
            Some(body) => request.body(body),
            None => request,
        }
    }
}

impl Answer {
    /// What a response says. Where the API says nothing, these are the words.
    pub fn of(response: Result<ApiResponse, Error>, t: &Texts) -> Result<Self, Failure> {
        let response = match response {
            Ok(response) => response,
            Err(Error::StepUp { step_up, .. }) => return Err(Failure::StepUp(step_up)),
            Err(error) => return Err(Failure::Broken(told(&error, t))),
        };
        let etag = response.header("etag").map(str::to_owned);
        if response.is_success() {
            return Ok(Self { etag, body: response.body });
        }
        match serde_json::from_str(&response.body) {
            Ok(details) => Err(Failure::Refused(Box::new(details))),
            Err(_) => {
                let status = format!("HTTP {}", response.status);
                Err(Failure::Broken(fill(t.unusable_answer, &[&status])))
            }
        }
    }

    /// An answer that says nothing.
    #[cfg(test)]
    pub fn empty() -> Self {
        Self { etag: None, body: String::new() }
    }

    /// The body as one of the API's types.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| Failure::Broken(error.to_string()))
    }

    /// The body as it is.
    pub fn text(self) -> String {
        self.body
    }
}

impl Failure {
    /// The status, if there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(details) => Some(details.status),
            Self::StepUp(_) | Self::Broken(_) => None,
        }
    }

    /// What is wrong, as a sentence in the reader's language.
    pub fn message(&self) -> String {
        match self {
            Self::Refused(details) => details.detail.clone(),
            Self::Broken(message) => message.clone(),
            Self::StepUp(_) => String::new(),
        }
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> Vec<FieldError> {
        match self {
            Self::Refused(details) => details.errors.clone(),
            Self::StepUp(_) | Self::Broken(_) => Vec::new(),
        }
    }

    /// Whether it may have been done all the same: the answer was lost, or is not there yet.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Refused(details) => details.status >= 500 || details.kind == STILL_RUNNING,
            Self::StepUp(_) => false,
        }
    }

    /// What somebody else has changed meanwhile; `None` if that is not the problem.
    pub fn changed(&self) -> Option<Vec<String>> {
        match self {
            Self::Refused(details) if details.status == 412 => Some(details.changed.clone()),
            _ => None,
        }
    }
}

/// What the user is told of a sign-in or a call without an answer of the API, in these words. What
/// only an operator can mend is named as the client names it.
pub fn told(error: &Error, t: &Texts) -> String {
    let fixed = match error {
        Error::Network { failure: NetworkFailure::Offline, .. } => t.offline,
        Error::Network { url, .. } => {
            let origin: Vec<_> = url.split('/').take(3).collect();
            return fill(t.not_reached, &[&origin.join("/")]);
        }
        Error::OtherTab => t.other_tab,
        Error::IdToken(_) if error.kind() == ErrorKind::Device => t.clock_differs,
        error => match error.kind() {
            ErrorKind::Retry => t.trouble,
            ErrorKind::Restart | ErrorKind::SignIn | ErrorKind::StepUp => t.sign_in_ended,
            ErrorKind::Refused => t.sign_in_refused,
            ErrorKind::Device => return fill(t.browser_refuses, &[&error.to_string()]),
            _ => return fill(t.sign_in_not_set_up, &[&error.to_string()]),
        },
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::texts;

    #[test]
    fn a_lost_connection_is_told_in_the_readers_language() {
        let lost = |failure| {
            let url = "https://id.example/api/admin/v1/users".to_owned();
            Error::Network { url, failure }
        };
        let german = |error: Error| match Answer::of(Err(error), texts::of("de-AT")) {
            Err(Failure::Broken(message)) => message,
            other => panic!("{other:?}"),
        };
        let message = german(lost(NetworkFailure::Timeout));
        assert!(message.starts_with("https://id.example antwortet nicht."), "{message}");
        assert!(german(lost(NetworkFailure::Offline)).starts_with("Sie sind offline."));
        let ended = german(Error::NoMatchingState { signed_in: false });
        assert!(ended.starts_with("Ihre Anmeldung ist beendet"), "{ended}");
        let other_tab = german(Error::OtherTab);
        assert!(other_tab.starts_with("Ein anderer Tab"), "{other_tab}");
        // What an operator mends has its name.
        let cause = Error::NoEndpoint("token_endpoint");
        let unset = german(Error::NoEndpoint("token_endpoint"));
        assert!(unset.contains("nicht richtig eingerichtet"), "{unset}");
        assert!(unset.contains(&cause.to_string()), "{unset}");
        // A proxy in between may answer in place of the API.
        let (headers, body) = (Vec::new(), "<h1>Bad Gateway</h1>".to_owned());
        let response = ApiResponse { status: 502, headers, body, date: None, url: None };
        let failure = Answer::of(Ok(response), texts::of("de")).unwrap_err();
        assert!(failure.message().contains("(HTTP 502)"), "{failure:?}");
        assert!(failure.message().starts_with("Mit der Antwort"), "{failure:?}");
    }

    #[test]
    fn a_name_is_one_segment_whatever_it_is() {
        let call = Call::new(Operation::EndSession, &["a/../b?c", "x y"]);
        assert_eq!(call.url, "/api/admin/v1/users/a%2F..%2Fb%3Fc/sessions/x%20y");
        let call = Call::new(Operation::ListUsers, &[]).query("prefix=a").query("cursor=b");
        let request = call.request("https://id.example");
        assert_eq!(request.url, "https://id.example/api/admin/v1/users?prefix=a&cursor=b");
        assert_eq!((&*request.method, request.timeout), ("GET", None));
    }

    #[test]
    fn an_export_is_not_broken_off_by_the_limit_of_other_calls() {
        let request = Call::new(Operation::ExportEvents, &[]).request("https://id.example");
        assert!(request.timeout >= Some(3600), "{request:?}");
    }
}
