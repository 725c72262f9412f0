//! Registered redirect URIs (RFC 6749 section 3.1.2), and how a presented one is compared.

use doorward_protocol::host;
use url::Url;

/// A registered URI: absolute, without fragment, and safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Checks a URI to be registered: absolute, no fragment (RFC 6749 section 3.1.2), at most 400
    /// characters; `https`, `http` on this machine only (RFC 9700 section 2.6), or an application's
    /// own scheme with a dot in it (RFC 8252 section 7.1).
    pub fn parse(uri: String) -> Result<Self, &'static str> {
        let url = Url::parse(&uri).map_err(|_| "not an absolute URL")?;
        if uri.contains('#') {
            return Err("a redirect URI must not have a fragment");
        }
        if uri.len() > 400 || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("use at most 400 printable ASCII characters; percent-encode the others");
        }
        match url.scheme() {
            "https" => Ok(Self(uri)),
            "http" if host::is_loopback(&url) => Ok(Self(uri)),
            "http" => Err("http is accepted for localhost only; use https (RFC 9700 section 2.6)"),
            scheme if scheme.contains('.') => Ok(Self(uri)),
            _ => Err(
                "use https, http on localhost, or a reversed domain name as scheme (RFC 8252 section 7.1)",
            ),
        }
    }

    /// Whether a presented URI is this one: the same string, or for a loopback address the same but
    /// for the port (RFC 8252 section 7.3).
    pub fn matches(&self, presented: &str) -> bool {
        self.0 == presented
            || loopback_without_port(&self.0).is_some_and(|registered| {
                loopback_without_port(presented).as_ref() == Some(&registered)
            })
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of a page at this address (RFC 6454 section 4); none for an application's own
    /// scheme.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.0).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

/// `http://127.0.0.1:PORT/rest` and `http://[::1]:PORT/rest` without the port, by the letter;
/// `None` for any other URI.
fn loopback_without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let Some(after_colon) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let end = after_colon
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(after_colon.len());
    let (port, rest) = after_colon.split_at(end);
    let valid_port = port.parse::<u16>().is_ok();
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
}
