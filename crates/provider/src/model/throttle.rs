//! Throttling of sign-ins, by account and by address: the pure rule. The counters live in the
//! store.

use std::net::{IpAddr, Ipv6Addr};

use doorward_protocol::{
    ids::{ClientId, GrantId, Sub},
    time::Seconds,
};
use sha2::{Digest as _, Sha256};

use crate::model::{password::PasswordHash, time::Timestamp, user::User};

/// What failures are counted for: a hash, so that the store collects neither mistyped passwords nor
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThrottleKey([u8; 32]);

impl ThrottleKey {
    /// A kind of key, which ends with a colon, and of what it is.
    fn of(kind: &str, of: impl AsRef<[u8]>) -> Self {
        Self(Sha256::new().chain_update(kind).chain_update(of).finalize().into())
    }

    /// The account that was typed, whether or not there is one.
    pub fn account(normalized_username: &str) -> Self {
        Self::of("account:", normalized_username)
    }

    /// The address that the request came from. One holder has a whole IPv6 network of 64 bits, so
    /// that counts as one.
    pub fn address(address: &str) -> Self {
        Self::of("address:", network(address))
    }

    /// The account as typed from this address.
    pub fn account_at(normalized_username: &str, address: &str) -> Self {
        let hash = Sha256::new().chain_update("account at:").chain_update(network(address));
        Self(hash.chain_update("\n").chain_update(normalized_username).finalize().into())
    }

    /// The account at an address that has signed it in with the password that it has now. A new
    /// password makes another key, so it forgets the address.
    pub fn known_at(user: &User, address: &str) -> Self {
        let hash = Sha256::new().chain_update("known at:").chain_update(network(address));
        let hash = hash.chain_update("\n").chain_update(user.sub.as_str()).chain_update("\n");
        let password = user.password_hash.as_ref().map_or("", PasswordHash::as_str);
        Self(hash.chain_update(password).finalize().into())
    }

    /// The same place while it is known, and so passes the wide limits. A success takes back from
    /// those what its own place has counted, so what they did not count has another key: otherwise
    /// failures at an own account buy guesses at others.
    #[must_use]
    pub(crate) fn while_known(&self) -> Self {
        Self::of("while known:", self.0)
    }

    /// Wrong passwords of this user from places that are not known, or from the one with this key.
    /// They are counted without end for the password that the user has now: another one makes
    /// another key.
    pub(crate) fn wrong_passwords(user: &User, place: Option<&Self>) -> Self {
        let hash = Sha256::new().chain_update("wrong passwords:");
        let hash = hash.chain_update(place.map_or([0; 32], |Self(place)| *place));
        let hash = hash.chain_update(user.sub.as_str()).chain_update("\n");
        let password = user.password_hash.as_ref().map_or("", PasswordHash::as_str);
        Self(hash.chain_update(password).finalize().into())
    }

    /// The same for a name of nobody. Nothing is decided by it: it makes the same work as the row
    /// of a user. Each name has a row of its own, for an hour ([`WRONG_PASSWORDS_OF_NOBODY`]), like
    /// that of [`account`](Self::account). A row that many names shared would be locked by one for
    /// the others, and how long they wait would tell names of nobody from accounts.
    pub(crate) fn wrong_passwords_of_nobody(normalized_username: &str) -> Self {
        Self::of("wrong passwords of nobody:", normalized_username)
    }

    /// The account as typed to this client, which signs users in itself (RFC 6749 section 4.3). All
    /// its users come from the client's own address, so the address says nothing.
    pub fn account_at_client(normalized_username: &str, client_id: &ClientId) -> Self {
        let hash =
            Sha256::new().chain_update("account at client:").chain_update(client_id.as_str());
        Self(hash.chain_update("\n").chain_update(normalized_username).finalize().into())
    }

    /// A browser that has signed the account in before, by the random part of its cookie.
    pub(crate) fn device(random: &[u8]) -> Self {
        Self::of("device:", random)
    }

