//! Watches the access token's life: tells before and when it ends, and renews it in time, also when
//! the page wakes.

use std::{
    pin::pin,
    rc::{Rc, Weak},
    time::Duration,
};

use futures::future::select;

use crate::{Event, bell::Bell, client::Client, ports::Entropy, user_store::Session};

/// Browsers slow the timers of hidden pages and stop them in sleep: no sleep is longer, and the
/// clocks decide.
const LONGEST_SLEEP: Duration = Duration::from_mins(5);
const SHORTEST_SLEEP: Duration = Duration::from_millis(250);
/// Time between a renewal and the next, however short the tokens live.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(2);
/// Pause after the first failed renewal; doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// What the watch knows about the token that it watches.
#[derive(Default)]
struct Watched {
    access_token: String,
    told_expiring: bool,
    told_expired: bool,
    /// When this watch renewed last.
    renewed_at: Option<Duration>,
    failures: u32,
    /// How many of the last failures were time-outs, without another between.
    timeouts: u32,
    /// Renewal failed for a cause that does not pass.
    gave_up: bool,
    /// No renewal before this, by the clock that only runs forward.
    not_before: Option<Duration>,
}

impl Client {
    /// Starts watching; the watch ends with the client.
    pub(crate) fn start_watch(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let guard = self.ports.navigator.on_wake(Box::new(move || {
            if let Some(client) = weak.upgrade() {
                // Storage that fails now fails again, and is reported, when somebody asks for the
                // user.
                let _ = client.notice_changes();
                client.woke.set(true);
                client.bell.ring();
            }
        }));
        self.guards.borrow_mut().push(guard);
        let watch = watch(Rc::downgrade(self), Rc::clone(&self.bell));
        self.ports.timer.spawn(Box::pin(watch));
    }

    /// Does what is due for the token and says how long nothing will be. `None`: until something
    /// happens.
    async fn look(self: &Rc<Self>, watched: &mut Watched) -> Option<Duration> {
        let session = self.users.get().ok().flatten()?;
        if watched.access_token != session.stored.user.access_token {
            *watched = Watched {
                access_token: session.stored.user.access_token.clone(),
                renewed_at: watched.renewed_at,
                not_before: watched.renewed_at.map(|moment| moment + SHORTEST_INTERVAL),
                ..Watched::default()
            };
        }
        let left = self.users.expires_in(&session)?;
        let due = self.is_due(&session);
        if due && !watched.told_expiring {
            watched.told_expiring = true;
            self.events.emit(&Event::AccessTokenExpiring);
        }
        if due && self.may_renew(&session, watched) && self.renew_for(watched).await {
            return Some(SHORTEST_SLEEP);
        }
        // One second late: until then a token may still be accepted somewhere.
        if left < 0 && !watched.told_expired {
            watched.told_expired = true;
            self.events.emit(&Event::AccessTokenExpired);
        }
        self.next_look(&session, watched, left)
    }

    fn may_renew(&self, session: &Session, watched: &Watched) -> bool {
        let now = self.ports.clock.monotonic();
        self.renews.get()
            && self.can_renew(session)
            && !watched.gave_up
            && watched.not_before.is_none_or(|moment| moment <= now)
    }

    /// Renews; whether that succeeded.
    async fn renew_for(self: &Rc<Self>, watched: &mut Watched) -> bool {
        match self.renew().await {
            Ok(()) => {
                watched.renewed_at = Some(self.ports.clock.monotonic());
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
                    self.events.emit(&Event::SilentRenewError(*error));
                    return false;
                }
                // Without a network the page wakes when it is back; the pause is for browsers that
                // fail to say so.
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

    fn next_look(&self, session: &Session, watched: &Watched, left: i64) -> Option<Duration> {
        let now = self.ports.clock.monotonic();
        let seconds = |count: i64| Duration::from_secs(u64::try_from(count).unwrap_or(0));
        let until_due = (!watched.told_expiring)
            .then(|| seconds(left.saturating_sub(self.renewal_lead(session))));
        let until_expired = (!watched.told_expired).then(|| seconds(left.saturating_add(1)));
        let until_retry = watched
            .not_before
            .filter(|_| watched.told_expiring && !watched.gave_up && self.renews.get())
            .map(|moment| moment.saturating_sub(now));
        [until_due, until_expired, until_retry].into_iter().flatten().min()
    }
}

async fn watch(client: Weak<Client>, bell: Rc<Bell>) {
    let mut watched = Watched::default();
    loop {
        let Some(strong) = client.upgrade() else {
            return;
        };
        if strong.woke.take() {
            // Perhaps the network is back.
            watched.not_before = None;
        }
        let pause = strong.look(&mut watched).await;
        let timer = Rc::clone(&strong.ports.timer);
        // While it sleeps the watch must not keep the client alive.
        drop(strong);
        let heard = pin!(bell.heard());
        match pause {
            Some(pause) => {
                select(timer.sleep(pause.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)), heard).await;
            }
            None => heard.await,
        }
    }
}

/// Doubling pauses, each shortened by up to a half at random, so that many pages don't come back at
/// one moment.
fn pause_after(failures: u32, entropy: &dyn Entropy) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    let mut byte = [0_u8];
    // Without randomness the pause is merely not shortened.
    let _ = entropy.fill(&mut byte);
    full.saturating_sub(full / 2 * u32::from(byte[0]) / 255)
}
