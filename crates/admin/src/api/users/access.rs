//! The sessions of a user, the clients that have access, and what happened to the account.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::ids::{ClientId, SessionId};
use doorward_provider::{
    model::{
        account_event::KeptEvent,
        client_access::ClientAccess,
        session::{Session, SessionCursor, SessionSelector},
        time::Timestamp,
    },
    use_case::administration::users::has_access,
};
use http::StatusCode;
use serde_json::json;

use super::super::{
    Answer,
    body::{Named, Parameters},
    caller::Caller,
    history::History,
    page::{self, PageParameters},
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::users::{EventRow, GrantRow, SessionRow};

impl SessionRow {
    fn of(session: Session) -> Self {
        Self {
            sid: session.authentication.sid.to_string(),
            signed_in: session.authentication.auth_time.seconds(),
            expires: session.expires_at.seconds(),
            methods: session.authentication.amr,
            address: session.device.address,
            browser: session.device.browser,
        }
    }
}

impl GrantRow {
    fn of(access: &ClientAccess) -> Self {
        Self {
            client_id: access.client_id.to_string(),
            scope: access.scope.to_string(),
            since: access.used.map(|used| used.since.seconds()),
            last_used: access.used.map(|used| used.last.seconds()),
        }
    }
}

impl EventRow {
    fn of(kept: KeptEvent) -> Self {
        let event = kept.event;
        Self {
            at: event.at.seconds(),
            event: event.kind.as_str().to_owned(),
            address: event.device.address,
            browser: event.device.browser,
            detail: event.detail,
        }
    }
}

/// `GET /users/{sub}/sessions`.
pub async fn list_sessions(
    State(api): State<AdminApi>,
    Named(sub): Named<String>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Answer {
    let limit = page::limit(parameters.limit)?;
    let after: Option<(i64, SessionId)> = page::after(parameters.cursor.as_deref())?;
    let after = after
        .map(|(seconds, sid)| SessionCursor { auth_time: Timestamp::from_seconds(seconds), sid });
    let user = api.user(&sub).await?;
    let rows = api.store().sessions_of(&user.sub, after.as_ref(), limit + 1, api.now()).await?;
    let cursor = |session: &Session| {
        let SessionCursor { auth_time, sid } = session.cursor();
        (auth_time.seconds(), sid)
    };
    Ok(page::page(rows, limit, cursor, SessionRow::of))
}

/// `DELETE /users/{sub}/sessions`.
pub async fn end_sessions(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
) -> Answer {
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let ended = api.store().end_sessions_of(&user.sub, api.now()).await?;
    history.detail("count", ended);
    api.provider().deliveries().notice_changes();
    Ok(Json(json!({"ended": ended})).into_response())
}

/// `DELETE /users/{sub}/sessions/{sid}`.
pub async fn end_session(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((sub, sid)): Named<(String, String)>,
) -> Answer {
    let missing = || Problem::missing("The user has no session with this sid.");
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let sid: SessionId = sid.parse().map_err(|_| missing())?;
    let selector = SessionSelector::OfUser { sub: user.sub, sid };
    let ended = api.store().end_sessions(selector, api.now()).await?.len();
    if ended == 0 {
        return Err(missing());
    }
    history.detail("count", ended);
    api.provider().deliveries().notice_changes();
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /users/{sub}/grants`. A page has this many clients; a client has a row for each scope.
pub async fn list_grants(
    State(api): State<AdminApi>,
    Named(sub): Named<String>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Answer {
    let limit = page::limit(parameters.limit)?;
    let after: Option<ClientId> = page::after(parameters.cursor.as_deref())?;
    let user = api.user(&sub).await?;
    let rows = api.store().access_of(&user.sub, after.as_ref(), limit, api.now()).await?;
    let mut clients: Vec<&ClientId> = rows.iter().map(|row| &row.client_id).collect();
    clients.sort_unstable();
    clients.dedup();
    // A full page may be the last one: the next is empty then.
    let is_full = clients.len() == limit as usize;
    let next = clients.last().filter(|_| is_full).map(page::cursor);
    let items: Vec<GrantRow> = rows.iter().map(GrantRow::of).collect();
    Ok(Json(page::Page { items, next }).into_response())
}

/// `DELETE /users/{sub}/grants/{client_id}`.
pub async fn revoke_grant(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((sub, client_id)): Named<(String, String)>,
) -> Answer {
    let missing = || Problem::missing("This client has no access to the data of this user.");
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let client_id: ClientId = client_id.parse().map_err(|_| missing())?;
    if !has_access(api.store(), &user.sub, &client_id, api.now()).await? {
        return Err(missing());
    }
    api.store().revoke_access(&user.sub, &client_id, api.now()).await?;
    history.on("client_id", &client_id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /users/{sub}/events`.
pub async fn list_events(
    State(api): State<AdminApi>,
    Named(sub): Named<String>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Answer {
    let limit = page::limit(parameters.limit)?;
    let before: Option<i64> = page::after(parameters.cursor.as_deref())?;
    let user = api.user(&sub).await?;
    let rows = api.store().account_events(&user.sub, before, limit + 1).await?;
    Ok(page::page(rows, limit, |kept| kept.number, EventRow::of))
}
