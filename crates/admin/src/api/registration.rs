//! Clients that registered themselves (RFC 7591), and the tokens that they need for it.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::ids::ClientId;
use doorward_provider::model::{
    registration::{RegisteredClient, RegistrationMode, RegistrationToken},
    time::Seconds,
    token_handle::{TokenHandle, random_id},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer,
    body::{Body, Named, Parameters},
    history::History,
    page::{self, PageParameters, SearchParameters},
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::registration::{
    CreatedRegistrationToken, NewRegistrationToken, RegisteredClientRow, RegistrationTokenRow,
};

/// How many clients one token may register, and for how many days.
const MOST_USES: u32 = 9_999;
const LONGEST: u32 = 3_650;
/// The longest note in bytes.
const LONGEST_NOTE: usize = 255;

impl RegisteredClientRow {
    fn of(client: &RegisteredClient) -> Self {
        let member = |name: &str| client.metadata.get(name);
        let uris = member("redirect_uris").and_then(Value::as_array).into_iter().flatten();
        Self {
            client_id: client.client_id.to_string(),
            name: member("client_name").and_then(Value::as_str).map(str::to_owned),
            used: client.used,
            issued_at: client.issued_at.seconds(),
            expires_at: client.expires_at.seconds(),
            redirect_uris: uris.filter_map(|uri| uri.as_str().map(str::to_owned)).collect(),
        }
    }
}

impl RegistrationTokenRow {
    fn of(token: RegistrationToken) -> Self {
        Self {
            id: token.id,
            uses_left: token.uses_left,
            expires_at: token.expires_at.seconds(),
            note: token.note,
        }
    }
}

/// `GET /registered-clients`.
pub async fn list_clients(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Answer {
    let (limit, prefix) = (page::limit(parameters.limit)?, parameters.prefix()?);
    let after: Option<ClientId> = page::after(parameters.cursor.as_deref())?;
    let rows = api.store().registered_clients_page(prefix, after.as_ref(), limit + 1).await?;
    let row = |client: RegisteredClient| RegisteredClientRow::of(&client);
    Ok(page::page(rows, limit, |client| client.client_id.clone(), row))
}

/// `DELETE /registered-clients/{client_id}`. One that has expired is there until it is swept.
pub async fn remove_client(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(client_id): Named<String>,
) -> Answer {
    let missing = || Problem::missing("There is no registered client with this client_id.");
    let client_id: ClientId = client_id.parse().map_err(|_| missing())?;
    let page = api.store().registered_clients_page(&client_id, None, 1).await?;
    let client = page.into_iter().find(|client| client.client_id == client_id);
    let client = client.ok_or_else(missing)?;
    if !api.store().remove_client(&client_id, None).await? {
        return Err(missing());
    }
    history.changed(Some(json!(RegisteredClientRow::of(&client))), None);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /registration-tokens`.
pub async fn list_tokens(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Answer {
    let limit = page::limit(parameters.limit)?;
    let after: Option<String> = page::after(parameters.cursor.as_deref())?;
    if after.as_ref().is_some_and(|after| after.contains('\0')) {
        return Err(page::wrong_cursor());
    }
    let rows = api.store().registration_tokens_page(after.as_deref(), limit + 1).await?;
    Ok(page::page(rows, limit, |token| token.id.clone(), RegistrationTokenRow::of))
}

/// `POST /registration-tokens`.
pub async fn add_token(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Body(new): Body<NewRegistrationToken>,
) -> Answer {
    let NewRegistrationToken { uses, days, note } = new;
    for (field, value, most) in [("uses", uses, MOST_USES), ("days", days, LONGEST)] {
        if value == 0 || value > most {
            return Err(Problem::invalid(field, format!("give 1 to {most}")));
        }
    }
    let is_note = |text: &String| text.len() <= LONGEST_NOTE && !text.contains(char::is_control);
    if !note.as_ref().is_none_or(is_note) {
        let problem = format!("give at most {LONGEST_NOTE} bytes without control characters");
        return Err(Problem::invalid("note", problem));
    }
    if api.provider().settings().registration.mode == RegistrationMode::Off {
        return Err(Problem::conflict(
            "Clients can't register: set client_registration.mode = \"token\" first.",
        ));
    }
    let (id, handle) = (random_id(api.entropy()), TokenHandle::generate(api.entropy()));
    history.on("token", &id);
    let token = RegistrationToken {
        id: id.clone(),
        hash: handle.hash(),
        note,
        uses_left: uses,
        expires_at: api.now().plus(Seconds::new(days * 86_400)),
    };
    if !api.store().add_registration_token(token).await? {
        return Err(Problem::conflict("There is a token of this name: try again."));
    }
    let body = CreatedRegistrationToken { id, token: handle.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `DELETE /registration-tokens/{token}`.
pub async fn remove_token(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(id): Named<String>,
) -> Answer {
    let missing = || Problem::missing("There is no such registration token.");
    if id.contains('\0') || !api.store().remove_registration_token(&id).await? {
        return Err(missing());
    }
    history.on("token", &id);
    Ok(StatusCode::NO_CONTENT.into_response())
}
