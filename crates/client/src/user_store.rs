//! Where the signed-in user is stored, and how long the access token is still valid.
//!
//! The user is stored as JSON under `oidc.user:{authority}:{client_id}`, with two members that only
//! the client reads: the requested scope and the token's lifetime. When a stored text is first
//! seen, its remaining lifetime is converted to the monotonic clock. A later change of the device's
//! clock then neither expires nor extends the token.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::Value;

use crate::{
    Fault, User,
    lean::json::Members,
    ports::{Clock, Ports, Storage},
    settings::Settings,
};

/// Members of the stored text that are not part of the user.
const REQUESTED_SCOPE: &str = "requested_scope";
const LIFETIME: &str = "lifetime";

/// A user as stored.
#[derive(Clone)]
pub(crate) struct StoredUser {
    pub user: User,
    /// The requested scope. The granted scope may be smaller.
    pub requested_scope: Option<String>,
    /// The access token's lifetime in seconds, as received.
    pub lifetime: Option<u64>,
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
}

impl UserStore {
    pub(crate) fn new(ports: &Ports, settings: &Settings) -> Self {
        Self {
            store: Rc::clone(&ports.user_store),
            clock: Rc::clone(&ports.clock),
            key: format!("oidc.user:{}:{}", settings.authority, settings.client_id),
            cached: RefCell::default(),
        }
    }

    /// Reads the user from the store. Invalid content counts as no user.
    pub(crate) fn get(&self) -> Result<Option<StoredSession>, Fault> {
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
        let session = self.start(stored);
        *self.cached.borrow_mut() = Some(Cached { text, session });
        Ok(())
    }

    /// Removes the user.
    pub(crate) fn remove(&self) -> Result<(), Fault> {
        *self.cached.borrow_mut() = None;
        Ok(self.store.remove(&self.key)?)
    }

    /// Signs the store, so that other pages can tell whether it is theirs, too.
    pub(crate) fn sign(&self, sign: &str) -> Result<(), Fault> {
        Ok(self.store.set(&self.sign_key(), sign)?)
    }

    /// Whether the store was signed so last.
    pub(crate) fn is_signed(&self, sign: &str) -> Result<bool, Fault> {
        Ok(self.store.get(&self.sign_key())?.as_deref() == Some(sign))
    }

    fn sign_key(&self) -> String {
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

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn write(stored: &StoredUser) -> String {
    let mut members = stored.user.to_members();
    members.set_text(REQUESTED_SCOPE, stored.requested_scope.as_deref());
    members.set(LIFETIME, stored.lifetime.map(Value::from));
    members.write()
}

fn read(text: &str) -> Option<Rc<StoredUser>> {
    let mut members = Members::read(text)?;
    Some(Rc::new(StoredUser {
        requested_scope: members.text(REQUESTED_SCOPE),
        lifetime: members.number(LIFETIME),
        user: User::from_members(members)?,
    }))
}
