//! Opaque tokens: the issuer is asked about them (RFC 7662), once for many requests.
//!
//! An answer is cached for a short time, which is a setting and counts from when the question was
//! sent. A refusal is cached for an even shorter time. If the setting is zero, every request asks.
//! One question about a token runs at a time, in a task of its own, so that a caller who hangs up
//! does not cancel it for the others. The number of questions at the same time is bounded. After a
//! failure the issuer is not asked about this token for a moment, and about none if the question
//! about another token fails as well: anyone can write a token, and it may be the token alone that
//! the issuer fails at. For the same reason a refusal of one token is not a failure.

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_protocol::{claims::Audience, jose::SigningAlgorithm, json, jws::UnverifiedJws};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};
use url::Url;

use crate::{
    AccessToken, Clock, IntrospectionSettings, IssuerUnavailable, TokenError, VerificationError,
    access_token::TokenRules,
    generations::{Generations, TokenDigest},
    issuer::IssuerError,
    key_store::{KeyStore, with_sources},
    meter,
};

/// The longest time for which a refusal is cached.
const REFUSAL_LIFE: Duration = Duration::from_secs(5);
/// Questions to the issuer at the same time. Anyone can write a token that leads to one.
const MAX_QUESTIONS: usize = 64;
/// Tokens in question, or waiting to be. Each costs a task.
const MAX_RUNNING: usize = 1024;
/// Refusals in each of the two generations of the cache.
const REFUSALS_LENGTH: usize = 512;
/// How far the time of a signed answer may be from now, in seconds. It was asked for just now, so
/// the rest is the difference of the clocks.
const OLDEST_ANSWER: u64 = 300;
/// How long the issuer is not asked after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The longest such time if the issuer says how long.
const MAX_RETRY_INTERVAL: Duration = Duration::from_secs(30);

type Verified = Result<Arc<AccessToken>, VerificationError>;
type Running = watch::Receiver<Option<Answer>>;

/// What a [`TokenSource`] will answer: a JSON object, or `None` if there is no answer now.
pub type TokenAnswer<'a> = Pin<Box<dyn Future<Output = Option<Map<String, Value>>> + Send + 'a>>;

/// Answers about opaque tokens in place of the issuer's endpoint, where the issuer is a part of the
/// same program: [`IntrospectionSettings::within`].
///
/// ```
/// use doorward_resource_server::{
///     IntrospectionSettings, ResourceServerSettings, TokenAnswer, TokenSource, TrustedIssuer,
/// };
/// use serde_json::{Map, json};
///
/// /// Knows one token.
/// #[derive(Debug)]
/// struct OneToken;
///
/// impl TokenSource for OneToken {
///     fn introspect<'a>(&'a self, token: &'a str) -> TokenAnswer<'a> {
///         let active = token == "secret";
///         Box::pin(async move { Some(Map::from_iter([("active".to_owned(), json!(active))])) })
///     }
/// }
///
/// let issuer = TrustedIssuer::new("https://id.example.com", "orders-api")
///     .with_introspection(IntrospectionSettings::within(OneToken));
/// let settings = ResourceServerSettings::for_issuer(issuer);
/// ```
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// What the endpoint would answer this API about the token (RFC 7662 section 2.2).
    fn introspect<'a>(&'a self, token: &'a str) -> TokenAnswer<'a>;
}

/// Asks one issuer about tokens, and caches its answers. Clones share the cache.
#[derive(Clone)]
pub(crate) struct Introspection(Arc<Inner>);

struct Inner {
    rules: TokenRules,
    settings: IntrospectionSettings,
    /// Whether an answer must say whose the token is.
    needs_issuer: bool,
    patience: Duration,
    keys: IssuerKeys,
    clock: Arc<dyn Clock>,
    questions: Semaphore,
    state: Mutex<State>,
}

/// The issuer's keys, and the algorithms that it may sign by.
pub(crate) struct IssuerKeys {
    pub(crate) keys: KeyStore,
    pub(crate) algorithms: Vec<SigningAlgorithm>,
}

/// Times are those of the clock's `elapsed`.
struct State {
    good: Generations<Answer>,
    /// Apart from the good ones, so that made-up tokens can't evict those.
    refusals: Generations<Answer>,
    running: HashMap<TokenDigest, Running>,
    /// The issuer is not asked before this time.
    paused_until: Duration,
    /// The token of the last question, if that failed, and until when it is not asked about.
    failed: Option<(TokenDigest, Duration)>,
}

#[derive(Clone)]
struct Answer {
    outcome: Verified,
    /// When it stops to count.
    until: Duration,
}

