//! Registered redirect URIs (RFC 6749 section 3.1.2), and how the URI of a request is compared.

use doorward_protocol::host;
use url::Url;

/// A registered URI: absolute, without fragment, and safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    uri: String,
    any_localhost_port: bool,
}

/// What an operator allows a client beside the redirect URIs that are safe for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedirectUriRules {
    /// `http://localhost` matches with any port, as a loopback address does. RFC 8252 section 8.3
    /// advises against it, because the name can lead elsewhere; many command-line tools use it.
    pub any_localhost_port: bool,
    /// A scheme of an application need not be a reversed domain name. Two applications can then
    /// choose the same one (RFC 8252 section 8.4).
    pub schemes_without_dot: bool,
    /// `http` for hosts other than this machine, as in a home network. Whoever can read the network
    /// can read the code.
    pub plain_http: bool,
}

/// Schemes of addresses that run in the browser or read its files. No application has them.
const NEVER: [&str; 8] =
    ["javascript", "data", "file", "vbscript", "blob", "about", "filesystem", "view-source"];

impl RedirectUri {
    /// Checks a URI to be registered: absolute, no fragment (RFC 6749 section 3.1.2), at most 400
    /// characters; `https`, `http` on this machine only (RFC 9700 section 2.6), or an application's
    /// own scheme with a dot in it (RFC 8252 section 7.1).
    pub fn parse(uri: String) -> Result<Self, &'static str> {
        Self::parse_by(uri, RedirectUriRules::default())
    }

    /// The same, with what the operator allows beside that.
    pub fn parse_by(uri: String, rules: RedirectUriRules) -> Result<Self, &'static str> {
        let url = Url::parse(&uri).map_err(|_| "not an absolute URL")?;
        if uri.contains('#') {
            return Err("a redirect URI must not have a fragment");
        }
        if uri.contains('*') {
            return Err("a redirect URI is compared exactly: write each one without wildcards");
        }
        if uri.len() > 400 || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("use at most 400 printable ASCII characters; percent-encode the others");
        }
        match url.scheme() {
            "https" => {}
            "http" if host::is_loopback(&url) || rules.plain_http => {}
            "http" => {
                return Err(
                    "http is accepted for localhost only; use https (RFC 9700 section 2.6), \
                     or allow_http_redirect_uris in a network that you trust",
                );
            }
            scheme if NEVER.contains(&scheme) => {
                return Err("this scheme belongs to no application");
            }
            scheme if scheme.contains('.') || rules.schemes_without_dot => {}
            _ => {
                return Err("use https, http on localhost, or a reversed domain name as scheme \
                     (RFC 8252 section 7.1), or allow_private_use_schemes");
            }
        }
        Ok(Self { uri, any_localhost_port: rules.any_localhost_port })
    }

    /// Whether the URI of a request is this one: the same string, or for a loopback address the
    /// same except for the port (RFC 8252 section 7.3).
    pub fn matches(&self, requested: &str) -> bool {
        let without_port = |uri| loopback_without_port(uri, self.any_localhost_port);
        self.uri == requested
            || without_port(&self.uri).is_some_and(|registered| {
                without_port(requested).is_some_and(|requested| requested == registered)
            })
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The origin of a page at this address (RFC 6454 section 4); none for an application's own
    /// scheme.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.uri).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

/// `http://127.0.0.1:PORT/rest` and `http://[::1]:PORT/rest` without the port, and with `localhost`
/// also `http://localhost:PORT/rest`. The rest is compared exactly. `None` for any other URI.
fn loopback_without_port(uri: &str, localhost: bool) -> Option<(&'static str, &str)> {
    let hosts = ["http://127.0.0.1", "http://[::1]"].into_iter();
    let (host, rest) = hosts
        .chain(localhost.then_some("http://localhost"))
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let Some(after_colon) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let end = after_colon
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(after_colon.len());
    let (port, rest) = after_colon.split_at(end);
    // Zeros in front would let it be of any length.
    let valid_port = port.len() <= 5 && port.parse::<u16>().is_ok();
    (valid_port && (rest.is_empty() || rest.starts_with(['/', '?'])) && !rest.contains('#'))
        .then_some((host, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn redirect_uris_that_are_not_safe_are_refused() {
        for uri in [
            "/callback",
            "callback",
            "https://app.example/#fragment",
            "http://app.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://app.example/ä",
        ] {
            assert!(RedirectUri::parse(uri.to_owned()).is_err(), "{uri}");
        }
        for uri in [
            "https://a.example/cb?x=1",
            "http://localhost:5001/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert!(RedirectUri::parse(uri.to_owned()).is_ok(), "{uri}");
        }
    }

    #[test]
    fn only_the_same_string_matches() {
        let registered = RedirectUri::parse("https://app.example/callback".into()).unwrap();
        assert!(registered.matches("https://app.example/callback"));
        for other in [
            "https://app.example/callback/",
            "https://app.example/callback?x",
            "https://APP.example/callback",
            "https://app.example:443/callback",
            "https://app.example/a/../callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
    }

    #[test]
    fn loopback_addresses_match_with_any_port() {
        let registered = RedirectUri::parse("http://127.0.0.1:5001/callback".into()).unwrap();
        assert!(registered.matches("http://127.0.0.1:61234/callback"));
        assert!(registered.matches("http://127.0.0.1/callback"));
        for other in [
            "http://127.0.0.1:61234/other",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:005001/callback",
            "http://127.0.0.1:80@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost:5001/callback",
            "http://[::1]:5001/callback",
            "https://127.0.0.1:5001/callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
        let localhost = RedirectUri::parse("http://localhost:5001/callback".into()).unwrap();
        assert!(!localhost.matches("http://localhost:5002/callback"));
    }

    #[test]
    fn what_an_operator_may_allow_is_refused_by_default() {
        let all = RedirectUriRules {
            any_localhost_port: true,
            schemes_without_dot: true,
            plain_http: true,
        };
        for uri in
            ["http://192.168.2.50:2283/cb", "http://grafana:3000/login", "cursor://cb", "oc://x"]
        {
            assert!(RedirectUri::parse(uri.to_owned()).is_err(), "{uri}");
            assert!(RedirectUri::parse_by(uri.to_owned(), all).is_ok(), "{uri}");
        }
        for uri in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "blob:x"] {
            assert!(RedirectUri::parse_by(uri.to_owned(), all).is_err(), "{uri}");
        }
        let localhost = RedirectUri::parse_by("http://localhost/callback".into(), all).unwrap();
        assert!(localhost.matches("http://localhost:51004/callback"));
        for other in [
            "http://localhost.evil.example/callback",
            "http://localhost:80@evil.example/callback",
            "http://127.0.0.1:51004/callback",
            "https://localhost:51004/callback",
        ] {
            assert!(!localhost.matches(other), "{other}");
        }
    }

    #[test]
    fn a_wildcard_is_refused_since_it_would_never_match() {
        assert!(RedirectUri::parse("https://app.example.com/*".into()).is_err());
    }
}
