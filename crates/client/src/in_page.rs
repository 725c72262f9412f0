//! Ports that need no browser: storage in memory, and locks within one page.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;

use crate::{
    lean::oneshot,
    ports::{Guard, Locks, Storage, StorageError},
};

/// A store in the page's memory. Clones share it.
///
/// ```
/// use doorward_client::{in_page::MemoryStorage, ports::Storage};
///
/// let store = MemoryStorage::default();
/// store.set("key", "value")?;
/// assert_eq!(store.clone().get("key")?.as_deref(), Some("value"));
/// # Ok::<(), doorward_client::ports::StorageError>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStorage(Rc<RefCell<Vec<(String, String)>>>);

impl Storage for MemoryStorage {
    fn get(&self, key: &str) -> Result<Option<String>, StorageError> {
        let entries = self.0.borrow();
        Ok(entries.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone()))
    }

    fn set(&self, key: &str, value: &str) -> Result<(), StorageError> {
        self.remove(key)?;
        self.0.borrow_mut().push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.0.borrow_mut().retain(|(own, _)| own != key);
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.0.borrow().iter().map(|(key, _)| key.clone()).collect())
    }
}

/// The held locks by name, each with the tasks that wait for it, in order.
type HeldLocks = Vec<(String, Vec<oneshot::Sender<Guard>>)>;

/// Locks within one page, first come, first served. Clones share them. They are enough for storage
/// that only this page reads (memory and session storage).
///
/// ```
/// use doorward_client::{in_page::PageLocks, ports::Locks};
/// use futures::{FutureExt, executor::block_on};
///
/// let locks = PageLocks::default();
/// let held = block_on(locks.acquire("renewal"));
/// assert!(locks.acquire("renewal").now_or_never().is_none());
/// drop(held);
/// assert!(locks.acquire("renewal").now_or_never().is_some());
/// ```
#[derive(Clone, Default)]
pub struct PageLocks(Rc<RefCell<HeldLocks>>);

impl PageLocks {
    fn guard(&self, name: &str) -> Guard {
        let (locks, name) = (self.clone(), name.to_owned());
        Guard::new(move || locks.release(&name))
    }

    /// Hands the lock to the task that has waited longest. A task that gave up drops the guard,
    /// which hands the lock on.
    fn release(&self, name: &str) {
        let next = {
            let mut held = self.0.borrow_mut();
            let Some(position) = held.iter().position(|(own, _)| own == name) else {
                return;
            };
            if held[position].1.is_empty() {
                held.remove(position);
                return;
            }
            held[position].1.remove(0)
        };
        next.send(self.guard(name));
    }
}

#[async_trait(?Send)]
impl Locks for PageLocks {
    async fn acquire(&self, name: &str) -> Guard {
        let turn = {
            let mut held = self.0.borrow_mut();
            if let Some((_, waiting)) = held.iter_mut().find(|(own, _)| own == name) {
                let (sender, receiver) = oneshot::channel();
                waiting.push(sender);
                Some(receiver)
            } else {
                held.push((name.to_owned(), Vec::new()));
                None
            }
        };
        match turn {
            Some(turn) => turn.received().await.unwrap_or_else(|| Guard::new(|| ())),
            None => self.guard(name),
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use futures::{FutureExt as _, executor::block_on};

    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_handed_on_in_order() {
        let locks = PageLocks::default();
        let first = block_on(locks.acquire("a"));
        let mut second = locks.acquire("a");
        let mut third = locks.acquire("a");
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert!(locks.acquire("b").now_or_never().is_some(), "another name is free");
        drop(first);
        assert!((&mut third).now_or_never().is_none(), "the second is first");
        drop(block_on(second));
        drop(block_on(third));
        assert!(locks.acquire("a").now_or_never().is_some());
    }

    #[test]
    fn who_gives_up_waiting_does_not_keep_the_lock() {
        let locks = PageLocks::default();
        let first = block_on(locks.acquire("a"));
        let mut second = locks.acquire("a");
        assert!((&mut second).now_or_never().is_none());
        drop(second);
        drop(first);
        assert!(locks.acquire("a").now_or_never().is_some());
    }
}
