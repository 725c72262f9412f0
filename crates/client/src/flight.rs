//! Work that many wait for and that runs to its end, even if all who waited have gone: a refresh token or a code that was
//! sent must not lose its answer.

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::ports::{LocalFuture, Timer};

/// Work under way or done. Clones share its result.
pub(crate) struct Work<T>(Rc<State<T>>);

struct State<T> {
    result: RefCell<Option<T>>,
    waiting: RefCell<Vec<Waker>>,
}

impl<T> Clone for Work<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: Clone + 'static> Work<T> {
    /// Starts the work.
    pub(crate) fn start(timer: &dyn Timer, work: LocalFuture<T>) -> Self {
        let state = Rc::new(State { result: RefCell::new(None), waiting: RefCell::default() });
        let own = Rc::clone(&state);
        timer.spawn(Box::pin(async move {
            let result = work.await;
            *own.result.borrow_mut() = Some(result);
            for waker in own.waiting.take() {
                waker.wake();
            }
        }));
        Self(state)
    }

    /// Waits for the result.
    pub(crate) async fn result(&self) -> T {
        poll_fn(|context| {
            if let Some(result) = &*self.0.result.borrow() {
                return Poll::Ready(result.clone());
            }
            self.0.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn is_done(&self) -> bool {
        self.0.result.borrow().is_some()
    }
}

/// A place where at most one piece of work is under way: who asks meanwhile shares its result.
pub(crate) struct Flight<T>(RefCell<Option<Work<T>>>);

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone + 'static> Flight<T> {
    /// Joins the work under way, or starts it.
    pub(crate) async fn join(&self, timer: &dyn Timer, start: impl FnOnce() -> LocalFuture<T>) -> T {
        let under_way = self.0.borrow().clone().filter(|work| !work.is_done());
        let work = under_way.unwrap_or_else(|| {
            let work = Work::start(timer, start());
            *self.0.borrow_mut() = Some(work.clone());
            work
        });
        let result = work.result().await;
        // The result may hold tokens: it is not kept longer than needed.
        self.0.borrow_mut().take_if(|work| work.is_done());
        result
    }
}
