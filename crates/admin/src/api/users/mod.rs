//! Users: found, added, changed and removed.

mod access;
mod change;
mod factors;
mod links;
mod passkeys;
mod view;

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::ids::Sub;
use doorward_provider::model::user_query::{UserCursor, UserFilter, UserOrder, UserQuery};
use http::{HeaderMap, header::ETAG};
use serde::Deserialize;
use serde_json::json;

pub(super) use self::{
    access::{EventRow, GrantRow, SessionRow},
    change::{AdminRoleBody, NewUser, UserChanges},
    factors::FactorsView,
    links::{LinkRow, NewLink},
    passkeys::PasskeyRow,
};
pub use self::{
    access::{end_session, end_sessions, list_events, list_grants, list_sessions, revoke_grant},
    change::{add, change, create, hash_password, merge, set_admin_role},
    factors::{read_factors, reset_factors, reset_password},
    links::{add_link, list_links, remove_link},
    passkeys::{list_passkeys, remove_passkey},
    view::{UserRow, UserView, version},
};
use super::{
    Answer,
    body::{Named, Parameters},
    caller::Caller,
    history::History,
    page,
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::users::{Filter, Sort};

/// How to list users.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    filter: Filter,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl ListParameters {
    fn query(&self) -> Result<UserQuery, Problem> {
        let order = match self.sort {
            Sort::Username => UserOrder::Username,
            Sort::Email => UserOrder::Email,
            Sort::Name => UserOrder::Name,
        };
        let filter = match self.filter {
            Filter::All => UserFilter::All,
            Filter::Enabled => UserFilter::Enabled,
            Filter::Disabled => UserFilter::Disabled,
            Filter::Administrators => UserFilter::Administrators,
        };
        let has_index = matches!(filter, UserFilter::All | UserFilter::Enabled);
        if !has_index && order != UserOrder::Username {
            return Err(Problem::query("with this filter, users are sorted by username only"));
        }
        if self.prefix.len() > page::LONGEST_PREFIX {
            let most = page::LONGEST_PREFIX;
            return Err(Problem::query(format!("prefix has at most {most} bytes")));
        }
        Ok(UserQuery { order, prefix: order.normalized(&self.prefix), filter })
    }
}

/// `GET /users`.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Answer {
    let (limit, query) = (page::limit(parameters.limit)?, parameters.query()?);
    let after: Option<(String, Sub)> = page::after(parameters.cursor.as_deref())?;
    let after = after.map(|(key, sub)| UserCursor { key, sub });
    let found = api.store().find_users(&query, after.as_ref(), limit + 1).await?;
    Ok(page::page(
        found,
        limit,
        |found| (found.cursor.key.clone(), found.cursor.sub.clone()),
        |found| UserRow::of(&found.user),
    ))
}

/// `GET /users/{sub}`.
pub async fn read(State(api): State<AdminApi>, Named(sub): Named<String>) -> Answer {
    let user = api.user(&sub).await?;
    Ok(([(ETAG, version(&user).etag())], Json(UserView::of(&user))).into_response())
}

/// `DELETE /users/{sub}`.
pub async fn remove(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let known = version(&user);
    known.require(&headers)?;
    let before = json!(UserView::of(&user));
    if api.store().remove_user_as(user, api.now()).await? {
        history.changed(Some(before), None);
        api.provider().deliveries().notice_changes();
        return Ok(http::StatusCode::NO_CONTENT.into_response());
    }
    // Somebody was faster: with a change, or with the same.
    let present = api.user(&sub).await?;
    Err(known.overtaken_by(&version(&present)))
}
