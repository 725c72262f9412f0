//! Mutual exclusion over the tabs of an origin by a lease in their common storage, where the
//! browser has no Web Locks (pages that are not served by https, and old browsers).
//!
//! Whoever wants the lock writes a name of its own and an end, waits until every tab must have seen
//! it, and has the lock if its name still stands there. The holder puts the end off while it works;
//! the lease of a tab that was closed ends by itself after [`LEASE`]. Storage knows no atomic
//! exchange, so this is weaker than a lock: a browser that holds up writes, or the timers of a
//! hidden tab, for longer than these pauses lets two tabs in. What follows then is a refresh token
//! sent twice, which providers answer like any reuse.

use std::{cell::Cell, rc::Rc, time::Duration};

use async_trait::async_trait;

use crate::{
    in_page::PageLocks,
    pending,
    ports::{Clock, Entropy, Guard, Locks, Storage, Timer},
};

/// Seconds after which a lease ends that nobody puts off. If a tab is closed in the middle of a
/// renewal, the next one must come while the provider still answers the same refresh token again,
/// which is often 10 seconds.
const LEASE: u64 = 8;
const PUT_OFF_EVERY: Duration = Duration::from_secs(2);
/// Until what one tab wrote is seen by all.
const SETTLE: Duration = Duration::from_millis(50);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Locks by leases. Clones share them.
#[derive(Clone)]
pub struct StorageLease {
    /// The store that the tabs have in common.
    pub store: Rc<dyn Storage>,
    /// The device's clock, which is the same for all tabs.
    pub clock: Rc<dyn Clock>,
    /// Waits.
    pub timer: Rc<dyn Timer>,
    /// Names the tabs.
    pub entropy: Rc<dyn Entropy>,
    /// Settles it within the page first.
    pub page: PageLocks,
}

impl StorageLease {
    /// Whether somebody else holds the lease. One that ends later than any lease can was written by
    /// another clock.
    fn is_held(&self, key: &str, own: &str) -> bool {
        let entry = self.store.get(key).ok().flatten().unwrap_or_default();
        let now = self.clock.now();
        entry.split_once(' ').is_some_and(|(holder, end)| {
            holder != own && end.parse().is_ok_and(|end: u64| end > now && end <= now + LEASE)
        })
    }

    fn write(&self, key: &str, own: &str) -> bool {
        let end = (self.clock.now() + LEASE).to_string();
        self.store.set(key, &[own, " ", &end].concat()).is_ok()
    }

    fn is_own(&self, key: &str, own: &str) -> bool {
        self.store.get(key).ok().flatten().is_some_and(|entry| entry.starts_with(own))
    }

    /// Puts the end off until the guard is dropped, which then gives the lease back.
    fn hold(&self, key: String, own: String, page: Guard) -> Guard {
        let held = Rc::new(Cell::new(true));
        let (lease, still_held, (name, holder)) =
            (self.clone(), Rc::clone(&held), (key.clone(), own.clone()));
        self.timer.spawn(Box::pin(async move {
            loop {
                lease.timer.sleep(PUT_OFF_EVERY).await;
                if !still_held.get() || !lease.is_own(&name, &holder) {
                    return;
                }
                lease.write(&name, &holder);
            }
        }));
        let lease = self.clone();
        Guard::new(move || {
            held.set(false);
            if lease.is_own(&key, &own) {
                // A lease that can't be removed ends by itself.
                let _ = lease.store.remove(&key);
            }
            drop(page);
        })
    }
}

#[async_trait(?Send)]
impl Locks for StorageLease {
    async fn acquire(&self, name: &str) -> Guard {
        let page = self.page.acquire(name).await;
        let key = ["oidc-lock:", name].concat();
        // Without randomness or storage there is nothing to tell the tabs apart by.
        let Ok(own) = pending::random_text(&*self.entropy) else {
            return page;
        };
        loop {
            if self.is_held(&key, &own) {
                self.timer.sleep(LOOK_AGAIN).await;
            } else if self.write(&key, &own) {
                self.timer.sleep(SETTLE).await;
                if self.is_own(&key, &own) {
                    return self.hold(key, own, page);
                }
            } else {
                return page;
            }
        }
    }
}
