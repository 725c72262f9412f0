//! What is shown of clients.

use doorward_provider::{
    model::stored_client::StoredClient, use_case::administration::clients::without_secrets,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    super::{caller::Caller, problem::Problem, state::AdminApi, version::Version},
    read_only_reason, settings,
};

/// A client of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientRow {
    /// Its identifier.
    client_id: String,
    /// What users see.
    client_name: Option<String>,
    /// Whether it may be used.
    enabled: bool,
    /// Whether it must authenticate.
    require_client_secret: bool,
    /// What it may ask for.
    allowed_scopes: Vec<String>,
    /// Whether the configuration defines it.
    configured: bool,
}

/// A client.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// Its identifier.
    client_id: String,
    /// Whether the configuration defines it.
    configured: bool,
    /// Why the caller can't change it here, if they can't.
    read_only: Option<String>,
    /// The settings under their names in the configuration, defaults included. In place of its
    /// secrets there is their number.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
}

impl ClientRow {
    pub fn of(client: &StoredClient) -> Self {
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
    pub fn of(api: &AdminApi, caller: &Caller, client: &StoredClient) -> Result<Self, Problem> {
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

/// The state of a client.
pub fn version(client: &StoredClient) -> Version {
    let mut settings = client.settings.clone();
    let secrets = settings.remove("client_secrets").unwrap_or_default();
    Version::of([
        ("client_id", json!(client.client_id)),
        ("configured", json!(client.configured)),
        ("client_secrets", secrets),
        ("settings", Value::Object(settings)),
    ])
}