    /// What a public client asks for from this address.
    fn client_at(client_id: &ClientId, address: &str) -> Self {
        let hash = Sha256::new().chain_update("client at:").chain_update(network(address));
        Self(hash.chain_update("\n").chain_update(client_id.as_str()).finalize().into())
    }

    /// What a public client asks for from this site.
    fn client_at_site(client_id: &ClientId, address: &str) -> Option<Self> {
        let hash = Sha256::new().chain_update("client at site:").chain_update(site(address)?);
        Some(Self(hash.chain_update("\n").chain_update(client_id.as_str()).finalize().into()))
    }

    /// What clients that no operator wrote down ask for from this address.
    fn strangers_at(address: &str) -> Self {
        Self::of("strangers at:", network(address))
    }

    /// The same for this site.
    fn strangers_at_site(address: &str) -> Option<Self> {
        Some(Self::of("strangers at site:", site(address)?))
    }

    /// The user codes that this user has entered (RFC 8628 section 5.1).
    pub fn user_codes_of(sub: &Sub) -> Self {
        Self::of("user codes of:", sub.as_str())
    }

    /// Links for somebody whom the provider knows as this user.
    pub fn links_for(sub: &Sub) -> Self {
        Self::of("links for:", sub.as_str())
    }

    /// Links that this administrator sends to users.
    pub fn links_by_administrator(name: &str) -> Self {
        Self::of("links by administrator:", name)
    }

    /// Links that are mailed to this mailbox.
    pub fn links_to(mailbox: &str) -> Self {
        Self::of("links to:", mailbox)
    }

    /// Links that are mailed to this user, who asks for them in a browser that is known. The
    /// address of another user may count as the same mailbox, so the user is counted.
    pub fn links_to_owner(sub: &Sub) -> Self {
        Self::of("links to owner:", sub.as_str())
    }

    /// Links to confirm an address that are mailed to this mailbox, which users ask for who are
    /// signed in. What strangers have mailed there uses nothing up of it.
    pub fn confirmations_to(mailbox: &str) -> Self {
        Self::of("confirmations to:", mailbox)
    }

    /// Links that are asked for under a name or an address that nobody has. It shares nothing with
    /// a mailbox: an owner's address may be written in another way, and no mail goes there.
    pub fn links_to_nobody(typed: &str) -> Self {
        Self::of("links to nobody:", typed)
    }

    /// All links that are asked for in the hour of this timestamp.
    pub fn links_in_hour(now: Timestamp) -> Self {
        Self::of("links in hour:", now.seconds().div_euclid(3600).to_be_bytes())
    }

    /// The links that those ask for in the hour of this timestamp of whom nothing is known.
    pub fn links_of_strangers_in_hour(now: Timestamp) -> Self {
        let hour = now.seconds().div_euclid(3600);
        Self::of("links of strangers in hour:", hour.to_be_bytes())
    }

    /// The second step of sign-ins of this user.
    pub fn second_step_of(sub: &Sub) -> Self {
        Self::of("second step of:", sub.as_str())
    }

    /// The second step of sign-ins of this user from this address.
    pub fn second_step_at(sub: &Sub, address: &str) -> Self {
        let hash = Sha256::new().chain_update("second step at:").chain_update(network(address));
        Self(hash.chain_update("\n").chain_update(sub.as_str()).finalize().into())
    }

    /// An address from which a second step of this user was finished, with the password and the
    /// authenticator app that the user has now. Another password or another app makes another key,
    /// so it forgets the address: it may be that of the thief whom the change is to keep out.
    pub fn second_step_known_at(user: &User, totp_since: Option<Timestamp>, address: &str) -> Self {
        let hash =
            Sha256::new().chain_update("second step known at:").chain_update(network(address));
        let hash = hash.chain_update("\n").chain_update(user.sub.as_str()).chain_update("\n");
        let since = totp_since.map_or(i64::MIN, Timestamp::seconds);
        let password = user.password_hash.as_ref().map_or("", PasswordHash::as_str);
        Self(hash.chain_update(since.to_be_bytes()).chain_update(password).finalize().into())
    }

