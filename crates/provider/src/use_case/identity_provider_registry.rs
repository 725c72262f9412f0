//! The other providers in use: those of the configuration, and those of the store that hold beside
//! them, kept at hand until the store says that they changed.
//!
//! Every process asks for the store's version each second (`Provider::watch_identity_providers`).
//! What the configuration defines stays and wins: a stored provider of the same name, or with an
//! issuer of it, is not used. That is logged and shown, and stops no start.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    keys::{KeyRing, provider_credential},
    model::{
        directory::Directory,
        identity_provider::{self, IdentityProvider, IdentityProviderName},
        provider_settings::ProviderSettings,
        stored_identity_provider::{StoredIdentityProvider, StoredIdentityProviders},
        vouching::Vouching,
    },
    store::{IdentityProviders, StoreError},
    use_case::{
        upstream::{UpstreamClient, UpstreamClients},
        upstream_factory::{CheckedUpstream, UpstreamFactory, UpstreamRefusal},
    },
};

/// How often the store is asked whether providers changed.
const POLL: Duration = Duration::from_secs(1);

/// What stored providers must hold beside: what the configuration defines.
#[derive(Debug, Clone, Copy)]
pub struct ConfiguredVouching<'a> {
    /// The other providers.
    pub providers: &'a [IdentityProvider],
    /// The directories.
    pub directories: &'a [Directory],
}

impl ConfiguredVouching<'_> {
    /// Checks a provider beside these and `others`, which hold.
    pub fn admit(
        &self,
        others: &[IdentityProvider],
        provider: &IdentityProvider,
    ) -> Result<(), UpstreamRefusal> {
        if self.directories.iter().any(|own| own.provider.name == provider.name) {
            return Err(UpstreamRefusal::new(
                "name",
                "a directory has this name: give another one",
            ));
        }
        let all: Vec<_> = self.providers.iter().chain(others).chain([provider]).cloned().collect();
        identity_provider::check(&all)
            .map_err(|error| UpstreamRefusal::new(error.key, error.problem))
    }

    /// Which of the stored providers hold, one after the other, and why the others don't.
    pub fn sort_out<'s>(
        &self,
        stored: &'s [StoredIdentityProvider],
        factory: &dyn UpstreamFactory,
    ) -> Vec<(&'s StoredIdentityProvider, Result<CheckedUpstream, UpstreamRefusal>)> {
        let mut held: Vec<IdentityProvider> = Vec::new();
        let mut sorted = Vec::with_capacity(stored.len());
        for own in stored {
            let checked = factory.check(&own.name, &own.settings, own.credential.kind);
            let checked = checked.and_then(|checked| {
                self.admit(&held, &checked.provider)?;
                held.push(checked.provider.clone());
                Ok(checked)
            });
            sorted.push((own, checked));
        }
        sorted
    }

    /// Who vouches for users, with the stored providers that hold.
    pub fn with_stored(
        &self,
        stored: &[StoredIdentityProvider],
        factory: &dyn UpstreamFactory,
    ) -> Vouching {
        let sorted = self.sort_out(stored, factory).into_iter();
        let held = sorted.filter_map(|(_, checked)| Some(checked.ok()?.provider));
        Vouching::new(self.providers.iter().cloned().chain(held).collect(), self.directories)
    }
}

/// The providers in use at one version of the store.
#[derive(Debug, Default)]
struct InUse {
    version: i64,
    vouching: Arc<Vouching>,
    clients: Arc<UpstreamClients>,
    stored: BTreeMap<IdentityProviderName, Known>,
}

/// A stored provider, and what became of it.
#[derive(Debug, Clone)]
struct Known {
    stored: StoredIdentityProvider,
    client: Result<(IdentityProvider, Arc<dyn UpstreamClient>), UpstreamRefusal>,
    /// Whether its settings hold, and only its client could not be made. That may pass.
    may_pass: bool,
}

impl Known {
    /// Whether nothing has become of it that was not known before.
    fn is_as(&self, before: Option<&Self>) -> bool {
        let error = |own: &Self| own.client.as_ref().err().cloned();
        before.is_some_and(|before| before.stored == self.stored && error(before) == error(self))
    }
}

/// The other providers in use. Every process has one registry.
#[derive(Debug)]
pub struct IdentityProviderRegistry {
    current: watch::Sender<Arc<InUse>>,
    configured: Vec<IdentityProvider>,
    directories: Vec<Directory>,
    clients: UpstreamClients,
    factory: Arc<dyn UpstreamFactory>,
    keys: Arc<KeyRing>,
}

impl IdentityProviderRegistry {
    /// Reads the store's providers beside those of the settings. `upstream` are the clients of
    /// these, and what makes those of the others.
    pub(crate) async fn load(
        table: &dyn IdentityProviders,
        settings: &ProviderSettings,
        upstream: (UpstreamClients, Arc<dyn UpstreamFactory>),
        keys: &Arc<KeyRing>,
    ) -> Result<Self, StoreError> {
        let (clients, factory) = upstream;
        let registry = Self {
            current: watch::Sender::default(),
            configured: settings.identity_providers.clone(),
            directories: settings.directories.clone(),
            clients,
            factory,
            keys: Arc::clone(keys),
        };
        registry.take_over(&table.identity_providers().await?);
        Ok(registry)
    }

    /// Who vouches for users now.
    pub fn vouching(&self) -> Arc<Vouching> {
        Arc::clone(&self.current.borrow().vouching)
    }

