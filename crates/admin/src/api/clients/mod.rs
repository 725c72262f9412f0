//! Clients: those of the configuration are shown here and changed there.

mod change;
mod secrets;
mod view;

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::ids::ClientId;
use doorward_provider::model::{client::ClientSettings, stored_client::StoredClient};
use http::header::ETAG;

pub(super) use self::{
    change::{ClientChanges, CreatedClient, NewClient},
    secrets::{CreatedSecret, NewSecret, SecretRow},
};
pub use self::{
    change::{change, create, remove},
    secrets::{add_secret, list_secrets, remove_secret},
    view::{ClientRow, ClientView, version},
};
use super::{
    Answer,
    body::{Named, Parameters},
    caller::Caller,
    page::{self, SearchParameters},
    problem::Problem,
    state::AdminApi,
};

/// `GET /clients`.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Answer {
    let (limit, prefix) = (page::limit(parameters.limit)?, parameters.prefix()?);
    let after: Option<ClientId> = page::after(parameters.cursor.as_deref())?;
    let rows = api.store().clients_page(prefix, after.as_ref(), limit + 1).await?;
    Ok(page::page(rows, limit, |client| client.client_id.clone(), |client| ClientRow::of(&client)))
}

/// `GET /clients/{client_id}`.
pub async fn read(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Named(client_id): Named<String>,
) -> Answer {
    let client = find(&api, &client_id).await?;
    let view = ClientView::of(&api, &caller, &client)?;
    Ok(([(ETAG, version(&api, &client).etag())], Json(view)).into_response())
}

/// The client that a path names.
async fn find(api: &AdminApi, client_id: &str) -> Result<StoredClient, Problem> {
    let found = match client_id.parse::<ClientId>() {
        Ok(client_id) => api.store().client(&client_id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Problem::missing("There is no client with this client_id."))
}

/// The settings of a stored client.
fn settings(client: &StoredClient) -> Result<ClientSettings, Problem> {
    client.parsed().map_err(|error| {
        tracing::error!(client_id = %client.client_id, %error, "a client can't be read");
        Problem::internal()
    })
}

/// Refuses a client of the configuration, with the reason, and one that may do what the caller may
/// not.
fn may_change(api: &AdminApi, caller: &Caller, client: &StoredClient) -> Result<(), Problem> {
    if let Some(reason) = read_only_reason(api, client) {
        return Err(Problem::read_only(reason));
    }
    caller.may_act_on_client(&settings(client)?)
}

/// Why a client can't be changed here, if it can't.
fn read_only_reason(api: &AdminApi, client: &StoredClient) -> Option<String> {
    let file = &api.settings().configuration_file;
    client
        .configured
        .then(|| format!("This client is defined in the configuration ({file}): change it there."))
}
