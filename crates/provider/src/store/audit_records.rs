//! Audit records, their chain, and how far they were delivered.

use async_trait::async_trait;

use crate::{
    audit::{Chain, Cursor, Filter, FoundRecords, KeptRecord, Seal, SealedPlace, StampedRecord},
    model::{
        signing_key::SealedKey,
        time::{Seconds, Timestamp},
    },
    store::StoreError,
};

/// The tables of audit records.
///
/// Records are written by any process at any time, and wait until they are sealed. What changes the
/// chain says which [`Chain::proof`] it found (`None`: no chain yet), and changes nothing if the
/// chain is another one by now.
#[async_trait]
pub trait AuditRecords: Send + Sync + 'static {
    /// Keeps records, all or none. One whose identifier is there already is left out, so that the
    /// command can be repeated.
    async fn add_audit_records(&self, records: Vec<StampedRecord>) -> Result<(), StoreError>;
    /// At most `limit` records that meet the filter, the latest first: those after `after`. A page
    /// of a search for two columns looks at this many records and no more, so that one that finds
    /// nothing costs no more than others. It may then have fewer records, or none, and there are
    /// more: [`FoundRecords::next`] says so.
    async fn audit_records(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<FoundRecords, StoreError>;
    /// How many records of an event there are in each step of this many seconds from `from` on: the
    /// number of the step, from 0, and how many. Steps without any are left out. The latest `most`
    /// records are counted, and no more.
    async fn count_audit_records(
        &self,
        event: &str,
        from: Timestamp,
        step: Seconds,
        most: u32,
    ) -> Result<Vec<(u32, u32)>, StoreError>;
    /// At most `limit` records in the order of their numbers, from the one after `after` on.
    async fn audit_records_from(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<KeptRecord>, StoreError>;
    /// At most `limit` records that wait to be sealed, in the order of their numbers.
    async fn waiting_audit_records(&self, limit: u32) -> Result<Vec<KeptRecord>, StoreError>;
    /// At most `limit` places of the chain, from the one after this position on.
    async fn sealed_audit_records(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedPlace>, StoreError>;
    /// The chain; `None` before the first record is sealed.
    async fn audit_chain(&self) -> Result<Option<Chain>, StoreError>;
    /// Seals records that wait, and moves the head of the chain. Returns `false`, and changes
    /// nothing, if the chain is another one than was found.
    async fn seal_audit_records(
        &self,
        found: Option<[u8; 32]>,
        chain: Chain,
        seals: Vec<Seal>,
    ) -> Result<bool, StoreError>;
    /// Removes the records up to the base of this chain, and moves it there. Returns `false`, and
    /// changes nothing, if the chain is another one than was found.
    async fn remove_audit_records(&self, found: [u8; 32], chain: Chain)
    -> Result<bool, StoreError>;
    /// The encrypted key of the chain. The first one that is offered stays.
    async fn audit_key(&self, offered: SealedKey) -> Result<SealedKey, StoreError>;
    /// Replaces the encrypted key by the same one, encrypted otherwise. Returns `false` if the
    /// stored one is not `before`.
    async fn reseal_audit_key(
        &self,
        before: SealedKey,
        after: SealedKey,
    ) -> Result<bool, StoreError>;
    /// Takes the delivery of records if it is due; it is due again at `due_again`. The first one
    /// begins after `begin`.
    async fn claim_audit_delivery(
        &self,
        begin: i64,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Option<AuditDelivery>, StoreError>;
    /// Notes that the records up to this position were delivered, and when the next delivery is
    /// due. The position never goes back.
    async fn audit_records_delivered(
        &self,
        position: i64,
        due: Timestamp,
    ) -> Result<(), StoreError>;
    /// Notes that a delivery failed, and when the next attempt is due.
    async fn audit_delivery_failed(&self, next_try: Timestamp) -> Result<(), StoreError>;
}

/// A delivery that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditDelivery {
    /// The position of the last record that was delivered.
    pub position: i64,
    /// How many times it was tried since the last success, this time included.
    pub attempts: u32,
}
