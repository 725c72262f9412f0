//! Which addresses are outside every private network (RFC 6890): what strangers name may lead to
//! these only.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Whether the address is one of the public Internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Shared by carriers (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments, and relays of 6to4.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        // Measurements (RFC 2544).
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

/// The global unicast network, without the parts that lead to an IPv4 address or are for examples.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |at: usize| {
        let ([first, second], [third, last]) =
            (segments[at].to_be_bytes(), segments[at + 1].to_be_bytes());
        is_public_v4(Ipv4Addr::new(first, second, third, last))
    };
    match (segments[0], segments[1]) {
        // NAT64 (RFC 6052): the last 32 bits are an IPv4 address.
        (0x64, 0xff9b) => segments[2..6] == [0; 4] && v4(6),
        // 6to4 (RFC 3056): the next 32 bits are one.
        (0x2002, _) => v4(1),
        // Teredo, ORCHID and others of 2001::/23; examples (RFC 3849, RFC 9637).
        (0x2001, 0..0x0200 | 0x0db8) | (0x3fff, 0..0x1000) => false,
        (first, _) => (0x2000..0x4000).contains(&first),
    }
}

/// How many names are resolved at once. The operating system does it on a thread, and may take half
/// a minute for a name whose server is slow. Whoever makes up such names must not take all threads,
/// which passwords need, too.
const MOST_AT_ONCE: usize = 32;

/// How many of them may be of one zone. Whoever has a zone can make up any number of names in it,
/// each as slow as its name server, and must not take the places of everybody else.
const MOST_OF_A_ZONE: usize = 2;

/// How many zones are kept before those that nobody waits for are forgotten.
const MANY_ZONES: usize = 1000;

/// Resolves names to public addresses. The connection is made to one of these, so that a second
/// answer of the name server can't lead elsewhere.
#[derive(Debug)]
pub struct PublicResolver {
    free: Arc<Semaphore>,
    most_of_a_zone: usize,
    zones: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl PublicResolver {
    fn with_places(most: usize, most_of_a_zone: usize) -> Self {
        let free = Arc::new(Semaphore::new(most));
        Self { free, most_of_a_zone, zones: Mutex::default() }
    }

    /// The places of the zone that a name is in.
    fn places_of(&self, host: &str) -> Arc<Semaphore> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let zone = zone(host);
        if let Some(places) = zones.get(&zone).and_then(Weak::upgrade) {
            return places;
        }
        if zones.len() >= MANY_ZONES {
            zones.retain(|_, places| places.strong_count() > 0);
        }
        let places = Arc::new(Semaphore::new(self.most_of_a_zone));
        zones.insert(zone, Arc::downgrade(&places));
        places
    }
}

/// The last two labels of a name. Under a suffix of two labels, such as `co.uk`, that is more than
/// one owner's zone: its names wait for each other, which is safer than a guess that an attacker
/// could use.
fn zone(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.rmatch_indices('.').nth(1) {
        Some((dot, _)) => host[dot + 1..].to_owned(),
        None => host,
    }
}

impl Resolve for PublicResolver {
    /// Waits for a place. The time limit of the request ends the waiting.
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let (of_zone, free) = (self.places_of(&host), Arc::clone(&self.free));
        Box::pin(async move {
            // The zone's place first: who waits for that holds none of the others.
            let places = (of_zone.acquire_owned().await?, free.acquire_owned().await?);
            // The thread keeps its places, also if nobody waits for it any more.
            let resolving = spawn_blocking(move || {
                let found = (host.as_str(), 0).to_socket_addrs().map(Iterator::collect);
                drop(places);
                found
            });
            let found: Vec<SocketAddr> = resolving.await??;
            if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
                let problem = "the host has an address inside a private network, or none";
                return Err(io::Error::other(problem).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A resolver for [`reqwest::ClientBuilder::dns_resolver`].
pub fn resolver() -> Arc<PublicResolver> {
    Arc::new(PublicResolver::with_places(MOST_AT_ONCE, MOST_OF_A_ZONE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn public_addresses_are_told_from_all_others() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:1.1.1.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::101:101",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    async fn refusal(resolver: &PublicResolver, name: &str) -> String {
        resolver.resolve(name.parse().unwrap()).await.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let resolver = PublicResolver::with_places(1, 1);
        for _ in 0..2 {
            let told = refusal(&resolver, "localhost").await;
            assert!(told.contains("private network"), "its place is free again: {told}");
        }
    }

    #[test]
    fn names_of_one_owner_are_in_one_zone() {
        for (name, expected) in [
            ("evil.example", "evil.example"),
            ("1.evil.example", "evil.example"),
            ("2.a.b.Evil.example.", "evil.example"),
            ("shop.co.uk", "co.uk"),
            ("localhost", "localhost"),
            ("", ""),
        ] {
            assert_eq!(zone(name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn names_that_never_resolve_take_the_places_of_their_own_zone_alone() {
        let resolver = PublicResolver::with_places(2, 1);
        let held = resolver.places_of("localhost").acquire_owned().await.unwrap();
        let mut waiting = resolver.resolve("localhost".parse().unwrap());
        assert!((&mut waiting).now_or_never().is_none());
        assert!(refusal(&resolver, "127.0.0.1").await.contains("private network"));
        drop(held);
        assert!(waiting.await.err().unwrap().to_string().contains("private network"));
    }

    #[test]
    fn zones_that_nobody_waits_for_are_forgotten() {
        let resolver = PublicResolver::with_places(2, 1);
        let kept = resolver.places_of("kept.example");
        for number in 0..2 * MANY_ZONES {
            resolver.places_of(&format!("{number}.example"));
        }
        assert!(resolver.zones.lock().unwrap().len() <= MANY_ZONES);
        assert!(Arc::ptr_eq(&kept, &resolver.places_of("x.kept.example")));
    }
}