    /// Wrong codes of one sign-in that waits for its second step.
    pub fn waiting_sign_in(identity: &[u8; 32]) -> Self {
        Self::of("waiting sign-in:", identity)
    }

    /// The second step in a browser that has signed the account in before. It is counted by itself:
    /// a right password must not make wrong codes forgotten.
    pub(crate) fn second_step_with(Self(device): &Self) -> Self {
        Self::of("second step with:", device)
    }

    /// The JWTs of this grant that were revoked one by one and end in the same period. A period is
    /// as long as one of them lives.
    pub fn revoked_jwts_of(grant_id: &GrantId, exp: i64, life: Seconds) -> Self {
        let stretch = exp.div_euclid(i64::from(life).max(1)).to_be_bytes();
        let hash = Sha256::new().chain_update("revoked JWTs of:").chain_update(stretch);
        Self(hash.chain_update(grant_id.as_str()).finalize().into())
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// An IPv6 network of 48 bits, as one holder may have it, with 65,536 networks of 64 bits. `None`
/// for an IPv4 address.
pub fn site_of(address: IpAddr) -> Option<Ipv6Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [a, b, c, ..] = v6.segments();
    Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
}

/// The address, or for IPv6 its network of 64 bits: a single customer has all of it.
pub fn network_of(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, ..] = v6.segments();
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
}

fn site(address: &str) -> Option<String> {
    Some(site_of(address.parse().ok()?)?.to_string())
}

fn network(address: &str) -> String {
    address
        .parse()
        .map_or_else(|_| address.to_owned(), |address: IpAddr| network_of(address).to_string())
}

/// Failures since the last success or since they were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedSignIns {
    /// How many.
    pub count: u32,
    /// When the last was; `None` without failures.
    pub last: Option<Timestamp>,
}

/// What becomes of an attempt to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is not made before this many seconds have passed, at least one. Nothing was counted.
    Wait(u32),
    /// It is made, and was counted for every key. These are the failures of each by now, in the
    /// order of the keys.
    Counted(Vec<u32>),
}

/// When sign-ins are delayed.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlePolicy {
    /// Number of failures without a wait. Each further one doubles the wait.
    pub free_failures: u32,
    /// The first wait.
    pub first_wait: Seconds,
    /// The longest wait.
    pub longest_wait: Seconds,
    /// Failures are forgotten after this time without another.
    pub memory: Seconds,
}