impl Answer {
    /// A failure: it is not cached, and answers all requests that wait for it.
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
            failed: None,
        }
    }
}

impl State {
    /// A cached answer that still counts, and generations to drop after the lock is released.
    fn known(
        &mut self,
        digest: TokenDigest,
        now: Duration,
    ) -> (Option<Verified>, [HashMap<TokenDigest, Answer>; 2]) {
        let (good, dropped) = self.good.get(digest);
        let (refusal, dropped_too) = self.refusals.get(digest);
        let counts = good.into_iter().chain(refusal).find(|answer| now < answer.until);
        (counts.map(|answer| answer.outcome), [dropped, dropped_too])
    }

    /// The question in flight.
    fn running(&self, digest: TokenDigest) -> Option<Running> {
        self.running.get(&digest).filter(|running| is_alive(running)).cloned()
    }

    /// Whether no more questions may start.
    fn is_full(&mut self) -> bool {
        if self.running.len() >= MAX_RUNNING {
            self.running.retain(|_, running| is_alive(running));
        }
        self.running.len() >= MAX_RUNNING
    }

    /// Ends a question and caches its answer, unless it is a failure. Returns a generation that the
    /// caller must drop.
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

/// The claims of a signed answer (RFC 9701 section 5).
#[derive(Deserialize)]
struct SignedAnswer {
    iss: String,
    aud: Audience,
    iat: i64,
    token_introspection: Map<String, Value>,
}

/// Whether the task that asks is still running.
fn is_alive(running: &Running) -> bool {
    running.has_changed().is_ok()
}

impl Introspection {
    pub(crate) fn new(
        mut rules: TokenRules,
        settings: IntrospectionSettings,
        is_alone: bool,
        patience: Duration,
        keys: IssuerKeys,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // A signed answer names the issuer itself (RFC 9701 section 5).
        let needs_issuer = !is_alone && !settings.signed;
        // RFC 7662 section 2.2 makes them optional in an answer.
        rules.profile.requires_client = false;
        rules.profile.requires_jti = false;
        let (questions, state) = (Semaphore::new(MAX_QUESTIONS), Mutex::default());
        let inner =
            Inner { rules, settings, needs_issuer, patience, keys, clock, questions, state };
        Self(Arc::new(inner))
    }

    /// Whether the token begins as those of the issuer do.
    pub(crate) fn may_know(&self, token: &str) -> bool {
        token.starts_with(&self.0.settings.token_prefix)
    }

    /// The token, if the issuer vouched for it a moment ago. The caller must check whether it has
    /// expired since.
    pub(crate) fn vouched(&self, digest: TokenDigest) -> Option<Arc<AccessToken>> {
        let now = self.0.clock.elapsed();
        let (known, dropped) = self.0.state().known(digest, now);
        drop(dropped);
        known?.ok()
    }

    /// What the issuer says about the token. The caller must check whether it has expired since.
    pub(crate) async fn look_up(&self, token: &str, digest: TokenDigest) -> Verified {
        if self.0.settings.cache.is_zero() {
            // Without caching, not even a question of another request may answer, because it could
            // have been sent before this request arrived.
            return self.0.ask(token, digest).await.outcome;
        }
        let arrived = self.0.clock.elapsed();
        loop {
            let running = match self.known_or_running(token, digest) {
                Ok(outcome) => return outcome,
                Err(running) => running,
            };
            let answer = wait_for(running).await;
            // Otherwise the question was sent too long before this request. The next one will be
            // sent after it.
            if arrived < answer.until {
                return answer.outcome;
            }
        }
    }

    /// A cached answer, a known failure, or the question in flight.
    fn known_or_running(&self, token: &str, digest: TokenDigest) -> Result<Verified, Running> {
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
        // Dropping thousands of answers takes time, so it happens after the lock is released.
        drop(dropped);
        outcome
    }

