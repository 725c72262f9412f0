//! What others publish, kept by its address: a limited number of entries and bytes. What is of no
//! use any more is dropped first. Then what holds nothing goes, such as addresses that somebody
//! made up. Then of those who have most the entry goes that was not used for the longest time:
//! whoever publishes very much takes their own places first.
//!
//! Of what is dropped because it is too old a mark may stay. It takes few bytes and tells the
//! address from one that somebody made up. Marks have places of their own, so that they take none
//! from what can be used, and neither that nor made-up addresses take theirs.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::{time::Timestamp, zone::widest_owner};

/// Marks take this part of the bytes at most, beside them.
const SHARE_OF_MARKS: usize = 8;

/// What is kept for one address.
pub(crate) trait Keep: Default {
    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize;
    /// What is known of it. What holds nothing makes room first.
    fn standing(&self) -> Standing;
    /// Whether there is nothing in it that can be used, or will be in a moment.
    fn is_over(&self, now: Timestamp) -> bool;
    /// Drops what was found. A mark may stay, and the entry with it.
    fn forget(&mut self);
}

/// What is known of an address, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nothing was found there.
    Empty,
    /// Something was found there that could be used then: a mark.
    Marked,
    /// Something was found there that can be used.
    Filled,
}

/// The entries by their addresses. Whoever reads or changes one holds it meanwhile, and it is not
/// dropped. Such entries are not counted: otherwise addresses that answer slowly would take the
/// place of the others. There are no more of them than requests.
///
/// `most` entries are kept that are no marks, and as many marks.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    most: usize,
    most_bytes: usize,
    entries: Mutex<Entries<T>>,
}

#[derive(Debug)]
struct Entries<T> {
    by_address: HashMap<String, Entry<T>>,
    /// How often an entry was asked for.
    uses: u64,
}

#[derive(Debug)]
struct Entry<T> {
    own: Arc<tokio::sync::Mutex<T>>,
    /// Whose address it may be.
    owner: String,
    /// The number of its last use.
    used: u64,
}

impl<T: Keep> Kept<T> {
    pub(crate) fn new(most: usize, most_bytes: usize) -> Self {
        let entries = Entries { by_address: HashMap::new(), uses: 0 };
        Self { most, most_bytes, entries: Mutex::new(entries) }
    }

    /// The entry of this address. A new one is empty, and takes the place of another only when
    /// something was found for it.
    pub(crate) fn entry(&self, address: &str, now: Timestamp) -> Arc<tokio::sync::Mutex<T>> {
        let mut entries = self.lock();
        let is_full = entries.by_address.len() >= self.most.saturating_mul(2);
        if is_full && !entries.by_address.contains_key(address) {
            entries.make_room(self.most, self.most_bytes, now);
        }
        entries.uses += 1;
        let used = entries.uses;
        let new = || Entry { own: Arc::default(), owner: widest_owner(address), used };
        let entry = entries.by_address.entry(address.to_owned()).or_insert_with(new);
        entry.used = used;
        Arc::clone(&entry.own)
    }

    /// What this makes of the entry, if there is one and nobody holds it.
    pub(crate) fn glance<R>(&self, address: &str, at: impl FnOnce(&T) -> R) -> Option<R> {
        let entries = self.lock();
        let own = entries.by_address.get(address)?.own.try_lock().ok()?;
        Some(at(&own))
    }

