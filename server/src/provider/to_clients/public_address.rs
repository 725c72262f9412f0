//! Which addresses are outside every private network (RFC 6890): what strangers name may lead to
//! these only.

use std::{
    collections::HashMap,
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use doorward_protocol::host;
use doorward_provider::model::zone::zone_and_suffix;
use reqwest::{
    ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use url::{Host, Url};

/// Whether the address is one of the public Internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Refuses a URL that strangers may not lead to: https alone, and no address inside a private
/// network. What a name leads to is for the [`resolver`]. `allow_private`: such addresses may be
/// asked, and http on this machine.
pub fn admit(url: &Url, allow_private: bool) -> Result<(), &'static str> {
    let is_local = allow_private && host::is_loopback(url);
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
        return Err("only https is fetched");
    }
    // An address in place of a name is not resolved, so that it is checked here.
    let is_public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if is_public || allow_private { Ok(()) } else { Err("the address is inside a private network") }
}

/// A client for what strangers name: it follows no redirects and, unless addresses inside the
/// network may be asked, leads to public ones alone.
pub fn closed(builder: ClientBuilder, allow_private: bool) -> ClientBuilder {
    if allow_private { builder } else { builder.https_only(true).dns_resolver(resolver()) }
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

/// How many of them may be under one suffix that looks as if many owners shared it.
const MOST_OF_A_SUFFIX: usize = 8;

/// How long a name is waited for, a place included. It is less than the time limit of the request,
/// so that whoever waits learns that the name is the cause.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// How many zones are kept before those that nobody waits for are forgotten.
const MANY_ZONES: usize = 1000;

/// Resolves names to public addresses. The connection is made to one of these, so that a second
/// answer of the name server can't lead elsewhere.
#[derive(Debug)]
pub struct PublicResolver {
    free: Arc<Semaphore>,
    most_of_a_zone: usize,
    most_of_a_suffix: usize,
    time_limit: Duration,
    zones: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl PublicResolver {
    fn with_places(most: usize, most_of_a_zone: usize) -> Self {
        let free = Arc::new(Semaphore::new(most));
        let most_of_a_suffix = MOST_OF_A_SUFFIX.min(most);
        let (time_limit, zones) = (TIME_LIMIT, Mutex::default());
        Self { free, most_of_a_zone, most_of_a_suffix, time_limit, zones }
    }

    /// The places that a name needs, in the order in which they are taken: those of its zone, of a
    /// suffix that it shares with others, and of all. Whoever waits for one holds none of the later
    /// ones.
    fn places_for(&self, host: &str) -> Vec<Arc<Semaphore>> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let (zone, suffix) = zone_and_suffix(&host);
        let mut places = vec![self.places_of(zone, self.most_of_a_zone)];
        places.extend(suffix.map(|suffix| self.places_of(suffix, self.most_of_a_suffix)));
        places.push(Arc::clone(&self.free));
        places
    }

    /// The places of a zone or a suffix.
    fn places_of(&self, zone: &str, most: usize) -> Arc<Semaphore> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = zones.get(zone).and_then(Weak::upgrade) {
            return places;
        }
        if zones.len() >= MANY_ZONES {
            zones.retain(|_, places| places.strong_count() > 0);
        }
        let places = Arc::new(Semaphore::new(most));
        zones.insert(zone.to_owned(), Arc::downgrade(&places));
        places
    }
}

/// Takes a place of each.
async fn take(places: Vec<Arc<Semaphore>>) -> Result<Vec<OwnedSemaphorePermit>, AcquireError> {
    let mut taken = Vec::new();
    for place in places {
        taken.push(place.acquire_owned().await?);
    }
    Ok(taken)
}

impl Resolve for PublicResolver {
    /// Waits for a place and for the answer, and not longer than the time limit.
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let (places, time_limit) = (self.places_for(&host), self.time_limit);
        Box::pin(async move {
            let resolved = timeout(time_limit, async {
                let places = take(places).await?;
                // The thread keeps its places, also if nobody waits for it any more.
                let resolving = spawn_blocking(move || {
                    let found = (host.as_str(), 0).to_socket_addrs().map(Iterator::collect);
                    drop(places);
                    found
                });
                let found: Vec<SocketAddr> = resolving.await??;
                Ok::<_, Box<dyn Error + Send + Sync>>(found)
            });
            let Ok(found) = resolved.await else {
                let problem = "the name of the host was not resolved in time";
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem).into());
            };
            let found = found?;
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

    /// A resolver that waits however slow the machine is.
    fn patient(most: usize, most_of_a_zone: usize) -> PublicResolver {
        let time_limit = Duration::from_mins(10);
        PublicResolver { time_limit, ..PublicResolver::with_places(most, most_of_a_zone) }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let resolver = patient(1, 1);
        for _ in 0..2 {
            let told = refusal(&resolver, "localhost").await;
            assert!(told.contains("private network"), "its place is free again: {told}");
        }
    }

    #[test]
    fn names_of_one_owner_wait_for_each_other() {
        let resolver = PublicResolver::with_places(4, 2);
        let [one, other] = ["1.Evil.example.", "2.evil.example"].map(|name| {
            let places = resolver.places_for(name);
            assert_eq!(places.len(), 2);
            places
        });
        assert!(Arc::ptr_eq(&one[0], &other[0]));
    }

    #[test]
    fn under_a_shared_suffix_owners_do_not_wait_for_each_other_and_have_not_all_places() {
        let resolver = resolver();
        let mut held = Vec::new();
        // One owner's two slow names keep that owner's other names waiting alone.
        let take = |name: &str| {
            let places = resolver.places_for(name);
            let taken = places.into_iter().map(|place| place.try_acquire_owned().ok());
            taken.collect::<Option<Vec<_>>>()
        };
        held.push(take("1.evil.co.uk").unwrap());
        held.push(take("2.evil.co.uk").unwrap());
        assert!(take("3.evil.co.uk").is_none());
        assert!(take("shop.co.uk").is_some());
        // Whoever has what looks like a suffix has more places than others, and not all of them.
        for number in 0..MOST_OF_A_SUFFIX {
            held.push(take(&format!("{number}.abc.example")).unwrap());
        }
        assert!(take("another.abc.example").is_none());
        assert!(take("shop.example").is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let mut resolver = PublicResolver::with_places(1, 1);
        resolver.time_limit = Duration::ZERO;
        let _held = Arc::clone(&resolver.free).acquire_owned().await.unwrap();
        assert!(refusal(&resolver, "localhost").await.contains("not resolved in time"));
    }

    #[tokio::test]
    async fn names_that_never_resolve_take_the_places_of_their_own_zone_alone() {
        let resolver = patient(2, 1);
        let held = resolver.places_of("localhost", 1).acquire_owned().await.unwrap();
        let mut waiting = resolver.resolve("localhost".parse().unwrap());
        assert!((&mut waiting).now_or_never().is_none());
        assert!(refusal(&resolver, "127.0.0.1").await.contains("private network"));
        drop(held);
        assert!(waiting.await.err().unwrap().to_string().contains("private network"));
    }

    #[test]
    fn zones_that_nobody_waits_for_are_forgotten() {
        let resolver = PublicResolver::with_places(2, 1);
        let kept = resolver.places_of("kept.example", 1);
        for number in 0..2 * MANY_ZONES {
            resolver.places_of(&format!("{number}.example"), 1);
        }
        assert!(resolver.zones.lock().unwrap().len() <= MANY_ZONES);
        assert!(Arc::ptr_eq(&kept, &resolver.places_for("x.kept.example")[0]));
    }
}
