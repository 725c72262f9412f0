//! What another provider vouches for, as far as it counts here: a pure rule over its answer.

use serde::{Deserialize, Serialize};

use crate::model::{
    email::EmailAddress,
    external_identity::{ExternalId, IdentityUse, InvalidExternalId, StoredIdentity, UpstreamUser},
    identity_provider::{IdentityProvider, ProviderKind},
    session::{SignInProof, UpstreamSession, method},
    time::Timestamp,
    user::{User, UserClaims},
};
use crate::use_case::sign_in::SignIn;

/// This many seconds ago a user counts as signed in whose provider does not say when it was. What
/// needs a fresh sign-in must not take it for one.
const AGE_UNLESS_TOLD: i64 = 3600;

/// Somebody for whom another provider vouches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Vouched {
    pub(super) session: UpstreamSession,
    /// What people know the user by there.
    pub(super) shown: Option<String>,
    /// The address as the provider writes it, and whether the provider says that it is the user's.
    email: Option<String>,
    says_verified: bool,
    pub(super) preferred_username: Option<String>,
    /// The same as it was sent and whole, if it is short and has no control characters.
    #[serde(default)]
    pub(super) exact_username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    /// What a SCIM client of the same directory calls the user.
    #[serde(default)]
    provisioned_as: Option<String>,
    /// What the claims give by the mapping.
    pub(super) mapped: UserClaims,
    amr: Vec<String>,
    auth_time: Timestamp,
}

impl Vouched {
    /// Reads the answer of a provider.
    pub(super) fn read(
        provider: &IdentityProvider,
        user: &UpstreamUser,
        now: Timestamp,
    ) -> Result<Self, InvalidExternalId> {
        let long_ago = Timestamp::from_seconds(now.seconds() - AGE_UNLESS_TOLD);
        Ok(Self {
            session: user.session()?,
            shown: user.shown(),
            email: address(user),
            says_verified: user.says_verified(),
            preferred_username: user.text("preferred_username"),
            exact_username: exact_username(user),
            name: user.text("name"),
            given_name: user.text("given_name"),
            family_name: user.text("family_name"),
            provisioned_as: user.provisioned_as.clone(),
            mapped: provider.mapped(&user.claims),
            amr: methods(provider, user),
            auth_time: user.auth_time.map_or(long_ago, |before| before.min(now)),
        })
    }

    /// Who it is.
    pub(super) fn id(&self) -> &ExternalId {
        &self.session.id
    }

    /// What a SCIM client of the same directory calls the user.
    pub(super) fn provisioned_as(&self) -> Option<&str> {
        self.provisioned_as.as_deref().filter(|called| !called.is_empty())
    }

    /// The address, if it is one.
    pub(super) fn email(&self) -> Option<EmailAddress> {
        self.email.as_deref().and_then(|email| EmailAddress::parse(email).ok())
    }

    /// The address, if the provider says that it is the user's.
    pub(super) fn verified_email(&self) -> Option<EmailAddress> {
        self.email().filter(|_| self.says_verified)
    }

    /// The address, if the provider says that it is the user's, and is believed. It is written in
    /// ASCII: of other letters some are read as ASCII, and another mailbox may have the address.
    pub(super) fn trusted_email(&self, provider: &IdentityProvider) -> Option<EmailAddress> {
        let is_ascii = self.email.as_deref().is_some_and(str::is_ascii);
        self.verified_email().filter(|address| is_ascii && provider.is_trusted_for(address))
    }

    /// The sign-in of the user whose identity it is.
    pub(super) fn sign_in(&self) -> SignIn {
        SignIn {
            proof: SignInProof::External(self.session.clone()),
            amr: self.amr.clone(),
            auth_time: Some(self.auth_time),
        }
    }

    /// The identity of this user, as it is stored.
    pub(super) fn identity_of(
        &self,
        user: &User,
        provider: &IdentityProvider,
        now: Timestamp,
    ) -> StoredIdentity {
        StoredIdentity {
            id: self.id().clone(),
            sub: user.sub.clone(),
            provider: provider.name.clone(),
            shown: self.shown.clone(),
            mapped: self.mapped.clone(),
            created_at: now,
            used_at: None,
        }
    }

    /// What a sign-in leaves behind.
    pub(super) fn used(&self, provider: &IdentityProvider, now: Timestamp) -> IdentityUse {
        IdentityUse {
            provider: provider.name.clone(),
            shown: self.shown.clone(),
            mapped: self.mapped.clone(),
            at: now,
        }
    }
}

/// The address among the claims, whole and as it is written; `None` if it is none. A text that was
/// cut, or from which something was left out, would be another address.
fn address(user: &UpstreamUser) -> Option<String> {
    let text = user.claims.get("email")?.as_str()?.trim();
    EmailAddress::parse(text).is_ok().then(|| text.to_owned())
}

/// The user name as the provider writes it: a text that was cut, or from which something was left
/// out, would be another name.
fn exact_username(user: &UpstreamUser) -> Option<String> {
    let text = user.claims.get("preferred_username")?.as_str()?;
    (user.text("preferred_username").as_deref() == Some(text)).then(|| text.to_owned())
}

