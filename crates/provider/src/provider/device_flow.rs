//! Devices that have no browser: their requests, and what users answer.

use doorward_protocol::{params::Params, scope::Scope};

use super::Provider;
use crate::{
    model::{session::Session, user_code::UserCode},
    use_case::{
        authenticate::AuthenticatedClient,
        device::{DeviceAuthorization, DeviceFlow, PendingDevice, UserCodeError},
        error::TokenError,
    },
};

impl Provider {
    /// Answers a device's request (RFC 8628 section 3.1).
    pub async fn authorize_device(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        address: &str,
    ) -> Result<DeviceAuthorization, TokenError> {
        self.device_flow().authorize(client, params, address).await
    }

    /// Finds the device's request behind a user code. From then on only this user can answer it.
    pub async fn look_up_device(
        &self,
        typed: &str,
        session: &Session,
        address: &str,
    ) -> Result<(UserCode, PendingDevice), UserCodeError> {
        self.device_flow().look_up(typed, session, address).await
    }

    /// Takes the user's answer to a device's request. `scope` are the ticked scopes; `None`:
    /// denied. Returns whether the device was allowed.
    pub async fn answer_device(
        &self,
        typed: &str,
        session: &Session,
        scope: Option<Scope>,
        address: &str,
    ) -> Result<bool, UserCodeError> {
        self.device_flow().answer(typed, session, scope, address).await
    }

    fn device_flow(&self) -> DeviceFlow<'_> {
        DeviceFlow {
            device_codes: &*self.store,
            failures: &*self.store,
            users: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            settings: &self.settings,
            vouching: self.vouching(),
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}