/// For one account from one address.
pub const PER_ACCOUNT_AND_ADDRESS: ThrottlePolicy = ThrottlePolicy::doubling(5, Seconds::new(300));
/// For one browser that has signed the account in before. It replaces the other three, so that no
/// one else's failures keep its user waiting.
pub const PER_DEVICE: ThrottlePolicy = ThrottlePolicy::doubling(5, Seconds::new(300));
/// For one account from anywhere. A browser or an address that has signed the account in before
/// ([`KNOWN_FOR`]) passes this limit, so guesses from elsewhere do not lock the owner out.
pub const PER_ACCOUNT: ThrottlePolicy = ThrottlePolicy::doubling(25, Seconds::new(30));
/// For one address, from which many people may come. It is passed in the same way.
pub const PER_ADDRESS: ThrottlePolicy = ThrottlePolicy::doubling(50, Seconds::new(300));
/// For the answers of passkeys from one address. The wait is short: it only keeps off who makes
/// work.
pub const PASSKEYS: ThrottlePolicy = ThrottlePolicy::doubling(50, Seconds::new(30));
/// For the answers of other providers that browsers bring from one address. They are no guesses at
/// a secret, so the wait is short: it only keeps off who makes us ask the other provider.
pub const UPSTREAM_ANSWERS: ThrottlePolicy = ThrottlePolicy::doubling(50, Seconds::new(30));
/// For what clients register, change and remove from one address. Those behind it may be many, so
/// the wait is short: it keeps off who does it in a loop.
pub const REGISTRATIONS: ThrottlePolicy = ThrottlePolicy::doubling(100, Seconds::new(60));
/// For one account at one client that signs users in itself. The wait is short: the client can't
/// say which of its users the guesser is.
pub const PER_ACCOUNT_AND_CLIENT: ThrottlePolicy = ThrottlePolicy::doubling(10, Seconds::new(30));
/// For the user codes that one user enters. Right ones count, too, so that nobody buys guesses with
/// codes of their own.
pub const USER_CODES: ThrottlePolicy = ThrottlePolicy::doubling(10, Seconds::new(300));
/// For the user codes that are entered from one address, by whomever. Guesses are bounded for each
/// user already, so the wait is short: those behind the address may be many.
pub const USER_CODES_FROM: ThrottlePolicy = ThrottlePolicy::doubling(50, Seconds::new(30));
/// For the second step of one account's sign-ins from anywhere. Who guesses here knows the password
/// already, and a code is one of a million: so the wait is long. A browser or an address that has
/// signed the account in before passes this limit, too.
pub const SECOND_STEP: ThrottlePolicy = ThrottlePolicy::doubling(10, Seconds::new(3000));
/// Wrong passwords in a row, which are counted for a long time and delay nobody: what becomes of
/// the attempt is decided by their number.
pub const WRONG_PASSWORDS: ThrottlePolicy = ThrottlePolicy::counting(KNOWN_FOR);
/// The same for a name of nobody, where nothing hangs on the number: so it is kept no longer than
/// other failures.
pub const WRONG_PASSWORDS_OF_NOBODY: ThrottlePolicy = ThrottlePolicy::counting(MEMORY);
/// How many JWTs of one grant may be revoked one by one in one of their lives. Each leaves a row
/// until it would have ended. One more ends the grant, which leaves none.
pub const MOST_REVOKED_JWTS: u32 = 1000;
/// Failures that delay somebody are forgotten after this time without another.
pub const MEMORY: Seconds = Seconds::new(3600);
/// How long a successful sign-in lets the same address pass the wide limits for this account: 30
/// days. A browser passes them by its device cookie.
pub const KNOWN_FOR: Seconds = Seconds::new(2_592_000);

/// How many rows of one kind may wait for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingBound {
    /// In all, at least one. Beyond it who holds most makes room for who holds less: then the next
    /// one to end of the address or site that holds most is removed.
    pub most: u32,
    /// Where the request comes from, if anybody can make it. What a client asks for that has shown
    /// who it is makes room for nobody.
    pub origin: Option<OriginBound>,
}

/// How many rows of one kind may wait for one client and address, or for all clients of one address
/// that no operator wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginBound {
    /// Client and address, or the address.
    pub origin: ThrottleKey,
    /// How many rows.
    pub most: u32,
    /// The same with the site, for an IPv6 address.
    pub site: Option<ThrottleKey>,
}

/// The clients that no operator wrote down may together leave as many rows for one address as this
/// number of public clients of an operator. Many people may come from one address, each with a
/// client of their own.
const STRANGERS_OF_ADDRESS: u32 = 10;

/// A site may do as much as this number of its networks.
pub const NETWORKS_OF_SITE: u32 = 10;
/// Nobody waits longer for the other networks of their site. The customers of one carrier or of one
/// campus may share it, and some of them can use up what it has.
const LONGEST_WAIT_OF_SITE: Seconds = Seconds::new(30);

/// What attempts from an address count for: the address, and the site that it is of.
pub fn of_address(address: &str) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    with_site(PER_ADDRESS, ["address:", "site:"], address)
}

/// What answers of passkeys count for: the address, and the site that it is of. Nobody can guess
/// one, so they are counted by themselves: who guesses passwords keeps nobody from signing in by a
/// passkey.
pub fn of_passkeys_from(address: &str) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    with_site(PASSKEYS, ["passkeys from:", "passkeys from site:"], address)
}

/// What answers of other providers count for: the address, and the site that it is of. They are
/// counted by themselves, like those of passkeys.
pub fn of_upstream_answers_from(address: &str) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    let kinds = ["upstream answers from:", "upstream answers from site:"];
    with_site(UPSTREAM_ANSWERS, kinds, address)
}

