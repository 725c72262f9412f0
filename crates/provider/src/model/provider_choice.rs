//! Which other providers a sign-in may go by, and whether it goes straight to one: pure rules.

use crate::model::{
    client::Client,
    directory,
    email::EmailAddress,
    identity_provider::{IdentityProvider, IdentityProviderName},
    session::Session,
};

/// Stands for the tenant in the issuer of a provider that has one for each (Microsoft Entra ID).
const TENANT: &str = "{tenantid}";

/// How `acr_values` names a provider, as with `IdentityServer`.
const ACR_PREFIX: &str = "idp:";

impl Client {
    /// Whether users may sign in by this provider for the client.
    pub fn takes_provider(&self, name: &IdentityProviderName) -> bool {
        self.identity_providers.as_ref().is_none_or(|taken| taken.contains(name))
    }

    /// Whether a session counts for the client: it began here, by a password of ours or of a
    /// directory, or at a provider that it takes.
    pub fn takes_session(&self, session: &Session, providers: &[IdentityProvider]) -> bool {
        let upstream = session.upstream.as_ref();
        upstream.is_none_or(|own| takes_session_of(providers, self, &own.id.issuer))
    }
}

impl IdentityProvider {
    /// Whether it has an issuer for each tenant.
    pub fn has_tenants(&self) -> bool {
        self.issuer.contains(TENANT)
    }

    /// Whether its users have this issuer.
    pub fn issues_as(&self, issuer: &str) -> bool {
        match self.issuer.split_once(TENANT) {
            None => self.issuer == issuer,
            Some((before, after)) => issuer
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/')),
        }
    }
}

/// The providers by which users may sign in for this client, or at all where none waits.
pub fn offered<'a>(
    providers: &'a [IdentityProvider],
    client: Option<&Client>,
) -> Vec<&'a IdentityProvider> {
    let takes =
        |own: &&IdentityProvider| client.is_none_or(|client| client.takes_provider(&own.name));
    providers.iter().filter(takes).collect()
}

/// Whether users may sign in by some other provider for this client.
pub fn is_any_offered(providers: &[IdentityProvider], client: &Client) -> bool {
    providers.iter().any(|own| client.takes_provider(&own.name))
}

/// Whether a session that began at this issuer counts for the client.
fn takes_session_of(providers: &[IdentityProvider], client: &Client, issuer: &str) -> bool {
    client.identity_providers.is_none()
        || directory::is_directory(issuer)
        || providers.iter().any(|own| own.issues_as(issuer) && client.takes_provider(&own.name))
}

/// The provider that a request names: by `idp`, or by `idp:` in `acr_values`.
pub fn named<'a>(idp: Option<&'a str>, acr_values: Option<&'a str>) -> Option<&'a str> {
    let by_acr = || acr_values?.split(' ').find_map(|value| value.strip_prefix(ACR_PREFIX));
    idp.or_else(by_acr)
}

/// The provider to which a sign-in goes without a question: the one that the request names, the
/// one whose domain the expected user's address has, or the only one that the client takes.
pub fn straight<'a>(
    offered: &[&'a IdentityProvider],
    named: Option<&str>,
    login_hint: Option<&str>,
    client: Option<&Client>,
) -> Option<&'a IdentityProvider> {
    let by_name = named.and_then(|name| offered.iter().find(|own| &*own.name == name));
    let by_domain = || login_hint.and_then(|hint| home_of(offered, hint));
    let only_one = || {
        let client = client?;
        let takes_nothing_else = client.identity_providers.is_some() && !client.enable_local_login;
        match offered {
            [only] if takes_nothing_else => Some(*only),
            _ => None,
        }
    };
    by_name.copied().or_else(by_domain).or_else(only_one)
}

