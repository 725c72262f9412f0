//! Whether settings can be used.

use std::time::Duration;

use doorward_protocol::{
    dpop::{Nonces, TargetUri},
    host::is_loopback,
    jose::SigningAlgorithm,
    secret::Secret,
    verification::VerificationKey,
};
use http::HeaderValue;
use url::Url;

use super::{IntrospectionSettings, ResourceServerSettings, SettingsError, TrustedIssuer};

const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);
const MAX_INTROSPECTION_CACHE: Duration = Duration::from_secs(5 * 60);

/// Reads an issuer identifier as a URL from which keys may be fetched.
pub(crate) fn issuer_url(issuer: &str, allow_insecure: bool) -> Result<Url, SettingsError> {
    let url = Url::parse(issuer).map_err(|_| SettingsError::Issuer(issuer.to_owned()))?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && (allow_insecure || is_loopback(&url)) => Ok(url),
        "http" if plain => Err(SettingsError::InsecureIssuer(issuer.to_owned())),
        _ => Err(SettingsError::Issuer(issuer.to_owned())),
    }
}

/// Reads an address to which requests are sent. It may have a query.
pub(crate) fn endpoint_url(address: &str, allow_insecure: bool) -> Result<Url, SettingsError> {
    let refused = || SettingsError::Endpoint(address.to_owned());
    let url = Url::parse(address).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && (allow_insecure || is_loopback(&url)) => Ok(url),
        _ => Err(refused()),
    }
}

/// Refuses algorithms that can't be verified.
pub(crate) fn checked_algorithms(
    algorithms: &[SigningAlgorithm],
) -> Result<&[SigningAlgorithm], SettingsError> {
    let is_known = |algorithm| VerificationKey::ALGORITHMS.contains(algorithm);
    if algorithms.is_empty() || !algorithms.iter().all(is_known) {
        return Err(SettingsError::Algorithms);
    }
    Ok(algorithms)
}

/// Refuses issuers of which it would not be clear which one a token belongs to.
pub(crate) fn checked_issuers(
    issuers: &[TrustedIssuer],
) -> Result<&[TrustedIssuer], SettingsError> {
    let twice = |(at, one): &(usize, &TrustedIssuer)| {
        issuers[..*at].iter().any(|other| other.issuer == one.issuer)
    };
    if let Some((_, again)) = issuers.iter().enumerate().find(twice) {
        return Err(SettingsError::Issuers(again.issuer.clone()));
    }
    if issuers.is_empty() {
        return Err(SettingsError::Issuers(String::new()));
    }
    Ok(issuers)
}

/// What makes the nonces of proofs, if proofs must have some.
pub(crate) fn checked_nonces(
    settings: &ResourceServerSettings,
) -> Result<Option<Nonces>, SettingsError> {
    match settings.nonce_secret.as_ref().map(Secret::expose) {
        None => Ok(None),
        Some(secret) if secret.len() >= 32 && settings.url.is_some() => {
            Ok(Some(Nonces::new(secret.as_bytes())))
        }
        Some(_) => Err(SettingsError::NonceSecret),
    }
}

/// Refuses a cache that would keep revoked tokens alive for long.
pub(crate) fn checked_introspection(
    asked: &IntrospectionSettings,
) -> Result<&IntrospectionSettings, SettingsError> {
    if asked.cache > MAX_INTROSPECTION_CACHE {
        Err(SettingsError::IntrospectionCache(asked.cache))
    } else {
        Ok(asked)
    }
}

pub(crate) fn checked_audiences(audiences: &[String]) -> Result<&[String], SettingsError> {
    if audiences.is_empty() || audiences.iter().any(|audience| audience.trim().is_empty()) {
        return Err(SettingsError::Audience);
    }
    Ok(audiences)
}

/// The leeway in whole seconds.
pub(crate) fn checked_leeway(leeway: Duration) -> Result<i64, SettingsError> {
    if leeway > MAX_LEEWAY {
        return Err(SettingsError::Leeway(leeway));
    }
    i64::try_from(leeway.as_secs()).map_err(|_| SettingsError::Leeway(leeway))
}

/// Reads a URL that paths are added to, without a slash at its end.
pub(crate) fn base_url(url: &str) -> Result<&str, SettingsError> {
    let is_base = TargetUri::parse(url).is_ok() && !url.contains(['?', '#']);
    if is_base { Ok(url.trim_end_matches('/')) } else { Err(SettingsError::Url(url.to_owned())) }
}

