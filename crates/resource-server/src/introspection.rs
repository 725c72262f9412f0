//! Opaque tokens: what their issuer knows of them (RFC 7662), asked once for many requests.
//!
//! An answer is remembered for a short time that a setting says, counted from when the question was
//! sent, one that refuses for a shorter one yet; without that time each request asks. One question
//! about a token runs at a time, in a task of its own, so that a caller who hangs up does not stop
//! it for the others, and only so many at all. Where the issuer fails, it is left alone for a
//! moment; not where it, or a filter before it, only dislikes one token, since anyone can write
//! that.

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
    AccessToken, Clock, FetchError, IntrospectionSettings, IssuerUnavailable, KeyStore, TokenError,
    VerificationError,
    generations::{Generations, TokenDigest},
    key_store::with_sources,
    meter,
};

/// The longest time for which a refusal is remembered.
const REFUSAL_LIFE: Duration = Duration::from_secs(5);
/// Questions to the issuer at the same time. Anyone can write a token that has to be asked about.
const MAX_QUESTIONS: usize = 64;
/// Tokens that are asked about or wait to be. Each costs a task, and anyone can write them.
const MAX_RUNNING: usize = 1024;
/// Refusals in each of the two generations.
const REFUSALS_LENGTH: usize = 512;
/// How long the issuer is left alone after it failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The same at most where the issuer says how long.
const MAX_RETRY_INTERVAL: Duration = Duration::from_secs(30);

type Outcome = Result<Arc<AccessToken>, VerificationError>;
type Running = watch::Receiver<Option<Answer>>;

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
struct State {
    good: Generations<Answer>,
    /// Apart from the good ones, which whoever makes up tokens can't drive out.
    refusals: Generations<Answer>,
    running: HashMap<TokenDigest, Running>,
    /// The issuer is left alone until then.
    paused_until: Duration,
}

#[derive(Clone)]
struct Answer {
    outcome: Outcome,
    /// It counts for requests that come before.
    until: Duration,
}

impl Answer {
    /// Nothing to remember, but all who wait for it hear it.
    fn unavailable(error: IssuerUnavailable) -> Self {
        Self { outcome: Err(error.into()), until: Duration::MAX }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            good: Generations::default(),
            refusals: Generations::with_length(REFUSALS_LENGTH),
            running: HashMap::new(),
            paused_until: Duration::ZERO,
        }
    }
}

impl State {
    /// An answer that still counts, and what is to be dropped when others don't wait.
    fn known(
        &mut self,
        digest: TokenDigest,
        now: Duration,
    ) -> (Option<Outcome>, [HashMap<TokenDigest, Answer>; 2]) {
        let (good, dropped) = self.good.get(digest);
        let (refusal, dropped_too) = self.refusals.get(digest);
        let counts = good.into_iter().chain(refusal).find(|answer| now < answer.until);
        (counts.map(|answer| answer.outcome), [dropped, dropped_too])
    }

    /// The question that runs now.
    fn running(&self, digest: TokenDigest) -> Option<Running> {
        self.running.get(&digest).filter(|running| is_alive(running)).cloned()
    }

    /// Whether no further question may start.
    fn is_full(&mut self) -> bool {
        if self.running.len() >= MAX_RUNNING {
            self.running.retain(|_, running| is_alive(running));
        }
        self.running.len() >= MAX_RUNNING
    }

    /// Ends a question, keeps its answer if that holds for a while, and hands back what is to be
    /// dropped for it.
    #[must_use]
    fn finish(&mut self, digest: TokenDigest, answer: &Answer) -> HashMap<TokenDigest, Answer> {
        self.running.remove(&digest);
        match answer.outcome {
            Ok(_) => self.good.insert(digest, answer.clone()),
            Err(VerificationError::Token(_)) => self.refusals.insert(digest, answer.clone()),
            Err(VerificationError::Issuer(_)) => HashMap::new(),
        }
    }
}

