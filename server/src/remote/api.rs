//! Requests to the admin API with the tokens of whoever is signed in.

use std::time::Duration;

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{ETAG, IF_MATCH, WWW_AUTHENTICATE},
    redirect,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    ServerUrl,
    device::{self, Endpoints},
    signed_in::{self, SignedIn},
};
use crate::{command::CommandError, output, provider::body};

/// Time limit of a request.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// Time limit of an answer of any length.
const LONG: Duration = Duration::from_hours(24);
/// The longest answer that is read, in bytes. A page of large objects is far below it.
pub(super) const MOST: usize = 16 << 20;
/// Rows of a page: as many as the API gives.
const PAGE: &str = "200";
/// What a challenge says if the sign-in is too old, or by one factor (RFC 9470 section 3).
const SIGN_IN_AGAIN: &str = "insufficient_user_authentication";

/// A server, and who is signed in there.
pub struct RemoteServer {
    http: Client,
    url: ServerUrl,
    signed_in: SignedIn,
    /// Whether to write JSON.
    pub json: bool,
}

/// What is asked of the API.
struct Request<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, String)],
    body: Option<Value>,
    etag: Option<&'a str>,
    time_limit: Duration,
}

impl<'a> Request<'a> {
    fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, query: &[], body: None, etag: None, time_limit: TIME_LIMIT }
    }
}

/// What the API answered.
pub struct Answer {
    body: Value,
    /// The state of the object, for a change of it.
    pub etag: Option<String>,
}

/// A page of a list.
#[derive(Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// Problem details (RFC 9457), as far as they are told.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    detail: String,
    errors: Vec<FieldError>,
    changed: Vec<String>,
}

#[derive(Deserialize)]
struct FieldError {
    field: String,
    problem: String,
}

impl Answer {
    /// The answer as a type.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, CommandError> {
        serde_json::from_value(self.body).map_err(|error| {
            CommandError::refused(format!(
                "the server's answer can't be read, perhaps it is another version: {error}"
            ))
        })
    }
}

impl RemoteServer {
    /// The server at this URL, where somebody must have signed in.
    pub fn open(url: ServerUrl, json: bool) -> Result<Self, CommandError> {
        let signed_in = SignedIn::find(&url)?.ok_or_else(|| sign_in_first(&url))?;
        Ok(Self { http: client(&url)?, url, signed_in, json })
    }

    /// Reads an object.
    pub async fn get(&mut self, path: &[&str]) -> Result<Answer, CommandError> {
        self.send(Method::GET, path, &[], None, None).await
    }

    /// Reads an object; `None` if there is none.
    pub async fn find(&mut self, path: &[&str]) -> Result<Option<Answer>, CommandError> {
        match self.get(path).await {
            Ok(answer) => Ok(Some(answer)),
            Err(CommandError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a page of a list, from this cursor on.
    pub async fn page<T: DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, String)],
        after: Option<&str>,
    ) -> Result<Page<T>, CommandError> {
        let mut query = query.to_vec();
        if !query.iter().any(|(name, _)| *name == "limit") {
            query.push(("limit", PAGE.to_owned()));
        }
        query.extend(after.map(|cursor| ("cursor", cursor.to_owned())));
        self.send(Method::GET, path, &query, None, None).await?.read()
    }

    /// Asks for a change. `etag` is the state that it is about.
    pub async fn change(
        &mut self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
        etag: Option<&str>,
    ) -> Result<Answer, CommandError> {
        self.send(method, path, &[], body, etag).await
    }

