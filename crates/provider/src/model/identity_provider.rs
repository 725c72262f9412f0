//! Other OpenID providers by which users may sign in, as far as it matters for accounts: who may
//! come from there, and what counts of what they say. How a provider is asked is not kept here.

use std::{collections::HashSet, fmt, ops::Deref, str::FromStr};

use doorward_protocol::ids::{ClientId, is_identity_provider_name};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::model::{
    claim_mapping::ClaimMapping, email::EmailAddress, settings_error::SettingsError,
    user::UserClaims,
};

/// A domain that stands for every domain.
const EVERY: &str = "*";

/// The name of an identity provider in the configuration and in addresses: 1 to 32 lower-case
/// letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct IdentityProviderName(String);

/// The text can't be the name of an identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of an identity provider has 1 to 32 characters: a to z, 0 to 9, and hyphens")]
pub struct InvalidIdentityProviderName;

impl IdentityProviderName {
    /// Checks a text that comes from outside.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentityProviderName> {
        if is_identity_provider_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdentityProviderName)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdentityProviderName {
    type Err = InvalidIdentityProviderName;

    fn from_str(text: &str) -> Result<Self, InvalidIdentityProviderName> {
        Self::parse(text)
    }
}

impl Deref for IdentityProviderName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdentityProviderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdentityProviderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The mark on a provider's button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderMark {
    /// None of the known ones.
    #[default]
    Generic,
    /// Google.
    Google,
    /// Microsoft Entra ID.
    Microsoft,
    /// Apple.
    Apple,
    /// `GitHub`.
    GitHub,
    /// `GitLab`.
    GitLab,
    /// Keycloak.
    Keycloak,
    /// Another Doorward.
    Doorward,
}

/// `first_sign_in`: what happens when somebody signs in by an identity that no account is linked
/// with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstSignIn {
    /// An account is made.
    Create,
    /// A page asks whether to make an account or to sign in to the one that there is.
    #[default]
    Ask,
    /// An account is made for a user who has an invitation.
    Invitation,
    /// Nobody gets an account by this provider. Users link it themselves.
    Refuse,
}

/// What vouches for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProviderKind {
    /// Another OpenID provider. How a user signed in there is not known.
    #[default]
    Elsewhere,
    /// A directory, to which the user's password was sent from here.
    Directory,
}

/// Another OpenID provider, or a directory.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    /// Its name here.
    pub name: IdentityProviderName,
    /// What it is.
    pub kind: ProviderKind,
    /// What people call it, as `Google`.
    pub title: String,
    /// The mark on its button.
    pub mark: ProviderMark,
    /// Its issuer identifier (OIDC Discovery section 3), or the template of its issuers.
    pub issuer: String,
    /// What happens at the first sign-in of somebody.
    pub first_sign_in: FirstSignIn,
    /// The domains for whose addresses its `email_verified` counts here. `*` is every domain.
    /// Whoever controls the provider can sign in to every account with such an address.
    pub trusted_email_domains: Vec<String>,
    /// Who types an address of these domains at the sign-in is led to this provider.
    pub email_domains: Vec<String>,
    /// What becomes of the claims that it sends.
    pub claims: ClaimMapping,
    /// Whether a sign-in by several factors there (`mfa` in `amr`, RFC 8176) counts as one here.
    pub trusted_mfa: bool,
    /// The values of its `acr` that count as several factors here.
    pub mfa_acr: Vec<String>,
    /// Whether signing out here signs out there, too.
    pub sign_out_upstream: bool,
    /// By what users of SCIM are found at their first sign-in.
    pub scim_link: Option<ScimLink>,
    /// Whether users may sign in by it.
    pub enabled: bool,
    /// Its settings under their names in the configuration, without secrets, for people who
    /// administer.
    pub settings: Map<String, Value>,
}

/// By what a user is found whom a client has added by SCIM, and who has not signed in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimLink {
    /// The client.
    pub client: ClientId,
    /// The claim of the ID token that is what the client calls the user (`externalId`).
    pub claim: String,
}

impl IdentityProvider {
    /// What the claims of a user give by the rules. What can't be taken is logged.
    pub(crate) fn mapped(&self, claims: &Map<String, Value>) -> UserClaims {
        let mapped = self.claims.apply(claims);
        for (claim, count) in &mapped.left_out {
            tracing::warn!(
                provider = %self.name, claim, count,
                "values of a mapped claim are left out: they are too many, too long, or none that \
                 a claim can have"
            );
        }
        mapped.claims
    }

    /// With this name and issuer, and all else as it is by default.
    pub fn new(name: IdentityProviderName, issuer: &str) -> Self {
        Self {
            title: name.to_string(),
            name,
            kind: ProviderKind::default(),
            mark: ProviderMark::default(),
            issuer: issuer.to_owned(),
            first_sign_in: FirstSignIn::default(),
            trusted_email_domains: Vec::new(),
            email_domains: Vec::new(),
            claims: ClaimMapping::default(),
            trusted_mfa: false,
            mfa_acr: Vec::new(),
            sign_out_upstream: false,
            scim_link: None,
            enabled: true,
            settings: Map::new(),
        }
    }

