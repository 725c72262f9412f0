//! Messages that count once: DPoP proofs (RFC 9449 section 11.1) and client assertions (RFC 7523
//! section 3, `jti`).

use crate::{
    Provider,
    model::{message_identity::MessageIdentity, time::Timestamp},
    store::StoreError,
};

/// How far the clocks of several processes may differ, in seconds: none forgets what another would
/// still accept.
const CLOCKS_DIFFER: i64 = 60;

impl Provider {
    /// Whether the message is presented for the first time. From that moment on, in seconds since
    /// 1970, it is too old by itself.
    pub(crate) async fn is_first_use(
        &self,
        message: MessageIdentity,
        too_old_at: i64,
    ) -> Result<bool, StoreError> {
        let forgettable_at = Timestamp::from_seconds(too_old_at.saturating_add(CLOCKS_DIFFER));
        self.store.first_use(message, forgettable_at).await
    }
}
