//! Verification of the chain in the store, page by page.

use crate::{
    audit::{Anchor, Break, Chain, ChainKey, KeptRecord, Verification},
    model::time::{Seconds, Timestamp},
    store::{AuditRecords, StoreError},
};

/// Records that are looked at at once.
const PAGE: u32 = 500;
/// How long a record may wait for its seal.
const SEALED_WITHIN: Seconds = Seconds::new(600);
/// Breaks that are told. Many more would tell nothing new.
const MOST_BREAKS: usize = 100;

/// What verification has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where the chain begins.
    pub base: Anchor,
    /// Where it ends. Whoever notes it elsewhere can show later that nothing before it was
    /// exchanged.
    pub head: Anchor,
    /// Records that were looked at.
    pub records: u64,
    /// Records that wait for their seals.
    pub waiting: u64,
    /// What is wrong: at most 100 breaks.
    pub breaks: Vec<Break>,
}

/// Verifies the chain from its base to the head that it has now, and looks for records that are in
/// no chain. `known` is a head that was noted before.
pub async fn verify(
    store: &dyn AuditRecords,
    key: &ChainKey,
    known: Option<Anchor>,
    now: Timestamp,
) -> Result<Report, StoreError> {
    let mut chain = store.audit_chain().await?;
    let walked = loop {
        match walk(store, key, chain, known).await? {
            Some(walked) => break walked,
            // Records were removed for their age meanwhile.
            None => chain = store.audit_chain().await?,
        }
    };
    let (mut records, mut breaks) = walked;
    let (base, head) = (Chain::base_of(chain.as_ref()), Chain::head_of(chain.as_ref()));
    let (mut waiting, mut after, mut last_position) = (0, 0, head.position);
    while breaks.len() < MOST_BREAKS {
        let page = store.audit_records_from(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for kept in &page {
            let id = || kept.stamped.id.clone();
            match kept.seal {
                // The walk did not come to it.
                Some(seal) if seal.position <= base.position => {
                    breaks.push(Break::Unsealed { id: id() });
                }
                Some(seal) => last_position = last_position.max(seal.position),
                None if key.is_as_stamped(&kept.stamped) && !is_late(kept, now) => {
                    (records, waiting) = (records + 1, waiting + 1);
                }
                None => breaks.push(Break::Unsealed { id: id() }),
            }
        }
    }
    // What was sealed meanwhile is within the new head.
    let new_head = Chain::head_of(store.audit_chain().await?.as_ref()).position;
    if last_position > new_head {
        breaks.push(Break::Head { expected: new_head, found: last_position });
    }
    breaks.truncate(MOST_BREAKS);
    Ok(Report { base, head, records, waiting, breaks })
}

/// Whether a record has waited for its seal for too long.
fn is_late(kept: &KeptRecord, now: Timestamp) -> bool {
    now.since(kept.stamped.at) > SEALED_WITHIN.into()
}

/// Walks the chain; returns how many records there are, and what is wrong. `None`: the base was
/// moved meanwhile.
async fn walk(
    store: &dyn AuditRecords,
    key: &ChainKey,
    chain: Option<Chain>,
    known: Option<Anchor>,
) -> Result<Option<(u64, Vec<Break>)>, StoreError> {
    let Some(chain) = chain else {
        let is_empty = store.sealed_audit_records(0, 1).await?.is_empty() && known.is_none();
        return Ok(Some((0, if is_empty { Vec::new() } else { vec![Break::NoEnds] })));
    };
    let mut verification = Verification::begin(key, chain);
    let mut records = 0;
    while verification.reached().position < chain.head.position {
        let after = verification.reached().position;
        let page = store.sealed_audit_records(after, PAGE).await?;
        let Some(first) = page.first() else { break };
        if first.seal.position != after.saturating_add(1) {
            let now = store.audit_chain().await?;
            if now.is_some_and(|now| now.base != chain.base && key.is_chain(&now)) {
                return Ok(None);
            }
        }
        for place in page.iter().filter(|place| place.seal.position <= chain.head.position) {
            verification.next(place);
            records += 1;
            let place = place.seal.anchor();
            if known.is_some_and(|known| known.position == place.position && known != place) {
                verification.breaks.push(Break::Known { position: place.position });
            }
        }
        let is_past = page.last().is_some_and(|last| last.seal.position > chain.head.position);
        if is_past || verification.breaks.len() >= MOST_BREAKS {
            break;
        }
    }
    if let Some(known) = known
        && known.position > chain.head.position
    {
        verification.breaks.push(Break::Known { position: known.position });
    }
    Ok(Some((records, verification.end())))
}