/// What user codes count for beside their user: the address, and the site that it is of. They are
/// counted by themselves, too.
pub fn of_user_codes_from(address: &str) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    with_site(USER_CODES_FROM, ["user codes from:", "user codes from site:"], address)
}

/// What a change of a registration counts for: the address, and the site that it is of.
pub fn of_changed_registrations(address: &str) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    let kinds = ["changes of registrations from:", "changes of registrations from site:"];
    with_site(REGISTRATIONS, kinds, address)
}

/// What requests for links count for: the address, and the site that it is of.
pub fn of_links_from(address: &str, policy: ThrottlePolicy) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    with_site(policy, ["links from:", "links from site:"], address)
}

/// What is counted for an address, and for its site if it is an IPv6 address, under keys of these
/// kinds.
fn with_site(
    policy: ThrottlePolicy,
    [of_address, of_site]: [&str; 2],
    address: &str,
) -> Vec<(ThrottleKey, ThrottlePolicy)> {
    let site = site(address).map(|site| (ThrottleKey::of(of_site, site), policy.of_site()));
    [(ThrottleKey::of(of_address, network(address)), policy)].into_iter().chain(site).collect()
}

/// What is counted, without the limits.
pub fn keys(limits: &[(ThrottleKey, ThrottlePolicy)]) -> Vec<ThrottleKey> {
    limits.iter().map(|(key, _)| key.clone()).collect()
}

impl OriginBound {
    /// The bound for clients that are registered from this address.
    pub fn of_registrations(address: &str, most: u32) -> Self {
        let site = site(address).map(|site| ThrottleKey::of("registrations from site:", site));
        Self { origin: ThrottleKey::of("registrations from:", network(address)), most, site }
    }

    /// The bound for what this client asks for from this address.
    pub fn new(client_id: &ClientId, address: &str, most: u32) -> Self {
        let origin = ThrottleKey::client_at(client_id, address);
        Self { origin, most, site: ThrottleKey::client_at_site(client_id, address) }
    }

    /// The bound for what the clients that no operator wrote down ask for from this address, all
    /// together. Anybody can register any number of them, so that a bound for each would be none.
    pub fn of_strangers(address: &str, most_of_client: u32) -> Self {
        let most = most_of_client.saturating_mul(STRANGERS_OF_ADDRESS);
        let origin = ThrottleKey::strangers_at(address);
        Self { origin, most, site: ThrottleKey::strangers_at_site(address) }
    }

    /// How many rows may wait for the site.
    pub fn most_of_site(&self) -> u32 {
        self.most.saturating_mul(NETWORKS_OF_SITE)
    }
}

impl ThrottlePolicy {
    /// A wait that begins with one second and doubles up to the longest.
    pub const fn doubling(free_failures: u32, longest_wait: Seconds) -> Self {
        Self { free_failures, first_wait: Seconds::new(1), longest_wait, memory: MEMORY }
    }

    /// No wait: the number is what counts, and it is kept for this time.
    pub const fn counting(memory: Seconds) -> Self {
        let none = Seconds::new(0);
        Self { free_failures: u32::MAX, first_wait: none, longest_wait: none, memory }
    }

    /// A wait that is as long at once.
    pub const fn wall(free_failures: u32, wait: Seconds) -> Self {
        Self { free_failures, first_wait: wait, longest_wait: wait, memory: MEMORY }
    }

    /// The same for a site, which has many networks. The wait is short.
    #[must_use]
    pub fn of_site(self) -> Self {
        let free_failures = self.free_failures.saturating_mul(NETWORKS_OF_SITE);
        let longest_wait = self.longest_wait.min(LONGEST_WAIT_OF_SITE);
        Self { free_failures, longest_wait, ..self }
    }

