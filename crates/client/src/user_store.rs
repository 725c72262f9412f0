//! Where the signed-in user is stored, and how long the access token is still valid.
//!
//! The user is stored as JSON under `oidc.user:{authority}:{client_id}`, with members that only the
//! client reads: what was requested, and the token's lifetime. When a stored text is first
//! seen, its remaining lifetime is converted to the monotonic clock. A later change of the device's
//! clock then neither expires nor extends the token.

use std::{cell::RefCell, rc::Rc, time::Duration};

use doorward_protocol::dpop::access_token_hash;
use serde_json::Value;

use crate::{
    Error, Fault, User,
    lean::json::Members,
    ports::{Clock, Guard, Ports, Storage},
    settings::Settings,
};

/// Members of the stored text that are not part of the user.
const REQUESTED_SCOPE: &str = "requested_scope";
const REQUESTED_RESOURCE: &str = "requested_resource";
const LIFETIME: &str = "lifetime";
const SESSION_ID: &str = "session_id";
const SESSION_BEGAN: &str = "session_began";
/// How many ended sessions a page remembers.
const REMEMBERED: usize = 16;

/// A user as stored.
#[derive(Clone)]
pub(crate) struct StoredUser {
    pub user: User,
    /// The requested scope. The granted scope may be smaller.
    pub requested_scope: Option<String>,
    /// The APIs that the sign-in named (RFC 8707). `None`: those of the settings.
    pub requested_resource: Option<Vec<String>>,
    /// The access token's lifetime in seconds, as received.
    pub lifetime: Option<u64>,
    pub began: SessionBegin,
}

/// The begin of a session, which stays the same over all renewals.
#[derive(Clone, Default)]
pub(crate) struct SessionBegin {
    /// A random identifier, different for each sign-in. Empty for a user who is not stored yet, or
    /// was stored by an earlier version.
    pub id: String,
    /// The time by this device's clock. Zero if it is unknown.
    pub at: u64,
}

impl StoredUser {
    /// A user who is not stored yet.
    pub(crate) fn new(user: User) -> Self {
        Self {
            user,
            requested_scope: None,
            requested_resource: None,
            lifetime: None,
            began: SessionBegin::default(),
        }
    }

    /// The same, after a sign-in that named these APIs. If it named none, those of the settings
    /// count.
    pub(crate) fn of_resource(user: User, resource: &[String]) -> Self {
        let named = Some(resource.to_vec()).filter(|all| !all.is_empty());
        Self { requested_resource: named, ..Self::new(user) }
    }

    /// Identifies the session in messages to other tabs.
    pub(crate) fn session_id(&self) -> String {
        if self.began.id.is_empty() {
            access_token_hash(&self.user.access_token)
        } else {
            self.began.id.clone()
        }
    }

    /// Identifies the tokens that a renewal replaces. It covers both tokens, because some providers
    /// replace only one of them.
    pub(crate) fn tokens_hash(&self) -> String {
        let refresh_token = self.user.refresh_token.as_deref().unwrap_or_default();
        access_token_hash(&[&self.user.access_token, " ", refresh_token].concat())
    }
}

/// A stored user with the token's expiry on the monotonic clock.
#[derive(Clone)]
pub(crate) struct StoredSession {
    pub stored: Rc<StoredUser>,
    deadline: Option<Duration>,
}

struct Cached {
    text: String,
    session: StoredSession,
}

/// The user store of one authority and client.
pub(crate) struct UserStore {
    store: Rc<dyn Storage>,
    clock: Rc<dyn Clock>,
    key: String,
    cached: RefCell<Option<Cached>>,
    /// Sessions that ended. The store may still show one of them, because browsers propagate
    /// writes of other tabs with a delay.
    ended: RefCell<Vec<String>>,
    /// The text that this page wrote last.
    written: RefCell<String>,
}

impl UserStore {
    pub(crate) fn new(ports: &Ports, settings: &Settings) -> Self {
        Self {
            store: Rc::clone(&ports.user_store),
            clock: Rc::clone(&ports.clock),
            key: key(settings),
            cached: RefCell::default(),
            ended: RefCell::default(),
            written: RefCell::default(),
        }
    }

    /// Reads the user from the store. Invalid content counts as no user, and so does a session that
    /// ended.
    pub(crate) fn get(&self) -> Result<Option<StoredSession>, Fault> {
        Ok(self.stored()?.filter(|session| !self.has_ended(&session.stored)))
    }

    /// The user in the store, or `NotSignedIn`.
    pub(crate) fn present(&self) -> Result<User, Fault> {
        let session = self.get()?.ok_or(Error::NotSignedIn)?;
        Ok(session.stored.user.clone())
    }

    /// Whether the store still has the tokens of this session.
    pub(crate) fn still_has(&self, session: &StoredSession) -> Result<bool, Fault> {
        let now = self.get()?;
        Ok(now.is_some_and(|now| {
            now.stored.user.refresh_token == session.stored.user.refresh_token
                && now.stored.user.access_token == session.stored.user.access_token
        }))
    }

