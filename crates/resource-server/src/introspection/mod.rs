//! Opaque tokens: the issuer is asked about them (RFC 7662), once for many requests.
//!
//! An answer is cached for a short time, which is a setting and counts from when the question was
//! sent. A refusal is cached for an even shorter time. If the setting is zero, every request asks.
//! One question about a token runs at a time, in a task of its own, so that a caller who hangs up
//! does not cancel it for the others. The number of questions at the same time is bounded. After a
//! failure the issuer is not asked about this token for a moment, and about none if the question
//! about another token fails as well: anyone can write a token, and it may be the token alone that
//! the issuer fails at. For the same reason a refusal of one token is not a failure.

mod answer;
mod memory;

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_protocol::{jose::SigningAlgorithm, json};
use serde_json::{Map, Value};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use self::{
    answer::read,
    memory::{CachedAnswer, IntrospectionResult, KnownAnswers, Running},
};
use crate::{
    AccessToken, Clock, IntrospectionSettings, IssuerUnavailable, VerificationError,
    access_token::TokenRules,
    generations::TokenDigest,
    issuer::IssuerError,
    key_store::{KeyStore, with_sources},
    meter,
};

/// The longest time for which a refusal is cached.
const REFUSAL_LIFE: Duration = Duration::from_secs(5);
/// Questions to the issuer at the same time. Anyone can write a token that leads to one.
const MAX_QUESTIONS: usize = 64;
/// How long the issuer is not asked after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The longest such time if the issuer says how long.
const MAX_RETRY_INTERVAL: Duration = Duration::from_secs(30);

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
    state: Mutex<KnownAnswers>,
}

/// The issuer's keys, and the algorithms that it may sign by.
pub(crate) struct IssuerKeys {
    pub(crate) keys: KeyStore,
    pub(crate) algorithms: Vec<SigningAlgorithm>,
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
    pub(crate) async fn look_up(&self, token: &str, digest: TokenDigest) -> IntrospectionResult {
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
    fn known_or_running(
        &self,
        token: &str,
        digest: TokenDigest,
    ) -> Result<IntrospectionResult, Running> {
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

    fn start(&self, state: &mut KnownAnswers, token: &str, digest: TokenDigest) -> Running {
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
    fn state(&self) -> MutexGuard<'_, KnownAnswers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, token: &str, digest: TokenDigest) -> CachedAnswer {
        let (sent_at, answer) = match self.answer(token, digest).await {
            Ok(answered) => answered,
            Err(error) => return CachedAnswer::unavailable(error),
        };
        let read = read(answer, &self.rules, self.needs_issuer, self.clock.now());
        meter::introspected(if read.is_ok() { "active" } else { "inactive" });
        let life =
            if read.is_ok() { self.settings.cache } else { self.settings.cache.min(REFUSAL_LIFE) };
        CachedAnswer {
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

async fn wait_for(mut running: Running) -> CachedAnswer {
    match running.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(answer)) => answer.clone(),
        // The task ended without an answer.
        _ => CachedAnswer::unavailable(IssuerUnavailable::after(RETRY_INTERVAL)),
    }
}
