//! Messages that count once: DPoP proofs (RFC 9449 section 11.1) and client assertions (RFC 7523
//! section 3, `jti`).

use std::fmt;

use crate::{Provider, store::StoreError, time::Timestamp};

/// How far the clocks of several processes may differ, in seconds: none forgets what another would
/// still accept.
const CLOCKS_DIFFER: i64 = 60;

/// What tells such a message from every other: a SHA-256 hash over its kind, its author and its
/// `jti`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageIdentity([u8; 32]);

impl MessageIdentity {
    /// Takes a hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MessageIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MessageIdentity(redacted)")
    }
}

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