/// Whether the task that asks is still there.
fn is_alive(running: &Running) -> bool {
    running.has_changed().is_ok()
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
        Self(Arc::new(Inner {
            issuer,
            audience,
            settings,
            patience,
            keys,
            clock,
            questions,
            state,
        }))
    }

    /// What the issuer says of the token. Whether it has expired since is for the caller to check.
    pub(crate) async fn look_up(&self, token: &str, digest: TokenDigest) -> Outcome {
        if self.0.settings.cache.is_zero() {
            // To the moment exact: an answer to a question that somebody else began could be older
            // than the request.
            return self.0.ask(token).await.outcome;
        }
        let arrived = self.0.clock.elapsed();
        loop {
            let running = match self.known_or_running(token, digest) {
                Ok(outcome) => return outcome,
                Err(running) => running,
            };
            let answer = wait_for(running).await;
            // Else the question was sent too long before this request. The next one is sent after
            // it.
            if arrived < answer.until {
                return answer.outcome;
            }
        }
    }

    /// An answer that still counts, or that there can't be one, or else the question that runs now.
    fn known_or_running(&self, token: &str, digest: TokenDigest) -> Result<Outcome, Running> {
        let now = self.0.clock.elapsed();
        let mut state = self.0.state();
        let (known, dropped) = state.known(digest, now);
        let outcome = match (known, state.running(digest)) {
            (Some(outcome), _) => Ok(outcome),
            (None, Some(running)) => Err(running),
            (None, None) if state.is_full() => {
                Ok(Err(IssuerUnavailable::after(RETRY_INTERVAL).into()))
            }
            (None, None) => Err(self.start(&mut state, token, digest)),
        };
        drop(state);
        // Thousands of answers may be dropped here: not while others wait.
        drop(dropped);
        outcome
    }

    fn start(&self, state: &mut State, token: &str, digest: TokenDigest) -> Running {
        let (tell, told) = watch::channel(None);
        state.running.insert(digest, told.clone());
        let (inner, token) = (Arc::clone(&self.0), token.to_owned());
        tokio::spawn(async move {
            let answer = inner.ask(&token).await;
            let dropped = inner.state().finish(digest, &answer);
            drop(dropped);
            tell.send_replace(Some(answer));
        });
        told
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, token: &str) -> Answer {
        let (sent_at, answer) = match self.answer(token).await {
            Ok(answered) => answered,
            Err(error) => return Answer::unavailable(error),
        };
        let read = read(answer, (&self.issuer, &self.audience), self.clock.now());
        meter::introspected(if read.is_ok() { "active" } else { "inactive" });
        let life =
            if read.is_ok() { self.settings.cache } else { self.settings.cache.min(REFUSAL_LIFE) };
        Answer {
            outcome: read.map(Arc::new).map_err(VerificationError::from),
            until: sent_at + life,
        }
    }

    /// The issuer's answer, and when the question was sent.
    async fn answer(
        &self,
        token: &str,
    ) -> Result<(Duration, Map<String, Value>), IssuerUnavailable> {
        self.check_pause()?;
        let (issuer, endpoint) = self.keys.introspection().await?;
        let endpoint = endpoint.map_err(|error| self.failed(&error))?;
        let waiting = timeout(self.patience, self.questions.acquire()).await;
        let Ok(Ok(_place)) = waiting else { return Err(IssuerUnavailable::after(RETRY_INTERVAL)) };
        // It may have failed while this question waited for its place.
        self.check_pause()?;
        let sent_at = self.clock.elapsed();
        let answer = issuer.introspect(endpoint.clone(), &self.settings, token).await;
        let answer = answer.and_then(|answer| match answer.get("active") {
            Some(Value::Bool(_)) => Ok(answer),
            _ => Err(FetchError::Malformed { url: endpoint.into() }),
        });
        answer.map(|answer| (sent_at, answer)).map_err(|error| self.failed(&error))
    }

    /// Whether the issuer may be asked now.
    fn check_pause(&self) -> Result<(), IssuerUnavailable> {
        let wait = self.state().paused_until.saturating_sub(self.clock.elapsed());
        if wait.is_zero() { Ok(()) } else { Err(IssuerUnavailable::after(wait)) }
    }

    /// Notes that a question failed just now.
    fn failed(&self, error: &FetchError) -> IssuerUnavailable {
        let cause = with_sources(error);
        tracing::warn!(issuer = self.issuer, cause, "could not ask the issuer about a token");
        meter::introspected(error.name());
        let Some(pause) = pause_after(error) else {
            return IssuerUnavailable::after(RETRY_INTERVAL);
        };
        let until = self.clock.elapsed() + pause;
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
        IssuerUnavailable::after(pause)
    }
}

