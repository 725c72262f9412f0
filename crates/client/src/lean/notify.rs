//! A wake-up call for one task, like `tokio::sync::Notify`.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    task::{Poll, Waker},
};

/// Several notifications before the task waits count as one.
#[derive(Default)]
pub(crate) struct Notify {
    rung: Cell<bool>,
    listener: RefCell<Option<Waker>>,
}

impl Notify {
    pub(crate) fn notify(&self) {
        self.rung.set(true);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    /// Waits for a notification, or returns at once if there was one since the last call.
    pub(crate) async fn notified(&self) {
        poll_fn(|context| {
            if self.rung.take() {
                Poll::Ready(())
            } else {
                *self.listener.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await;
    }
}
