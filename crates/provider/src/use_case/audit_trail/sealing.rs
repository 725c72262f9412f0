//! Sealing of what was written, and removal of what is old.
//!
//! Any process may do it. It reads the chain and some records, computes the seals, and writes them
//! if the chain is still the one that it read; otherwise another process was faster.

use super::{AuditTrail, count};
use crate::{
    audit::{Anchor, Chain, KeptRecord, SealedPlace, StampedRecord},
    model::time::Timestamp,
    store::StoreError,
};

/// Records that are sealed at once.
const AT_ONCE: u32 = 256;
/// Records that are removed at once.
const REMOVED_AT_ONCE: u32 = 200;
/// Pages of damaged places that are passed over at once.
const MOST_PAGES: u32 = 50;

/// What is old.
struct Old {
    /// The last record of it.
    end: Anchor,
    places: u64,
    /// Those of which the record is gone, or is not as it was written.
    damaged: u64,
}

impl AuditTrail {
    /// Whether the ends of the chain are ours, as they are in the store now.
    pub async fn chain_holds(&self) -> Result<bool, StoreError> {
        let chain = self.store.audit_chain().await?;
        Ok(chain.is_none_or(|chain| self.key.is_chain(&chain)))
    }

    /// Seals what waits.
    pub(super) async fn seal(&self) -> Result<(), StoreError> {
        loop {
            let waiting = self.store.waiting_audit_records(AT_ONCE).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            let chain = self.store.audit_chain().await?;
            if !self.holds(chain.as_ref()) {
                return Ok(());
            }
            let base = Chain::base_of(chain.as_ref());
            let mut head = Chain::head_of(chain.as_ref());
            let mut seals = Vec::with_capacity(waiting.len());
            for kept in &waiting {
                if !self.key.is_as_stamped(&kept.stamped) {
                    // It gets its place, so that nothing stops, and is found by verification.
                    tracing::error!(
                        id = kept.stamped.id,
                        "an audit record was altered before it was sealed, or is not ours"
                    );
                }
                let seal = self.key.seal(head, kept.number, kept.stamped.mac);
                head = seal.anchor();
                seals.push(seal);
            }
            let found = chain.map(|chain| chain.proof);
            let count_sealed = seals.len() as u64;
            let next = self.key.chain(base, head);
            // If another process was faster, it goes on.
            if !self.store.seal_audit_records(found, next, seals).await? {
                return Ok(());
            }
            count("sealed", count_sealed);
            if waiting.len() < AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    /// Removes records that are older than they are kept; returns how many.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let Some(keep) = self.settings.keep else { return Ok(0) };
        let old_by = now.seconds().saturating_sub(i64::from(keep));
        let mut removed = 0;
        loop {
            let Some(chain) = self.store.audit_chain().await? else { return Ok(removed) };
            if !self.holds(Some(&chain)) {
                return Ok(removed);
            }
            let Some(old) = self.old(chain.base, old_by).await? else { return Ok(removed) };
            let next = self.key.chain(old.end, chain.head);
            if !self.store.remove_audit_records(chain.proof, next).await? {
                continue;
            }
            removed += old.places;
            if old.damaged > 0 {
                tracing::error!(
                    records = old.damaged,
                    "audit records had been removed or altered by hand before they went by age"
                );
            }
        }
    }

    /// The beginning of the chain, up to a record that is old. Whoever has the database can take a
    /// record away, or make it look old: such a one is passed over, and only goes with an old one
    /// after it. Otherwise the key would hide what was done.
    async fn old(&self, base: Anchor, old_by: i64) -> Result<Option<Old>, StoreError> {
        let (mut before, mut old) = (base, None);
        let (mut places, mut damaged) = (0, 0);
        for _ in 0..MOST_PAGES {
            let page = self.store.sealed_audit_records(before.position, REMOVED_AT_ONCE).await?;
            for SealedPlace { seal, record } in &page {
                let is_ours = |kept: &&KeptRecord| {
                    let StampedRecord { mac, .. } = kept.stamped;
                    self.key.is_as_stamped(&kept.stamped)
                        && self.key.seal(before, kept.number, mac) == *seal
                };
                let kept = record.as_ref().filter(is_ours);
                before = seal.anchor();
                places += 1;
                match kept {
                    None => damaged += 1,
                    Some(kept) if kept.stamped.at.seconds() > old_by => return Ok(old),
                    Some(_) => old = Some(Old { end: before, places, damaged }),
                }
            }
            if old.is_some() || page.len() < REMOVED_AT_ONCE as usize {
                break;
            }
        }
        if old.is_none() && damaged > 0 {
            tracing::error!(
                "the first {damaged} records of the audit history were removed or altered: none is \
                 removed by its age. Run doorward audit verify"
            );
        }
        Ok(old)
    }

    /// Whether the ends of the chain are ours. If somebody else wrote them, nothing is built on
    /// them: records go on to be kept, and wait.
    fn holds(&self, chain: Option<&Chain>) -> bool {
        let holds = chain.is_none_or(|chain| self.key.is_chain(chain));
        if !holds {
            tracing::error!(
                "the ends of the audit chain were altered: nothing is sealed or removed. Run \
                 doorward audit verify"
            );
        }
        metrics::gauge!("doorward_audit_chain_broken").set(if holds { 0.0 } else { 1.0 });
        holds
    }
}
