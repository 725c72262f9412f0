//! Watches the lifetime of the access token: emits events before and at its expiry, and renews it
//! in time, also when the page wakes up.

use std::{
    pin::pin,
    rc::{Rc, Weak},
    time::Duration,
};

use futures::future::select;

use crate::{
    AuthEvent, client::Client, lean::notify::Notify, ports::Entropy, user_store::StoredSession,
};

/// No sleep is longer: browsers slow the timers of hidden pages and stop them in sleep. The clocks
/// decide.
const LONGEST_SLEEP: Duration = Duration::from_secs(5 * 60);
const SHORTEST_SLEEP: Duration = Duration::from_millis(250);
/// The minimum time between two renewals, however short-lived the tokens are.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(2);
/// The pause after the first failed renewal. It doubles each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(2 * 60);

/// The state of the watch for one access token.
#[derive(Default)]
struct Watched {
    access_token: String,
    expires_at: Option<u64>,
    expiring_announced: bool,
    expired_announced: bool,
    /// When this watch last renewed.
    renewed_at: Option<Duration>,
    failures: u32,
    /// How many consecutive failures were time-outs.
    timeouts: u32,
    /// Renewal failed permanently.
    gave_up: bool,
    /// No renewal before this time on the monotonic clock.
    not_before: Option<Duration>,
}

impl Client {
    /// Starts the watch, which ends when the client is dropped.
    pub(crate) fn start_watch(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let guard = self.ports.navigator.on_wake(Box::new(move || {
            if let Some(client) = weak.upgrade() {
                // A storage failure is reported when somebody asks for the user.
                let _ = client.notice_changes();
                client.woke.set(true);
                client.wake.notify();
            }
        }));
        self.guards.borrow_mut().push(guard);
        let watch = watch(Rc::downgrade(self), Rc::clone(&self.wake));
        self.ports.timer.spawn(Box::pin(watch));
    }

    /// Does what is due and returns the time until the next check. `None` means: wait for a
    /// notification.
    async fn look(self: &Rc<Self>, watched: &mut Watched) -> Option<Duration> {
        let session = self.users.get().ok().flatten()?;
        if watched.access_token != session.stored.user.access_token {
            *watched = Watched {
                access_token: session.stored.user.access_token.clone(),
                expires_at: session.stored.user.expires_at,
                renewed_at: watched.renewed_at,
                not_before: watched.renewed_at.map(|at| at + SHORTEST_INTERVAL),
                ..Watched::default()
            };
        }
        let left = self.users.expires_in(&session)?;
        let due = self.is_due(&session);
        if !due && watched.expires_at != session.stored.user.expires_at {
            // The provider extended the life of the same token.
            watched.expires_at = session.stored.user.expires_at;
            (watched.expiring_announced, watched.expired_announced) = (false, false);
            watched.failures = 0;
        }
        if due && !watched.expiring_announced {
            watched.expiring_announced = true;
            self.events.emit(&AuthEvent::AccessTokenExpiring);
        }
        if due && self.may_renew(&session, watched) && self.renew_for(watched).await {
            return Some(SHORTEST_SLEEP);
        }
        // One second later, because an API may still accept the token until then.
        if left < 0 && !watched.expired_announced {
            watched.expired_announced = true;
            self.events.emit(&AuthEvent::AccessTokenExpired);
        }
        self.next_look(&session, watched, left)
    }

    fn may_renew(&self, session: &StoredSession, watched: &Watched) -> bool {
        let now = self.ports.clock.monotonic();
        self.renews.get()
            && self.can_renew(session)
            && !watched.gave_up
            && watched.not_before.is_none_or(|moment| moment <= now)
    }

    /// Renews the tokens. Returns whether that succeeded.
    async fn renew_for(self: &Rc<Self>, watched: &mut Watched) -> bool {
        match self.renew().await {
            Ok(()) => {
                let now = self.ports.clock.monotonic();
                watched.renewed_at = Some(now);
                watched.not_before = Some(now + self.pause_after_renewal(watched));
                true
            }
            Err(error) if error.is_transient() => {
                watched.timeouts = if error.is_timeout() { watched.timeouts + 1 } else { 0 };
                if self
                    .settings
                    .max_silent_renew_timeout_retries
                    .is_some_and(|most| watched.timeouts > most)
                {
                    watched.gave_up = true;
                    self.events.emit(&AuthEvent::SilentRenewError(*error));
                    return false;
                }
                // The page wakes when the network is back. The pause is for browsers that do not
                // report it.
                let pause = if error.is_offline() {
                    LONGEST_PAUSE
                } else {
                    pause_after(watched.failures, &*self.ports.entropy)
                };
                watched.failures += 1;
                watched.not_before = Some(self.ports.clock.monotonic() + pause);
                false
            }
            Err(_) => {
                watched.gave_up = true;
                false
            }
        }
    }

    /// The pause after a renewal that succeeded. Some providers return the same access token with
    /// what is left of its life, in the end nothing: then it grows, as after a failure.
    fn pause_after_renewal(&self, watched: &mut Watched) -> Duration {
        let session = self.users.get().ok().flatten();
        let is_fruitless = session.is_some_and(|session| {
            session.stored.user.access_token == watched.access_token && self.is_due(&session)
        });
        if !is_fruitless {
            return SHORTEST_INTERVAL;
        }
        watched.failures += 1;
        pause_after(watched.failures - 1, &*self.ports.entropy).max(SHORTEST_INTERVAL)
    }

    fn next_look(&self, session: &StoredSession, watched: &Watched, left: i64) -> Option<Duration> {
        let now = self.ports.clock.monotonic();
        let seconds = |count: i64| Duration::from_secs(u64::try_from(count).unwrap_or(0));
        let until_due = (!watched.expiring_announced)
            .then(|| seconds(left.saturating_sub(self.renewal_lead(session))));
        let until_expired = (!watched.expired_announced).then(|| seconds(left.saturating_add(1)));
        let until_retry = watched
            .not_before
            .filter(|_| watched.expiring_announced && !watched.gave_up && self.renews.get())
            .map(|moment| moment.saturating_sub(now));
        [until_due, until_expired, until_retry].into_iter().flatten().min()
    }
}

async fn watch(client: Weak<Client>, wake: Rc<Notify>) {
    let mut watched = Watched::default();
    loop {
        let Some(strong) = client.upgrade() else {
            return;
        };
        if strong.woke.take() {
            // The network may be back.
            watched.not_before = None;
        }
        let pause = strong.look(&mut watched).await;
        let timer = Rc::clone(&strong.ports.timer);
        // The watch must not keep the client alive while it sleeps.
        drop(strong);
        let notified = pin!(wake.notified());
        match pause {
            Some(pause) => {
                select(timer.sleep(pause.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)), notified).await;
            }
            None => notified.await,
        }
    }
}

/// Doubling pauses, each shortened by up to a half at random, so that many pages do not retry at
/// the same time.
fn pause_after(failures: u32, entropy: &dyn Entropy) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    let mut byte = [0_u8];
    // Without randomness the pause is not shortened.
    let _ = entropy.fill(&mut byte);
    full.saturating_sub(full / 2 * u32::from(byte[0]) / 255)
}
