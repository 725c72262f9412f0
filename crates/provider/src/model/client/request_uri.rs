//! Addresses at which a client publishes request objects (`request_uris`, OIDC Core section 6.2).

use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

use super::{Client, RedirectUri};
use crate::model::settings_error::SettingsError;

/// A registered address. A fragment is the hash of what is published there: it then never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestUri {
    address: String,
    hash: Option<String>,
}

/// An address that a request may name, as it is fetched, and what must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToBeFetched {
    pub(crate) address: String,
    hash: Option<String>,
}

impl RequestUri {
    /// Checks a setting. The address is fetched by this server: it is the operator's to choose, and
    /// so nothing but its form is checked.
    pub(crate) fn from_settings(uri: &str) -> Result<Self, SettingsError> {
        let refuse = |problem| SettingsError::new("request_uris", uri, problem);
        let (address, hash) = split(uri);
        if hash.is_some_and(|hash| !is_hash(hash)) {
            return Err(refuse("a fragment is the base64url of the SHA-256 of what is there"));
        }
        match RedirectUri::parse(address.to_owned()) {
            Ok(parsed) if parsed.origin().is_some() => {
                Ok(Self { address: address.to_owned(), hash: hash.map(str::to_owned) })
            }
            Ok(_) => Err(refuse("use https, or http on localhost")),
            Err(problem) => Err(refuse(problem)),
        }
    }

    /// Whether a request may name this address, and this hash if there is one.
    fn allows(&self, address: &str, hash: Option<&str>) -> bool {
        self.address == address && (self.hash.is_none() || self.hash.as_deref() == hash)
    }
}

impl Client {
    /// What is to be fetched for a `request_uri`, if it is registered. A request may add the hash
    /// of what it wants to an address that was registered without one.
    pub(crate) fn registered_request_uri(&self, uri: &str) -> Option<ToBeFetched> {
        let (address, hash) = split(uri);
        let registered = self.request_uris.iter().any(|own| own.allows(address, hash));
        registered
            .then(|| ToBeFetched { address: address.to_owned(), hash: hash.map(str::to_owned) })
    }
}

impl ToBeFetched {
    /// Whether this is what was asked for.
    pub(crate) fn is(&self, content: &str) -> bool {
        let hash = || base64url::encode(Sha256::digest(content));
        self.hash.as_ref().is_none_or(|expected| *expected == hash())
    }
}

fn split(uri: &str) -> (&str, Option<&str>) {
    uri.split_once('#').map_or((uri, None), |(address, hash)| (address, Some(hash)))
}

/// Whether it is the base64url of 32 bytes.
fn is_hash(text: &str) -> bool {
    base64url::decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HASH: &str = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg";

    #[test]
    fn an_address_is_https_and_its_fragment_a_hash() {
        let parse = RequestUri::from_settings;
        for good in [
            "https://app.example/request.jwt",
            "http://localhost:5000/r",
            &format!("https://app.example/r?x=1#{HASH}"),
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/r",
            "file:///etc/passwd",
            "/r",
            "com.example.app:/r",
            "https://app.example/r#part",
            "https://app.example/r#",
        ] {
            assert_eq!(parse(bad).unwrap_err().key, "request_uris", "{bad}");
        }
    }

    #[test]
    fn a_hash_is_that_of_the_content() {
        let named = |hash: Option<&str>| ToBeFetched {
            address: "https://app.example/r".to_owned(),
            hash: hash.map(str::to_owned),
        };
        assert!(named(None).is("anything") && named(Some(HASH)).is("test"));
        assert!(!named(Some(HASH)).is("other") && !named(Some("")).is("test"));
    }
}
