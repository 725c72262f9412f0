//! Operators add other providers by which users sign in, change and remove them.
//!
//! A secret that was given once is sent nowhere else later: whoever changes where it goes gives it
//! again.

use doorward_protocol::secret::Secret;
use serde_json::{Map, Value};

use crate::{
    keys::{MasterKey, provider_credential},
    model::{
        identity_provider::{self, IdentityProvider, IdentityProviderName},
        stored_identity_provider::{
            Credential, LONGEST_CREDENTIAL, LONGEST_SETTINGS, MOST_STORED, StoredIdentityProvider,
            StoredIdentityProviders,
        },
    },
    store::{IdentityProviders, SigningKeys, StoreError},
    use_case::{
        identity_provider_registry::ConfiguredVouching,
        upstream_factory::{UpstreamFactory, UpstreamRefusal},
    },
};

/// Why a provider was not added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderChangeError {
    /// There is none of this name.
    #[error("there is no such identity provider in the database")]
    Missing,
    /// There is one of this name already.
    #[error("there is an identity provider of this name already")]
    Taken,
    /// Somebody else changed providers at the same time.
    #[error("identity providers were changed at the same time: try again")]
    Overtaken,
    /// There are too many.
    #[error("the database has {MOST_STORED} identity providers, and takes no more: remove one")]
    TooMany,
    /// The keys of the store belong to another master key by now.
    #[error("the master key was changed: restart this server first")]
    OtherMasterKey,
    /// A setting does not hold.
    #[error(transparent)]
    Refused(#[from] UpstreamRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes stored providers: what it reads, and by what rules.
#[allow(missing_docs)]
#[derive(Clone, Copy)]
pub struct StoredProviders<'a> {
    pub table: &'a dyn IdentityProviders,
    pub signing_keys: &'a dyn SigningKeys,
    pub configured: ConfiguredVouching<'a>,
    pub factory: &'a dyn UpstreamFactory,
    /// Encrypts credentials.
    pub master: &'a MasterKey,
}

/// What a provider becomes by a change.
#[derive(Debug, Clone)]
pub struct ProviderDraft {
    /// Its settings under their names in the configuration.
    pub settings: Map<String, Value>,
    /// A credential in place of the one that it has.
    pub credential: Option<Credential>,
}