    /// Asks for the removal of an object that has no state.
    pub async fn remove(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(), CommandError> {
        let query: Vec<_> =
            query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.send(Method::DELETE, path, &query, None, None).await.map(drop)
    }

    /// Writes an answer of any length to the standard output while it comes.
    pub async fn write_out(
        &mut self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(), CommandError> {
        let request = Request { query, time_limit: LONG, ..Request::new(Method::GET, path) };
        let mut answer = self.answer(request).await?;
        loop {
            let part = answer.chunk().await.map_err(|error| {
                let reason = reason(&error);
                CommandError::refused(format!("{} broke the answer off: {reason}", self.url))
            })?;
            let Some(part) = part else { return Ok(()) };
            output::write(&part)?;
        }
    }

    /// Sends a request and reads the answer.
    async fn send(
        &mut self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Value>,
        etag: Option<&str>,
    ) -> Result<Answer, CommandError> {
        let answer =
            self.answer(Request { query, body, etag, ..Request::new(method, path) }).await?;
        let etag = answer.headers().get(ETAG).and_then(|value| value.to_str().ok());
        let etag = etag.map(str::to_owned);
        let text = body_of(&self.url, answer).await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&text).map_err(|_| not_the_api(&self.url))?
        };
        Ok(Answer { body, etag })
    }

    /// Sends a request until it is done. If the sign-in is not good enough for it, the user signs
    /// in again, once.
    async fn answer(&mut self, request: Request<'_>) -> Result<Response, CommandError> {
        let Request { method, path, query, body, etag, time_limit } = request;
        let mut url = self.url.of_api(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut tried = Tried::default();
        loop {
            let token = self.token().await?;
            let request = self.http.request(method.clone(), url.clone()).bearer_auth(token);
            let mut request = request.timeout(time_limit);
            if let Some(body) = &body {
                request = request.json(body);
            }
            if let Some(etag) = etag {
                request = request.header(IF_MATCH, etag);
            }
            let answer = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            let challenge = answer.headers().get(WWW_AUTHENTICATE);
            let challenge = challenge.and_then(|value| value.to_str().ok()).unwrap_or_default();
            let challenge = challenge.to_owned();
            let text = body_of(&self.url, answer).await?;
            match tried.remedy(status, &challenge) {
                Some(Remedy::SignInAgain) => {
                    eprintln!("This needs a sign-in by two factors of the last minutes.");
                    self.sign_in_again().await?;
                }
                Some(Remedy::Renew) => self.renew().await?,
                None => return Err(refused(&self.url, status, &text)),
            }
        }
    }

    /// An access token that lasts.
    async fn token(&mut self) -> Result<String, CommandError> {
        if self.signed_in.access_token().is_none() {
            self.renew().await?;
        }
        let token = self.signed_in.access_token().ok_or_else(|| sign_in_first(&self.url))?;
        Ok(token.expose().to_owned())
    }

    async fn renew(&mut self) -> Result<(), CommandError> {
        for _ in 0..2 {
            // Another command may have renewed them or signed out: its file counts.
            let kept = SignedIn::find(&self.url)?.ok_or_else(|| sign_in_first(&self.url))?;
            if kept.sub != self.signed_in.sub {
                return Err(another_user(&self.url));
            }
            if kept.is_renewal_of(&self.signed_in) {
                self.signed_in = kept;
                if self.signed_in.access_token().is_some() {
                    return Ok(());
                }
            }
            if let Some(renewed) = device::renew(&self.http, &self.signed_in).await? {
                renewed.keep()?;
                self.signed_in = renewed;
                return Ok(());
            }
            // What was refused may be what another command has used a moment ago.
            let newer = SignedIn::find(&self.url)?;
            if !newer.is_some_and(|kept| kept.is_renewal_of(&self.signed_in)) {
                break;
            }
        }
        signed_in::forget(&self.url)?;
        Err(sign_in_first(&self.url))
    }

    async fn sign_in_again(&mut self) -> Result<(), CommandError> {
        let endpoints = Endpoints::of(&self.http, &self.url).await?;
        let tokens = device::sign_in(&self.http, &self.url, &endpoints).await?;
        let renewed = SignedIn::of(&self.url, &endpoints, tokens)?;
        if renewed.sub != self.signed_in.sub {
            // Whoever called this command must not go on as somebody else.
            let _ = device::revoke(&self.http, &renewed).await;
            return Err(another_user(&self.url));
        }
        let before = std::mem::replace(&mut self.signed_in, renewed);
        self.signed_in.keep()?;
        // The old sign-in is of no use any more. That it stays is no reason to stop.
        let _ = device::revoke(&self.http, &before).await;
        Ok(())
    }
}

/// What was done already to get a request through.
#[derive(Default)]
struct Tried {
    renewed: bool,
    signed_in_again: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    Renew,
    SignInAgain,
}

impl Tried {
    /// What to do about this answer, each thing once: after a renewal a sign-in may be needed, too.
    fn remedy(&mut self, status: StatusCode, challenge: &str) -> Option<Remedy> {
        if status != StatusCode::UNAUTHORIZED {
            return None;
        }
        let (done, remedy) = if challenge.contains(SIGN_IN_AGAIN) {
            (&mut self.signed_in_again, Remedy::SignInAgain)
        } else {
            (&mut self.renewed, Remedy::Renew)
        };
        (!std::mem::replace(done, true)).then_some(remedy)
    }
}

fn another_user(url: &ServerUrl) -> CommandError {
    CommandError::refused(format!(
        "somebody else signed in at {url} than before, so nothing was done. To go on as the other \
         one: doorward login --server {url}"
    ))
}

/// What a refusal says. Exit code 1 if the object is not there or in another state, otherwise 2.
fn refused(url: &ServerUrl, status: StatusCode, text: &[u8]) -> CommandError {
    let Ok(problem) = serde_json::from_slice::<Problem>(text) else { return not_the_api(url) };
    let mut said = problem.detail;
    for FieldError { field, problem } in problem.errors {
        said = format!("{said} {field}: {problem}.");
    }
    if !problem.changed.is_empty() {
        said = format!("{said} Changed meanwhile: {}.", problem.changed.join(", "));
    }
    if said.is_empty() {
        said = format!("{url} answered {status}");
    }
    match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            CommandError::Missing(said)
        }
        _ => CommandError::refused(said),
    }
}

