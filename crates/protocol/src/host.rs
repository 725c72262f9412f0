//! Whether a URL names the machine that reads it.
//!
//! Several rules accept plain `http` on the loopback interface only, where nobody else can read
//! or change the traffic (RFC 8252 section 8.3).
//!
//! ```
//! use doorward_protocol::host::is_loopback;
//! use url::Url;
//!
//! assert!(is_loopback(&Url::parse("http://localhost:6001")?));
//! assert!(is_loopback(&Url::parse("http://[::1]:6001")?));
//! assert!(!is_loopback(&Url::parse("http://id.example.com")?));
//! # Ok::<(), url::ParseError>(())
//! ```

use url::{Host, Url};

/// Whether the URL's host is this machine: `localhost`, a name below it (RFC 6761 section 6.3), or
/// a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn loopback_is_localhost_and_the_addresses_of_the_interface() {
        for url in [
            "http://localhost",
            "http://LOCALHOST:1",
            "http://app.localhost:1",
            "http://127.0.0.1:6001/path",
            "http://127.9.9.9",
            "http://[::1]:6001",
        ] {
            assert!(is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
        for url in [
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://10.0.0.1",
            "http://[::2]",
            "data:,x",
        ] {
            assert!(!is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