/// The methods of the sign-in. A directory has verified a password that was typed here. Several
/// factors count if the operator says that they do; of all
/// others nothing is known but that the other provider vouches.
fn methods(provider: &IdentityProvider, user: &UpstreamUser) -> Vec<String> {
    if provider.kind == ProviderKind::Directory {
        return method::names(&[method::PASSWORD]);
    }
    let by_method = provider.trusted_mfa && user.amr.iter().any(|own| own == method::MULTI_FACTOR);
    let by_level = user.acr.as_ref().is_some_and(|acr| provider.mfa_acr.contains(acr));
    let mut methods = vec![method::EXTERNAL];
    methods.extend((by_method || by_level).then_some(method::MULTI_FACTOR));
    method::names(&methods)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;
    use crate::model::identity_provider::IdentityProviderName;

    const NOW: Timestamp = Timestamp::from_seconds(10_000);

    fn provider() -> IdentityProvider {
        let name = IdentityProviderName::parse("up").unwrap();
        IdentityProvider::new(name, "https://up.example")
    }

    fn upstream(claims: Value) -> UpstreamUser {
        let Value::Object(claims) = claims else { unreachable!() };
        UpstreamUser {
            issuer: "https://up.example".to_owned(),
            sub: "1".to_owned(),
            claims,
            auth_time: None,
            amr: Vec::new(),
            acr: None,
            sid: None,
            provisioned_as: None,
        }
    }

    fn vouched(provider: &IdentityProvider, user: &UpstreamUser) -> Vouched {
        Vouched::read(provider, user, NOW).unwrap()
    }

    #[test]
    fn several_factors_count_only_if_the_operator_says_so() {
        let with_mfa = UpstreamUser {
            amr: vec!["pwd".to_owned(), "mfa".to_owned()],
            acr: Some("gold".to_owned()),
            ..upstream(json!({}))
        };
        let amr = |provider: &IdentityProvider, user: &UpstreamUser| {
            vouched(provider, user).sign_in().amr
        };
        let believed = IdentityProvider { trusted_mfa: true, ..provider() };
        let gold = IdentityProvider { mfa_acr: vec!["gold".to_owned()], ..provider() };
        assert_eq!(amr(&provider(), &with_mfa), ["external"]);
        assert_eq!(amr(&believed, &with_mfa), ["external", "mfa"]);
        assert_eq!(amr(&gold, &with_mfa), ["external", "mfa"]);
        assert_eq!(amr(&believed, &upstream(json!({}))), ["external"]);
        let silver = UpstreamUser { acr: Some("silver".to_owned()), ..upstream(json!({})) };
        assert_eq!(amr(&gold, &silver), ["external"]);
    }

    #[test]
    fn nobody_has_signed_in_later_than_now_and_who_knows_when_not_lately() {
        for (auth_time, expected) in [(None, 6400), (Some(400), 400), (Some(50_000), 10_000)] {
            let auth_time = auth_time.map(Timestamp::from_seconds);
            let user = UpstreamUser { auth_time, ..upstream(json!({})) };
            let sign_in = vouched(&provider(), &user).sign_in();
            assert_eq!(sign_in.auth_time, Some(Timestamp::from_seconds(expected)));
        }
    }

    #[test]
    fn an_address_counts_if_it_is_vouched_for_by_a_provider_that_is_believed() {
        let believed = IdentityProvider {
            trusted_email_domains: vec!["example.com".to_owned()],
            ..provider()
        };
        let counts = |provider: &IdentityProvider, claims: Value| {
            vouched(provider, &upstream(claims)).trusted_email(provider).is_some()
        };
        let verified = json!({"email": "ada@example.com", "email_verified": true});
        assert!(counts(&believed, verified.clone()));
        assert!(!counts(&provider(), verified));
        for claims in [
            json!({"email": "ada@example.com"}),
            json!({"email": "ada@example.com", "email_verified": false}),
            json!({"email": "ada@example.com", "email_verified": "true"}),
            json!({"email": "ada@example.org", "email_verified": true}),
            json!({"email": "ada@example.com@example.org", "email_verified": true}),
            json!({"email": ["ada@example.com"], "email_verified": true}),
            json!({"email": "ada@ex\u{430}mple.com", "email_verified": true}),
            json!({"email_verified": true}),
        ] {
            assert!(!counts(&believed, claims.clone()), "{claims}");
        }
    }

    #[test]
    fn an_address_counts_as_it_is_written_and_whole() {
        let long = format!("{}.example", "d".repeat(27));
        let trusted_email_domains =
            vec![long.clone(), "example.com".to_owned(), "kelvin.example".to_owned()];
        let believed = IdentityProvider { trusted_email_domains, ..provider() };
        let counts = |email: &str| {
            let user = upstream(json!({"email": email, "email_verified": true}));
            vouched(&believed, &user).trusted_email(&believed).is_some()
        };
        let longest = format!("{}@{long}", "a".repeat(64));
        assert_eq!(longest.len(), 100);
        assert!(counts(&longest) && counts("ada@kelvin.example"));
        for email in [
            // The first 100 characters are an address of a domain that is believed.
            &format!("{longest}.evil.example"),
            // So is what is left without the control characters.
            "ada@exam\u{0}ple.com",
            "ada@example.com\u{7f}",
            "a\nda@example.com",
            // The Kelvin sign is read as K.
            "ada@\u{212a}elvin.example",
            "\u{212a}ate@example.com",
        ] {
            assert!(!counts(email), "{email:?}");
        }
    }

    #[test]
    fn a_session_of_another_provider_has_a_short_name() {
        for (sid, kept) in [("s", true), (&*"s".repeat(256), false), ("a\0b", false)] {
            let user = UpstreamUser { sid: Some(sid.to_owned()), ..upstream(json!({})) };
            assert_eq!(vouched(&provider(), &user).session.sid.is_some(), kept);
        }
    }
}
