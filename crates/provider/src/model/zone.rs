//! Which names belong to one owner, as far as a name tells it (ADR 56). Whoever has a zone can make
//! up any number of names in it, so that what strangers name is bounded by zones.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Suffixes of two labels under which many owners have names, beside those with a short second
/// label, such as `co.uk`. The list is not complete. Under a suffix that it lacks, the owners have
/// together what is meant for one: places for names that are resolved, requests within a minute,
/// and places for what was fetched. So whatever counts by zones must leave something to each host.
const SHARED: [&str; 12] = [
    "amazonaws.com",
    "appspot.com",
    "azurewebsites.net",
    "cloudfront.net",
    "fly.dev",
    "github.io",
    "herokuapp.com",
    "netlify.app",
    "onrender.com",
    "pages.dev",
    "vercel.app",
    "workers.dev",
];

/// The zone of one owner, which is the last two labels of a name, or the last three if the last two
/// look like a suffix that many owners share. That is a guess: the suffix is returned as well, so
/// that whoever has a zone that looks like one can be bounded, too. The name is in lower case and
/// has no dot at its end.
pub fn zone_and_suffix(host: &str) -> (&str, Option<&str>) {
    let (last_two, last_three) = (last_labels(host, 2), last_labels(host, 3));
    let second = last_two.split('.').next().unwrap_or_default();
    let is_shared = second.len() <= 3 || SHARED.contains(&last_two);
    if is_shared && last_three != last_two {
        (last_three, Some(last_two))
    } else {
        (last_two, None)
    }
}

/// The zone of the host of a URL. An address stands for its network: 256 addresses of IPv4, and
/// what one site has of IPv6 (RFC 6177 section 2).
pub(crate) fn zone_of_host(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => zone_and_suffix(name.trim_end_matches('.')).0.to_owned(),
        Host::Ipv4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        Host::Ipv6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
    }
}

/// Whose address this may be at most: the suffix that its zone may be under, or else the zone. An
/// owner of what only looks like a suffix has all zones under it.
pub(crate) fn widest_owner(address: &str) -> String {
    let url = Url::parse(address).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            let (zone, suffix) = zone_and_suffix(name.trim_end_matches('.'));
            suffix.unwrap_or(zone).to_owned()
        }
        Some(host) => zone_of_host(&host),
        None => String::new(),
    }
}

/// The last labels of a name.
fn last_labels(host: &str, count: usize) -> &str {
    host.rmatch_indices('.').nth(count - 1).map_or(host, |(dot, _)| &host[dot + 1..])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_one_owner_are_in_one_zone() {
        for (name, zone, suffix) in [
            ("evil.example", "evil.example", None),
            ("1.evil.example", "evil.example", None),
            ("2.a.b.evil.example", "evil.example", None),
            ("shop.co.uk", "shop.co.uk", Some("co.uk")),
            ("1.shop.co.uk", "shop.co.uk", Some("co.uk")),
            ("me.github.io", "me.github.io", Some("github.io")),
            ("1.abc.example", "1.abc.example", Some("abc.example")),
            ("co.uk", "co.uk", None),
            ("localhost", "localhost", None),
            ("", "", None),
        ] {
            assert_eq!(zone_and_suffix(name), (zone, suffix), "{name}");
            let owner = if name.is_empty() { "" } else { suffix.unwrap_or(zone) };
            assert_eq!(widest_owner(&format!("https://{name}/")), owner, "{name}");
        }
    }

    #[test]
    fn addresses_of_one_network_are_in_one_zone() {
        for (uri, zone) in [
            ("https://1.Evil.example./", "evil.example"),
            ("https://192.0.2.7/", "192.0.2.0"),
            ("https://192.0.2.250:8443/", "192.0.2.0"),
            ("https://[2001:db8:1:2::3]/", "2001:db8:1::"),
            ("https://[2001:db8:1:ffff::4]/", "2001:db8:1::"),
        ] {
            let url = Url::parse(uri).unwrap();
            assert_eq!(zone_of_host(&url.host().unwrap()), zone, "{uri}");
            assert_eq!(widest_owner(uri), zone, "{uri}");
        }
    }
}
