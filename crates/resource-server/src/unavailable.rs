//! The error when the issuer would have to be asked, and can't be.

use std::time::Duration;

/// The issuer can't be asked now, so it is not known whether the token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("the issuer can't be asked")]
pub struct IssuerUnavailable {
    /// How long to wait before trying again, in seconds; at least one.
    pub retry_after: u64,
}

impl IssuerUnavailable {
    /// Try again after this time, rounded up to seconds.
    pub(crate) fn after(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: seconds.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        assert_eq!(IssuerUnavailable::after(Duration::from_millis(1200)).retry_after, 2);
        assert_eq!(IssuerUnavailable::after(Duration::ZERO).retry_after, 1);
    }
}
