//! Subscriptions to the client's events, which may begin before there is a client.

use std::{cell::RefCell, rc::Rc};

use doorward_client::{AuthEvent, Subscription, UserManager};

/// A handler of the client's events.
type Handler = Rc<RefCell<dyn FnMut(&AuthEvent)>>;

/// A subscription to the client's events. Dropping it ends the subscription. See
/// [`Auth::on_event`](crate::Auth::on_event) for an example.
#[must_use = "dropping it ends the subscription"]
pub struct AuthSubscription(Rc<Subscriber>);

/// A subscription that begins once there is a client.
pub(crate) struct Subscriber {
    handler: Handler,
    begun: RefCell<Option<Subscription>>,
}

impl AuthSubscription {
    pub(crate) fn new(handler: impl FnMut(&AuthEvent) + 'static) -> Self {
        Self(Rc::new(Subscriber {
            handler: Rc::new(RefCell::new(handler)),
            begun: RefCell::new(None),
        }))
    }

    pub(crate) fn waiting(&self) -> std::rc::Weak<Subscriber> {
        Rc::downgrade(&self.0)
    }

    /// Keeps the subscription for as long as the page lives.
    pub fn forever(self) {
        std::mem::forget(self);
    }
}

impl Subscriber {
    /// Begins to receive events.
    pub(crate) fn begin(&self, manager: &UserManager) {
        let handler = Rc::clone(&self.handler);
        let subscription = manager.events().subscribe(move |event| {
            // The client does not call a handler while it is running.
            if let Ok(mut handler) = handler.try_borrow_mut() {
                handler(event);
            }
        });
        *self.begun.borrow_mut() = Some(subscription);
    }
}
