//! Opaque tokens: what their issuer knows of them (RFC 7662), asked once for many requests.
//!
//! An answer is remembered for a short time that a setting says, one that refuses for a shorter one yet; without that time each
//! request asks. One question about a token runs at a time, in a task of its own, so that a caller who hangs up does not
//! stop it for the others, and only so many at all. Where the issuer fails, it is left alone for a moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    AccessToken, Clock, FetchError, IntrospectionSettings, IssuerUnavailable, KeyStore, TokenError, VerificationError,
    generations::{Generations, TokenDigest},
    key_store::with_sources,
    meter,
};

/// The longest time for which a refusal is remembered.
const REFUSAL_LIFE: Duration = Duration::from_secs(5);
/// Questions to the issuer at the same time. Anyone can write a token that has to be asked about.
const MAX_QUESTIONS: usize = 64;
/// How long the issuer is left alone after it failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

type Outcome = Result<Arc<AccessToken>, VerificationError>;

/// Asks one issuer about tokens for one audience. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Introspector(Arc<Inner>);

struct Inner {
    issuer: String,
    audience: String,
    settings: IntrospectionSettings,
    patience: Duration,
    keys: KeyStore,
    clock: Arc<dyn Clock>,
    questions: Semaphore,
    state: Mutex<State>,
}

/// Times are the clock's `elapsed`.
#[derive(Default)]
struct State {
    answers: Generations<Answer>,
    running: HashMap<TokenDigest, watch::Receiver<Option<Outcome>>>,
    failed_at: Option<Duration>,
}

#[derive(Clone)]
struct Answer {
    outcome: Outcome,
    until: Duration,
}

impl Introspector {
    pub(crate) fn new(
        (issuer, audience): (&str, &str),
        settings: IntrospectionSettings,
        patience: Duration,
        keys: KeyStore,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        let (questions, state) = (Semaphore::new(MAX_QUESTIONS), Mutex::default());
        Self(Arc::new(Inner { issuer, audience, settings, patience, keys, clock, questions, state }))
    }

    /// What the issuer says of the token. Whether it has expired since is for the caller to check.
    pub(crate) async fn look_up(&self, token: &str, digest: TokenDigest) -> Outcome {
        if self.0.settings.cache.is_zero() {
            // To the moment exact: an answer to a question that somebody else began could be older than the request.
            return self.0.ask(token).await;
        }
        match self.known_or_running(token, digest) {
            Ok(outcome) => outcome,
            Err(running) => wait_for(running).await,
        }
    }

    /// An answer that still counts, or the question that runs now.
    fn known_or_running(&self, token: &str, digest: TokenDigest) -> Result<Outcome, watch::Receiver<Option<Outcome>>> {
        let now = self.0.clock.elapsed();
        let mut state = self.0.state();
        let (known, dropped) = state.answers.get(digest);
        let outcome = if let Some(answer) = known.filter(|answer| now < answer.until) {
            Ok(answer.outcome)
        } else {
            let running = state.running.get(&digest).filter(|running| running.has_changed().is_ok()).cloned();
            Err(running.unwrap_or_else(|| self.start(&mut state, token, digest)))
        };
        drop(state);
        // Thousands of answers may be dropped here: not while others wait.
        drop(dropped);
        outcome
    }

    fn start(&self, state: &mut State, token: &str, digest: TokenDigest) -> watch::Receiver<Option<Outcome>> {
        let (tell, told) = watch::channel(None);
        state.running.insert(digest, told.clone());
        let (inner, token) = (Arc::clone(&self.0), token.to_owned());
        tokio::spawn(async move {
            let outcome = inner.ask(&token).await;
            let dropped = inner.remember(digest, &outcome);
            drop(dropped);
            tell.send_replace(Some(outcome));
        });
        told
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, token: &str) -> Outcome {
        let now = self.clock.elapsed();
        let failed_at = self.state().failed_at;
        let wait = failed_at.map_or(Duration::ZERO, |failed| (failed + RETRY_INTERVAL).saturating_sub(now));
        if !wait.is_zero() {
            return Err(IssuerUnavailable::after(wait).into());
        }
        match self.answer(token).await? {
            Ok(answer) => {
                self.state().failed_at = None;
                let read = read(answer, (&self.issuer, &self.audience), self.clock.now());
                meter::introspected(if read.is_ok() { "active" } else { "inactive" });
                Ok(Arc::new(read?))
            }
            Err(error) => {
                let cause = with_sources(&error);
                tracing::warn!(issuer = self.issuer, cause, "could not ask the issuer about a token");
                meter::introspected(error.name());
                self.state().failed_at = Some(now);
                Err(IssuerUnavailable::after(RETRY_INTERVAL).into())
            }
        }
    }

