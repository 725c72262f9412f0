//! Who vouches for users now: the other providers by which they may sign in, those of the
//! configuration and those of the store, and the directories.

use crate::model::{
    directory::Directory, external_identity::StoredIdentity, identity_provider::IdentityProvider,
};

/// Who vouches for users, as it is at one moment.
#[derive(Debug, Clone, Default)]
pub struct Vouching {
    providers: Vec<IdentityProvider>,
    /// Users can't sign in by these, and their names are still known.
    disabled: Vec<IdentityProvider>,
    directories: Vec<IdentityProvider>,
}

impl Vouching {
    /// Of these providers, in the order of their buttons, and these directories.
    pub fn new(providers: Vec<IdentityProvider>, directories: &[Directory]) -> Self {
        let (providers, disabled) = providers.into_iter().partition(|own| own.enabled);
        let directories = directories.iter().map(|own| own.provider.clone()).collect();
        Self { providers, disabled, directories }
    }

    /// The other providers by which users may sign in, in the order of their buttons.
    pub fn providers(&self) -> &[IdentityProvider] {
        &self.providers
    }

    /// The other provider of this name by which users may sign in.
    pub fn provider(&self, name: &str) -> Option<&IdentityProvider> {
        self.providers.iter().find(|own| own.name.as_str() == name)
    }

    /// The other provider of this name, also if users can't sign in by it any more: sessions that
    /// began by it may live, and it may end them.
    pub fn provider_that_ends_sessions(&self, name: &str) -> Option<&IdentityProvider> {
        let mut known = self.providers.iter().chain(&self.disabled);
        known.find(|own| own.name.as_str() == name)
    }

    /// The other provider or the directory of this name.
    pub fn named(&self, name: &str) -> Option<&IdentityProvider> {
        self.all().find(|own| own.name.as_str() == name)
    }

    /// The other provider or the directory whose users have this issuer.
    pub fn issuing(&self, issuer: &str) -> Option<&IdentityProvider> {
        self.all().find(|own| own.issues_as(issuer))
    }

    /// Whether the user can sign in by this identity.
    pub fn is_way_in(&self, identity: &StoredIdentity) -> bool {
        self.issuing(&identity.id.issuer).is_some()
    }

    /// What people call the provider of an identity: its title now, or the name that it had if it
    /// is gone.
    pub fn title<'a>(&'a self, identity: &'a StoredIdentity) -> &'a str {
        let known = self.all().chain(&self.disabled);
        let mut named = known.filter(|own| own.name == identity.provider);
        named.next().map_or(identity.provider.as_str(), |own| &own.title)
    }

    /// An identity as mails and lists call it: its provider by the title that it has now, and the
    /// user there.
    pub fn called(&self, identity: &StoredIdentity) -> String {
        identity.called(self.title(identity))
    }

    /// Those by which users sign in: an identity at any other is no way in.
    pub fn ways_in(&self) -> Vec<IdentityProvider> {
        self.all().cloned().collect()
    }

    fn all(&self) -> impl Iterator<Item = &IdentityProvider> {
        self.providers.iter().chain(&self.directories)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{external_identity::ExternalId, time::Timestamp, user::UserClaims};

    fn provider(name: &str, enabled: bool) -> IdentityProvider {
        let issuer = format!("https://{name}.example");
        let title = name.to_uppercase();
        let new = IdentityProvider::new(name.parse().unwrap(), &issuer);
        IdentityProvider { title, enabled, ..new }
    }

    fn identity(name: &str) -> StoredIdentity {
        StoredIdentity {
            id: ExternalId::parse(&format!("https://{name}.example"), "1").unwrap(),
            sub: "ada".parse().unwrap(),
            provider: name.parse().unwrap(),
            shown: None,
            mapped: UserClaims::default(),
            created_at: Timestamp::from_seconds(0),
            used_at: None,
        }
    }

    #[test]
    fn nobody_signs_in_by_a_provider_that_is_disabled_or_gone() {
        let directory = Directory::new("corp".parse().unwrap());
        let all = vec![provider("one", true), provider("two", false)];
        let vouching = Vouching::new(all, &[directory]);
        assert_eq!(vouching.providers().len(), 1);
        let found = |name: &str| {
            let own = identity(name);
            let known = vouching.provider(name).is_some();
            (known, vouching.is_way_in(&own), vouching.called(&own))
        };
        assert_eq!(found("one"), (true, true, "ONE".to_owned()));
        assert_eq!(found("two"), (false, false, "TWO".to_owned()), "people still know its title");
        assert_eq!(found("gone"), (false, false, "gone".to_owned()));
        assert_eq!(vouching.ways_in().len(), 2);
        assert!(vouching.named("corp").is_some() && vouching.provider("corp").is_none());
    }
}
