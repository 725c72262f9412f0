//! The connections for reading.
//!
//! A query runs on the thread that asks. It is a look-up by key that takes some ten microseconds
//! from the operating system's cache and never waits for the writer (WAL). To hand it to another
//! thread and back costs more than the query: through `spawn_blocking` the same machine answered a
//! fifth as many.

use std::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use rusqlite::Connection;

/// A few connections, each used by one query at a time.
#[derive(Debug)]
pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            connections: connections.into_iter().map(Mutex::new).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// A connection that is free, or else the next one that gets free; `None` if there are none at
    /// all. Each sees what was committed before it was taken.
    pub(super) fn take(&self) -> Option<MutexGuard<'_, Connection>> {
        // The first free one, so that with little to do the same statements stay warm.
        let free = self.connections.iter().find_map(|connection| match connection.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.or_else(|| {
            let turn = self.next.fetch_add(1, Relaxed) % self.connections.len().max(1);
            self.connections
                .get(turn)
                .map(|connection| connection.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
