//! Which addresses are outside every private network (RFC 6890): what strangers name may lead to
//! these only.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
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

/// Resolves names to public addresses. The connection is made to one of these, so that a second
/// answer of the name server can't lead elsewhere.
#[derive(Debug)]
pub struct PublicResolver {
    free: Arc<Semaphore>,
}

impl PublicResolver {
    fn with_places(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)) }
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let place = Arc::clone(&self.free).try_acquire_owned();
        Box::pin(async move {
            let place = place.map_err(|_| io::Error::other("too many names are being resolved"))?;
            // The thread keeps its place, also if nobody waits for it any more.
            let resolving = spawn_blocking(move || {
                let found = (host.as_str(), 0).to_socket_addrs().map(Iterator::collect);
                drop(place);
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
    Arc::new(PublicResolver::with_places(MOST_AT_ONCE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let refusal = async |resolver: &PublicResolver| {
            let refused = resolver.resolve("localhost".parse().unwrap()).await;
            refused.err().unwrap().to_string()
        };
        let resolver = PublicResolver::with_places(1);
        for _ in 0..2 {
            assert!(
                refusal(&resolver).await.contains("private network"),
                "its place is free again"
            );
        }
        let full = PublicResolver::with_places(0);
        assert!(refusal(&full).await.contains("too many names"));
    }
}
