//! Messages that may be used once: DPoP proofs and client assertions.

use async_trait::async_trait;

use crate::{
    model::{
        message_identity::MessageIdentity,
        time::{Seconds, Timestamp},
    },
    store::StoreError,
};

/// How far the clock of a process may differ at most from that of a database which other processes
/// use as well.
pub const LONGEST_CLOCK_SKEW: Seconds = Seconds::new(30);

/// The single uses table.
#[async_trait]
pub trait SingleUses: Send + Sync + 'static {
    /// Notes that a message which counts once was presented: `true` for the first call with this
    /// identity, `false` for every other one. The note is kept until `forgettable_at` at least;
    /// before that, by twice [`LONGEST_CLOCK_SKEW`], the message must be refused for its age. Where
    /// other processes use the database as well, a message that they may have forgotten counts as
    /// used.
    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Whether [`first_use`](Self::first_use) has noted a message with this identity.
    async fn is_used(&self, message: MessageIdentity) -> Result<bool, StoreError>;
}