/// Reads an origin exactly as browsers send it in `Origin` (RFC 6454 section 6.2).
pub(crate) fn origin_header(origin: &str) -> Result<HeaderValue, SettingsError> {
    let refused = || SettingsError::Origin(origin.to_owned());
    let url = Url::parse(origin).map_err(|_| refused())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    if !is_web || url.origin().ascii_serialization() != origin {
        return Err(refused());
    }
    HeaderValue::from_str(origin).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn issuers_are_https_or_loopback() {
        for issuer in [
            "https://id.example.com",
            "https://id.example.com/tenant",
            "http://localhost:6001",
            "http://127.0.0.1:6001",
            "http://[::1]:6001",
        ] {
            assert!(issuer_url(issuer, false).is_ok(), "{issuer}");
        }
        for issuer in
            ["", "id.example.com", "ftp://x", "https://a:b@x", "https://x?a", "https://x#a"]
        {
            assert_eq!(issuer_url(issuer, true), Err(SettingsError::Issuer(issuer.into())));
        }
        let plain = "http://id.example.com";
        assert_eq!(issuer_url(plain, false), Err(SettingsError::InsecureIssuer(plain.into())));
        assert!(issuer_url(plain, true).is_ok());
    }

    #[test]
    fn a_token_finds_one_issuer() {
        let one = || TrustedIssuer::new("https://one", "api");
        assert!(checked_issuers(&[one(), TrustedIssuer::new("https://two", "api")]).is_ok());
        assert_eq!(checked_issuers(&[]).unwrap_err(), SettingsError::Issuers(String::new()));
        assert_eq!(
            checked_issuers(&[one(), one()]).unwrap_err(),
            SettingsError::Issuers("https://one".into())
        );
    }

    #[test]
    fn an_issuer_has_algorithms_that_can_be_verified() {
        assert!(checked_algorithms(&[SigningAlgorithm::Ps512]).is_ok());
        assert!(checked_algorithms(&[]).is_err());
        assert!(checked_algorithms(&[SigningAlgorithm::Es512]).is_err());
    }

    #[test]
    fn origins_are_exact() {
        for origin in ["http://localhost:5001", "https://app.example.com"] {
            assert_eq!(origin_header(origin).unwrap(), origin);
        }
        for origin in ["*", "null", "https://a.b/", "https://A.b", "https://a.b:443", "file:///x"] {
            assert_eq!(origin_header(origin), Err(SettingsError::Origin(origin.into())));
        }
    }

    #[test]
    fn the_url_of_an_api_may_have_a_path_and_no_more() {
        for url in [
            "https://api.example.com",
            "https://api.example.com/",
            "http://localhost:5001/orders/api",
        ] {
            assert_eq!(base_url(url), Ok(url.trim_end_matches('/')));
        }
        for url in [
            "",
            "/api",
            "api.example.com",
            "ftp://x",
            "https://a:b@x",
            "https://x?a",
            "https://x#a",
        ] {
            assert_eq!(base_url(url), Err(SettingsError::Url(url.into())));
        }
    }

    #[test]
    fn a_long_introspection_cache_is_refused() {
        let mut asked = IntrospectionSettings::new("api", Secret::new("secret"));
        asked.cache = Duration::from_secs(300);
        assert!(checked_introspection(&asked).is_ok());
        asked.cache = Duration::from_secs(301);
        let refused = SettingsError::IntrospectionCache(asked.cache);
        assert_eq!(checked_introspection(&asked).unwrap_err(), refused);
        let mut settings = ResourceServerSettings::new("https://one", "api");
        settings.issuers[0].introspection = Some(asked);
        assert_eq!(crate::ResourceServer::new(settings).err(), Some(refused));
    }

    #[test]
    fn issuers_that_would_see_each_others_opaque_tokens_are_refused_unless_that_is_wanted() {
        let with_prefixes = |prefixes: &[&str]| {
            let issuers = prefixes.iter().enumerate().map(|(number, prefix)| {
                let asked = IntrospectionSettings::new("api", Secret::new("secret"));
                TrustedIssuer::new(format!("https://{number}.example"), "api")
                    .with_introspection(asked.with_token_prefix(*prefix))
            });
            let mut settings = ResourceServerSettings::new("https://jwt.example", "api");
            settings.issuers.extend(issuers);
            settings
        };
        for apart in [&["a_", "b_"][..], &["a_", "b_", "ab_"], &[""], &[]] {
            let made = crate::ResourceServer::new(with_prefixes(apart));
            assert!(made.is_ok(), "{apart:?}");
        }
        for overlapping in [&["", ""][..], &["", "b_"], &["a_", ""], &["a_", "b_", "a_b_"]] {
            let settings = with_prefixes(overlapping);
            let last = settings.issuers.last().unwrap().issuer.clone();
            let refused = crate::ResourceServer::new(settings.clone()).err();
            assert_eq!(refused, Some(SettingsError::SharedOpaqueTokens(last)), "{overlapping:?}");
            assert!(crate::ResourceServer::new(settings.sharing_opaque_tokens()).is_ok());
        }
    }

    #[test]
    fn a_long_leeway_is_refused() {
        assert_eq!(checked_leeway(Duration::from_secs(300)), Ok(300));
        assert!(checked_leeway(Duration::from_secs(301)).is_err());
    }
}
