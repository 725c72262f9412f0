//! Types of single settings. Each can hold only valid values, so a mistake is refused where its key
//! is known.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use doorward_protocol::host;
use doorward_provider::model::client::RedirectUri;
use doorward_provider_http::{Network, ParseNetworkError};
use serde::{Deserialize, Serialize};
use url::Url;

/// An issuer identifier of our own (OIDC Core section 2): https, or http on this machine; no query,
/// fragment or slash at its end, and written as URLs are normalised, since clients compare it
/// exactly.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer(String);

/// A base URL of another party: https, or http on this machine, without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct WebUrl(String);

/// Scheme, host and port, as a browser sends them in `Origin` (RFC 6454 section 6.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// A URI that a provider may redirect to, or a path on whatever origin the page was loaded from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RedirectTarget(String);

/// Where to listen: `127.0.0.1:6001`, `[::1]:6001`, or `localhost:6001` for both addresses of this
/// machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ListenAddress {
    text: String,
    addresses: Vec<SocketAddr>,
}

/// Reverse proxies: an address, or a network such as `10.20.30.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TrustedProxy(pub Network);

/// The base URL of a collector of traces. Plain http is accepted: no secret is sent there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CollectorUrl(String);

/// A lifetime in seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct Seconds(u32);

impl Issuer {
    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Issuer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = web_url(&text)?;
        if text.ends_with('/') {
            return Err("an issuer has no slash at its end");
        }
        if url.as_str().trim_end_matches('/') != text {
            return Err(
                "write the issuer as URLs are normalised: host in lower case, no default port, no \
                 . or .. in the path",
            );
        }
        Ok(Self(text))
    }
}

impl WebUrl {
    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its scheme, host and port.
    pub fn origin(&self) -> String {
        origin_of(&self.0)
    }
}

impl From<&Issuer> for WebUrl {
    fn from(issuer: &Issuer) -> Self {
        Self(issuer.0.clone())
    }
}

impl From<&Origin> for WebUrl {
    fn from(origin: &Origin) -> Self {
        Self(origin.0.clone())
    }
}

impl TryFrom<String> for WebUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        web_url(&text).map(|_| Self(text))
    }
}

impl Origin {
    /// The origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = web_url(&text)?;
        if url.origin().ascii_serialization() != text {
            return Err(
                "give scheme, host and port only, like https://app.example.com: no path, no slash \
                 at its end",
            );
        }
        Ok(Self(text))
    }
}

impl RedirectTarget {
    /// The URI or path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RedirectTarget {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Ok(Self(text));
        }
        RedirectUri::parse(text.clone()).map(|_| Self(text))
    }
}

impl ListenAddress {
    /// The addresses to bind, at least one. If there are two, the second is optional.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether no other machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
    }

    /// Whether both would need the same port of the same address.
    pub fn collides_with(&self, other: &Self) -> bool {
        let same = |own: &SocketAddr, other: &SocketAddr| {
            let (own_ip, other_ip) = (own.ip(), other.ip());
            let overlap =
                own_ip == other_ip || own_ip.is_unspecified() || other_ip.is_unspecified();
            own.port() == other.port() && own.port() != 0 && overlap
        };
        self.addresses.iter().any(|own| other.addresses.iter().any(|other| same(own, other)))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let problem = "give address and port, like 127.0.0.1:6001, [::1]:6001 or localhost:6001";
        let addresses = match text.strip_prefix("localhost:") {
            Some(port) => {
                let port = port.parse().map_err(|_| problem)?;
                let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                localhost.map(|address| SocketAddr::new(address, port)).to_vec()
            }
            None => vec![text.parse().map_err(|_| problem)?],
        };
        Ok(Self { text, addresses })
    }
}

impl CollectorUrl {
    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CollectorUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        match url {
            Some(url) if has_userinfo(&url) => Err(NO_USERINFO),
            Some(url) if url.query().is_none() && url.fragment().is_none() => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err("give the collector's URL, like http://localhost:4318; /v1/traces is added"),
        }
    }
}

impl TryFrom<String> for TrustedProxy {
    type Error = ParseNetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl Seconds {
    /// This many seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        match u32::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Ok(Self(seconds)),
            _ => Err("a lifetime is a whole number of seconds, 1 to 4294967295"),
        }
    }
}

/// The scheme, host and port of a URL that was checked before.
pub fn origin_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

/// Whether a URL that was checked before is on this machine.
pub fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| host::is_loopback(&url))
}

/// Whether browsers may be told to come back to this URL by https only (RFC 6797). Not on this
/// machine: the rule would hold for every port, also those of other servers.
pub fn wants_hsts(url: &str) -> bool {
    url.starts_with("https:") && !is_loopback(url)
}

fn web_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL, like https://id.example.com")?;
    if has_userinfo(&url) {
        return Err(NO_USERINFO);
    }
    if text.contains(['?', '#']) {
        return Err("the URL must have no query and no fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if host::is_loopback(&url) => Ok(url),
        "http" => Err("http is accepted for localhost only; use https"),
        _ => Err("use https, or http on localhost"),
    }
}

const NO_USERINFO: &str = "leave user name and password out of the URL";

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn issuers_are_exact() {
        for issuer in [
            "http://localhost:6001",
            "https://id.example.com",
            "https://id.example.com/tenant",
            "http://[::1]:1",
        ] {
            assert!(Issuer::try_from(issuer.to_owned()).is_ok(), "{issuer}");
        }
        for issuer in [
            "",
            "id.example.com",
            "http://id.example.com",
            "https://id.example.com/",
            "https://ID.example.com",
            "https://id.example.com:443",
            "https://id.example.com/a/../b",
            "https://id.example.com?a=b",
            "https://id.example.com#",
            "https://user@id.example.com",
            "ftp://localhost",
        ] {
            assert!(Issuer::try_from(issuer.to_owned()).is_err(), "{issuer}");
        }
    }

    #[test]
    fn other_parties_may_end_in_a_slash() {
        assert!(WebUrl::try_from("https://tenant.example/".to_owned()).is_ok());
        assert!(WebUrl::try_from("http://tenant.example/".to_owned()).is_err());
        assert_eq!(
            WebUrl::try_from("https://a.example/b".to_owned()).unwrap().origin(),
            "https://a.example"
        );
    }

    #[test]
    fn origins_have_no_path() {
        assert!(Origin::try_from("https://a.example:8443".to_owned()).is_ok());
        for origin in ["https://a.example/", "https://a.example:443", "*", "null"] {
            assert!(Origin::try_from(origin.to_owned()).is_err(), "{origin}");
        }
    }

    fn listen(text: &str) -> ListenAddress {
        ListenAddress::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn localhost_is_both_addresses_of_this_machine() {
        assert_eq!(listen("localhost:6001").addresses().len(), 2);
        assert!(listen("localhost:6001").is_loopback());
        assert!(listen("[::1]:6001").is_loopback());
        assert!(!listen("0.0.0.0:6001").is_loopback());
        assert!(!listen("192.0.2.1:6001").is_loopback());
        for text in ["6001", "localhost", "localhost:99999", "example.com:80", ":80"] {
            assert!(ListenAddress::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn listeners_collide_on_one_port_of_one_address() {
        assert!(listen("127.0.0.1:1").collides_with(&listen("localhost:1")));
        assert!(listen("0.0.0.0:1").collides_with(&listen("127.0.0.1:1")));
        assert!(!listen("127.0.0.1:1").collides_with(&listen("127.0.0.1:2")));
        assert!(!listen("127.0.0.1:0").collides_with(&listen("127.0.0.1:0")));
    }
}