    fn start(&self, state: &mut State, token: &str, digest: TokenDigest) -> Running {
        let (tell, told) = watch::channel(None);
        state.running.insert(digest, told.clone());
        let (inner, token) = (Arc::clone(&self.0), token.to_owned());
        tokio::spawn(async move {
            let answer = inner.ask(&token, digest).await;
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

    async fn ask(&self, token: &str, digest: TokenDigest) -> Answer {
        let (sent_at, answer) = match self.answer(token, digest).await {
            Ok(answered) => answered,
            Err(error) => return Answer::unavailable(error),
        };
        let read = read(answer, &self.rules, self.needs_issuer, self.clock.now());
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
        digest: TokenDigest,
    ) -> Result<(Duration, Map<String, Value>), IssuerUnavailable> {
        if let Some(source) = &self.settings.source {
            let sent_at = self.clock.elapsed();
            let answer = source.introspect(token).await;
            let unavailable = || IssuerUnavailable::after(RETRY_INTERVAL);
            return answer.map(|answer| (sent_at, answer)).ok_or_else(unavailable);
        }
        self.check_pause(digest)?;
        let (issuer, endpoint) = self.keys.keys.introspection().await?;
        let endpoint = endpoint.map_err(|error| self.failed(digest, &error))?;
        let waiting = timeout(self.patience, self.questions.acquire()).await;
        let Ok(Ok(_permit)) = waiting else { return Err(IssuerUnavailable::after(RETRY_INTERVAL)) };
        // The issuer may have failed while this question waited.
        self.check_pause(digest)?;
        let sent_at = self.clock.elapsed();
        let answer = issuer.introspect(endpoint.clone(), &self.settings, token).await;
        let body = answer.map_err(|error| self.failed(digest, &error))?;
        let answer = if self.settings.signed {
            self.opened(&body, digest, &endpoint).await?
        } else {
            json::object(&body).unwrap_or_default()
        };
        match answer.get("active") {
            Some(Value::Bool(_)) => {
                self.state().failed = None;
                Ok((sent_at, answer))
            }
            _ => Err(self.failed(digest, &IssuerError::Malformed { url: endpoint.into() })),
        }
    }

    /// The answer in a token that the issuer signed for this API (RFC 9701 section 5).
    async fn opened(
        &self,
        body: &[u8],
        digest: TokenDigest,
        endpoint: &Url,
    ) -> Result<Map<String, Value>, IssuerUnavailable> {
        let refuse = |problem| {
            self.failed(digest, &IssuerError::Unsigned { url: endpoint.to_string(), problem })
        };
        let token = std::str::from_utf8(body).unwrap_or_default();
        let jws = UnverifiedJws::parse(token).map_err(|_| refuse("it is not a JSON Web Token"))?;
        // So that no other token of the issuer is taken for an answer (section 8.1).
        if !jws.header().is_type("token-introspection+jwt") {
            return Err(refuse("its typ is not token-introspection+jwt"));
        }
        let IssuerKeys { keys, algorithms } = &self.keys;
        let algorithm = jws.header().algorithm().filter(|own| algorithms.contains(own));
        let algorithm = algorithm.ok_or_else(|| refuse("its algorithm is not accepted"))?;
        match keys.verify(token, jws.header(), algorithm).await {
            Ok(_) => {}
            Err(VerificationError::Issuer(unavailable)) => return Err(unavailable),
            Err(VerificationError::Token(_)) => return Err(refuse("its signature is wrong")),
        }
        let claims = json::unambiguous_object(jws.unverified_payload());
        let claims = claims.and_then(|members| serde_json::from_value(members.into()).ok());
        let SignedAnswer { iss, aud, iat, token_introspection } =
            claims.ok_or_else(|| refuse("its claims are not those of RFC 9701"))?;
        if iss != self.rules.issuer {
            return Err(refuse("it comes from another issuer"));
        }
        if !aud.contains(&self.settings.client_id) {
            return Err(refuse("it is meant for another API"));
        }
        if self.clock.now().abs_diff(iat) > OLDEST_ANSWER {
            return Err(refuse("it is an answer of another time"));
        }
        Ok(token_introspection)
    }

    /// Refuses to ask an issuer that failed a moment ago.
    fn check_pause(&self, digest: TokenDigest) -> Result<(), IssuerUnavailable> {
        let state = self.state();
        let of_token = state.failed.filter(|(failed, _)| *failed == digest);
        let until = of_token.map_or(state.paused_until, |(_, until)| until.max(state.paused_until));
        drop(state);
        let wait = until.saturating_sub(self.clock.elapsed());
        if wait.is_zero() { Ok(()) } else { Err(IssuerUnavailable::after(wait)) }
    }

    /// Records a failure of the question about this token.
    fn failed(&self, digest: TokenDigest, error: &IssuerError) -> IssuerUnavailable {
        let cause = with_sources(error);
        tracing::warn!(issuer = self.rules.issuer, cause, "could not ask the issuer about a token");
        meter::introspected(error.name());
        let Some(pause) = pause_after(error) else {
            return IssuerUnavailable::after(RETRY_INTERVAL);
        };
        let until = self.clock.elapsed() + pause;
        let mut state = self.state();
        let before = state.failed.replace((digest, until));
        if is_about_us(error) || before.is_some_and(|(failed, _)| failed != digest) {
            state.paused_until = state.paused_until.max(until);
        }
        IssuerUnavailable::after(pause)
    }
}

/// Whether another token would make no difference: 401 is about our credentials and 429 about our
/// rate.
fn is_about_us(error: &IssuerError) -> bool {
    matches!(error, IssuerError::Status { status: 401 | 429, .. })
}

/// How long the issuer is not asked after this error. Any redirect or refusal that is not about us
/// is about this one token only.
fn pause_after(error: &IssuerError) -> Option<Duration> {
    match error {
        IssuerError::Status { status: 429, retry_after, .. } => {
            Some(retry_after.unwrap_or_default().clamp(RETRY_INTERVAL, MAX_RETRY_INTERVAL))
        }
        IssuerError::Status { status: 300..=400 | 402..=499, .. } => None,
        _ => Some(RETRY_INTERVAL),
    }
}

async fn wait_for(mut running: Running) -> Answer {
    match running.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(answer)) => answer.clone(),
        // The task ended without an answer.
        _ => Answer::unavailable(IssuerUnavailable::after(RETRY_INTERVAL)),
    }
}

/// Reads an answer (RFC 7662 section 2.2) by the rules for every access token. `iss` and `iat` may
/// be left out: they are then the issuer that was asked, and now. Where several issuers are asked,
/// `iss` may not: another one's endpoint, named by mistake, would speak for this one. A missing
/// `sub` is not replaced by the client: the token may be that of a user, of whom the answer gives
/// only the name.
///
/// A token of the type `DPoP` must say which key it is bound to (RFC 9449 section 6.2). Otherwise
/// it would be accepted as a bearer token, without proof.
fn read(
    mut answer: Map<String, Value>,
    rules: &TokenRules,
    needs_issuer: bool,
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
    for (claim, value) in [("iss", rules.issuer.as_str().into()), ("iat", Value::from(now))] {
        if answer.get(claim).is_none_or(Value::is_null) {
            if claim == "iss" && needs_issuer {
                return Err(TokenError::InvalidClaim("iss"));
            }
            answer.insert(claim.to_owned(), value);
        }
    }
    let token = AccessToken::accept(answer, rules)?;
    let names_key = token.claims().cnf.as_ref().is_some_and(|cnf| cnf.jkt.is_some());
    if needs_key && !names_key { Err(TokenError::InvalidClaim("cnf")) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::{ClaimPath, TokenProfile, generations::GENERATION_LENGTH};

    fn read_with(changes: &Value) -> Result<AccessToken, TokenError> {
        read_beside_others(changes, false)
    }

    fn read_beside_others(changes: &Value, needs_issuer: bool) -> Result<AccessToken, TokenError> {
        let mut answer =
            json!({"active": true, "aud": "api", "client_id": "page", "exp": 100, "sub": "alice"});
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let rules = TokenRules {
            issuer: "https://op".to_owned(),
            audiences: vec!["api".to_owned()],
            profile: TokenProfile::jwt(),
            default_roles: vec![ClaimPath::name("role")],
            default_acr: true,
        };
        read(answer.as_object().unwrap().clone(), &rules, needs_issuer, 7)
    }

    #[test]
    fn among_several_issuers_an_answer_says_whose_the_token_is() {
        for (iss, outcome) in [
            (json!("https://op"), Ok(())),
            (json!(null), Err(TokenError::InvalidClaim("iss"))),
            (json!("https://other"), Err(TokenError::WrongIssuer)),
        ] {
            let read = read_beside_others(&json!({ "iss": iss }), true);
            assert_eq!(read.map(drop), outcome, "{iss}");
        }
    }

    #[test]
    fn what_an_answer_may_leave_out_is_filled_in() {
        let token = read_with(&json!({"role": "admin", "token_type": "Bearer"})).unwrap();
        assert_eq!((token.claims().iss.as_str(), token.claims().iat), ("https://op", 7));
        assert_eq!(token.claims().client_id.as_deref(), Some("page"));
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
            (json!({"aud": null}), TokenError::InvalidClaim("aud")),
            (json!({"exp": null}), TokenError::InvalidClaim("exp")),
            (json!({"client_id": null, "sub": null}), TokenError::InvalidClaim("sub")),
            (json!({"sub": null, "username": "alice"}), TokenError::InvalidClaim("sub")),
            (json!({"token_type": "DPoP"}), TokenError::InvalidClaim("cnf")),
            (
                json!({"token_type": "dpop", "cnf": {"x5t#S256": "x"}}),
                TokenError::InvalidClaim("cnf"),
            ),
        ] {
            assert_eq!(read_with(&changes).unwrap_err(), cause, "{changes}");
        }
    }
}
