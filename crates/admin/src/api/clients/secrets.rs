//! The secrets of a client. Each has 256 random bits, is shown once, and kept as its hash.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_provider::{
    model::shared_secret::SecretSettings,
    use_case::administration::clients::{
        RemoveSecretError, add_secret as make_secret, remove_secret as take_secret, secret_name,
    },
};
use http::{HeaderMap, StatusCode, header::ETAG};
use serde_json::json;

use super::{
    super::{
        Answer,
        body::{Body, Named},
        caller::Caller,
        history::History,
        problem::Problem,
        state::AdminApi,
    },
    change::Edit,
    find, settings,
    view::version,
};
pub use crate::types::clients::{CreatedSecret, NewSecret, SecretRow};

/// The longest life of a secret in days.
const LONGEST: u32 = 36_500;
/// The longest description in bytes.
const LONGEST_DESCRIPTION: usize = 255;
/// How many secrets a client may have.
const MOST: usize = 20;

impl SecretRow {
    fn of(secret: &SecretSettings) -> Self {
        Self {
            secret: secret_name(secret).map(str::to_owned),
            expires_at: secret.expires_at,
            description: secret.description.clone(),
        }
    }
}

/// `GET /clients/{client_id}/secrets`.
pub async fn list_secrets(State(api): State<AdminApi>, Named(client_id): Named<String>) -> Answer {
    let client = find(&api, &client_id).await?;
    let settings = settings(&client)?;
    let items: Vec<SecretRow> = settings.client_secrets.iter().map(SecretRow::of).collect();
    Ok(([(ETAG, version(&api, &client).etag())], Json(json!({"items": items}))).into_response())
}

/// `POST /clients/{client_id}/secrets`.
pub async fn add_secret(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(client_id): Named<String>,
    headers: HeaderMap,
    Body(new): Body<NewSecret>,
) -> Answer {
    if new.days.is_some_and(|days| days == 0 || days > LONGEST) {
        return Err(Problem::invalid("days", format!("give 1 to {LONGEST}")));
    }
    if new.description.as_ref().is_some_and(|text| text.len() > LONGEST_DESCRIPTION) {
        let problem = format!("give at most {LONGEST_DESCRIPTION} bytes");
        return Err(Problem::invalid("description", problem));
    }
    let expires_at = new.days.map(|days| api.now().seconds() + i64::from(days) * 86_400);
    let edit = Edit { api: &api, caller: &caller, history: &history, headers: &headers };
    let made = edit.client(&client_id, |client| {
        if settings(client)?.client_secrets.len() >= MOST {
            return Err(Problem::conflict(format!("A client has at most {MOST} secrets.")));
        }
        Ok(make_secret(&mut client.settings, expires_at, new.description, api.entropy()))
    });
    let (secret, client) = made.await?;
    let body = CreatedSecret { client_secret: secret.expose().to_owned() };
    let etag = [(ETAG, version(&api, &client).etag())];
    Ok((StatusCode::CREATED, etag, Json(body)).into_response())
}

/// `DELETE /clients/{client_id}/secrets/{secret}`.
pub async fn remove_secret(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((client_id, secret)): Named<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let edit = Edit { api: &api, caller: &caller, history: &history, headers: &headers };
    let removed = edit.client(&client_id, |client| {
        take_secret(&mut client.settings, &secret).map_err(|error| match error {
            RemoveSecretError::Missing => {
                Problem::missing("The client has no secret of this name.")
            }
            RemoveSecretError::Last => Problem::conflict(format!("{error}.")),
        })
    });
    let ((), client) = removed.await?;
    history.detail("name", secret);
    Ok((StatusCode::NO_CONTENT, [(ETAG, version(&api, &client).etag())]).into_response())
}
