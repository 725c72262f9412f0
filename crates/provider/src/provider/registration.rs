//! Clients that no operator wrote down.

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, ids::ClientId, secret::Secret};
use serde_json::{Map, Value};

use super::Provider;
use crate::{
    keys::KeyRing,
    model::{
        client::{Client, ClientOrigin},
        registration::RegistrationMode,
    },
    use_case::{
        client_directory::ClientDirectory,
        registration::{ClientInformation, Registration, RegistrationError},
    },
};

/// How often within a minute one host is asked for the redirect URIs of a sector.
pub(super) const MOST_SECTORS_PER_HOST: u32 = 30;
/// A registered client that is used is noted once a day.
const NOTED_EVERY: i64 = 86_400;

/// What pairwise subjects of registered clients are made with. It is the same in every process and
/// after every start.
pub(super) fn salt(keys: &KeyRing) -> Secret {
    let key = keys.mac_key("pairwise subjects of registered clients");
    Secret::new(base64url::encode(hmac::sign(&key, b"salt")))
}

impl Provider {
    /// Whether a client registers with an initial access token.
    pub fn registers_by_token(&self) -> bool {
        self.settings.registration.mode == RegistrationMode::Token
    }

    /// Registers a client (RFC 7591). `token` is the initial access token, if there is one.
    pub async fn register_client(
        &self,
        asked: Map<String, Value>,
        token: Option<&Secret>,
        address: &str,
    ) -> Result<ClientInformation, RegistrationError> {
        self.registration().register(asked, token, address).await
    }

    /// What is registered of a client (RFC 7592 section 2.1).
    pub async fn registered_client(
        &self,
        client_id: &ClientId,
        token: &Secret,
    ) -> Result<ClientInformation, RegistrationError> {
        self.registration().read(client_id, token).await
    }

    /// Replaces what is registered of a client (RFC 7592 section 2.2).
    pub async fn update_registered_client(
        &self,
        client_id: &ClientId,
        asked: Map<String, Value>,
        token: &Secret,
        address: &str,
    ) -> Result<ClientInformation, RegistrationError> {
        self.registration().update(client_id, asked, token, address).await
    }

    /// Removes a registered client with everything that it was granted (RFC 7592 section 2.3).
    pub async fn remove_registered_client(
        &self,
        client_id: &ClientId,
        token: &Secret,
        address: &str,
    ) -> Result<(), RegistrationError> {
        self.registration().remove(client_id, token, address).await
    }

    /// Lets a registered client live on that got tokens. A failure is logged and nothing more: the
    /// tokens are issued.
    pub(super) async fn note_use(&self, client: &Client) {
        let ClientOrigin::Registered { expires_at, used } = client.origin else { return };
        let until = self.now().plus(self.settings.registration.idle_lifetime);
        if used && until.since(expires_at) < NOTED_EVERY {
            return;
        }
        if let Err(error) = self.store.registered_client_used(&client.client_id, until).await {
            tracing::error!(%error, "the use of a registered client can't be noted");
        }
    }

    /// Every client that there is.
    pub(super) fn directory(&self) -> ClientDirectory<'_> {
        ClientDirectory {
            registry: &self.clients,
            registered: &*self.store,
            documents: &self.client_documents,
            settings: &self.settings.registration,
            salt: &self.salt_of_strangers,
            clock: &*self.clock,
        }
    }

    fn registration(&self) -> Registration<'_> {
        Registration {
            table: &*self.store,
            clients: &*self.store,
            failures: &*self.store,
            directory: self.directory(),
            documents: &*self.documents,
            sectors: &self.sectors,
            issuer: self.issuer(),
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}
