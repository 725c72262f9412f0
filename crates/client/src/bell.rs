//! A bell that one task waits for.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    task::{Poll, Waker},
};

/// Rung once or many times before it is heard, it is heard once.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Cell<bool>,
    listener: RefCell<Option<Waker>>,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.set(true);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    /// Waits until it is rung, or was since it was heard last.
    pub(crate) async fn heard(&self) {
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
