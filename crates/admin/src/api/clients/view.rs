//! What is shown of clients.

use doorward_provider::{
    model::stored_client::StoredClient, use_case::administration::clients::without_secrets,
};
use serde_json::{Value, json};

use super::{
    super::{caller::Caller, problem::Problem, state::AdminApi, version::Version},
    read_only_reason, settings,
};
use crate::types::client_settings::SETTINGS;
pub use crate::types::clients::{ClientRow, ClientView};

impl ClientRow {
    pub(crate) fn of(client: &StoredClient) -> Self {
        let member = |name: &str| client.settings.get(name);
        let flag = |name: &str| member(name).and_then(Value::as_bool).unwrap_or(true);
        let scopes = member("allowed_scopes").and_then(Value::as_array).into_iter().flatten();
        Self {
            client_id: client.client_id.to_string(),
            client_name: member("client_name").and_then(Value::as_str).map(str::to_owned),
            enabled: flag("enabled"),
            require_client_secret: flag("require_client_secret"),
            allowed_scopes: scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
            configured: client.configured,
        }
    }
}

impl ClientView {
    pub(crate) fn of(
        api: &AdminApi,
        caller: &Caller,
        client: &StoredClient,
    ) -> Result<Self, Problem> {
        let typed = settings(client)?;
        let refused = caller.may_act_on_client(&typed).err().map(|problem| problem.detail());
        let mut shown = without_secrets(typed).map_err(|_| Problem::internal())?;
        shown.remove("client_id");
        Ok(Self {
            client_id: client.client_id.to_string(),
            configured: client.configured,
            read_only: read_only_reason(api, client).or(refused),
            settings: shown,
        })
    }
}

/// What the code over the salt of a client is for.
const SALT_IN_VERSION: &str = "salts of clients in entity tags";

/// The state of a client. A salt is in it as a code of the master key: everything else is shown to
/// who gets the tag, so whoever guesses a salt could find it confirmed.
pub fn version(api: &AdminApi, client: &StoredClient) -> Version {
    let mut settings = client.settings.clone();
    if let Some(salt) = settings.get_mut("pair_wise_subject_salt") {
        let text = salt.to_string();
        let parts = [client.client_id.as_str().as_bytes(), text.as_bytes()];
        *salt = json!(api.provider().keys().mac(SALT_IN_VERSION, &parts));
    }
    let secrets = settings.remove("client_secrets").unwrap_or_default();
    // One by one, so that whoever is overtaken is told which of them is different.
    let known = SETTINGS.map(|own| (own.name, settings.remove(own.name).unwrap_or_default()));
    let whole = [
        ("client_id", json!(client.client_id)),
        ("configured", json!(client.configured)),
        ("client_secrets", secrets),
        ("settings", Value::Object(settings)),
    ];
    Version::of(whole.into_iter().chain(known))
}
