//! The address that a request comes from, for throttling and audit.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{Extensions, HeaderMap, request::Parts},
};

use crate::HttpSettings;

/// A network of IP addresses. The smallest one is a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// The number of leading bits that all its addresses share.
    prefix: u32,
}

/// Why a text is not accepted as a network of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNetworkError {
    /// The text is neither an address nor a network.
    #[error("give an address, like 10.0.0.1, or a network, like 10.20.30.0/24")]
    Unreadable,
    /// The network holds every address.
    #[error(
        "every address is in this network, so anyone could pretend to have any address: name only \
         the proxies"
    )]
    Everything,
    /// An IPv4 address is written as an IPv4-mapped IPv6 address. Peers are compared as IPv4
    /// addresses, so none would match.
    #[error("write an IPv4 address or network as such, like 10.20.30.0/24, without ::ffff:")]
    Mapped,
}

impl Network {
    /// Whether the address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.prefix
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError::Unreadable)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .map_or(Ok(longest), |bits| bits.parse().map_err(|_| ParseNetworkError::Unreadable))?;
        match prefix {
            _ if prefix > longest => Err(ParseNetworkError::Unreadable),
            _ if address.to_canonical() != address => Err(ParseNetworkError::Mapped),
            0 => Err(ParseNetworkError::Everything),
            _ => Ok(Self { address, prefix }),
        }
    }
}

/// The address of the peer, or the one that a trusted proxy reports.
#[derive(Debug, Clone)]
pub(crate) struct Peer(pub(crate) String);

impl<S> FromRequestParts<S> for Peer
where
    S: Send + Sync,
    Arc<HttpSettings>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let settings = Arc::<HttpSettings>::from_ref(state);
        let address = address_of(&parts.headers, &parts.extensions, &settings.trusted_proxies);
        Ok(Self(address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())))
    }
}

/// The address that a request comes from, if the server knows its peer.
pub(crate) fn address_of(
    headers: &HeaderMap,
    extensions: &Extensions,
    trusted: &[Network],
) -> Option<IpAddr> {
    let direct = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    Some(forwarded(headers, direct, trusted))
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy. Anyone could have written the
/// addresses before it.
fn forwarded(headers: &HeaderMap, direct: IpAddr, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(direct) {
        return direct;
    }
    let mut client = direct;
    // Proxies append the address to what the client sent, in one value. That may be any bytes, so
    // the entries are separated before they are read as text.
    let values = headers.get_all("x-forwarded-for").iter();
    let reported: Vec<&[u8]> =
        values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    for entry in reported.into_iter().rev() {
        let entry = std::str::from_utf8(entry).unwrap_or_default();
        let Some(address) = address(entry.trim()) else { break };
        client = address.to_canonical();
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// The address in an entry. Some proxies append the port.
fn address(entry: &str) -> Option<IpAddr> {
    entry.parse().ok().or_else(|| entry.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;

    use super::*;

    fn client(direct: &str, header: &str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", header.parse().unwrap());
        let trusted: Vec<Network> =
            trusted.iter().map(|address| address.parse().unwrap()).collect();
        forwarded(&headers, direct.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn what_the_client_sent_itself_does_not_hide_its_address() {
        let client = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
            }
            let trusted = ["10.0.0.1".parse().unwrap()];
            forwarded(&headers, "10.0.0.1".parse().unwrap(), &trusted).to_string()
        };
        assert_eq!(client(&["é, 203.0.113.66".as_bytes()]), "203.0.113.66");
        assert_eq!(client(&[b"\xff\xfe, 203.0.113.66"]), "203.0.113.66");
        assert_eq!(client(&[b"\xff", b"203.0.113.66"]), "203.0.113.66");
        assert_eq!(client(&[b"203.0.113.66, \xff"]), "10.0.0.1", "the proxy wrote no address");
        assert_eq!(client(&[b"203.0.113.66,"]), "10.0.0.1");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("192.0.2.1", "198.51.100.7", &[]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", "198.51.100.7", &["10.0.0.1"]), "198.51.100.7");
        assert_eq!(
            client("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", &["10.0.0.1", "10.0.0.2"]),
            "198.51.100.7"
        );
        assert_eq!(client("10.0.0.1", "1.1.1.1, junk", &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(
            client("10.0.0.1", "1.1.1.1:80, 198.51.100.7:50123, 10.0.0.1:443", &["10.0.0.1"]),
            "198.51.100.7"
        );
        assert_eq!(client("10.0.0.1", "[2001:db8::7]:50123", &["10.0.0.1"]), "2001:db8::7");
        assert_eq!(client("10.0.0.1", "198.51.100.7:http", &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(client("10.9.8.7", "198.51.100.7", &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(client("11.0.0.1", "198.51.100.7", &["10.0.0.0/8"]), "11.0.0.1");
    }

    #[test]
    fn networks_hold_what_begins_like_them() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.1", "10.0.0.1") && !holds("10.0.0.1", "10.0.0.2"));
        assert!(holds("192.0.2.128/25", "192.0.2.200") && !holds("192.0.2.128/25", "192.0.2.1"));
        assert!(holds("128.0.0.0/1", "198.51.100.7") && !holds("128.0.0.0/1", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "an IPv4-mapped IPv6 address");
        for text in ["", "proxy", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129"] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetworkError::Unreadable), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0", "10.0.0.1/0"] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetworkError::Everything), "{text}");
        }
        for text in ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "::ffff:0:0/0"] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetworkError::Mapped), "{text}");
        }
    }
}
