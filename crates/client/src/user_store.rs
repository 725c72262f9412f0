//! Where the signed-in user is kept, and how long the access token still lives.
//!
//! The user is stored as JSON under `oidc.user:{authority}:{client_id}`. Beside it stand two
//! members that only the client reads: the requested scope, and the lifetime that the provider
//! gave. When a text is first seen, its remaining life is put on the clock that only runs forward,
//! so that a device clock set wrong afterwards neither expires nor extends it.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::Value;

use crate::{
    Fault, User,
    json::Members,
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
    /// What was asked for; the granted scope may be smaller.
    pub requested_scope: Option<String>,
    /// The access token's life in seconds at receipt.
    pub lifetime: Option<u64>,
}

/// A stored user with the end of the access token's life on the clock that only runs forward.
#[derive(Clone)]
pub(crate) struct Session {
    pub stored: Rc<StoredUser>,
    deadline: Option<Duration>,
}

struct Seen {
    text: String,
    session: Session,
}

/// The user store of one authority and client.
pub(crate) struct UserStore {
    store: Rc<dyn Storage>,
    clock: Rc<dyn Clock>,
    key: String,
    seen: RefCell<Option<Seen>>,
}

impl UserStore {
    pub(crate) fn new(ports: &Ports, settings: &Settings) -> Self {
        Self {
            store: Rc::clone(&ports.user_store),
            clock: Rc::clone(&ports.clock),
            key: format!("oidc.user:{}:{}", settings.authority, settings.client_id),
            seen: RefCell::default(),
        }
    }

    /// The user as the store has it now; junk under the key counts as nobody.
    pub(crate) fn get(&self) -> Result<Option<Session>, Fault> {
        let text = self.store.get(&self.key)?;
        let mut seen = self.seen.borrow_mut();
        let Some(text) = text else {
            *seen = None;
            return Ok(None);
        };
        if let Some(seen) = seen.as_ref().filter(|seen| seen.text == text) {
            return Ok(Some(seen.session.clone()));
        }
        let Some(stored) = read(&text) else {
            *seen = None;
            return Ok(None);
        };
        let session = self.start(stored);
        *seen = Some(Seen { text, session: session.clone() });
        Ok(Some(session))
    }

    /// Keeps a user, in place of the one before.
    pub(crate) fn put(&self, stored: Rc<StoredUser>) -> Result<(), Fault> {
        let text = write(&stored);
        self.store.set(&self.key, &text)?;
        let session = self.start(stored);
        *self.seen.borrow_mut() = Some(Seen { text, session });
        Ok(())
    }

    /// Removes the user.
    pub(crate) fn remove(&self) -> Result<(), Fault> {
        *self.seen.borrow_mut() = None;
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

    /// Seconds of life that the access token has left, negative after its end, by the clock that
    /// only runs forward.
    pub(crate) fn expires_in(&self, session: &Session) -> Option<i64> {
        session.deadline.map(|deadline| seconds(deadline) - seconds(self.clock.monotonic()))
    }

    /// The same by the wall clock, which goes on while the device sleeps.
    pub(crate) fn expires_in_by_wall_clock(&self, session: &Session) -> Option<i64> {
        session.stored.user.expires_in(self.clock.now())
    }

    /// Puts the rest of the token's life on the clock that only runs forward. A wall clock that was
    /// set back can't make it longer than the provider gave.
    fn start(&self, stored: Rc<StoredUser>) -> Session {
        let now = self.clock.now();
        let left = stored.user.expires_at.map(|at| {
            let left = at.saturating_sub(now);
            Duration::from_secs(stored.lifetime.map_or(left, |life| life.min(left)))
        });
        Session { deadline: left.map(|left| self.clock.monotonic().saturating_add(left)), stored }
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
