//! The device that a user signs in with, for the list of sessions on `/grants`.

use axum::http::{HeaderMap, header::USER_AGENT};
use doorward_provider::model::session::Device;

use crate::http::peer::Peer;

/// Browsers by a part of their `User-Agent` (RFC 9110 section 10.1.5). The more specific ones are
/// first, since most browsers also claim to be others.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Operating systems by a part of their `User-Agent`.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// The device that sent a request. Only names from the lists above are kept, never the text of the
/// header.
pub(crate) fn device(headers: &HeaderMap, peer: &Peer) -> Device {
    Device { address: Some(peer.0.clone()), browser: browser(headers) }
}

/// The browser and the system that it runs on, as `Firefox, Linux`.
pub(crate) fn browser(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser: Vec<&str> = [known(&BROWSERS), known(&SYSTEMS)].into_iter().flatten().collect();
    (!browser.is_empty()).then(|| browser.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn browser(agent: &str) -> Option<String> {
        super::browser(&[(USER_AGENT, agent.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn browsers_and_systems_are_recognised() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari, macOS",
            ),
        ] {
            assert_eq!(browser(agent).as_deref(), Some(name));
        }
        assert_eq!(browser("curl/8 <script>"), None);
    }
}