    /// Drops what is of no use any more and what is beyond the bounds. Call it after an entry has
    /// become larger.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.lock().make_room(self.most, self.most_bytes, now);
    }

    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Keep> Entries<T> {
    /// Drops what is over, and then entries until there are this many at most.
    fn make_room(&mut self, most: usize, most_bytes: usize, now: Timestamp) {
        self.by_address.retain(|_, entry| {
            let Some(own) = entry.unheld() else { return true };
            if !own.is_over(now) {
                return true;
            }
            own.forget();
            own.standing() == Standing::Marked
        });
        self.bound(|standing| standing != Standing::Marked, most, most_bytes);
        self.bound(|standing| standing == Standing::Marked, most, most_bytes / SHARE_OF_MARKS);
    }

    /// Drops entries of such a standing until there are this many at most. Then an eighth more is
    /// dropped, so that the next ones find room.
    fn bound(&mut self, counts: fn(Standing) -> bool, most: usize, most_bytes: usize) {
        let (mut count, mut bytes) = (0_usize, 0_usize);
        for (address, entry) in &mut self.by_address {
            if let Some(own) = entry.unheld().filter(|own| counts(own.standing())) {
                count += 1;
                bytes = bytes.saturating_add(bytes_of(address, own));
            }
        }
        if count <= most && bytes <= most_bytes {
            return;
        }
        let mut unheld = Vec::with_capacity(count);
        for (address, entry) in &mut self.by_address {
            let (used, owner) = (entry.used, entry.owner.clone());
            if let Some(own) = entry.unheld().filter(|own| counts(own.standing())) {
                let bytes = bytes_of(address, own);
                unheld.push((used, own.standing(), owner, bytes, address.clone()));
            }
        }
        unheld.sort_unstable_by_key(|(used, ..)| Reverse(*used));
        let mut had: HashMap<String, usize> = HashMap::new();
        let mut ranked: Vec<_> = unheld
            .into_iter()
            .map(|(used, standing, owner, bytes, address)| {
                // How many its owner has that were used later.
                let later = had.entry(owner).or_default();
                let rank = (standing, Reverse(*later), used);
                *later += usize::from(standing != Standing::Empty);
                (rank, bytes, address)
            })
            .collect();
        ranked.sort_unstable();
        let (enough, enough_bytes) = (most - most / 8, most_bytes - most_bytes / 8);
        for (_, own, address) in ranked {
            if count <= enough && bytes <= enough_bytes {
                break;
            }
            self.by_address.remove(&address);
            count -= 1;
            bytes = bytes.saturating_sub(own);
        }
    }
}

fn bytes_of(address: &str, own: &impl Keep) -> usize {
    own.bytes().saturating_add(address.len())
}

impl<T> Entry<T> {
    /// What is kept, if nobody holds it.
    fn unheld(&mut self) -> Option<&mut T> {
        Arc::get_mut(&mut self.own).map(tokio::sync::Mutex::get_mut)
    }
}

