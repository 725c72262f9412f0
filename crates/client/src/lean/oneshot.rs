//! A channel for one value between two tasks of one thread. (The one in `futures` supports many
//! threads, which costs 1 KB in the browser.)

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

struct Slot<T> {
    value: Option<T>,
    /// Whether the sender is gone.
    over: bool,
    waiting: Option<Waker>,
}

/// Sends the value. Dropping it without sending tells the receiver that there is none.
pub(crate) struct Sender<T>(Rc<RefCell<Slot<T>>>);

/// Receives the value. A value that was not received is dropped with it.
pub(crate) struct Receiver<T>(Rc<RefCell<Slot<T>>>);

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Rc::new(RefCell::new(Slot { value: None, over: false, waiting: None }));
    (Sender(Rc::clone(&slot)), Receiver(slot))
}

impl<T> Sender<T> {
    /// Sends the value. It is dropped if nobody waits for it.
    pub(crate) fn send(self, value: T) {
        self.0.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut slot = self.0.borrow_mut();
            slot.over = true;
            slot.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for the value. Returns `None` if there is none.
    pub(crate) async fn received(&self) -> Option<T> {
        poll_fn(|context| {
            let mut slot = self.0.borrow_mut();
            match slot.value.take() {
                None if !slot.over => {
                    slot.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
                value => Poll::Ready(value),
            }
        })
        .await
    }
}
