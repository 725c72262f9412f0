//! Work that many tasks wait for, and that runs to its end even if all of them stop waiting: the
//! response to a refresh token or a code must not be lost.
//!
//! The result is kept where it belongs (the user store, the metadata), and the tasks only learn
//! whether the work succeeded. So the code exists once for all kinds of work.

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::{
    Fault,
    ports::{LocalFuture, Timer},
};

/// Work that is running or done. Clones share its result.
#[derive(Clone, Default)]
pub(crate) struct SharedWork(Rc<State>);

#[derive(Default)]
struct State {
    outcome: RefCell<Option<Result<(), Fault>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl SharedWork {
    /// Starts the work.
    pub(crate) fn start(timer: &dyn Timer, work: LocalFuture<Result<(), Fault>>) -> Self {
        let started = Self::default();
        let own = started.clone();
        timer.spawn(Box::pin(async move {
            let outcome = work.await;
            *own.0.outcome.borrow_mut() = Some(outcome);
            for waker in own.0.waiting.take() {
                waker.wake();
            }
        }));
        started
    }

    /// Waits until the work is done. Returns whether it succeeded.
    pub(crate) async fn outcome(&self) -> Result<(), Fault> {
        poll_fn(|context| {
            if let Some(outcome) = &*self.0.outcome.borrow() {
                return Poll::Ready(outcome.clone());
            }
            self.0.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.outcome.borrow().is_some()
    }
}

/// Runs at most one piece of work at a time. Callers share the work that is running.
#[derive(Default)]
pub(crate) struct SingleFlight(RefCell<Option<SharedWork>>);

impl SingleFlight {
    /// Returns the running work, or starts this one.
    pub(crate) fn join(
        &self,
        timer: &dyn Timer,
        start: &dyn Fn() -> LocalFuture<Result<(), Fault>>,
    ) -> SharedWork {
        self.under_way().unwrap_or_else(|| {
            let work = SharedWork::start(timer, start());
            *self.0.borrow_mut() = Some(work.clone());
            work
        })
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way().is_some()
    }

    /// Waits until no work is running.
    pub(crate) async fn finished(&self) {
        if let Some(work) = self.under_way() {
            // The result is for the tasks that asked for the work.
            let _ = work.outcome().await;
        }
    }

    fn under_way(&self) -> Option<SharedWork> {
        self.0.borrow().clone().filter(|work| !work.is_done())
    }
}
