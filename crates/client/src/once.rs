//! A value handed from one task of the thread to another, once. (That of `futures` is made for many
//! threads, which costs the browser 1 KB.)

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

struct Place<T> {
    value: Option<T>,
    /// Whether nobody will send any more.
    over: bool,
    waiting: Option<Waker>,
}

/// Whoever sends the value. Dropping it without sending tells the receiver that none will come.
pub(crate) struct Sender<T>(Rc<RefCell<Place<T>>>);

/// Whoever waits for the value. A value that it did not take is dropped with it.
pub(crate) struct Receiver<T>(Rc<RefCell<Place<T>>>);

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let place = Rc::new(RefCell::new(Place { value: None, over: false, waiting: None }));
    (Sender(Rc::clone(&place)), Receiver(place))
}

impl<T> Sender<T> {
    /// Sends the value; if nobody waits for it any more it is dropped.
    pub(crate) fn send(self, value: T) {
        self.0.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut place = self.0.borrow_mut();
            place.over = true;
            place.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for the value; `None` if none will come.
    pub(crate) async fn received(&self) -> Option<T> {
        poll_fn(|context| {
            let mut place = self.0.borrow_mut();
            match place.value.take() {
                None if !place.over => {
                    place.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
                value => Poll::Ready(value),
            }
        })
        .await
    }
}
