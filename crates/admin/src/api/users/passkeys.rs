//! The passkeys of a user, one of which may be lost.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::base64url;
use doorward_provider::{
    model::{factor::StoredPasskey, time::Timestamp},
    store::RemovedPasskey,
};
use http::StatusCode;
use serde_json::json;

use super::super::{
    Answer, body::Named, caller::Caller, history::History, problem::Problem, state::AdminApi,
};
pub use crate::types::users::PasskeyRow;

impl PasskeyRow {
    fn of(passkey: &StoredPasskey) -> Self {
        Self {
            id: base64url::encode(&passkey.credential_id),
            name: passkey.name.clone(),
            since: passkey.created_at.seconds(),
            last_used: passkey.used_at.map(Timestamp::seconds),
            backed_up: passkey.backed_up,
        }
    }
}

/// `GET /users/{sub}/passkeys`. There are a few, so they are one page.
pub async fn list_passkeys(State(api): State<AdminApi>, Named(sub): Named<String>) -> Answer {
    let user = api.user(&sub).await?;
    let passkeys = api.store().passkeys(&user.sub).await?;
    let rows: Vec<PasskeyRow> = passkeys.iter().map(PasskeyRow::of).collect();
    Ok(Json(json!({"items": rows})).into_response())
}

/// `DELETE /users/{sub}/passkeys/{passkey}`.
pub async fn remove_passkey(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((sub, passkey)): Named<(String, String)>,
) -> Answer {
    let missing = || Problem::missing("The user has no such passkey.");
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let id = base64url::decode(&passkey).map_err(|_| missing())?;
    let before = api.store().passkey(&id).await?.filter(|own| own.sub == user.sub);
    let before = PasskeyRow::of(&before.ok_or_else(missing)?);
    let providers = api.provider().vouching().ways_in();
    let notices = api.provider().operator_notices().of_passkey(&user, before.name.clone())?;
    match api.store().remove_passkey(&user.sub, &id, &providers, notices).await? {
        RemovedPasskey::Removed => {}
        RemovedPasskey::Unknown => return Err(missing()),
        RemovedPasskey::LastWayIn => {
            return Err(Problem::conflict(
                "Without this passkey the user could not sign in any more: let them set a \
                 password first.",
            ));
        }
    }
    history.changed(Some(json!(before)), None);
    api.provider().deliveries().notice_changes();
    Ok(StatusCode::NO_CONTENT.into_response())
}
