//! Renewal of a session's tokens before they expire (RFC 6749 section 6): once for all requests of
//! the session. In this process they share one flight. Of all processes, one claims the renewal in
//! the store, and the others go on with the present tokens, or wait if those have expired.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use doorward_client::{Error, ErrorKind, RedeemedRefreshToken};
use doorward_protocol::error::ErrorCode;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

use crate::{
    Auth, Problem,
    session::{ChangeOf, Loaded, SessionRecord},
};

/// How many requests to the provider a renewal may take, each as long as the settings let it: for
/// metadata and keys, for the tokens with other nonces, for keys once more, and for userinfo.
const MOST_REQUESTS: u64 = 12;
/// The pauses between them, and some more, in seconds.
const PAUSES: u64 = 30;
/// How long nothing is renewed after the provider could not be asked, in seconds.
const PAUSE: u64 = 5;
/// How long a request waits for a renewal while the present token can be used.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a request looks whether another process is done, and how often at most.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const MOST_LOOKS: u32 = 50;

type RenewalResult = Result<Option<Arc<Loaded>>, Problem>;
type RunningRenewal = Shared<BoxFuture<'static, RenewalResult>>;

/// The renewals that are under way in this process.
#[derive(Default)]
pub(crate) struct RunningRenewals {
    by_session: Mutex<HashMap<String, RunningRenewal>>,
    /// When the provider may be asked again.
    paused_until: AtomicU64,
    /// When it may be asked about a session again.
    paused: Mutex<HashMap<String, u64>>,
}

impl RunningRenewals {
    fn under_way(&self) -> MutexGuard<'_, HashMap<String, RunningRenewal>> {
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for those that are under way.
    pub(crate) async fn finish(&self) {
        let under_way: Vec<RunningRenewal> = self.under_way().values().cloned().collect();
        for flight in under_way {
            // Its outcome is stored, or logged.
            let _ = flight.await;
        }
    }

    fn is_paused(&self, session: &str, now: u64) -> bool {
        now < self.paused_until.load(Relaxed)
            || self.paused().get(session).is_some_and(|until| now < *until)
    }

    fn pause(&self, session: &str, until: u64) {
        self.paused().insert(session.to_owned(), until);
    }

    /// Forgets the pauses that are over.
    pub(crate) fn sweep(&self, now: u64) {
        self.paused().retain(|_, until| now < *until);
    }
}

/// The session with renewed tokens; `None` if it is over. If the provider can't be asked now, or
/// takes its time while the tokens can still be used, the session goes on with those.
pub(crate) async fn renewed(auth: &Auth, session: &Arc<Loaded>) -> RenewalResult {
    let key = session.id().to_owned();
    let flight = {
        let mut flights = auth.flights.under_way();
        let started = || start(auth.clone(), Arc::clone(session), key.clone());
        flights.entry(key.clone()).or_insert_with(started).clone()
    };
    if session.record.user.expired(auth.now()) {
        return flight.await;
    }
    // The renewal goes on, and the next request finds what it brought.
    let waited = tokio::time::timeout(PATIENCE, flight).await;
    waited.unwrap_or_else(|_| Ok(Some(Arc::clone(session))))
}

/// Starts a renewal in a task of its own: whoever waits may hang up, and the response to a refresh
/// token must not be lost.
fn start(auth: Auth, session: Arc<Loaded>, key: String) -> RunningRenewal {
    let task = tokio::spawn(async move {
        let _landing = EndOfRenewal { flights: Arc::clone(&auth.flights), key };
        renew(&auth, session).await
    });
    async move { task.await.unwrap_or(Err(Problem::Stopped)) }.boxed().shared()
}

/// Removes a flight when it is over, however that comes.
struct EndOfRenewal {
    flights: Arc<RunningRenewals>,
    key: String,
}

impl Drop for EndOfRenewal {
    fn drop(&mut self) {
        self.flights.under_way().remove(&self.key);
    }
}

