//! The events that a client emits.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::{Error, User, ports::Guard};

/// Something that happened to the user or to their tokens. See
/// [`UserManager::events`](crate::UserManager::events) for an example.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuthEvent {
    /// A user signed in, was renewed, or was changed by another tab.
    UserLoaded(User),
    /// The user was removed from this page.
    UserUnloaded,
    /// The access token expires soon (`access_token_expiring_notification_time`). Renewal, if
    /// automatic, starts now.
    AccessTokenExpiring,
    /// The access token expired and was not renewed.
    AccessTokenExpired,
    /// Renewal failed permanently. It is emitted once. Temporary failures are retried silently.
    SilentRenewError(Error),
    /// A user signed in here, or in another tab that shares the user store.
    UserSignedIn,
    /// The user signed out here, in another tab, or (setting `monitor_session`) at the provider.
    UserSignedOut,
    /// The session at the provider changed, but the user is the same (setting `monitor_session`).
    UserSessionChanged,
    /// A message was sent or received, or a check was made. It may contain tokens.
    #[cfg(feature = "trace")]
    Trace(crate::Trace),
}

/// How many events are held back. Of more, the oldest are lost.
const MOST_HELD: usize = 256;

type Handler = Rc<RefCell<dyn FnMut(&AuthEvent)>>;

#[derive(Default)]
struct Registry {
    handlers: RefCell<Vec<(u64, Handler)>>,
    next: Cell<u64>,
    /// The events that are held back.
    held: RefCell<Option<VecDeque<AuthEvent>>>,
}

/// The subscribers of one client. Clones share them.
#[derive(Clone, Default)]
pub struct Events(Rc<Registry>);

/// A subscription to events. Dropping it ends the subscription.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// use doorward_client::{AuthEvent, Events};
///
/// # fn page(events: &Events) {
/// let failed = Rc::new(Cell::new(false));
/// let seen = Rc::clone(&failed);
/// let subscription = events.subscribe(move |event| {
///     if let AuthEvent::SilentRenewError(_) = event {
///         seen.set(true);
///     }
/// });
/// drop(subscription); // The handler is called no more.
/// # }
/// # page(&Events::default());
/// ```
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    _guard: Guard,
}

impl Subscription {
    /// Keeps the handler for as long as the page lives.
    pub fn forever(self) {
        std::mem::forget(self);
    }
}

impl Events {
    /// Calls the handler for each event until the subscription is dropped. Handlers run in the
    /// order of subscription. They may subscribe, unsubscribe and call the client. A handler that
    /// is already running is not called again.
    pub fn subscribe(&self, handler: impl FnMut(&AuthEvent) + 'static) -> Subscription {
        let id = self.0.next.get();
        self.0.next.set(id + 1);
        let handler: Handler = Rc::new(RefCell::new(handler));
        self.0.handlers.borrow_mut().push((id, handler));
        let registry = Rc::downgrade(&self.0);
        Subscription {
            _guard: Guard::new(move || {
                let Some(registry) = registry.upgrade() else {
                    return;
                };
                let position = registry.handlers.borrow().iter().position(|(own, _)| *own == id);
                let handler =
                    position.map(|position| registry.handlers.borrow_mut().remove(position));
                // Dropped last, because the handler may own other subscriptions.
                drop(handler);
            }),
        }
    }

    /// Holds events back until [`Events::release`], for a client that begins to work before its
    /// subscribers are there. Of many events, the last 256 are held.
    pub fn hold(&self) {
        self.0.held.borrow_mut().get_or_insert_default();
    }

    /// Emits the events that were held back, and holds back no more.
    pub fn release(&self) {
        for event in self.0.held.take().unwrap_or_default() {
            self.emit(&event);
        }
    }

    pub(crate) fn emit(&self, event: &AuthEvent) {
        if let Some(held) = &mut *self.0.held.borrow_mut() {
            if held.len() == MOST_HELD {
                held.pop_front();
            }
            held.push_back(event.clone());
            return;
        }
        let ids: Vec<u64> = self.0.handlers.borrow().iter().map(|(id, _)| *id).collect();
        for id in ids {
            // A handler that ran before may have ended this subscription.
            let handlers = self.0.handlers.borrow();
            let Some(handler) =
                handlers.iter().find(|(own, _)| *own == id).map(|(_, handler)| Rc::clone(handler))
            else {
                continue;
            };
            drop(handlers);
            if let Ok(mut handler) = handler.try_borrow_mut() {
                // Where panics unwind, a handler that panics must not keep the event from the
                // others.
                let call = AssertUnwindSafe(|| handler(event));
                let _ = catch_unwind(call);
            }
        }
    }
}
