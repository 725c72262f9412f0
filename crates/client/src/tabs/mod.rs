//! How the tabs of one origin keep in step.
//!
//! Three things arrive in any order: messages (`BroadcastChannel`), writes to a shared store, and
//! locks. Therefore a message says which change it announces, and the tab waits until its store
//! shows that change. A `storage` event says that the store changed, with or without a message. And
//! nothing is waited for without a limit, because another tab may be suspended at any time.

pub(crate) mod lease;
pub(crate) mod message;

use std::{rc::Rc, time::Duration};

use doorward_protocol::dpop::access_token_hash;
use futures::future::{Either, select};

use crate::{
    AuthEvent, Fault,
    client::Client,
    flow::pending,
    ports::Guard,
    settings::StoreKind,
    tabs::message::{NOBODY, TabMessage},
    user_store::{StoredSession, StoredUser},
};

/// How often, and for how long, to check whether the store shows what another tab has written. (The
/// timers of a hidden page run less often, and it must not block the other tabs.)
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const WAIT_LIMIT: Duration = Duration::from_secs(5);
/// After this time a write of this page is visible to all tabs, and theirs are visible here.
pub(crate) const SETTLED: Duration = Duration::from_secs(1);

/// A refresh token that several tabs have, because a browser copied the store of one. It must be
/// sent only once. The tab that was copied marks it, and so it is that tab's to send while it
/// lives.
#[derive(Default)]
pub(crate) struct SharedToken {
    /// The refresh token's hash. Empty if none is shared.
    of: String,
    /// This tab's mark.
    mark: Option<Guard>,
}

impl Client {
    /// Follows the other tabs: their messages, and their writes to the store.
    pub(crate) fn listen_to_tabs(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let messages = self.ports.broadcast.subscribe(Box::new(move |text| {
            if let (Some(client), Some(message)) = (weak.upgrade(), TabMessage::read(text)) {
                // A storage failure is reported when somebody asks for the user.
                let _ = client.on_tab_message(&message);
            }
        }));
        let weak = Rc::downgrade(self);
        let writes = self.users.on_change(move || {
            if let Some(client) = weak.upgrade() {
                let _ = client.notice_changes();
            }
        });
        self.guards.borrow_mut().extend([messages, writes]);
    }

    /// Whether the tabs have one user store in common.
    pub(crate) fn shares_store(&self) -> bool {
        self.settings.user_store == StoreKind::Local
    }

    /// The message that the user changed.
    pub(crate) fn user_changed(&self) -> TabMessage {
        TabMessage::UserChanged { now: self.tokens_now().ok() }
    }

    /// The tokens that the store has, by their hash.
    fn tokens_now(&self) -> Result<String, Fault> {
        let session = self.users.get()?;
        Ok(session.map_or_else(|| NOBODY.to_owned(), |session| session.stored.tokens_hash()))
    }

    fn on_tab_message(self: &Rc<Self>, message: &TabMessage) -> Result<(), Fault> {
        match message {
            TabMessage::UserChanged { now } => {
                self.notice_changes()?;
                if let Some(now) = now.as_ref().filter(|_| self.shares_store()) {
                    self.expect_change(now.clone());
                }
                Ok(())
            }
            TabMessage::SignedOut { sub, session, at } => self.on_signed_out(sub, session, *at),
            TabMessage::TokensFound { of, sign } => {
                if self.own_renewable()?.is_some_and(|(own, _)| own == *of)
                    && !self.users.has_tab_mark(sign)?
                {
                    let held = TabMessage::TokensHeld { of: of.clone(), sign: sign.clone() };
                    self.ports.broadcast.post(&held.write());
                    if self.ports.locks.has_marks() {
                        self.share_token(of);
                        let client = Rc::clone(self);
                        self.ports.timer.spawn(Box::pin(async move {
                            if let Ok(Some(session)) = client.users.get() {
                                client.may_send_refresh_token(&session).await;
                            }
                        }));
                    }
                }
                Ok(())
            }
            TabMessage::TokensReplaced { of } => self.leave_to_others(of).map(drop),
            TabMessage::TokensHeld { of, sign } => {
                if self.users.has_tab_mark(sign)? && self.ports.locks.has_marks() {
                    self.share_token(of);
                } else if self.users.has_tab_mark(sign)? {
                    // If this page is redeeming the token already, the other tab finds the mark.
                    // Only if the request fails, the token is left to it.
                    let (client, of) = (Rc::clone(self), of.clone());
                    self.ports.timer.spawn(Box::pin(async move {
                        client.renewal.finished().await;
                        drop(client.leave_to_others(&of));
                    }));
                }
                Ok(())
            }
        }
    }

    /// Another tab has this refresh token too.
    fn share_token(&self, of: &str) {
        let mut shared = self.shared_token.borrow_mut();
        if shared.of != of {
            *shared = SharedToken { of: of.to_owned(), mark: None };
        }
    }

    /// Whether this tab may send its refresh token: no other tab has it, or this tab marks it
    /// first.
    pub(crate) async fn may_send_refresh_token(&self, session: &StoredSession) -> bool {
        let of = session.stored.user.refresh_token.as_deref().map(access_token_hash);
        let Some(of) = of.filter(|of| self.shared_token.borrow().of == *of) else {
            return true;
        };
        if self.shared_token.borrow().mark.is_some() {
            return true;
        }
        let mark = self.mark(&["oidc.holder:", &of].concat()).await;
        let may_send = mark.is_some();
        let mut shared = self.shared_token.borrow_mut();
        if shared.of == of && may_send {
            shared.mark = mark;
        }
        may_send
    }