    /// Whether the provider is believed that an address of this domain is verified.
    pub fn is_trusted_for(&self, address: &EmailAddress) -> bool {
        let domain = address.domain();
        self.trusted_email_domains.iter().any(|own| own == EVERY || own.to_lowercase() == domain)
    }

    /// Whether who types this address is led to this provider.
    pub fn is_home_of(&self, address: &EmailAddress) -> bool {
        let domain = address.domain();
        self.email_domains.iter().any(|own| own.to_lowercase() == domain)
    }
}

/// Checks identity providers against each other. An identity is an issuer and a subject, so two
/// providers with one issuer could each vouch for the other one's users.
pub fn check(providers: &[IdentityProvider]) -> Result<(), SettingsError> {
    let (mut names, mut issuers) = (HashSet::new(), HashSet::new());
    for (index, provider) in providers.iter().enumerate() {
        let refused = |name, value: &str, problem| Err(SettingsError::new(name, value, problem));
        if !names.insert(&*provider.name) {
            return refused("name", &provider.name, "this identity provider is defined twice");
        }
        // Issuers are compared as they are written (RFC 3986 section 6.2.1). Two that differ in
        // nothing but case or a slash at the end are taken for a mistake.
        let issuer = provider.issuer.trim_end_matches('/').to_ascii_lowercase();
        if issuer.is_empty() || !issuer.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "write the issuer as the provider's discovery document does, in ASCII";
            return refused("issuer", &provider.issuer, problem);
        }
        // A template stands for every issuer that it fits.
        let overlaps = |other: &IdentityProvider| {
            other.issues_as(&provider.issuer) || provider.issues_as(&other.issuer)
        };
        if !issuers.insert(issuer) || providers[..index].iter().any(overlaps) {
            let problem = "another identity provider has this issuer, and each would vouch for \
                           the users of the other: keep one of them";
            return refused("issuer", &provider.issuer, problem);
        }
        if let Some(domain) = provider.trusted_email_domains.iter().find(|own| !may_trust(own)) {
            let problem = "write a domain as example.com, in ASCII, or * for every domain";
            return refused("trusted_email_domains", domain, problem);
        }
        if let Some(domain) = provider.email_domains.iter().find(|own| !is_domain(own)) {
            return refused("email_domains", domain, "write a domain as example.com");
        }
    }
    Ok(())
}

/// Only an address in ASCII is believed.
fn may_trust(text: &str) -> bool {
    text == EVERY || (text.is_ascii() && is_domain(text))
}

fn is_domain(text: &str) -> bool {
    EmailAddress::parse(&format!("a@{text}")).is_ok_and(|address| address.domain() == text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn provider(name: &str, issuer: &str) -> IdentityProvider {
        IdentityProvider::new(IdentityProviderName::parse(name).unwrap(), issuer)
    }

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn names_are_checked() {
        for name in ["google", "a", "entra-2", &"x".repeat(32)] {
            assert!(IdentityProviderName::parse(name).is_ok(), "{name}");
        }
        for name in ["", "Google", "a b", "a_b", "\u{e9}", "a/b", &"x".repeat(33)] {
            assert!(IdentityProviderName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_provider_is_believed_for_its_domains_only() {
        let mut own = provider("a", "https://a.example");
        assert!(!own.is_trusted_for(&address("ada@example.com")), "nobody by default");
        own.trusted_email_domains = vec!["example.com".to_owned()];
        assert!(own.is_trusted_for(&address("ada@EXAMPLE.com")));
        for foreign in ["ada@sub.example.com", "ada@example.com.evil.example", "a@evilexample.com"]
        {
            assert!(!own.is_trusted_for(&address(foreign)), "{foreign}");
        }
        own.trusted_email_domains = vec!["*".to_owned()];
        assert!(own.is_trusted_for(&address("ada@anything.example")));
    }

    #[test]
    fn one_issuer_has_one_provider() {
        let problem = |second: IdentityProvider| {
            check(&[provider("a", "https://a.example"), second]).unwrap_err().to_string()
        };
        assert!(
            check(&[provider("a", "https://a.example"), provider("b", "https://b.example")])
                .is_ok()
        );
        assert!(problem(provider("a", "https://b.example")).contains("twice"));
        for same in ["https://a.example", "https://A.example", "https://a.example/"] {
            assert!(problem(provider("b", same)).contains("another identity provider"), "{same}");
        }
        assert!(problem(provider("b", "https://\u{430}.example")).contains("ASCII"));
        let of_tenants = || provider("t", "https://login.example/{tenantid}/v2.0");
        let of_one = || provider("o", "https://login.example/11111111/v2.0");
        for pair in [[of_tenants(), of_one()], [of_one(), of_tenants()]] {
            let problem = check(&pair).unwrap_err().to_string();
            assert!(problem.contains("another identity provider"), "{problem}");
        }
        let ours = "b\u{fc}cher.example";
        for domain in ["", "*.example.com", "Example.com", "a@example.com", "example.com.", ours] {
            let trusted_email_domains = vec![domain.to_owned()];
            let second =
                IdentityProvider { trusted_email_domains, ..provider("b", "https://b.example") };
            assert!(problem(second).contains("write a domain"), "{domain}");
        }
    }
}