impl StoredProviders<'_> {
    /// Adds a provider.
    pub async fn add(
        &self,
        name: &IdentityProviderName,
        settings: Map<String, Value>,
        credential: &Credential,
    ) -> Result<StoredIdentityProvider, ProviderChangeError> {
        let stored = self.table.identity_providers().await?;
        // After the version is known: who changes the master key changes the version afterwards.
        self.require_present_master().await?;
        if stored.providers.iter().any(|own| own.name == *name) {
            return Err(ProviderChangeError::Taken);
        }
        if stored.providers.len() >= MOST_STORED {
            return Err(ProviderChangeError::TooMany);
        }
        let added = self.checked(name, settings, credential, &stored)?;
        if self.table.add_identity_provider(added.clone(), stored.version).await? {
            return Ok(added);
        }
        Err(ProviderChangeError::Overtaken)
    }

    /// Changes a provider. `change` sees it as it is, and may refuse. Returns it before and after.
    pub async fn change<E: From<ProviderChangeError>>(
        &self,
        name: &str,
        change: impl FnOnce(&StoredIdentityProvider, &mut ProviderDraft) -> Result<(), E> + Send,
    ) -> Result<(StoredIdentityProvider, StoredIdentityProvider), E> {
        let (mut stored, before) = self.find(name).await?;
        let mut draft = ProviderDraft { settings: before.settings.clone(), credential: None };
        change(&before, &mut draft)?;
        if draft.credential.is_some() {
            self.require_present_master().await?;
        }
        stored.providers.retain(|own| own.name != before.name);
        let after = self.changed(&before, draft, &stored)?;
        let replaced = self.table.replace_identity_provider(after.clone(), stored.version).await;
        if replaced.map_err(ProviderChangeError::from)? {
            return Ok((before, after));
        }
        Err(ProviderChangeError::Overtaken.into())
    }

    /// Removes a provider that `check` lets go. Links of users with it stay. Returns what it was.
    pub async fn remove<E: From<ProviderChangeError>>(
        &self,
        name: &str,
        check: impl FnOnce(&StoredIdentityProvider) -> Result<(), E> + Send,
    ) -> Result<StoredIdentityProvider, E> {
        let (stored, before) = self.find(name).await?;
        check(&before)?;
        let removed = self.table.remove_identity_provider(&before.name, stored.version).await;
        if removed.map_err(ProviderChangeError::from)? {
            return Ok(before);
        }
        Err(ProviderChangeError::Overtaken.into())
    }

    async fn find(
        &self,
        name: &str,
    ) -> Result<(StoredIdentityProviders, StoredIdentityProvider), ProviderChangeError> {
        let stored = self.table.identity_providers().await?;
        let found = stored.providers.iter().find(|own| own.name.as_str() == name).cloned();
        found.map(|found| (stored, found)).ok_or(ProviderChangeError::Missing)
    }

    /// The provider as the draft says it, if it holds beside `others`.
    fn changed(
        &self,
        before: &StoredIdentityProvider,
        ProviderDraft { settings, credential }: ProviderDraft,
        others: &StoredIdentityProviders,
    ) -> Result<StoredIdentityProvider, ProviderChangeError> {
        if let Some(credential) = credential {
            return self.checked(&before.name, settings, &credential, others);
        }
        let kind = before.credential.kind;
        let known = provider_credential::open(self.master, &before.name, &before.credential);
        let known = known.map_err(|_| {
            let problem = "the one that there is can't be decrypted: give it again";
            UpstreamRefusal::new(kind.name(), problem)
        })?;
        let after = self.checked(&before.name, settings, &known, others)?;
        if self.goes_elsewhere(before, &after)? {
            let problem = "with these settings it would serve at another address: give it again";
            return Err(UpstreamRefusal::new(kind.name(), problem).into());
        }
        Ok(StoredIdentityProvider { credential: before.credential.clone(), ..after })
    }

    /// Whether the secret, or what the key signs, would be sent to another address than before.
    fn goes_elsewhere(
        &self,
        before: &StoredIdentityProvider,
        after: &StoredIdentityProvider,
    ) -> Result<bool, UpstreamRefusal> {
        let asked_at = |own: &StoredIdentityProvider| {
            let checked = self.factory.check(&own.name, &own.settings, own.credential.kind);
            checked.map(|checked| checked.asked_at)
        };
        let after = asked_at(after)?;
        // Settings that do not hold any more say nothing that could be compared.
        Ok(asked_at(before).ok() != Some(after))
    }

    /// A provider with a credential, if it holds beside `others`.
    fn checked(
        &self,
        name: &IdentityProviderName,
        settings: Map<String, Value>,
        credential: &Credential,
        others: &StoredIdentityProviders,
    ) -> Result<StoredIdentityProvider, ProviderChangeError> {
        let length = Value::Object(settings.clone()).to_string().len();
        if length > LONGEST_SETTINGS {
            let problem = format!("all settings together have at most {LONGEST_SETTINGS} bytes");
            return Err(UpstreamRefusal::new("settings", problem).into());
        }
        let value: &Secret = &credential.value;
        if value.expose().trim().is_empty() || value.expose().len() > LONGEST_CREDENTIAL {
            let problem = format!("give 1 to {LONGEST_CREDENTIAL} bytes");
            return Err(UpstreamRefusal::new(credential.kind.name(), problem).into());
        }
        let checked = self.factory.check(name, &settings, credential.kind)?;
        let sorted = self.configured.sort_out(&others.providers, self.factory);
        let (mut held, mut unused) = (Vec::new(), Vec::new());
        for (own, outcome) in sorted {
            match outcome {
                Ok(used) => held.push(used.provider),
                Err(_) => unused.push(own),
            }
        }
        self.configured.admit(&held, &checked.provider)?;
        self.refuse_issuer_of(&unused, &checked.provider)?;
        // Whatever the credential must be is seen when the client is made.
        self.factory.client(name, &settings, credential)?;
        let credential = provider_credential::seal(self.master, name, credential)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(StoredIdentityProvider { name: name.clone(), settings, credential })
    }

    /// Refuses an issuer that a stored provider has which is not used now: it may be used again.
    fn refuse_issuer_of(
        &self,
        unused: &[&StoredIdentityProvider],
        provider: &IdentityProvider,
    ) -> Result<(), UpstreamRefusal> {
        for own in unused {
            let checked = self.factory.check(&own.name, &own.settings, own.credential.kind);
            let both = checked.map(|checked| [checked.provider, provider.clone()]);
            if both.is_ok_and(|both| identity_provider::check(&both).is_err()) {
                let problem = format!(
                    "the provider {}, which is not used now, has this issuer: remove it first",
                    own.name
                );
                return Err(UpstreamRefusal::new("issuer", problem));
            }
        }
        Ok(())
    }

    /// Refuses to encrypt by a master key that was replaced: nobody could decrypt it later.
    async fn require_present_master(&self) -> Result<(), ProviderChangeError> {
        let keys = self.signing_keys.signing_keys().await?;
        if keys.iter().all(|key| key.opens_with(self.master)) {
            Ok(())
        } else {
            Err(ProviderChangeError::OtherMasterKey)
        }
    }
}

/// What the audit history says of a provider: its settings, and what it authenticates by. Its rules
/// for claims have a name of their own there: they decide what users may do, whatever their length.
pub fn recorded(provider: &StoredIdentityProvider) -> Value {
    let mut settings = provider.settings.clone();
    if let Some(rules) = settings.remove("claims") {
        settings.insert("claim_rules".to_owned(), rules);
    }
    settings.insert("credential".to_owned(), provider.credential.kind.name().into());
    Value::Object(settings)
}

/// What the audit history says of a provider before a change and after it. That its secret or key
/// is another one is said, and not which.
pub fn recorded_change(
    (before, after): &(StoredIdentityProvider, StoredIdentityProvider),
) -> (Value, Value) {
    let (was, mut is) = (recorded(before), recorded(after));
    if before.credential != after.credential {
        is["credential_replaced"] = true.into();
    }
    (was, is)
}