/// The provider that is home to what was typed as a name, if that is an address.
pub fn home_of<'a>(offered: &[&'a IdentityProvider], typed: &str) -> Option<&'a IdentityProvider> {
    let address = EmailAddress::parse(typed.trim()).ok()?;
    offered.iter().find(|own| own.is_home_of(&address)).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn providers() -> Vec<IdentityProvider> {
        let provider = |name: &str, domain: &str| {
            let name = IdentityProviderName::parse(name).unwrap();
            let issuer = format!("https://{name}.example");
            let email_domains = vec![domain.to_owned()];
            IdentityProvider { email_domains, ..IdentityProvider::new(name, &issuer) }
        };
        vec![provider("one", "one.example"), provider("two", "two.example")]
    }

    fn client(changes: &Value) -> Client {
        let mut settings = json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/callback"],
        });
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Client::from_settings(serde_json::from_value(settings).unwrap(), false).unwrap()
    }

    fn names(offered: &[&IdentityProvider]) -> Vec<String> {
        offered.iter().map(|own| own.name.to_string()).collect()
    }

    #[test]
    fn a_client_takes_all_or_those_that_it_lists() {
        let providers = providers();
        let of = |changes: Value| names(&offered(&providers, Some(&client(&changes))));
        assert_eq!(names(&offered(&providers, None)), ["one", "two"]);
        assert_eq!(of(json!({})), ["one", "two"]);
        assert_eq!(of(json!({"identity_providers": ["two", "gone"]})), ["two"]);
        assert!(of(json!({"identity_providers": []})).is_empty());
    }

    #[test]
    fn a_sign_in_goes_straight_to_the_named_the_home_or_the_only_one() {
        let providers = providers();
        let all = offered(&providers, None);
        let to = |named, hint| straight(&all, named, hint, None).map(|own| own.name.to_string());
        assert_eq!(to(Some("two"), Some("a@one.example")).as_deref(), Some("two"));
        assert_eq!(to(Some("gone"), Some("a@ONE.example")).as_deref(), Some("one"));
        for hint in ["alice", "a@sub.one.example", "a@one.example.evil.example", "@one.example"] {
            assert_eq!(to(None, Some(hint)), None, "{hint}");
        }
        let only = |changes: Value| {
            let client = client(&changes);
            let offered = offered(&providers, Some(&client));
            straight(&offered, None, None, Some(&client)).map(|own| own.name.to_string())
        };
        let one = json!({"identity_providers": ["one"], "enable_local_login": false});
        assert_eq!(only(one).as_deref(), Some("one"));
        assert_eq!(only(json!({"identity_providers": ["one"]})), None, "there are passwords");
        let both = json!({"identity_providers": ["one", "two"], "enable_local_login": false});
        assert_eq!(only(both), None);
    }

    #[test]
    fn a_request_names_a_provider_by_idp_or_by_acr_values() {
        assert_eq!(named(Some("one"), Some("idp:two")), Some("one"));
        assert_eq!(named(None, Some("gold idp:two")), Some("two"));
        assert_eq!(named(None, Some("gold")), None);
    }

    #[test]
    fn an_issuer_for_each_tenant_is_known_by_its_template() {
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let name = IdentityProviderName::parse("entra").unwrap();
        let entra = IdentityProvider::new(name, template);
        assert!(entra.issues_as("https://login.microsoftonline.com/9188040d/v2.0"));
        for other in [
            "https://login.microsoftonline.com//v2.0",
            "https://login.microsoftonline.com/a/b/v2.0",
            "https://login.microsoftonline.com/9188040d/v1.0",
            "https://evil.example/9188040d/v2.0",
        ] {
            assert!(!entra.issues_as(other), "{other}");
        }
    }

    #[test]
    fn a_session_of_a_provider_that_the_client_does_not_take_does_not_count() {
        let providers = providers();
        let takes =
            |changes: Value, issuer| takes_session_of(&providers, &client(&changes), issuer);
        let two = || json!({"identity_providers": ["two"]});
        assert!(takes(json!({}), "https://one.example"));
        assert!(takes(two(), "https://two.example"));
        assert!(!takes(two(), "https://one.example"));
        assert!(!takes(two(), "https://gone.example"));
    }
}
