//! How many connections there may be: in all, and from one address.
//!
//! A connection costs a file descriptor and kernel memory until it is closed. Without these limits
//! one client could use up either for every listener of the process. The management listener has
//! its own budget, so that health checks and metrics still answer when the others are full.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use doorward_provider_http::Network;

/// Connections of the management listener, beside those of the others.
const MANAGEMENT_CONNECTIONS: u32 = 64;
/// Descriptors that are kept for the database, for requests to other servers and for the management
/// listener.
const KEPT_DESCRIPTORS: u32 = 192;
/// The last connections, one in this many, are for addresses that have none yet.
const RESERVED_SHARE: u32 = 16;

/// The limits, and what counts against them. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: u32,
    max_per_address: u32,
    /// A proxy's connections are those of many clients.
    proxies: Vec<Network>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// A counted connection. It stops counting when this is dropped.
#[derive(Debug)]
pub struct Slot {
    admission: Admission,
    address: IpAddr,
}

/// Why a connection is refused; the label of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There are too many connections.
    All,
    /// There are too many from this address.
    Address,
}

impl Refused {
    /// The label of the metric.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Address => "address",
        }
    }
}

impl Admission {
    /// At most `max` connections, and `max_per_address` from an address that is not a proxy.
    pub fn new(max: u32, max_per_address: u32, proxies: Vec<Network>) -> Self {
        let counts = Mutex::default();
        Self(Arc::new(Inner { max, max_per_address, proxies, counts }))
    }

    /// The budget of a management listener.
    pub fn for_management() -> Self {
        Self::new(MANAGEMENT_CONNECTIONS, MANAGEMENT_CONNECTIONS, Vec::new())
    }

    /// Counts a connection from this address, or refuses it.
    pub fn admit(&self, peer: IpAddr) -> Result<Slot, Refused> {
        let limits = &*self.0;
        let address = counted_as(peer);
        let mut counts = limits.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.by_address.get(&address).copied().unwrap_or(0);
        let is_proxy = limits.proxies.iter().any(|network| network.contains(peer));
        if own >= limits.max_per_address && !is_proxy {
            return Err(Refused::Address);
        }
        let reserved = limits.max / RESERVED_SHARE;
        let available = if own == 0 { limits.max } else { limits.max - reserved };
        if counts.all >= available {
            return Err(Refused::All);
        }
        counts.all += 1;
        counts.by_address.insert(address, own + 1);
        Ok(Slot { admission: self.clone(), address })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.admission.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        let left = counts.by_address.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.by_address.remove(&self.address);
        } else {
            counts.by_address.insert(self.address, left);
        }
    }
}

/// The address, or for IPv6 its /64: a single customer has all of it.
fn counted_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The largest number of connections that this process has file descriptors for. `None` if the
/// system does not say.
pub fn affordable_connections() -> Option<u32> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let files = open_files(&limits)?;
    Some(files.saturating_sub(KEPT_DESCRIPTORS).max(files / 4).max(1))
}

/// The soft limit in the row `Max open files` of `/proc/self/limits`.
fn open_files(limits: &str) -> Option<u32> {
    let row = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    row.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_own_limit_and_gets_a_slot_back() {
        let admission = Admission::new(100, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let held: Vec<_> = (0..2).map(|_| admission.admit(address("192.0.2.1")).unwrap()).collect();
        assert_eq!(admission.admit(address("192.0.2.1")).unwrap_err(), Refused::Address);
        assert_eq!(admission.admit(address("::ffff:192.0.2.1")).unwrap_err(), Refused::Address);
        assert!(admission.admit(address("192.0.2.2")).is_ok());
        drop(held);
        assert!(admission.admit(address("192.0.2.1")).is_ok());
        let proxied: Vec<_> =
            (0..50).map(|_| admission.admit(address("10.1.2.3")).unwrap()).collect();
        drop(proxied);
        assert!(admission.0.counts.lock().unwrap().by_address.is_empty(), "nothing is left behind");
    }

    #[test]
    fn ipv6_addresses_of_one_network_count_together() {
        let admission = Admission::new(100, 2, Vec::new());
        let _held = [address("2001:db8::1"), address("2001:db8::2")]
            .map(|peer| admission.admit(peer).unwrap());
        assert!(admission.admit(address("2001:db8::3")).is_err());
        assert!(admission.admit(address("2001:db8:0:1::3")).is_ok());
    }

    #[test]
    fn the_last_slots_are_for_addresses_that_have_none() {
        let admission = Admission::new(32, 100, Vec::new());
        let greedy = address("192.0.2.1");
        let mut held: Vec<_> = (0..30).map(|_| admission.admit(greedy).unwrap()).collect();
        assert_eq!(admission.admit(greedy).unwrap_err(), Refused::All);
        held.push(admission.admit(address("192.0.2.2")).unwrap());
        held.push(admission.admit(address("192.0.2.3")).unwrap());
        assert_eq!(admission.admit(address("192.0.2.4")).unwrap_err(), Refused::All);
    }

    #[test]
    fn the_descriptor_limit_is_read_from_the_table_of_the_kernel() {
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
                     Max open files            1024                 524288               files\n";
        assert_eq!(open_files(table), Some(1024));
        assert_eq!(open_files("Max open files            unlimited  unlimited  files\n"), None);
        assert_eq!(open_files(""), None);
    }
}
