//! What a sign-in consists of, told while it happens (feature `trace`): the messages that leave and
//! arrive, and each check with what it expected and what it found. For pages that show the protocol
//! at work, and for looking into failures.
//!
//! Messages are told whole, tokens, codes and verifiers included: whoever subscribes decides what
//! to keep. Their `Debug` names them without what is secret in them.

mod text;

use std::{
    fmt::{self, Display},
    rc::Rc,
    time::Duration,
};

use crate::{
    Event, Events, Fault,
    ports::{Clock, HttpRequest, HttpResponse, Ports},
    url,
};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When, by this device's clock: seconds since 1970 (UTC).
    pub at: u64,
    /// What.
    pub step: Step,
}

/// What happened.
#[derive(Clone)]
#[non_exhaustive]
pub enum Step {
    /// The browser is sent to this address at the provider, to sign in (RFC 6749 section 4.1.1).
    AuthorizationRequest(String),
    /// The browser came back to this address (RFC 6749 section 4.1.2).
    AuthorizationResponse(String),
    /// The browser is sent to this address at the provider, to sign out (OIDC RP-Initiated Logout
    /// section 2). The value of `id_token_hint` is left out: when this is told the user is
    /// forgotten.
    LogoutRequest(String),
    /// The browser came back to this address (OIDC RP-Initiated Logout section 3).
    LogoutResponse(String),
    /// A request to the provider or to an API, and what came of it.
    Exchange(Box<Exchange>),
    /// Something was checked.
    Check(Check),
}

/// A request and what came of it.
#[derive(Clone)]
pub struct Exchange {
    /// What was sent.
    pub request: HttpRequest,
    /// The answer, or why there is none.
    pub answer: Result<HttpResponse, String>,
    /// How long it took.
    pub took: Duration,
}

/// Something that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Check {
    /// What: a parameter (`state`), a claim (`nonce`), or `signature`.
    pub name: String,
    /// What had to be there.
    pub expected: String,
    /// What was there; empty if nothing was.
    pub found: String,
    /// Whether that was good enough.
    pub passed: bool,
}

/// Names the step, with nothing in it that is secret.
impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, address) = match self {
            Self::AuthorizationRequest(address) => ("AuthorizationRequest", address),
            Self::AuthorizationResponse(address) => ("AuthorizationResponse", address),
            Self::LogoutRequest(address) => ("LogoutRequest", address),
            Self::LogoutResponse(address) => ("LogoutResponse", address),
            Self::Exchange(exchange) => {
                let Exchange { request, answer, took } = &**exchange;
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

/// Tells steps to the subscribers of the client's events.
#[derive(Clone)]
pub(crate) struct Tracer {
    events: Events,
    clock: Rc<dyn Clock>,
}

/// A request under way.
pub(crate) struct UnderWay {
    request: HttpRequest,
    since: Duration,
}

impl Tracer {
    pub(crate) fn new(events: &Events, ports: &Ports) -> Self {
        Self { events: events.clone(), clock: Rc::clone(&ports.clock) }
    }

    fn tell(&self, step: Step) {
        self.events.emit(&Event::Trace(Trace { at: self.clock.now(), step }));
    }

    pub(crate) fn authorization_request(&self, address: &str) {
        self.tell(Step::AuthorizationRequest(address.to_owned()));
    }

    pub(crate) fn authorization_response(&self, address: &str) {
        self.tell(Step::AuthorizationResponse(address.to_owned()));
    }

    /// Tells of a sign-out, without the ID token that its address may carry.
    pub(crate) fn logout_request(&self, address: &str) {
        let (endpoint, query, _) = url::split(address);
        let mut told = endpoint.to_owned();
        let mut separator = '?';
        for pair in query.unwrap_or_default().split('&') {
            told.push(separator);
            told.push_str(if pair.starts_with("id_token_hint=") {
                "id_token_hint=…"
            } else {
                pair
            });
            separator = '&';
        }
        self.tell(Step::LogoutRequest(told));
    }

    pub(crate) fn logout_response(&self, address: &str) {
        self.tell(Step::LogoutResponse(address.to_owned()));
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
        self.tell(Step::Exchange(Box::new(Exchange { request, answer, took })));
    }

    /// Tells of a check, and whether it passed.
    pub(crate) fn check(
        &self,
        name: &str,
        expected: &dyn Display,
        found: &dyn Display,
        passed: bool,
    ) -> bool {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.tell(Step::Check(Check { name: name.to_owned(), expected, found, passed }));
        passed
    }
}
