//! Dynamic client registration (RFC 7591) and its management (RFC 7592).

mod answer;
mod error;

use doorward_protocol::{ids::ClientId, secret::Secret};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

pub use self::{answer::ClientInformation, error::RegistrationError};
use crate::{
    audit,
    keys::{document_source::DocumentSource, host_limit::HostLimit},
    model::{
        registration::{
            Admission, AuthMethod, ClientMetadata, MetadataError, RegisteredClient,
            RegistrationMode, RegistrationOutcome, new_id,
        },
        throttle::{self, OriginBound},
        time::{Clock, Entropy},
        token_handle::{TokenHandle, TokenHash},
    },
    store::{Clients, FailedSignIns, RegisteredClients, StoreError},
    use_case::client_directory::ClientDirectory,
};

/// Registers clients: what it reads and changes.
pub struct Registration<'a> {
    pub(crate) table: &'a dyn RegisteredClients,
    pub(crate) clients: &'a dyn Clients,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) directory: ClientDirectory<'a>,
    pub(crate) documents: &'a dyn DocumentSource,
    /// How often a host is asked for its list of redirect URIs.
    pub(crate) sectors: &'a HostLimit,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Registration<'_> {
    /// Whether a client registers with an initial access token.
    pub fn registers_by_token(&self) -> bool {
        self.directory.settings.mode == RegistrationMode::Token
    }

    /// Registers a client. `token` is the initial access token, if there is one.
    pub async fn register(
        &self,
        asked: Map<String, Value>,
        token: Option<&Secret>,
        address: &str,
    ) -> Result<ClientInformation, RegistrationError> {
        let registered = self.add(asked, token, address).await;
        match &registered {
            Ok(client) => {
                audit::Event::ClientRegistered { client_id: &client.client_id, peer: address }
                    .log();
            }
            Err(cause) => {
                audit::Event::ClientRegistrationRefused { peer: address, cause }.log();
            }
        }
        registered
    }

    async fn add(
        &self,
        asked: Map<String, Value>,
        token: Option<&Secret>,
        address: &str,
    ) -> Result<ClientInformation, RegistrationError> {
        let settings = self.directory.settings;
        let token = match (settings.mode, token) {
            (RegistrationMode::Off, _) => return Err(RegistrationError::NotOffered),
            (RegistrationMode::Token, None) => return Err(RegistrationError::TokenMissing),
            (RegistrationMode::Token, Some(token)) => {
                Some(TokenHandle::parse(token.expose()).hash())
            }
            (RegistrationMode::Open, _) => None,
        };
        // Before anything is fetched for somebody who has none.
        if let Some(token) = token
            && !self.table.registration_token_counts(token, self.clock.now()).await?
        {
            return Err(RegistrationError::TokenInvalid);
        }
        self.admit(address).await?;
        let client_id = new_id(self.entropy).map_err(|_| {
            StoreError::Unavailable("no identifier could be drawn for the client".to_owned())
        })?;
        let metadata = self.accepted(&client_id, asked).await?;
        let secret = has_secret(&metadata).then(|| TokenHandle::generate(self.entropy));
        let management = TokenHandle::generate(self.entropy);
        let now = self.clock.now();
        let client = RegisteredClient {
            client_id,
            metadata: members_of(&metadata),
            secret: secret.as_ref().map(TokenHandle::hash),
            management: management.hash(),
            issued_at: now,
            used: false,
            expires_at: now.plus(settings.unused_lifetime),
        };
        let bound = OriginBound::of_registrations(address, settings.most_per_address);
        let admission = Admission { bound, token };
        let information = self.information(&client, management.into_secret(), secret);
        match self.table.add_registered_client(client, &admission, now).await? {
            RegistrationOutcome::Added => Ok(information),
            RegistrationOutcome::TooMany => Err(RegistrationError::TooMany),
            RegistrationOutcome::NoToken => Err(RegistrationError::TokenInvalid),
        }
    }

    /// What is registered (RFC 7592 section 2.1).
    pub async fn read(
        &self,
        client_id: &ClientId,
        token: &Secret,
    ) -> Result<ClientInformation, RegistrationError> {
        let client = self.managed(client_id, token).await?;
        Ok(self.information(&client, token.clone(), None))
    }

    /// Replaces what is registered (RFC 7592 section 2.2). A secret stays as long as the client
    /// authenticates by one.
    pub async fn update(
        &self,
        client_id: &ClientId,
        asked: Map<String, Value>,
        token: &Secret,
        address: &str,
    ) -> Result<ClientInformation, RegistrationError> {
        let before = self.managed(client_id, token).await?;
        self.admit(address).await?;
        check_own_members(&before, &asked)?;
        let metadata = self.accepted(client_id, asked).await?;
        let new_secret = (has_secret(&metadata) && before.secret.is_none())
            .then(|| TokenHandle::generate(self.entropy));
        let kept = before.secret.filter(|_| has_secret(&metadata));
        let secret = new_secret.as_ref().map(TokenHandle::hash).or(kept);
        let client = RegisteredClient { metadata: members_of(&metadata), secret, ..before };
        let replaced = self.table.replace_registered_client(
            client_id,
            client.management,
            client.metadata.clone(),
            secret,
        );
        if !replaced.await? {
            return Err(RegistrationError::TokenInvalid);
        }
        audit::Event::RegisteredClientChanged { client_id, peer: address }.log();
        Ok(self.information(&client, token.clone(), new_secret))
    }

    /// Removes the client with everything that it was granted (RFC 7592 section 2.3).
    pub async fn remove(
        &self,
        client_id: &ClientId,
        token: &Secret,
        address: &str,
    ) -> Result<(), RegistrationError> {
        self.managed(client_id, token).await?;
        self.admit(address).await?;
        self.clients.remove_client(client_id, None).await?;
        audit::Event::RegisteredClientRemoved { client_id, peer: address }.log();
        Ok(())
    }

    /// Counts a change for where it comes from. Anybody can register a client, and then change it
    /// again and again: each time is work, rows and records.
    async fn admit(&self, address: &str) -> Result<(), RegistrationError> {
        let limits = throttle::of_changed_registrations(address);
        match self.failures.admit_sign_in(&limits, self.clock.now()).await? {
            0 => Ok(()),
            seconds => Err(RegistrationError::Throttled(seconds)),
        }
    }

    /// The client that this registration access token manages.
    async fn managed(
        &self,
        client_id: &ClientId,
        token: &Secret,
    ) -> Result<RegisteredClient, RegistrationError> {
        let presented = TokenHandle::parse(token.expose()).hash();
        let client = self.table.registered_client(client_id, self.clock.now()).await?;
        client
            .filter(|own| own.management.as_bytes().ct_eq(presented.as_bytes()).into())
            .ok_or(RegistrationError::TokenInvalid)
    }

    /// The metadata as the client gets them. The client that they make is one that is valid.
    async fn accepted(
        &self,
        client_id: &ClientId,
        asked: Map<String, Value>,
    ) -> Result<ClientMetadata, RegistrationError> {
        let policy = self.directory.policy();
        let metadata = policy.accept(ClientMetadata::parse(asked)?)?;
        // Any hash will do: whether the secret is known is not checked here.
        let secret = has_secret(&metadata).then(|| TokenHash::from_bytes([0; 32]));
        policy.registered_client(client_id, &metadata, secret)?;
        self.check_sector(&metadata).await?;
        Ok(metadata)
    }

    /// Every redirect URI must be in the list that `sector_identifier_uri` leads to (OIDC
    /// Registration section 5).
    async fn check_sector(&self, metadata: &ClientMetadata) -> Result<(), RegistrationError> {
        let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
        let refuse = |problem: String| MetadataError::new("sector_identifier_uri", problem);
        if !self.sectors.allows(uri, self.clock.now()) {
            let problem = "its host was asked too often: try again in a minute";
            return Err(refuse(problem.to_owned()).into());
        }
        let document = self.documents.fetch(uri).await.map_err(|error| {
            tracing::info!(uri, %error, "a sector_identifier_uri can't be read");
            refuse("it can't be fetched, or is not JSON".to_owned())
        })?;
        let Value::Array(listed) = document.content else {
            return Err(refuse("it must lead to a list of redirect URIs".to_owned()).into());
        };
        let missing = metadata
            .redirect_uris
            .iter()
            .find(|uri| !listed.iter().any(|own| own.as_str() == Some(uri)));
        match missing {
            None => Ok(()),
            Some(uri) => Err(refuse(format!("its list lacks {uri}")).into()),
        }
    }

    fn information(
        &self,
        client: &RegisteredClient,
        management: Secret,
        secret: Option<TokenHandle>,
    ) -> ClientInformation {
        ClientInformation {
            client_id: client.client_id.clone(),
            metadata: client.metadata.clone(),
            issued_at: client.issued_at,
            secret: secret.map(TokenHandle::into_secret),
            management,
            issuer: self.issuer.to_owned(),
        }
    }
}