async fn renew(auth: &Auth, mut session: Arc<Loaded>) -> RenewalResult {
    // No other process may take over while this one still waits for the provider.
    let claimed_for = PAUSES + MOST_REQUESTS * auth.settings.protocol.request_timeout;
    for _ in 0..MOST_LOOKS {
        let now = auth.now();
        // Another request may have renewed, or ended, the session since this one looked at it.
        match auth.sessions.reload(&session, now).await? {
            Some(present) => session = Arc::new(present),
            None => return Ok(None),
        }
        if !session.record.is_due(now) || auth.flights.is_paused(session.id(), now) {
            return Ok(Some(session));
        }
        let until = now.saturating_add(claimed_for);
        if auth.sessions.claim_renewal(&session, now, until).await? {
            return redeem(auth, session).await;
        }
        if !session.record.user.expired(now) {
            return Ok(Some(session));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(Some(session))
}

/// Sends the refresh token.
async fn redeem(auth: &Auth, session: Arc<Loaded>) -> RenewalResult {
    let (user, resource) = (session.record.user.clone(), session.record.asked.resource.clone());
    let redeemed = match auth.protocol.redeem(user, resource).await {
        Ok(redeemed) => redeemed,
        Err(error) => return not_renewed(auth, session, error.into()).await,
    };
    // The refresh token that was sent may be spent. A crash, or tokens that can't be verified now,
    // must not lose the new one.
    let new = redeemed.refresh_token().map(str::to_owned);
    let own = new.or_else(|| session.record.user.refresh_token.clone());
    let session = match keep_refresh_token(auth, &session, &redeemed).await {
        // Whoever took the claim after its end was faster: what they got counts.
        Ok(Some(kept)) if kept.record.user.refresh_token != own => return Ok(Some(kept)),
        Ok(Some(kept)) => kept,
        Ok(None) => return Ok(None),
        Err(problem) => {
            // It is stored with the tokens, if the store works again by then.
            tracing::warn!(%problem, "a new refresh token is not stored yet");
            session
        }
    };
    let sent = &session.record.user;
    let user = match auth.protocol.verify_renewal(sent.clone(), redeemed).await {
        Ok(user) => user,
        Err(error) => return not_renewed(auth, session, error.into()).await,
    };
    let now = auth.now();
    // The application may have changed its values meanwhile. And whoever took the claim after its
    // end has renewed again: what they got counts.
    let change = |present: &SessionRecord| {
        let is_ours = present.user.refresh_token == sent.refresh_token;
        Ok::<_, Problem>(if is_ours { present.renewed(user.clone(), now) } else { present.clone() })
    };
    let changed = auth.sessions.change(&session, now, ChangeOf::Tokens, change).await?;
    Ok(changed.map(Arc::new))
}

/// Stores a new refresh token with the present tokens. The claim of the renewal stays.
async fn keep_refresh_token(
    auth: &Auth,
    session: &Arc<Loaded>,
    redeemed: &RedeemedRefreshToken,
) -> RenewalResult {
    let sent = &session.record.user.refresh_token;
    let new = redeemed.refresh_token().map(str::to_owned);
    if new.is_none() || new == *sent {
        return Ok(Some(Arc::clone(session)));
    }
    let change = |present: &SessionRecord| {
        let mut record = present.clone();
        if record.user.refresh_token == *sent {
            record.user.refresh_token.clone_from(&new);
        }
        Ok::<_, Problem>(record)
    };
    let kept = auth.sessions.change(session, auth.now(), ChangeOf::RefreshToken, change).await?;
    Ok(kept.map(Arc::new))
}

/// What becomes of a session whose tokens were not renewed.
async fn not_renewed(auth: &Auth, session: Arc<Loaded>, problem: Problem) -> RenewalResult {
    let now = auth.now();
    match &problem {
        Problem::Protocol(error) if matches!(**error, Error::RenewedTokenDiffers(_)) => {
            tracing::warn!(%problem, "a session is over, as its renewed tokens are of another one");
            auth.sessions.remove(&session, now).await?;
            return Ok(None);
        }
        Problem::Protocol(error) if is_over(error) => return spent(auth, session, error).await,
        Problem::Protocol(error) if concerns_all(error) => {
            auth.flights.paused_until.store(now + PAUSE, Relaxed);
        }
        _ => auth.flights.pause(session.id(), now + PAUSE),
    }
    tracing::warn!(%problem, "a session's tokens were not renewed");
    if auth.sessions.are_apart() {
        // Nobody else knows of the claim, and nothing has changed.
        return Ok(Some(session));
    }
    // The claim ends, so that the next one may try.
    let same = |present: &SessionRecord| Ok::<_, Problem>(present.clone());
    let changed = auth.sessions.change(&session, now, ChangeOf::Tokens, same).await?;
    Ok(changed.map(Arc::new))
}

/// What becomes of a session whose refresh token the provider no longer knows.
async fn spent(auth: &Auth, session: Arc<Loaded>, error: &Error) -> RenewalResult {
    let now = auth.now();
    let Some(present) = auth.sessions.reload(&session, now).await? else {
        return Ok(None);
    };
    let (sent, user) = (&session.record.user.refresh_token, &present.record.user);
    if user.refresh_token != *sent {
        // Another process has sent the same token, and was first.
        return Ok(Some(Arc::new(present)));
    }
    if auth.sessions.are_apart() && !user.expired(now) {
        // The same may have happened, and this process would never know. The browser may bring the
        // new cookie before the access token ends.
        tracing::info!(%error, "a refresh token is spent");
        auth.flights.pause(session.id(), user.expires_at.unwrap_or_default());
        return Ok(Some(Arc::new(present)));
    }
    tracing::info!(%error, "the provider ended a session");
    auth.sessions.remove_spent(&session, now).await?;
    Ok(None)
}

/// Whether the provider no longer knows the grant.
fn is_over(error: &Error) -> bool {
    let is_denied = matches!(error, Error::Refused { code: ErrorCode::AccessDenied, .. });
    let is_refused = matches!(error, Error::Refused { .. });
    is_denied || is_refused && matches!(error.kind(), ErrorKind::Restart | ErrorKind::SignIn)
}

/// Whether the provider can't be asked about any session now.
fn concerns_all(error: &Error) -> bool {
    match error {
        Error::Network { .. } => true,
        Error::Http { status, .. } => *status >= 500,
        _ => false,
    }
}