    /// The issuer's answer, or why it could not be had; the outer error is for what has nothing to do with it.
    async fn answer(&self, token: &str) -> Result<Result<Map<String, Value>, FetchError>, IssuerUnavailable> {
        let (issuer, endpoint) = self.keys.introspection().await?;
        let Some(endpoint) = endpoint else { return Ok(Err(FetchError::NoIntrospection)) };
        let waiting = timeout(self.patience, self.questions.acquire()).await;
        let Ok(Ok(_place)) = waiting else { return Err(IssuerUnavailable::after(RETRY_INTERVAL)) };
        let answer = issuer.introspect(endpoint.clone(), &self.settings, token).await;
        Ok(answer.and_then(|answer| match answer.get("active") {
            Some(Value::Bool(_)) => Ok(answer),
            _ => Err(FetchError::Malformed { url: endpoint.into() }),
        }))
    }

    /// Keeps an outcome that holds for a while, and hands back what is to be dropped for it.
    #[must_use]
    fn remember(&self, digest: TokenDigest, outcome: &Outcome) -> HashMap<TokenDigest, Answer> {
        let mut state = self.state();
        state.running.remove(&digest);
        let life = match outcome {
            Ok(_) => self.settings.cache,
            Err(VerificationError::Token(_)) => self.settings.cache.min(REFUSAL_LIFE),
            Err(VerificationError::Issuer(_)) => return HashMap::new(),
        };
        let answer = Answer { outcome: outcome.clone(), until: self.clock.elapsed() + life };
        state.answers.insert(digest, answer)
    }
}

async fn wait_for(mut running: watch::Receiver<Option<Outcome>>) -> Outcome {
    match running.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        // The task that asked is gone without a word.
        _ => Err(IssuerUnavailable::after(RETRY_INTERVAL).into()),
    }
}

/// Reads an answer (RFC 7662 section 2.2) by the rules for every access token. What it may leave out is filled in: `iss` is who
/// was asked, `iat` is now, and without a user the client is the subject.
fn read(mut answer: Map<String, Value>, (issuer, audience): (&str, &str), now: i64) -> Result<AccessToken, TokenError> {
    if answer.remove("active") != Some(Value::Bool(true)) {
        return Err(TokenError::Inactive);
    }
    answer.remove("token_type");
    let client = answer.get("client_id").cloned();
    for (claim, value) in
        [("iss", Some(issuer.into())), ("iat", Some(now.into())), ("jti", Some("introspected".into())), ("sub", client)]
    {
        if let Some(value) = value {
            answer.entry(claim).or_insert(value);
        }
    }
    AccessToken::accept(answer, issuer, audience)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read_with(changes: &Value) -> Result<AccessToken, TokenError> {
        let mut answer = json!({"active": true, "aud": "api", "client_id": "page", "exp": 100, "sub": "alice"});
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        read(answer.as_object().unwrap().clone(), ("https://op", "api"), 7)
    }

    #[test]
    fn what_an_answer_may_leave_out_is_filled_in() {
        let token = read_with(&json!({"sub": null, "role": "admin", "token_type": "Bearer"})).unwrap();
        assert_eq!((token.claims().iss.as_str(), token.claims().iat), ("https://op", 7));
        assert_eq!(token.principal().sub(), "page");
        assert!(token.principal().has_role("admin"));
        assert!(!token.principal().claims().contains_key("active"));
        assert!(!token.principal().claims().contains_key("token_type"));
    }

    #[test]
    fn an_answer_for_somebody_else_is_refused() {
        for (changes, cause) in [
            (json!({"active": false}), TokenError::Inactive),
            (json!({"iss": "https://other"}), TokenError::WrongIssuer),
            (json!({"aud": "other"}), TokenError::WrongAudience),
            (json!({"aud": null}), TokenError::InvalidClaims),
            (json!({"exp": null}), TokenError::InvalidClaims),
            (json!({"client_id": null, "sub": null}), TokenError::InvalidClaims),
        ] {
            assert_eq!(read_with(&changes).unwrap_err(), cause, "{changes}");
        }
    }
}