    /// Seconds to wait before the next attempt counts; 0 when it may be made now.
    pub fn wait(self, failed: FailedSignIns, now: Timestamp) -> u32 {
        let Some(last) = failed.last else { return 0 };
        // A clock that was set back must lock nobody out.
        if failed.count < self.free_failures || now < last {
            return 0;
        }
        let doublings = (failed.count - self.free_failures).min(30);
        let pause = i64::from(self.longest_wait).min(i64::from(self.first_wait) << doublings);
        u32::try_from(pause - now.since(last)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
    fn a_wall_is_as_high_at_once() {
        let now = Timestamp::from_seconds(1000);
        let policy = ThrottlePolicy::wall(2, Seconds::new(600));
        assert_eq!(policy.wait(failed(1, 1000), now), 0);
        assert_eq!(policy.wait(failed(2, 1000), now), 600);
        assert_eq!(policy.wait(failed(50, 900), now), 500);
    }

    #[test]
    fn wrong_passwords_in_a_row_delay_nobody() {
        let now = Timestamp::from_seconds(1000);
        assert_eq!(WRONG_PASSWORDS.wait(failed(5000, 1000), now), 0);
        assert_eq!(WRONG_PASSWORDS.wait(failed(u32::MAX, 1000), now), 0);
    }

    #[test]
    fn each_name_of_nobody_has_a_counter_of_its_own_for_an_hour() {
        let names = (0..2000).map(|number| format!("nobody-{number}"));
        let keys = names.map(|name| *ThrottleKey::wrong_passwords_of_nobody(&name).as_bytes());
        let different: std::collections::BTreeSet<_> = keys.collect();
        assert_eq!(different.len(), 2000);
        assert_eq!(WRONG_PASSWORDS_OF_NOBODY.memory, MEMORY);
        let now = Timestamp::from_seconds(1000);
        assert_eq!(WRONG_PASSWORDS_OF_NOBODY.wait(failed(5000, 1000), now), 0);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        assert_eq!(PER_ACCOUNT.wait(failed(60, 9999), Timestamp::from_seconds(0)), 0);
    }

    #[test]
    fn an_ipv6_address_has_a_site() {
        let client = "page".parse().unwrap();
        let site = |address| OriginBound::new(&client, address, 100).site;
        assert_eq!(site("192.0.2.1"), None);
        assert_eq!(site("2001:db8:1:2::1"), site("2001:db8:1:ffff::9"));
        assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:2:2::1"));
        assert_eq!(OriginBound::new(&client, "2001:db8::1", 100).most_of_site(), 1000);
    }

    #[test]
    fn attempts_count_for_the_site_of_an_ipv6_address_too() {
        assert_eq!(of_address("192.0.2.1").len(), 1);
        let [one, other] = ["2001:db8:1:2::1", "2001:db8:1:3::1"].map(of_address);
        assert_eq!((one.len(), other.len()), (2, 2));
        assert_ne!(one[0].0, other[0].0);
        assert_eq!(one[1].0, other[1].0);
        assert_eq!(one[1].1.free_failures, 10 * PER_ADDRESS.free_failures);
        assert_ne!(of_address("2001:db8:2:3::1")[1].0, one[1].0);
    }

    #[test]
    fn nobody_waits_long_for_their_site() {
        let links =
            |address| of_links_from(address, ThrottlePolicy::doubling(20, Seconds::new(300)));
        let kinds: [(&str, &dyn Fn(&'static str) -> Vec<_>); 6] = [
            ("address", &of_address),
            ("passkeys", &of_passkeys_from),
            ("upstream answers", &of_upstream_answers_from),
            ("user codes", &of_user_codes_from),
            ("registrations", &of_changed_registrations),
            ("links", &links),
        ];
        let now = Timestamp::from_seconds(1000);
        let mut sites = std::collections::HashSet::new();
        for (kind, of) in kinds {
            let [_, (site, policy)] = of("2001:db8:1:2::1").try_into().unwrap();
            assert_eq!(policy.wait(failed(u32::MAX, 1000), now), 30, "{kind}");
            assert!(sites.insert(site), "{kind} share a counter");
        }
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