fn has_secret(metadata: &ClientMetadata) -> bool {
    matches!(
        metadata.token_endpoint_auth_method,
        Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
    )
}

fn members_of(metadata: &ClientMetadata) -> Map<String, Value> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => members,
        // Texts, lists and objects can always be written.
        _ => Map::new(),
    }
}

/// What an update must and must not say beside the metadata (RFC 7592 section 2.2).
fn check_own_members(
    client: &RegisteredClient,
    asked: &Map<String, Value>,
) -> Result<(), RegistrationError> {
    const OURS: [&str; 4] = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if asked.get("client_id").and_then(Value::as_str) != Some(client.client_id.as_str()) {
        return Err(RegistrationError::Request("client_id must be that of the address"));
    }
    if OURS.iter().any(|name| asked.contains_key(*name)) {
        return Err(RegistrationError::Request(
            "leave out what only the provider says: registration_access_token, \
             registration_client_uri, client_secret_expires_at, client_id_issued_at",
        ));
    }
    let is_own = |secret: &str| {
        let hash = TokenHandle::parse(secret).hash();
        client.secret.is_some_and(|own| own.as_bytes().ct_eq(hash.as_bytes()).into())
    };
    match asked.get("client_secret") {
        Some(secret) if !secret.as_str().is_some_and(is_own) => {
            Err(RegistrationError::Request("client_secret is not the present one"))
        }
        _ => Ok(()),
    }
}