fn not_the_api(url: &ServerUrl) -> CommandError {
    CommandError::refused(format!("there is no admin API at {url}: is [admin] turned on there?"))
}

fn sign_in_first(url: &ServerUrl) -> CommandError {
    CommandError::refused(format!("you are not signed in: doorward login --server {url}"))
}

pub(super) fn unreachable(url: &ServerUrl, error: &reqwest::Error) -> CommandError {
    CommandError::refused(format!("{url} can't be reached: {}", reason(error)))
}

/// The body of an answer, if it is not too long.
pub(super) async fn body_of(url: &ServerUrl, answer: Response) -> Result<Vec<u8>, CommandError> {
    let read = body(answer, MOST).await;
    read.map_err(|error| CommandError::refused(format!("{url} can't be read: {error}")))
}

/// The innermost cause, which says most: "connection refused".
pub(super) fn reason(error: &reqwest::Error) -> String {
    crate::provider::reason(error)
}

/// The HTTP client. It follows no redirect: the token is for this server alone.
/// What goes to this machine, perhaps without TLS, goes through no proxy.
pub(super) fn client(server: &ServerUrl) -> Result<Client, CommandError> {
    let builder = Client::builder().redirect(redirect::Policy::none()).timeout(TIME_LIMIT);
    let builder = if server.is_here() { builder.no_proxy() } else { builder };
    builder.build().map_err(CommandError::refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remedy_is_tried_once_and_a_sign_in_also_after_a_renewal() {
        let (refused, mut tried) = (StatusCode::UNAUTHORIZED, Tried::default());
        let step_up = "Bearer error=\"insufficient_user_authentication\"";
        let expired = "Bearer error=\"invalid_token\"";
        assert_eq!(tried.remedy(refused, expired), Some(Remedy::Renew));
        assert_eq!(tried.remedy(refused, step_up), Some(Remedy::SignInAgain));
        assert_eq!(tried.remedy(refused, expired), None);
        assert_eq!(tried.remedy(refused, step_up), None);
        assert_eq!(Tried::default().remedy(StatusCode::FORBIDDEN, step_up), None);
    }
}
