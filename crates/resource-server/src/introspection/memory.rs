//! What is known about opaque tokens: the issuer's answers, and the questions in flight.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    AccessToken, IssuerUnavailable, VerificationError,
    generations::{Generations, TokenDigest},
};

/// Tokens in question, or waiting to be. Each costs a task.
const MAX_RUNNING: usize = 1024;
/// Refusals in each of the two generations of the cache.
const REFUSALS_LENGTH: usize = 512;

pub(super) type IntrospectionResult = Result<Arc<AccessToken>, VerificationError>;
pub(super) type Running = watch::Receiver<Option<CachedAnswer>>;

/// Times are those of the clock's `elapsed`.
pub(super) struct KnownAnswers {
    good: Generations<CachedAnswer>,
    /// Apart from the good ones, so that made-up tokens can't evict those.
    refusals: Generations<CachedAnswer>,
    pub(super) running: HashMap<TokenDigest, Running>,
    /// The issuer is not asked before this time.
    pub(super) paused_until: Duration,
    /// The token of the last question, if that failed, and until when it is not asked about.
    pub(super) failed: Option<(TokenDigest, Duration)>,
}

#[derive(Clone)]
pub(super) struct CachedAnswer {
    pub(super) outcome: IntrospectionResult,
    /// When it stops to count.
    pub(super) until: Duration,
}

impl CachedAnswer {
    /// A failure: it is not cached, and answers all requests that wait for it.
    pub(super) fn unavailable(error: IssuerUnavailable) -> Self {
        Self { outcome: Err(error.into()), until: Duration::MAX }
    }
}

impl Default for KnownAnswers {
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

impl KnownAnswers {
    /// A cached answer that still counts, and generations to drop after the lock is released.
    pub(super) fn known(
        &mut self,
        digest: TokenDigest,
        now: Duration,
    ) -> (Option<IntrospectionResult>, [HashMap<TokenDigest, CachedAnswer>; 2]) {
        let (good, dropped) = self.good.get(digest);
        let (refusal, dropped_too) = self.refusals.get(digest);
        let counts = good.into_iter().chain(refusal).find(|answer| now < answer.until);
        (counts.map(|answer| answer.outcome), [dropped, dropped_too])
    }

    /// The question in flight.
    pub(super) fn running(&self, digest: TokenDigest) -> Option<Running> {
        self.running.get(&digest).filter(|running| is_alive(running)).cloned()
    }

    /// Whether no more questions may start.
    pub(super) fn is_full(&mut self) -> bool {
        if self.running.len() >= MAX_RUNNING {
            self.running.retain(|_, running| is_alive(running));
        }
        self.running.len() >= MAX_RUNNING
    }

    /// Ends a question and caches its answer, unless it is a failure. Returns a generation that the
    /// caller must drop.
    #[must_use]
    pub(super) fn finish(
        &mut self,
        digest: TokenDigest,
        answer: &CachedAnswer,
    ) -> HashMap<TokenDigest, CachedAnswer> {
        self.running.remove(&digest);
        match answer.outcome {
            Ok(_) => self.good.insert(digest, answer.clone()),
            Err(VerificationError::Token(_)) => self.refusals.insert(digest, answer.clone()),
            Err(VerificationError::Issuer(_)) => HashMap::new(),
        }
    }
}

/// Whether the task that asks is still running.
fn is_alive(running: &Running) -> bool {
    running.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::{
        TokenError, generations::GENERATION_LENGTH, introspection::answer::tests::read_with,
    };

    #[test]
    fn made_up_tokens_drive_out_no_good_answer() {
        let (mut state, until) = (KnownAnswers::default(), Duration::from_secs(10));
        let digest = |token: &str| TokenDigest::of(token).unwrap();
        let good = CachedAnswer { outcome: Ok(Arc::new(read_with(&json!({})).unwrap())), until };
        drop(state.finish(digest("good"), &good));
        let refusal = CachedAnswer { outcome: Err(TokenError::Inactive.into()), until };
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
}
