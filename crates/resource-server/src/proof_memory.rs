//! The memory of used DPoP proofs in this process.

use std::{
    collections::{HashMap, HashSet},
    future::ready,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    Clock,
    proofs::{PROOF_LIFE, ProofStore, ProofStoreError, UsedProof},
};

/// With less room, a few callers would push out proofs that are still valid.
const SMALLEST_ROOM: usize = 1024;

/// Remembers used proofs in this process, up to a number of them.
///
/// Every caller has two generations, which the time and the caller's share bound. A caller who
/// makes more proofs than an eighth of the room pushes out older proofs of its own, and of nobody
/// else. If the room is full, the callers with the most proofs lose their older ones.
pub(crate) struct ProofMemory {
    room: usize,
    clock: Arc<dyn Clock>,
    callers: Mutex<Callers>,
}

#[derive(Default)]
struct Callers {
    by_id: HashMap<[u8; 32], ProofGenerations>,
    /// The number of proofs of all callers.
    length: usize,
}

#[derive(Default)]
struct ProofGenerations {
    begun: Duration,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl ProofGenerations {
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Drops what can't be valid any more, and begins a new generation when the young one has
    /// become old or long.
    fn rotate(&mut self, now: Duration, length: usize) {
        let age = now.saturating_sub(self.begun);
        if age >= PROOF_LIFE || self.young.len() >= length {
            self.begun = now;
            let young = mem::take(&mut self.young);
            self.old = if age >= PROOF_LIFE * 2 { HashSet::new() } else { young };
        }
    }
}

impl ProofMemory {
    /// A memory for this number of proofs, at least [`SMALLEST_ROOM`].
    pub(crate) fn new(room: usize, clock: Arc<dyn Clock>) -> Self {
        Self { room: room.max(SMALLEST_ROOM), clock, callers: Mutex::default() }
    }

    fn is_new(&self, proof: &UsedProof, now: Duration) -> bool {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.length >= self.room {
            callers.make_room(self.room, now);
        }
        let own = callers.by_id.entry(proof.caller);
        let own =
            own.or_insert_with(|| ProofGenerations { begun: now, ..ProofGenerations::default() });
        let before = own.len();
        own.rotate(now, (self.room / 16).max(1));
        let is_new = !own.old.contains(&proof.id) && own.young.insert(proof.id);
        let after = own.len();
        callers.length = callers.length + after - before;
        is_new
    }
}

impl Callers {
    /// Forgets what is not valid any more. If that is too little, those callers who have more than
    /// others lose their older proofs, then all of theirs; and then all callers lose theirs.
    fn make_room(&mut self, room: usize, now: Duration) {
        self.by_id.retain(|_, own| {
            own.rotate(now, usize::MAX);
            own.len() > 0
        });
        let average = room / self.by_id.len().max(1);
        for step in [Forget::OlderOfTheGreedy, Forget::AllOfTheGreedy, Forget::All] {
            self.length = self.by_id.values().map(ProofGenerations::len).sum();
            if self.length < room / 4 * 3 {
                return;
            }
            self.by_id.retain(|_, own| match step {
                Forget::OlderOfTheGreedy if own.len() > average => {
                    own.old = mem::take(&mut own.young);
                    own.begun = now;
                    own.len() > 0
                }
                Forget::AllOfTheGreedy => own.len() <= average,
                Forget::OlderOfTheGreedy => true,
                Forget::All => false,
            });
        }
        tracing::warn!(room, "the memory of DPoP proofs is too small, and forgot some too early");
        self.length = self.by_id.values().map(ProofGenerations::len).sum();
    }
}

/// What is forgotten when there is no room.
#[derive(Clone, Copy)]
enum Forget {
    OlderOfTheGreedy,
    AllOfTheGreedy,
    All,
}

impl ProofStore for ProofMemory {
    fn use_once(
        &self,
        proof: UsedProof,
    ) -> Pin<Box<dyn Future<Output = Result<bool, ProofStoreError>> + Send + '_>> {
        Box::pin(ready(Ok(self.is_new(&proof, self.clock.elapsed()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    const ROOM: usize = 16 * 1024;

    fn bytes(number: usize) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    fn memory() -> ProofMemory {
        ProofMemory::new(ROOM, Arc::new(SystemClock::default()))
    }

    fn proof(caller: usize, number: usize) -> UsedProof {
        UsedProof { id: bytes(number), caller: bytes(caller), life: PROOF_LIFE }
    }

    fn held(memory: &ProofMemory) -> usize {
        let callers = memory.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.by_id.values().map(ProofGenerations::len).sum()
    }

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_is_valid() {
        for begun in 0..200 {
            let (memory, begun) = (memory(), Duration::from_secs(begun));
            assert!(memory.is_new(&proof(0, 0), Duration::ZERO));
            assert!(memory.is_new(&proof(0, 1), begun));
            for later in 0..PROOF_LIFE.as_secs() {
                let now = begun + Duration::from_secs(later);
                assert!(!memory.is_new(&proof(0, 1), now), "{begun:?}, again after {later} s");
            }
        }
        let memory = memory();
        assert!(memory.is_new(&proof(0, 1), Duration::ZERO));
        assert!(memory.is_new(&proof(0, 1), PROOF_LIFE * 2), "it is forgotten in the end");
    }

    #[test]
    fn no_caller_makes_the_memory_forget_the_proofs_of_another() {
        let memory = memory();
        assert!(memory.is_new(&proof(1, 7), Duration::ZERO));
        for number in 0..10 * ROOM {
            memory.is_new(&proof(2, 1000 + number), Duration::from_secs(1));
        }
        assert!(!memory.is_new(&proof(1, 7), Duration::from_secs(2)));
        assert!(held(&memory) <= ROOM / 8 + 2, "one caller has an eighth of the room");
    }

    #[test]
    fn many_callers_fill_it_and_the_greediest_lose_theirs_first() {
        let memory = memory();
        assert!(memory.is_new(&proof(1, 7), Duration::ZERO));
        for number in 0..10 * ROOM {
            memory.is_new(&proof(2 + number % 20, 1000 + number), Duration::from_secs(1));
        }
        assert!(!memory.is_new(&proof(1, 7), Duration::from_secs(2)));
        assert!(held(&memory) <= ROOM);
    }

    #[test]
    fn its_room_is_bounded_whoever_calls() {
        let memory = memory();
        for number in 0..3 * ROOM {
            assert!(memory.is_new(&proof(number, number), Duration::from_secs(1)));
            assert!(number % 1000 != 0 || held(&memory) <= ROOM);
        }
        assert!(held(&memory) <= ROOM);
    }
}