    /// Reads the user from the store, even if the session ended.
    pub(crate) fn stored(&self) -> Result<Option<StoredSession>, Fault> {
        let text = self.store.get(&self.key)?;
        let mut cached = self.cached.borrow_mut();
        let Some(text) = text else {
            *cached = None;
            return Ok(None);
        };
        if let Some(cached) = cached.as_ref().filter(|cached| cached.text == text) {
            return Ok(Some(cached.session.clone()));
        }
        let Some(stored) = read(&text) else {
            *cached = None;
            return Ok(None);
        };
        let session = self.start(stored);
        *cached = Some(Cached { text, session: session.clone() });
        Ok(Some(session))
    }

    /// Stores a user and replaces the previous one.
    pub(crate) fn put(&self, stored: Rc<StoredUser>) -> Result<(), Fault> {
        let text = write(&stored);
        self.store.set(&self.key, &text)?;
        self.written.borrow_mut().clone_from(&text);
        let session = self.start(stored);
        *self.cached.borrow_mut() = Some(Cached { text, session });
        Ok(())
    }

    /// Removes the user, whose session ends.
    pub(crate) fn remove(&self) -> Result<(), Fault> {
        if let Some(session) = self.stored()? {
            self.end(&session.stored.session_id());
        }
        *self.cached.borrow_mut() = None;
        Ok(self.store.remove(&self.key)?)
    }

    /// Remembers that this session ended.
    pub(crate) fn end(&self, session_id: &str) {
        let mut ended = self.ended.borrow_mut();
        if session_id.is_empty() || ended.iter().any(|own| own == session_id) {
            return;
        }
        if ended.len() == REMEMBERED {
            drop(ended.remove(0));
        }
        ended.push(session_id.to_owned());
    }

    fn has_ended(&self, stored: &StoredUser) -> bool {
        let ended = self.ended.borrow();
        !ended.is_empty() && ended.contains(&stored.session_id())
    }

    /// Whether the store shows exactly what this page wrote last, and it is this session.
    pub(crate) fn shows_own(&self, session_id: &str) -> Result<bool, Fault> {
        let is_session =
            self.stored()?.is_some_and(|session| session.stored.session_id() == session_id);
        let text = self.store.get(&self.key)?;
        Ok(is_session && text.as_deref() == Some(&**self.written.borrow()))
    }

    /// Calls the handler when another page of the origin changed the store.
    pub(crate) fn on_change(&self, handler: impl Fn() + 'static) -> Guard {
        let key = self.key.clone();
        self.store.on_change(Box::new(move |changed| {
            // No key: the whole store was cleared.
            if changed.is_empty() || changed == key {
                handler();
            }
        }))
    }

    /// Marks the store, so that other pages of the same tab recognize it as their own.
    pub(crate) fn put_tab_mark(&self, mark: &str) -> Result<(), Fault> {
        Ok(self.store.set(&self.tab_mark_key(), mark)?)
    }

    /// Whether the store has this mark.
    pub(crate) fn has_tab_mark(&self, mark: &str) -> Result<bool, Fault> {
        Ok(self.store.get(&self.tab_mark_key())?.as_deref() == Some(mark))
    }

    fn tab_mark_key(&self) -> String {
        ["oidc-sign:", &self.key].concat()
    }

    /// Seconds until the access token expires by the monotonic clock, negative afterwards.
    pub(crate) fn expires_in(&self, session: &StoredSession) -> Option<i64> {
        session.deadline.map(|deadline| seconds(deadline) - seconds(self.clock.monotonic()))
    }

    /// The same by the wall clock, which continues while the device sleeps.
    pub(crate) fn expires_in_by_wall_clock(&self, session: &StoredSession) -> Option<i64> {
        session.stored.user.expires_in(self.clock.now())
    }

    /// Converts the remaining lifetime to the monotonic clock. A wall clock that was set back
    /// cannot extend it beyond the provider's lifetime.
    fn start(&self, stored: Rc<StoredUser>) -> StoredSession {
        let now = self.clock.now();
        let left = stored.user.expires_at.map(|at| {
            let left = at.saturating_sub(now);
            Duration::from_secs(stored.lifetime.map_or(left, |life| life.min(left)))
        });
        StoredSession {
            deadline: left.map(|left| self.clock.monotonic().saturating_add(left)),
            stored,
        }
    }
}

/// The key of the user.
pub(crate) fn key(settings: &Settings) -> String {
    ["oidc.user:", &settings.authority, ":", &settings.client_id].concat()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn write(stored: &StoredUser) -> String {
    let mut members = stored.user.to_members();
    members.set_text(REQUESTED_SCOPE, stored.requested_scope.as_deref());
    members.set(REQUESTED_RESOURCE, stored.requested_resource.clone().map(Value::from));
    members.set(LIFETIME, stored.lifetime.map(Value::from));
    if !stored.began.id.is_empty() {
        members.set_text(SESSION_ID, Some(&stored.began.id));
        members.set(SESSION_BEGAN, Some(stored.began.at.into()));
    }
    members.write()
}

fn read(text: &str) -> Option<Rc<StoredUser>> {
    let mut members = Members::read(text)?;
    Some(Rc::new(StoredUser {
        requested_scope: members.text(REQUESTED_SCOPE),
        requested_resource: Some(members.texts(REQUESTED_RESOURCE)).filter(|all| !all.is_empty()),
        lifetime: members.number(LIFETIME),
        began: SessionBegin {
            id: members.text(SESSION_ID).unwrap_or_default(),
            at: members.number(SESSION_BEGAN).unwrap_or_default(),
        },
        user: User::from_members(members)?,
    }))
}
