//! The messages and checks of a sign-in as events (feature `trace`), with what each check expected
//! and found. For pages that show the protocol, and for debugging.
//!
//! Messages are complete and contain tokens, codes and verifiers. The subscriber decides what to
//! keep. Their `Debug` output shows no secrets.

mod text;

use std::{
    fmt::{self, Display},
    rc::Rc,
    time::Duration,
};

use crate::{
    AuthEvent, Events, Fault,
    lean::url,
    ports::{Clock, HttpRequest, HttpResponse, Ports},
};

/// Something that happened.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a page that shows a trace shows all of it")]
pub struct Trace {
    /// The time by this device's clock: seconds since 1970 (UTC).
    pub at: u64,
    /// What happened.
    pub step: TraceStep,
}

/// A message or a check.
///
/// ```
/// use doorward_client::{AuthEvent, Subscription, TraceStep, UserManager};
///
/// fn log_checks(manager: &UserManager) -> Subscription {
///     manager.events().subscribe(|event| {
///         if let AuthEvent::Trace(trace) = event
///             && let TraceStep::Check(check) = &trace.step
///         {
///             println!("{}: {} = {}", trace.at, check.name, check.passed);
///         }
///     })
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum TraceStep {
    /// The browser is sent to this URL at the provider to sign in (RFC 6749 section 4.1.1).
    AuthorizationRequest(String),
    /// The browser came back to this URL (RFC 6749 section 4.1.2).
    AuthorizationResponse(String),
    /// The browser is sent to this URL at the provider to sign out (OIDC RP-Initiated Logout
    /// section 2). The value of `id_token_hint` is left out, because the user was forgotten before
    /// this event.
    LogoutRequest(String),
    /// The browser came back to this URL (OIDC RP-Initiated Logout section 3).
    LogoutResponse(String),
    /// A request to the provider or to an API, with its response.
    Exchange(Box<HttpExchange>),
    /// A check.
    Check(Check),
}

/// A request with its response.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "a page that shows a trace shows all of it")]
pub struct HttpExchange {
    /// The request.
    pub request: HttpRequest,
    /// The response, or why there is none.
    pub answer: Result<HttpResponse, String>,
    /// How long it took.
    pub took: Duration,
}

/// A check.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a page that shows a trace shows all of it")]
pub struct Check {
    /// What was checked: a parameter (`state`), a claim (`nonce`), or `signature`.
    pub name: String,
    /// The expected value.
    pub expected: String,
    /// The actual value. Empty if there was none.
    pub found: String,
    /// Whether the check passed.
    pub passed: bool,
}

/// Names the step without secrets.
impl fmt::Debug for TraceStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, address) = match self {
            Self::AuthorizationRequest(address) => ("AuthorizationRequest", address),
            Self::AuthorizationResponse(address) => ("AuthorizationResponse", address),
            Self::LogoutRequest(address) => ("LogoutRequest", address),
            Self::LogoutResponse(address) => ("LogoutResponse", address),
            Self::Exchange(exchange) => {
                let HttpExchange { request, answer, took } = &**exchange;
                return write!(
                    formatter,
                    "Exchange({} {} {answer:?} {took:?})",
                    request.method,
                    path(&request.url)
                );
            }
            Self::Check(check) => {
                return write!(
                    formatter,
                    "Check({} {})",
                    check.name,
                    if check.passed { "passed" } else { "failed" }
                );
            }
        };
        write!(formatter, "{name}({})", path(address))
    }
}

fn path(address: &str) -> &str {
    url::split(address).0
}

/// Emits the steps as events.
#[derive(Clone)]
pub(crate) struct Tracer {
    events: Events,
    clock: Rc<dyn Clock>,
}

/// A request that is under way.
pub(crate) struct UnderWay {
    request: HttpRequest,
    since: Duration,
}

impl Tracer {
    pub(crate) fn new(events: &Events, ports: &Ports) -> Self {
        Self { events: events.clone(), clock: Rc::clone(&ports.clock) }
    }

    fn emit(&self, step: TraceStep) {
        self.events.emit(&AuthEvent::Trace(Trace { at: self.clock.now(), step }));
    }

    pub(crate) fn authorization_request(&self, address: &str) {
        self.emit(TraceStep::AuthorizationRequest(address.to_owned()));
    }

    pub(crate) fn authorization_response(&self, address: &str) {
        self.emit(TraceStep::AuthorizationResponse(address.to_owned()));
    }

    /// Emits a sign-out request without the ID token in its URL.
    pub(crate) fn logout_request(&self, address: &str) {
        let (endpoint, query, _) = url::split(address);
        let mut shown = endpoint.to_owned();
        let mut separator = '?';
        for pair in query.unwrap_or_default().split('&') {
            shown.push(separator);
            shown.push_str(if pair.starts_with("id_token_hint=") {
                "id_token_hint=…"
            } else {
                pair
            });
            separator = '&';
        }
        self.emit(TraceStep::LogoutRequest(shown));
    }

    pub(crate) fn logout_response(&self, address: &str) {
        self.emit(TraceStep::LogoutResponse(address.to_owned()));
    }

    pub(crate) fn sending(&self, request: &HttpRequest) -> UnderWay {
        UnderWay { request: request.clone(), since: self.clock.monotonic() }
    }

    pub(crate) fn sent(&self, under_way: UnderWay, answer: &Result<HttpResponse, Fault>) {
        let UnderWay { request, since } = under_way;
        let answer = match answer {
            Ok(answer) => Ok(answer.clone()),
            Err(error) => Err(error.to_string()),
        };
        let took = self.clock.monotonic().saturating_sub(since);
        self.emit(TraceStep::Exchange(Box::new(HttpExchange { request, answer, took })));
    }

    /// Emits a check, and returns whether it passed.
    pub(crate) fn check(
        &self,
        name: &str,
        expected: &dyn Display,
        found: &dyn Display,
        passed: bool,
    ) -> bool {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.emit(TraceStep::Check(Check { name: name.to_owned(), expected, found, passed }));
        passed
    }
}