    /// This tab redeemed its refresh token: others that have it must not send it.
    pub(crate) fn shared_token_replaced(&self) {
        let SharedToken { of, .. } = self.shared_token.take();
        if !of.is_empty() {
            self.ports.broadcast.post(&TabMessage::TokensReplaced { of }.write());
        }
    }

    /// Waits until the store shows the announced tokens, and informs subscribers.
    fn expect_change(self: &Rc<Self>, now: String) {
        let (weak, begun) = (Rc::downgrade(self), self.ports.clock.monotonic());
        self.ports.timer.spawn(Box::pin(async move {
            while let Some(client) = weak.upgrade() {
                let arrived = client.tokens_now().is_ok_and(|own| own == now);
                let _ = client.notice_changes();
                if arrived || !client.waits_for_store(begun).await {
                    return;
                }
            }
        }));
    }

    /// Another tab signed the user out. From now on that session counts as ended here, whatever the
    /// store shows. It is removed only from a store of this tab: a shared store may have a later
    /// session by now, which is not visible here yet.
    fn on_signed_out(
        self: &Rc<Self>,
        sub: &str,
        session: &str,
        at: Option<u64>,
    ) -> Result<(), Fault> {
        self.users.end(session);
        if !self.shares_store() {
            // Each tab has its own session, but all of them began at one session of the provider.
            let began_before = |stored: &StoredUser| at.is_none_or(|at| stored.began.at <= at);
            let own = self.users.stored()?.filter(|own| own.stored.user.sub() == sub);
            if own
                .is_some_and(|own| own.stored.session_id() == session || began_before(&own.stored))
            {
                self.users.remove()?;
            }
        } else if self.users.shows_own(session)? {
            self.remove_own_late(session.to_owned());
        }
        let was_announced =
            self.announced.borrow().as_ref().is_some_and(|announced| announced.user.sub() == sub);
        self.notice_changes()?;
        if was_announced && self.announced.borrow().is_none() {
            self.events.emit(&AuthEvent::UserSignedOut);
        }
        Ok(())
    }

    /// This page may have written the session after the other tab removed it. Once all writes are
    /// visible, what this page wrote is removed if nobody replaced it.
    fn remove_own_late(self: &Rc<Self>, session: String) {
        let (weak, timer) = (Rc::downgrade(self), Rc::clone(&self.ports.timer));
        self.ports.timer.spawn(Box::pin(async move {
            timer.sleep(SETTLED).await;
            if let Some(client) = weak.upgrade()
                && client.users.shows_own(&session).unwrap_or(false)
            {
                let _ = client.users.remove();
            }
        }));
    }

    /// Waits for a lock, but not without a limit: another tab may be suspended while it has the
    /// lock. `None`: it did not get it.
    pub(crate) async fn lock(&self, name: &str) -> Option<Guard> {
        let limit = Duration::from_secs(self.settings.request_timeout) + WAIT_LIMIT;
        match select(self.ports.locks.acquire(name), self.ports.timer.sleep(limit)).await {
            Either::Left((guard, _)) => Some(guard),
            Either::Right(_) => None,
        }
    }

    /// Marks a name, or returns `None` if another tab has marked it. If the browser does not
    /// answer, it counts as marked by this tab.
    pub(crate) async fn mark(&self, name: &str) -> Option<Guard> {
        match select(self.ports.locks.mark(name), self.ports.timer.sleep(WAIT_LIMIT)).await {
            Either::Left((guard, _)) => guard,
            Either::Right(_) => Some(Guard::new(|| ())),
        }
    }

    /// Waits before the store is read again. Returns `false` once the time since `begun` is up.
    pub(crate) async fn waits_for_store(&self, begun: Duration) -> bool {
        let waits = self.ports.clock.monotonic().saturating_sub(begun) < WAIT_LIMIT;
        if waits {
            self.ports.timer.sleep(POLL_INTERVAL).await;
        }
        waits
    }

    /// Asks the other tabs whether they have this tab's refresh token too.
    pub(crate) fn ask_for_holders(&self) -> Result<(), Fault> {
        if let Some((of, _)) = self.own_renewable()? {
            let sign = pending::random_text(&*self.ports.entropy)?;
            self.users.put_tab_mark(&sign)?;
            self.ports.broadcast.post(&TabMessage::TokensFound { of, sign }.write());
        }
        Ok(())
    }

    /// The refresh token in a store of this tab alone: its hash, and the session.
    fn own_renewable(&self) -> Result<Option<(String, StoredSession)>, Fault> {
        if self.settings.user_store != StoreKind::Session {
            return Ok(None);
        }
        let session = self.users.get()?;
        Ok(session.and_then(|session| {
            let of = access_token_hash(session.stored.user.refresh_token.as_ref()?);
            Some((of, session))
        }))
    }

    /// Forgets the refresh token with this hash, if the store belongs to this tab alone: another
    /// tab has it as well, and it must be sent only once. The access token stays valid until it
    /// expires, and a hidden frame may bring another.
    pub(crate) fn leave_to_others(&self, of: &str) -> Result<bool, Fault> {
        let Some((_, session)) = self.own_renewable()?.filter(|(own, _)| own == of) else {
            return Ok(false);
        };
        let mut stored = StoredUser::clone(&session.stored);
        stored.user.refresh_token = None;
        self.user_loaded(&Rc::new(stored))?;
        Ok(true)
    }
}
