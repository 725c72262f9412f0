//! Attempts of one place that are made at the same time.
//!
//! An attempt counts as a failure until its password was found right, so that parallel guesses do
//! not slip through together. Right passwords at the same time would therefore refuse one another.
//! So an attempt that the throttle refuses waits while others of its place are under way in this
//! process, and is counted when one of them has given its count back.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    model::throttle::{Admission, ThrottleKey},
    store::StoreError,
};

/// How long an attempt waits for others. A password is checked in far less, unless the machine is
/// busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where attempts are made in this process, each place with how many take part.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<ThrottleKey, (Arc<Place>, usize)>>);

#[derive(Debug, Default)]
struct Place {
    /// One attempt at a time is counted, or waits to be; the others stand behind it.
    head: tokio::sync::Mutex<()>,
    /// How many were counted and have not ended.
    under_way: AtomicUsize,
    /// One of these has ended.
    ended: Notify,
}

/// An attempt in its place. Dropping it ends the attempt.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    key: ThrottleKey,
    place: Arc<Place>,
    is_under_way: bool,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, HashMap<ThrottleKey, (Arc<Place>, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes part in the place of this key.
    pub(crate) fn join(&self, key: &ThrottleKey) -> Turn<'_> {
        let mut places = self.lock();
        let (place, taking_part) = places.entry(key.clone()).or_default();
        *taking_part += 1;
        Turn { turns: self, key: key.clone(), place: Arc::clone(place), is_under_way: false }
    }
}

impl Turn<'_> {
    /// Counts the attempt by `count`; again, while it is refused and others are under way.
    pub(crate) async fn admit<F>(&mut self, count: impl Fn() -> F) -> Result<Admission, StoreError>
    where
        F: Future<Output = Result<Admission, StoreError>>,
    {
        let until = Instant::now() + PATIENCE;
        let place = Arc::clone(&self.place);
        let Ok(_head) = timeout_at(until, place.head.lock()).await else {
            return Ok(Admission::Wait(1));
        };
        loop {
            // From here on no end is missed.
            let mut ended = std::pin::pin!(place.ended.notified());
            ended.as_mut().enable();
            // Before the attempt is counted: one that ends meanwhile has made room for it.
            let is_alone = place.under_way.load(SeqCst) == 0;
            let admission = count().await?;
            if let Admission::Counted(_) = admission {
                place.under_way.fetch_add(1, SeqCst);
                self.is_under_way = true;
                return Ok(admission);
            }
            if is_alone || timeout_at(until, ended).await.is_err() {
                return Ok(admission);
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_under_way {
            self.place.under_way.fetch_sub(1, SeqCst);
            self.place.ended.notify_waiters();
        }
        let mut places = self.turns.lock();
        if let Some((_, taking_part)) = places.get_mut(&self.key) {
            *taking_part -= 1;
            if *taking_part == 0 {
                places.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::{Ready, ready};

    use futures::poll;

    use super::*;

    fn key() -> ThrottleKey {
        ThrottleKey::account("alice")
    }

    /// A throttle with this many places, which gives one back when told so.
    struct Throttle(AtomicUsize);

    impl Throttle {
        fn count(&self) -> Ready<Result<Admission, StoreError>> {
            let taken = self.0.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1));
            ready(Ok(taken.map_or(Admission::Wait(7), |_| Admission::Counted(vec![1]))))
        }

        fn give_back(&self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[tokio::test]
    async fn a_refused_one_waits_for_those_under_way_and_for_nothing_else() {
        let (turns, throttle) = (Turns::default(), Throttle(AtomicUsize::new(1)));
        let mut first = turns.join(&key());
        let admitted = first.admit(|| throttle.count()).await.unwrap();
        assert_eq!(admitted, Admission::Counted(vec![1]));
        let mut second = turns.join(&key());
        let mut third = turns.join(&key());
        let mut waiting = Box::pin(second.admit(|| throttle.count()));
        let mut behind = Box::pin(third.admit(|| throttle.count()));
        assert!(poll!(&mut waiting).is_pending());
        assert!(poll!(&mut behind).is_pending());
        // A right password: its count is given back, and the next one has it.
        throttle.give_back();
        drop(first);
        assert_eq!(waiting.await.unwrap(), Admission::Counted(vec![1]));
        assert!(poll!(&mut behind).is_pending());
        // A wrong one keeps its count, and nobody is left to wait for.
        drop(second);
        assert_eq!(behind.await.unwrap(), Admission::Wait(7));
        drop(third);
        assert!(turns.lock().is_empty(), "nothing is kept");
    }
}
