//! Throttling of sign-ins, by account and by address: the pure rule. The counters live in the
//! store.

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest as _, Sha256};

use crate::model::time::Timestamp;

/// What failures are counted for: a hash, so that the store collects neither mistyped passwords nor
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThrottleKey([u8; 32]);

impl ThrottleKey {
    /// The account that was typed, whether or not there is one.
    pub fn account(normalized_username: &str) -> Self {
        Self(
            Sha256::new()
                .chain_update("account:")
                .chain_update(normalized_username)
                .finalize()
                .into(),
        )
    }

    /// The address that the request came from. One holder has a whole IPv6 network of 64 bits, so
    /// that counts as one.
    pub fn address(address: &str) -> Self {
        Self(
            Sha256::new().chain_update("address:").chain_update(network(address)).finalize().into(),
        )
    }

    /// The account as typed from this address.
    pub fn account_at(normalized_username: &str, address: &str) -> Self {
        let hash = Sha256::new().chain_update("account at:").chain_update(network(address));
        Self(hash.chain_update("\n").chain_update(normalized_username).finalize().into())
    }

    /// The account as typed to this client, which signs users in itself (RFC 6749 section 4.3). All
    /// its users come from the client's own address, so the address says nothing.
    pub fn account_at_client(normalized_username: &str, client_id: &str) -> Self {
        let hash = Sha256::new().chain_update("account at client:").chain_update(client_id);
        Self(hash.chain_update("\n").chain_update(normalized_username).finalize().into())
    }

    /// A browser that has signed the account in before, by the random part of its cookie.
    pub(crate) fn device(random: &[u8]) -> Self {
        Self(Sha256::new().chain_update("device:").chain_update(random).finalize().into())
    }

    /// What a public client asks for from this address.
    pub fn client_at(client_id: &str, address: &str) -> Self {
        let hash = Sha256::new().chain_update("client at:").chain_update(network(address));
        Self(hash.chain_update("\n").chain_update(client_id).finalize().into())
    }

    /// The user codes that this user has entered (RFC 8628 section 5.1).
    pub fn user_codes_of(sub: &str) -> Self {
        Self(Sha256::new().chain_update("user codes of:").chain_update(sub).finalize().into())
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        _ => address.to_owned(),
    }
}

/// Failures since the last success or since they were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedSignIns {
    /// How many.
    pub count: u32,
    /// When the last was; `None` without failures.
    pub last: Option<Timestamp>,
}

/// When sign-ins are delayed.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlePolicy {
    /// Number of failures without a wait. Each further one doubles the wait, which starts at one
    /// second.
    pub free_failures: u32,
    /// The longest wait in seconds.
    pub longest_wait: u32,
}

/// For one account from one address.
pub const PER_ACCOUNT_AND_ADDRESS: ThrottlePolicy =
    ThrottlePolicy { free_failures: 5, longest_wait: 300 };
/// For one browser that has signed the account in before. It replaces the other three, so that no
/// one else's failures keep its user waiting.
pub const PER_DEVICE: ThrottlePolicy = ThrottlePolicy { free_failures: 5, longest_wait: 300 };
/// For one account from anywhere. A browser or an address that has signed the account in before
/// ([`KNOWN_FOR`]) passes this limit, so guesses from elsewhere do not lock the owner out.
pub const PER_ACCOUNT: ThrottlePolicy = ThrottlePolicy { free_failures: 25, longest_wait: 30 };
/// For one address, from which many people may come. It is passed in the same way.
pub const PER_ADDRESS: ThrottlePolicy = ThrottlePolicy { free_failures: 50, longest_wait: 300 };
/// For one account at one client that signs users in itself. The wait is short: the client can't
/// say which of its users the guesser is.
pub const PER_ACCOUNT_AND_CLIENT: ThrottlePolicy =
    ThrottlePolicy { free_failures: 10, longest_wait: 30 };
/// For the user codes that one user enters. Right ones count, too, so that nobody buys guesses with
/// codes of their own.
pub const USER_CODES: ThrottlePolicy = ThrottlePolicy { free_failures: 10, longest_wait: 300 };
/// Failures are forgotten after this many seconds without another.
pub const MEMORY: u32 = 3600;
/// How long a successful sign-in lets the same address pass the wide limits for this account, in
/// seconds: 30 days. A browser passes them by its device cookie.
pub const KNOWN_FOR: u32 = 2_592_000;

/// How many rows of one kind may wait for one client and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginBound {
    /// Client and address.
    pub origin: ThrottleKey,
    /// How many rows.
    pub most: u32,
}

impl ThrottlePolicy {
    /// Seconds to wait before the next attempt counts; 0 when it may be made now.
    pub fn wait(self, failed: FailedSignIns, now: Timestamp) -> u32 {
        let Some(last) = failed.last else { return 0 };
        // A clock that was set back must lock nobody out.
        if failed.count < self.free_failures || now < last {
            return 0;
        }
        let doublings = (failed.count - self.free_failures).min(30);
        let pause = i64::from(self.longest_wait).min(1_i64 << doublings);
        u32::try_from(pause - now.since(last)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(count: u32, last: i64) -> FailedSignIns {
        FailedSignIns { count, last: Some(Timestamp::from_seconds(last)) }
    }

    #[test]
    fn free_failures_then_doubling_up_to_the_longest() {
        let now = Timestamp::from_seconds(1000);
        let wait = |count, last| PER_ACCOUNT_AND_ADDRESS.wait(failed(count, last), now);
        assert_eq!(PER_ACCOUNT.wait(FailedSignIns::default(), now), 0);
        assert_eq!(wait(4, 1000), 0);
        assert_eq!(wait(5, 1000), 1);
        assert_eq!(wait(5, 999), 0);
        assert_eq!(wait(8, 1000), 8);
        assert_eq!(wait(8, 995), 3);
        assert_eq!(wait(60, 1000), 300);
        assert_eq!(wait(u32::MAX, 1000), 300);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        assert_eq!(PER_ACCOUNT.wait(failed(60, 9999), Timestamp::from_seconds(0)), 0);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        assert_eq!(
            ThrottleKey::address("2001:db8:1:2::1"),
            ThrottleKey::address("2001:db8:1:2:ffff::9")
        );
        assert_ne!(
            ThrottleKey::address("2001:db8:1:2::1"),
            ThrottleKey::address("2001:db8:1:3::1")
        );
        assert_ne!(ThrottleKey::address("192.0.2.1"), ThrottleKey::address("192.0.2.2"));
    }
}
