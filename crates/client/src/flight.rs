//! Work that many wait for and that runs to its end, even if all who waited have gone: a refresh
//! token or a code that was sent must not lose its answer.
//!
//! What the work found stands where it belongs (the user store, the known metadata) when it is
//! over: only whether it succeeded is handed on. So one kind of work serves all.

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

/// Work under way or done. Clones share its outcome.
#[derive(Clone, Default)]
pub(crate) struct Work(Rc<State>);

#[derive(Default)]
struct State {
    outcome: RefCell<Option<Result<(), Fault>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl Work {
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

    /// Waits until it is over: whether it succeeded.
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

    fn is_done(&self) -> bool {
        self.0.outcome.borrow().is_some()
    }
}

/// A place where at most one piece of work is under way: who asks meanwhile shares it.
#[derive(Default)]
pub(crate) struct Flight(RefCell<Option<Work>>);

impl Flight {
    /// The work under way, or else this, which is started.
    pub(crate) fn join(
        &self,
        timer: &dyn Timer,
        start: &dyn Fn() -> LocalFuture<Result<(), Fault>>,
    ) -> Work {
        self.under_way().unwrap_or_else(|| {
            let work = Work::start(timer, start());
            *self.0.borrow_mut() = Some(work.clone());
            work
        })
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way().is_some()
    }

    /// Waits until nothing is under way.
    pub(crate) async fn landed(&self) {
        if let Some(work) = self.under_way() {
            // Its outcome is for those who asked.
            let _ = work.outcome().await;
        }
    }

    fn under_way(&self) -> Option<Work> {
        self.0.borrow().clone().filter(|work| !work.is_done())
    }
}