    /// The clients of the providers by which users may sign in now.
    pub(crate) fn clients(&self) -> Arc<UpstreamClients> {
        Arc::clone(&self.current.borrow().clients)
    }

    /// What the configuration defines.
    pub fn configured(&self) -> ConfiguredVouching<'_> {
        ConfiguredVouching { providers: &self.configured, directories: &self.directories }
    }

    /// The rules for stored providers.
    pub fn factory(&self) -> &dyn UpstreamFactory {
        &*self.factory
    }

    /// The client of a provider of the configuration, also of one that is disabled.
    pub fn configured_client(&self, name: &str) -> Option<Arc<dyn UpstreamClient>> {
        let named = |own: &IdentityProviderName| own.as_str() == name;
        self.clients.iter().find(|(own, _)| named(own)).map(|(_, client)| Arc::clone(client))
    }

    /// The client of a stored provider, also of one that is disabled or does not hold beside the
    /// others; or why there is none.
    pub fn stored_client(
        &self,
        stored: &StoredIdentityProvider,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        let credential =
            provider_credential::open(self.keys.master(), &stored.name, &stored.credential);
        let credential = credential.map_err(|_| unreadable(stored))?;
        self.factory.client(&stored.name, &stored.settings, &credential)
    }

    /// Why this stored provider can't be used as it was read last, if it can't.
    pub fn problem(&self, stored: &StoredIdentityProvider) -> Option<UpstreamRefusal> {
        let current = Arc::clone(&self.current.borrow());
        let known = current.stored.get(&stored.name).filter(|own| own.stored == *stored)?;
        known.client.as_ref().err().cloned()
    }

    /// Takes over the store's providers if they changed, and returns whether they did.
    pub(crate) async fn refresh(&self, table: &dyn IdentityProviders) -> Result<bool, StoreError> {
        let before = Arc::clone(&self.current.borrow());
        let is_current = table.identity_providers_version().await? == before.version;
        if is_current && !before.stored.values().any(|own| own.may_pass) {
            return Ok(false);
        }
        let stored = table.identity_providers().await?;
        self.take_over(&stored);
        let now = Arc::clone(&self.current.borrow());
        let is_as_before = |(name, own): (_, &Known)| own.is_as(before.stored.get(name));
        if now.version == before.version && now.stored.iter().all(is_as_before) {
            return Ok(false);
        }
        tracing::info!(version = stored.version, "identity providers changed");
        Ok(true)
    }

    /// Takes over changes until it is dropped. While the store can't be reached the providers stay
    /// as they are.
    pub(crate) async fn watch(&self, table: &dyn IdentityProviders) {
        let mut reached = true;
        loop {
            tokio::time::sleep(POLL).await;
            let outcome = self.refresh(table).await;
            if let Err(error) = &outcome
                && reached
            {
                tracing::error!(
                    %error,
                    "identity providers can't be read; the known ones stay in use, and the read \
                     is repeated"
                );
            }
            reached = outcome.is_ok();
        }
    }

    fn take_over(&self, stored: &StoredIdentityProviders) {
        let before = Arc::clone(&self.current.borrow());
        let sorted = self.configured().sort_out(&stored.providers, &*self.factory);
        let known: BTreeMap<_, _> = sorted
            .into_iter()
            .map(|(stored, checked)| {
                let before = before.stored.get(&stored.name);
                let holds = checked.is_ok();
                let client = checked.and_then(|CheckedUpstream { provider, .. }| {
                    Ok((provider, self.client_of(stored, before)?))
                });
                let may_pass = holds && client.is_err();
                let known = Known { stored: stored.clone(), client, may_pass };
                if let Err(error) = &known.client
                    && !known.is_as(before)
                {
                    tracing::error!(
                        provider = %stored.name, %error,
                        "a stored identity provider is not used"
                    );
                }
                (stored.name.clone(), known)
            })
            .collect();
        let usable = known.values().filter_map(|own| own.client.as_ref().ok());
        let providers = self.configured.iter().chain(usable.clone().map(|(own, _)| own));
        let vouching = Vouching::new(providers.cloned().collect(), &self.directories);
        let added = usable.map(|(own, client)| (own.name.clone(), Arc::clone(client)));
        let clients = self.clients.clone().into_iter().chain(added).collect();
        self.current.send_replace(Arc::new(InUse {
            version: stored.version,
            vouching: Arc::new(vouching),
            clients: Arc::new(clients),
            stored: known,
        }));
    }

    /// The client of a stored provider. That of one which has not changed goes on, with what it
    /// knows of the provider.
    fn client_of(
        &self,
        stored: &StoredIdentityProvider,
        before: Option<&Known>,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        let before = before.filter(|own| own.stored.settings == stored.settings);
        let kept = before.and_then(|own| {
            let (_, client) = own.client.as_ref().ok()?;
            Some((own.stored.credential == stored.credential, client))
        });
        if let Some((true, client)) = kept {
            return Ok(Arc::clone(client));
        }
        let master = self.keys.master();
        match provider_credential::open(master, &stored.name, &stored.credential) {
            Ok(credential) => self.factory.client(&stored.name, &stored.settings, &credential),
            // Another master key is there, and this process waits for its restart.
            Err(_) => kept.map(|(_, client)| Arc::clone(client)).ok_or_else(|| unreadable(stored)),
        }
    }
}

fn unreadable(stored: &StoredIdentityProvider) -> UpstreamRefusal {
    let problem = "it can't be decrypted: it belongs to another master key, or it is damaged. Set \
                   it again, or restart the server if its master key was changed";
    UpstreamRefusal::new(stored.credential.kind.name(), problem)
}