#[cfg(test)]
impl<T> Kept<T> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).by_address.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Default)]
    struct Page {
        bytes: usize,
        until: i64,
        /// Whether a mark stays.
        lasts: bool,
    }

    impl Keep for Page {
        fn bytes(&self) -> usize {
            self.bytes
        }

        fn standing(&self) -> Standing {
            match (self.bytes, self.lasts) {
                (0, false) => Standing::Empty,
                (0, true) => Standing::Marked,
                _ => Standing::Filled,
            }
        }

        fn is_over(&self, now: Timestamp) -> bool {
            self.until <= now.seconds()
        }

        fn forget(&mut self) {
            self.bytes = 0;
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn put(kept: &Kept<Page>, address: &str, bytes: usize, until: i64) {
        put_page(kept, address, Page { bytes, until, lasts: false });
    }

    fn put_page(kept: &Kept<Page>, address: &str, page: Page) {
        *kept.entry(address, at(0)).try_lock().unwrap() = page;
        kept.sweep(at(0));
    }

    fn has(kept: &Kept<Page>, address: &str) -> bool {
        kept.glance(address, |_| ()).is_some()
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_makes_room() {
        let kept = Kept::new(3, 1000);
        for address in ["one", "two", "three"] {
            put(&kept, address, 1, 10);
        }
        drop(kept.entry("one", at(0)));
        put(&kept, "four", 1, 10);
        assert_eq!(
            ["one", "two", "three", "four"].map(|own| has(&kept, own)),
            [true, false, true, true]
        );
    }

    #[test]
    fn whoever_has_most_makes_room_first() {
        let kept = Kept::new(4, 1000);
        put(&kept, "https://one.example/", 1, 10);
        put(&kept, "https://two.example/", 1, 10);
        for number in 0..20 {
            put(&kept, &format!("https://{number}.evil.example/"), 1, 10);
            put(&kept, &format!("https://made-up.one.example/{number}"), 0, 10);
        }
        // An owner of what looks like a suffix is one owner, too.
        for number in 0..20 {
            put(&kept, &format!("https://client.{number}.abc.example/"), 1, 10);
        }
        for good in ["https://one.example/", "https://two.example/"] {
            assert!(has(&kept, good), "{good}");
        }
    }

    #[test]
    fn addresses_where_nothing_was_found_take_no_others_place() {
        let kept = Kept::new(3, 1000);
        put(&kept, "one", 1, 10);
        put(&kept, "two", 1, 10);
        for number in 0..10 {
            put(&kept, &format!("made-up-{number}"), 0, 10);
        }
        // Nor do those that are being asked.
        let slow: Vec<_> =
            (0..10).map(|number| kept.entry(&format!("slow-{number}"), at(0))).collect();
        put(&kept, "three", 1, 10);
        assert_eq!(["one", "two", "three"].map(|own| has(&kept, own)), [true; 3]);
        drop(slow);
    }

    #[test]
    fn the_sum_of_bytes_is_bounded() {
        let kept = Kept::new(100, 1000);
        put(&kept, "one", 500, 10);
        put(&kept, "two", 400, 10);
        put(&kept, "three", 200, 10);
        assert_eq!(["one", "two", "three"].map(|own| has(&kept, own)), [false, true, true]);
        put(&kept, "four", 2000, 10);
        assert_eq!(kept.len(), 0, "nothing that is larger than all may be");
    }

    #[test]
    fn marks_have_places_of_their_own() {
        let kept = Kept::new(4, 1000);
        let marked = |address: &str| {
            put_page(&kept, address, Page { bytes: 1, until: 0, lasts: true });
        };
        marked("https://good.example/");
        assert_eq!(kept.glance("https://good.example/", Keep::bytes), Some(0));
        // Neither made-up addresses nor what others publish takes them.
        for number in 0..20 {
            put(&kept, &format!("https://made-up.example/{number}"), 0, 10);
            put(&kept, &format!("https://client.example-{number}.example/"), 400, 10);
        }
        assert!(has(&kept, "https://good.example/"));
        assert!(kept.len() <= 5, "{}", kept.len());
        // Whoever has most marks makes room first.
        for number in 0..20 {
            marked(&format!("https://{number}.evil.example/"));
        }
        assert!(has(&kept, "https://good.example/"));
        let two = ["https://two.example/", "https://client.example-19.example/"];
        put(&kept, two[0], 1, 10);
        assert_eq!(two.map(|own| has(&kept, own)), [true; 2], "marks take no place of these");
        assert!(kept.len() <= 8, "{}", kept.len());
    }

    #[test]
    fn marks_take_few_bytes() {
        let kept = Kept::new(100, 1000);
        for number in 0..100 {
            let address = format!("https://{number}.example/{}", "x".repeat(20));
            put_page(&kept, &address, Page { bytes: 1, until: 0, lasts: true });
        }
        assert_eq!(kept.len(), 2, "of 42 bytes each");
        assert!(has(&kept, &format!("https://99.example/{}", "x".repeat(20))));
    }

    #[test]
    fn what_is_over_is_dropped_unless_somebody_holds_it() {
        let kept = Kept::new(100, 1000);
        put(&kept, "one", 1, 10);
        put(&kept, "two", 1, 20);
        let held = kept.entry("one", at(10));
        kept.sweep(at(10));
        assert_eq!(kept.len(), 2);
        drop(held);
        kept.sweep(at(10));
        assert_eq!(["one", "two"].map(|own| has(&kept, own)), [false, true]);
        // What nobody filled is of no use.
        drop(kept.entry("three", at(10)));
        kept.sweep(at(10));
        assert_eq!(kept.len(), 1);
    }
}
