//! Steps as single lines of text, for storage.

use std::time::Duration;

use doorward_protocol::json;
use serde_json::Value;

use super::{Check, HttpExchange, Trace, TraceStep};
use crate::ports::{CacheMode, HttpRequest, HttpResponse};

/// How many bytes of a body are kept: more than providers send, less than what fills a store.
const LONGEST_BODY: usize = 24 * 1024;

const EXCHANGE: &str = "exchange";
const CHECK: &str = "check";
/// Messages in the browser's URL.
const AUTHORIZATION_REQUEST: &str = "authorization_request";
const AUTHORIZATION_RESPONSE: &str = "authorization_response";
const LOGOUT_REQUEST: &str = "logout_request";
const LOGOUT_RESPONSE: &str = "logout_response";

impl Trace {
    /// Writes the step, including its secrets, as one line: a JSON array of strings. Long bodies
    /// are cut.
    pub fn to_line(&self) -> String {
        let at = self.at.to_string();
        match &self.step {
            TraceStep::AuthorizationRequest(address) => {
                line(&[AUTHORIZATION_REQUEST, &at, address])
            }
            TraceStep::AuthorizationResponse(address) => {
                line(&[AUTHORIZATION_RESPONSE, &at, address])
            }
            TraceStep::LogoutRequest(address) => line(&[LOGOUT_REQUEST, &at, address]),
            TraceStep::LogoutResponse(address) => line(&[LOGOUT_RESPONSE, &at, address]),
            TraceStep::Check(Check { name, expected, found, passed }) => line(&[
                CHECK,
                &at,
                name,
                expected,
                found,
                if *passed { "passed" } else { "failed" },
            ]),
            TraceStep::Exchange(exchange) => {
                let HttpExchange { request, answer, took } = &**exchange;
                // A hundred years of milliseconds fit.
                let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                let (status, headers, body) = match answer {
                    Ok(answer) => (answer.status.to_string(), lines(&answer.headers), &answer.body),
                    Err(reason) => (String::new(), String::new(), reason),
                };
                line(&[
                    EXCHANGE,
                    &at,
                    &request.method,
                    &request.url,
                    &lines(&request.headers),
                    cut(request.body.as_deref().unwrap_or_default()),
                    &took.to_string(),
                    &status,
                    &headers,
                    cut(body),
                ])
            }
        }
    }

    /// Parses a line. Returns `None` if it is not a step. The time-out, the caching and the
    /// server's time of an exchange are not restored.
    pub fn from_line(text: &str) -> Option<Self> {
        let line = json::value(text.as_bytes())?;
        let texts: Vec<&str> = line.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        let (kind, at, rest) = match texts.as_slice() {
            [kind, at, rest @ ..] => (*kind, at.parse().ok()?, rest),
            _ => return None,
        };
        let step = match rest {
            [address] => at_address(kind)?((*address).to_owned()),
            [name, expected, found, passed] if kind == CHECK => TraceStep::Check(Check {
                name: (*name).to_owned(),
                expected: (*expected).to_owned(),
                found: (*found).to_owned(),
                passed: *passed == "passed",
            }),
            [method, url, headers, body, took, answer @ ..] if kind == EXCHANGE => {
                TraceStep::Exchange(Box::new(HttpExchange {
                    request: HttpRequest {
                        method: (*method).to_owned(),
                        url: (*url).to_owned(),
                        headers: pairs(headers),
                        body: Some((*body).to_owned()).filter(|body| !body.is_empty()),
                        timeout: Duration::ZERO,
                        follow_redirects: false,
                        cache: CacheMode::Never,
                    },
                    answer: read_answer(answer)?,
                    took: Duration::from_millis(took.parse().ok()?),
                }))
            }
            _ => return None,
        };
        Some(Self { at, step })
    }
}

/// The step with a URL that has this name.
fn at_address(kind: &str) -> Option<fn(String) -> TraceStep> {
    Some(match kind {
        AUTHORIZATION_REQUEST => TraceStep::AuthorizationRequest,
        AUTHORIZATION_RESPONSE => TraceStep::AuthorizationResponse,
        LOGOUT_REQUEST => TraceStep::LogoutRequest,
        LOGOUT_RESPONSE => TraceStep::LogoutResponse,
        _ => return None,
    })
}

fn read_answer(texts: &[&str]) -> Option<Result<HttpResponse, String>> {
    let [status, headers, body] = texts else {
        return None;
    };
    if status.is_empty() {
        return Some(Err((*body).to_owned()));
    }
    let status = status.parse().ok()?;
    let (headers, body) = (pairs(headers), (*body).to_owned());
    Some(Ok(HttpResponse { status, headers, body, date: None, url: None }))
}

fn line(texts: &[&str]) -> String {
    json::text(&Value::from(texts.to_vec()))
}

/// Headers as lines. Browsers do not allow line breaks in them.
fn lines(headers: &[(String, String)]) -> String {
    let mut lines = String::new();
    for part in headers.iter().flat_map(|(name, value)| [name, ": ", value, "\n"]) {
        lines.push_str(part);
    }
    lines
}

fn pairs(lines: &str) -> Vec<(String, String)> {
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn cut(body: &str) -> &str {
    let mut end = body.len().min(LONGEST_BODY);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    &body[..end]
}
