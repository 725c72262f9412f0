//! How many connections there may be: in all, from one address, and from one site.
//!
//! A connection costs a file descriptor and kernel memory until it is closed. Without these limits
//! one client could use up either for every listener of the process. The management listener has
//! its own budget, so that health checks and metrics still answer when the others are full.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use doorward_provider::model::throttle::{NETWORKS_OF_SITE, network_of, site_of};
use doorward_provider_http::Network;

/// Connections of the management listener, beside those of the others.
const MANAGEMENT_CONNECTIONS: u32 = 64;
/// Descriptors that are kept for the database, for requests to other servers and for the management
/// listener.
const KEPT_DESCRIPTORS: u32 = 192;
/// The last connections, one in this many, are for addresses and sites that have none yet.
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
    by_site: HashMap<Ipv6Addr, u32>,
}

/// A counted connection. It stops counting when this is dropped.
#[derive(Debug)]
pub struct Slot {
    admission: Admission,
    places: Places,
}

/// Why a connection is refused; the label of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There are too many connections.
    All,
    /// There are too many from this address, or from its site.
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
    /// At most `max` connections, and `max_per_address` from an address that is not a proxy. An
    /// IPv6 site has [`NETWORKS_OF_SITE`] times as many.
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
        let is_proxy = limits.proxies.iter().any(|network| network.contains(peer));
        let places = Places::of(peer, is_proxy);
        let mut counts = limits.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = counts.by_address.get(&places.address).copied().unwrap_or(0);
        let of_site = places.site.map(|site| counts.by_site.get(&site).copied().unwrap_or(0));
        let most_of_site = limits.max_per_address.saturating_mul(NETWORKS_OF_SITE);
        let is_full = of_address >= limits.max_per_address
            || of_site.is_some_and(|count| count >= most_of_site);
        if is_full && !is_proxy {
            return Err(Refused::Address);
        }
        // A site has as many addresses as it likes, so it is the site that must have none.
        let is_first = of_site.unwrap_or(of_address) == 0;
        let reserved = limits.max / RESERVED_SHARE;
        let available = if is_first { limits.max } else { limits.max - reserved };
        if counts.all >= available {
            return Err(Refused::All);
        }
        places.enter(&mut counts);
        Ok(Slot { admission: self.clone(), places })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.admission.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.leave(&mut counts);
    }
}

/// What a connection counts for.
#[derive(Debug, Clone, Copy)]
struct Places {
    /// The address, or for IPv6 its /64: a single customer has all of it.
    address: IpAddr,
    /// For IPv6 its /48, which a customer may have, too. A proxy takes nothing from its site.
    site: Option<Ipv6Addr>,
}

impl Places {
    fn of(peer: IpAddr, is_proxy: bool) -> Self {
        let peer = peer.to_canonical();
        Self { address: network_of(peer), site: site_of(peer).filter(|_| !is_proxy) }
    }

    fn enter(self, counts: &mut Counts) {
        counts.all += 1;
        *counts.by_address.entry(self.address).or_default() += 1;
        if let Some(site) = self.site {
            *counts.by_site.entry(site).or_default() += 1;
        }
    }

    fn leave(self, counts: &mut Counts) {
        counts.all = counts.all.saturating_sub(1);
        take_one(&mut counts.by_address, &self.address);
        if let Some(site) = &self.site {
            take_one(&mut counts.by_site, site);
        }
    }
}

/// Counts one less, and forgets what has none.
fn take_one<T: Eq + Hash>(counts: &mut HashMap<T, u32>, place: &T) {
    if let Some(count) = counts.get_mut(place) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(place);
        }
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
    fn an_ipv6_site_has_as_many_as_ten_of_its_networks() {
        let admission = Admission::new(1000, 2, vec!["2001:db8:1::/48".parse().unwrap()]);
        let of_network =
            |site: &str, network: u32| address(&format!("2001:{site}:0:{network:x}::1"));
        let mut held = Vec::new();
        for network in (0..10).flat_map(|network| [network; 2]) {
            held.push(admission.admit(of_network("db8", network)).unwrap());
        }
        assert_eq!(admission.admit(of_network("db8", 10)).unwrap_err(), Refused::Address);
        held.push(admission.admit(of_network("db9", 10)).unwrap());
        let proxied: Vec<_> =
            (0..50).map(|_| admission.admit(address("2001:db8:1::1")).unwrap()).collect();
        drop(proxied);
        held.pop();
        held.pop();
        assert!(admission.admit(of_network("db8", 10)).is_ok(), "one was given back");
        drop(held);
        assert!(admission.0.counts.lock().unwrap().by_site.is_empty(), "nothing is left behind");
    }

    #[test]
    fn the_last_slots_are_for_sites_that_have_none() {
        let admission = Admission::new(32, 8, Vec::new());
        let from = |network: u32| admission.admit(address(&format!("2001:db8:0:{network:x}::1")));
        let _held: Vec<_> = (0..30).map(|network| from(network).unwrap()).collect();
        assert_eq!(from(30).unwrap_err(), Refused::All, "a network of the same site");
        let _other = admission.admit(address("2001:db9::1")).unwrap();
        let _another = admission.admit(address("192.0.2.1")).unwrap();
        assert_eq!(admission.admit(address("192.0.2.2")).unwrap_err(), Refused::All);
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
