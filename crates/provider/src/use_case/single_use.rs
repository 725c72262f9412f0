//! Messages that may be used once: DPoP proofs (RFC 9449 section 11.1) and client assertions (RFC
//! 7523 section 3, `jti`).

use crate::{
    model::{message_identity::MessageIdentity, time::Timestamp},
    store::{LONGEST_CLOCK_SKEW, SingleUses, StoreError},
};

/// Whether the message is used for the first time. `too_old_at`, in seconds since 1970, is when it
/// is refused for its age.
pub(crate) async fn is_first_use(
    single_uses: &dyn SingleUses,
    message: MessageIdentity,
    too_old_at: i64,
) -> Result<bool, StoreError> {
    // One process may be late, and another one ahead. None forgets what another still accepts.
    let clocks_differ = 2 * i64::from(LONGEST_CLOCK_SKEW);
    let forgettable_at = Timestamp::from_seconds(too_old_at.saturating_add(clocks_differ));
    single_uses.first_use(message, forgettable_at).await
}