/// How long the issuer is left alone after this. 401 speaks of our credentials and 429 of us; any
/// other redirect or refusal may be for this one token, and then the others are none of its
/// business.
fn pause_after(error: &FetchError) -> Option<Duration> {
    match error {
        FetchError::Status { status: 429, retry_after, .. } => {
            Some(retry_after.unwrap_or_default().clamp(RETRY_INTERVAL, MAX_RETRY_INTERVAL))
        }
        FetchError::Status { status: 300..=400 | 402..=499, .. } => None,
        _ => Some(RETRY_INTERVAL),
    }
}

async fn wait_for(mut running: Running) -> Answer {
    match running.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(answer)) => answer.clone(),
        // The task that asked is gone without a word.
        _ => Answer::unavailable(IssuerUnavailable::after(RETRY_INTERVAL)),
    }
}

/// Reads an answer (RFC 7662 section 2.2) by the rules for every access token. What it may leave
/// out is filled in: `iss` is who was asked, `iat` is now, and without a user the client is the
/// subject. A token of the type `DPoP` must say to which key it is bound (RFC 9449 section 6.2): as
/// a bearer token it would do without proof.
fn read(
    mut answer: Map<String, Value>,
    (issuer, audience): (&str, &str),
    now: i64,
) -> Result<AccessToken, TokenError> {
    if answer.remove("active") != Some(Value::Bool(true)) {
        return Err(TokenError::Inactive);
    }
    let token_type = answer.remove("token_type");
    let needs_key = token_type
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|it| it.eq_ignore_ascii_case("DPoP"));
    let client = answer.get("client_id").cloned();
    for (claim, value) in [
        ("iss", Some(issuer.into())),
        ("iat", Some(now.into())),
        ("jti", Some("introspected".into())),
        ("sub", client),
    ] {
        if let Some(value) = value {
            answer.entry(claim).or_insert(value);
        }
    }
    let token = AccessToken::accept(answer, issuer, audience)?;
    let names_key = token.claims().cnf.as_ref().is_some_and(|cnf| cnf.jkt.is_some());
    if needs_key && !names_key { Err(TokenError::InvalidClaims) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::generations::GENERATION_LENGTH;

    fn read_with(changes: &Value) -> Result<AccessToken, TokenError> {
        let mut answer =
            json!({"active": true, "aud": "api", "client_id": "page", "exp": 100, "sub": "alice"});
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        read(answer.as_object().unwrap().clone(), ("https://op", "api"), 7)
    }

    #[test]
    fn what_an_answer_may_leave_out_is_filled_in() {
        let token =
            read_with(&json!({"sub": null, "role": "admin", "token_type": "Bearer"})).unwrap();
        assert_eq!((token.claims().iss.as_str(), token.claims().iat), ("https://op", 7));
        assert_eq!(token.principal().sub(), "page");
        assert!(token.principal().has_role("admin"));
        assert!(!token.principal().claims().contains_key("active"));
        assert!(!token.principal().claims().contains_key("token_type"));
    }

    #[test]
    fn made_up_tokens_drive_out_no_good_answer() {
        let (mut state, until) = (State::default(), Duration::from_secs(10));
        let digest = |token: &str| TokenDigest::of(token).unwrap();
        let good = Answer { outcome: Ok(Arc::new(read_with(&json!({})).unwrap())), until };
        drop(state.finish(digest("good"), &good));
        let refusal = Answer { outcome: Err(TokenError::Inactive.into()), until };
        for number in 0..3 * GENERATION_LENGTH {
            drop(state.finish(digest(&number.to_string()), &refusal));
        }
        let mut known =
            |token: &str, now: u64| state.known(digest(token), Duration::from_secs(now)).0;
        assert!(known("good", 9).unwrap().is_ok());
        assert!(known("good", 10).is_none());
        assert!(known(&(3 * GENERATION_LENGTH - 1).to_string(), 9).unwrap().is_err());
        assert!(known("0", 9).is_none(), "and their own memory is bounded");
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
            (json!({"token_type": "DPoP"}), TokenError::InvalidClaims),
            (json!({"token_type": "dpop", "cnf": {"x5t#S256": "x"}}), TokenError::InvalidClaims),
        ] {
            assert_eq!(read_with(&changes).unwrap_err(), cause, "{changes}");
        }
    }
}
