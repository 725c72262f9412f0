//! A lock across the tabs of an origin, as a lease in their shared storage. For browsers without
//! Web Locks (pages not served by https, and old browsers).
//!
//! A tab that wants the lock writes its own name and an end, waits until every tab must have seen
//! it, and has the lock if its name is still there. The holder extends the lease while it works.
//! The lease of a closed tab ends after [`LEASE`]. Storage has no atomic exchange, so this is
//! weaker than a lock: if a browser delays writes, or the timers of a hidden tab, for longer than
//! these pauses, two tabs may hold it. Then a refresh token is sent twice, which providers treat as
//! reuse.

use std::{cell::Cell, rc::Rc, time::Duration};

use async_trait::async_trait;

use crate::{
    flow::pending,
    in_page::PageLocks,
    ports::{Clock, Entropy, Guard, Locks, Storage, Timer},
};

/// Seconds after which a lease ends unless it is extended. If a tab is closed during a renewal, the
/// next one must happen while the provider still accepts the same refresh token, which is often 10
/// seconds.
const LEASE: u64 = 8;
const EXTEND_INTERVAL: Duration = Duration::from_secs(2);
/// The time until all tabs see what one tab wrote.
const SETTLE: Duration = Duration::from_millis(50);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Locks by leases. Clones share them. `browser::ports` uses them where there are no Web Locks.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "who makes a lock decides about each port")]
pub struct StorageLease {
    /// The storage that the tabs share.
    pub store: Rc<dyn Storage>,
    /// The device's clock, which is the same for all tabs.
    pub clock: Rc<dyn Clock>,
    /// The timers.
    pub timer: Rc<dyn Timer>,
    /// Generates a name for the tab.
    pub entropy: Rc<dyn Entropy>,
    /// Decides within the page first.
    pub page: PageLocks,
}

impl StorageLease {
    /// Whether another tab holds the lease. A lease that ends later than possible was written with
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

    /// Extends the lease until the guard is dropped, which then ends it.
    fn hold(&self, key: String, own: String, page: Guard) -> Guard {
        let held = Rc::new(Cell::new(true));
        let (lease, still_held, (name, holder)) =
            (self.clone(), Rc::clone(&held), (key.clone(), own.clone()));
        self.timer.spawn(Box::pin(async move {
            loop {
                lease.timer.sleep(EXTEND_INTERVAL).await;
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
                // A lease that cannot be removed ends by itself.
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
        // Without randomness or storage, the tabs cannot be distinguished.
        let Ok(own) = pending::random_text(&*self.entropy) else {
            return page;
        };
        loop {
            if self.is_held(&key, &own) {
                self.timer.sleep(RETRY_INTERVAL).await;
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
