//! Users of a directory: found, added and changed.

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse as _, Response},
};
use doorward_provider::{
    model::external_identity::ExternalSubject,
    use_case::{
        directory::{forget_wrong_passwords, password_set_in_directory},
        directory_management::{
            DirectoryGroup, DirectoryManager, EntryChanges, ManageError, ManagedEntry, NewEntry,
            linked_user,
        },
    },
};
use http::{
    HeaderMap, StatusCode,
    header::{ETAG, LOCATION},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        Answer,
        body::{Body, Named, Parameters},
        caller::Caller,
        history::History,
        in_path, location, page,
        problem::Problem,
        state::AdminApi,
        version::Version,
    },
    DirectoryGroupRow, DirectoryPassword, DirectoryUserChanges, DirectoryUserRow,
    DirectoryUserView, DirectoryUsers, MOST_READ, NewDirectoryUser, account_to_act_on, directory,
    end_access, entry, may_be_called, prefix, problem,
};

/// How to list users.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    #[serde(default)]
    prefix: String,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl DirectoryUserRow {
    fn of(entry: ManagedEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            dn: entry.dn,
            username: entry.username,
            name: entry.name,
            email: entry.email,
            enabled: entry.enabled,
        }
    }
}

impl DirectoryUserView {
    fn of(entry: ManagedEntry, groups: Vec<DirectoryGroup>, sub: Option<String>) -> Self {
        Self {
            id: entry.id.to_string(),
            dn: entry.dn,
            username: entry.username,
            enabled: entry.enabled,
            attributes: entry.attributes,
            groups: groups.into_iter().map(DirectoryGroupRow::of).collect(),
            sub,
        }
    }
}

/// `GET /directories/{directory}/users`. The directory sorts nothing, and its own pages hang on a
/// connection. So as many as may be are read, sorted here, and given in pages.
pub async fn list_users(
    State(api): State<AdminApi>,
    Named(name): Named<String>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Answer {
    let directory = directory(&api, &name)?;
    let limit = page::limit(parameters.limit)? as usize;
    let after: Option<(String, ExternalSubject)> = page::after(parameters.cursor.as_deref())?;
    let text = prefix(&parameters.prefix)?;
    let found = directory.find(text, MOST_READ, api.now()).await.map_err(problem)?;
    let key = |entry: &ManagedEntry| (entry.username.to_lowercase(), entry.id.clone());
    let mut rest = found.items;
    rest.retain(|entry| after.as_ref().is_none_or(|after| key(entry) > *after));
    let has_more = rest.len() > limit;
    rest.truncate(limit);
    let next = rest.last().filter(|_| has_more).map(|last| page::cursor(&key(last)));
    let items = rest.into_iter().map(DirectoryUserRow::of).collect();
    Ok(Json(DirectoryUsers { items, next, is_cut: found.is_cut }).into_response())
}

/// `POST /directories/{directory}/users`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(name): Named<String>,
    Body(new): Body<NewDirectoryUser>,
) -> Answer {
    let directory = directory(&api, &name)?;
    history.detail("directory", &*name);
    let NewDirectoryUser { username, parent, attributes, password, must_change, enabled } = new;
    may_be_called(&api, &caller, None, Some(&username), &attributes).await?;
    let new = NewEntry { username, parent, attributes, password, must_change, enabled };
    let entry = directory.create(&new, api.now()).await.map_err(problem)?;
    history.on("entry", &entry.id);
    history.changed(None, Some(recorded(&entry)));
    let location = location(&format!("directories/{}/users", in_path(&name)), &entry.id)?;
    let shown = shown(&api, directory, entry).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown).into_response())
}

/// `GET /directories/{directory}/users/{entry}`.
pub async fn read(
    State(api): State<AdminApi>,
    Named((name, id)): Named<(String, String)>,
) -> Answer {
    let directory = directory(&api, &name)?;
    let entry = entry(&api, directory, &id).await?;
    shown(&api, directory, entry).await
}

/// `PATCH /directories/{directory}/users/{entry}`.
pub async fn change(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((name, id)): Named<(String, String)>,
    headers: HeaderMap,
    Body(changes): Body<DirectoryUserChanges>,
) -> Answer {
    let directory = directory(&api, &name)?;
    history.detail("directory", &*name);
    let before = entry(&api, directory, &id).await?;
    let user = account_to_act_on(&api, &caller, directory, &before).await?;
    if let Some(user) = &user {
        history.on_user(&user.sub);
    }
    version(&before).require(&headers)?;
    let DirectoryUserChanges { username, enabled, attributes } = changes;
    let linked = user.as_ref().map(|user| &user.sub);
    may_be_called(&api, &caller, linked, username.as_deref(), &attributes).await?;
    let changes = EntryChanges { username, enabled, attributes };
    let outcome = directory.change(&before, &changes, api.now()).await;
    let is_disabled = match &outcome {
        Ok(after) => !after.enabled,
        Err(error) => error.may_be_changed() && changes.enabled == Some(false),
    };
    if is_disabled {
        log_unclear(outcome.as_ref().err());
        history.detail("ended_sessions", end_access(&api, user.as_ref(), None).await?);
    }
    let after = outcome.map_err(problem)?;
    history.changed(Some(recorded(&before)), Some(recorded(&after)));
    shown(&api, directory, after).await
}

/// `PUT /directories/{directory}/users/{entry}/password`.
pub async fn set_password(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((name, id)): Named<(String, String)>,
    Body(body): Body<DirectoryPassword>,
) -> Answer {
    let directory = directory(&api, &name)?;
    history.detail("directory", &*name);
    let entry = entry(&api, directory, &id).await?;
    let user = account_to_act_on(&api, &caller, directory, &entry).await?;
    if let Some(user) = &user {
        history.on_user(&user.sub);
    }
    let set = directory.set_password(&entry, &body.password, body.must_change).await;
    if set.as_ref().err().is_none_or(ManageError::may_have_set_password) {
        log_unclear(set.as_ref().err());
        let event = user.as_ref().map(|user| password_set_in_directory(&user.sub, api.now()));
        history.detail("ended_sessions", end_access(&api, user.as_ref(), event).await?);
    }
    set.map_err(problem)?;
    if let Some(user) = &user {
        forget_wrong_passwords(api.store(), user, api.now()).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Logs why a change may not have been made, before what the account has here is ended: if that
/// fails, too, the answer is about that.
fn log_unclear(error: Option<&ManageError>) {
    if let Some(error) = error {
        tracing::warn!(%error, "a directory may have made a change, or may not");
    }
}

async fn shown(
    api: &AdminApi,
    directory: &dyn DirectoryManager,
    entry: ManagedEntry,
) -> Result<Response, Problem> {
    let groups = directory.groups_of(&entry).await.map_err(problem)?;
    let user =
        linked_user(api.store(), api.store(), &directory.abilities().name, &entry.id).await?;
    let etag = version(&entry).etag();
    let view = DirectoryUserView::of(entry, groups, user.map(|user| user.sub.to_string()));
    Ok(([(ETAG, etag)], Json(view)).into_response())
}

/// What the audit history keeps of an entry.
fn recorded(entry: &ManagedEntry) -> Value {
    json!({
        "dn": entry.dn, "username": entry.username, "enabled": entry.enabled,
        "attributes": entry.attributes,
    })
}

/// The state of an entry. Its groups are changed by themselves.
fn version(entry: &ManagedEntry) -> Version {
    Version::of([
        ("dn", json!(entry.dn)),
        ("username", json!(entry.username)),
        ("enabled", json!(entry.enabled)),
        ("attributes", json!(entry.attributes)),
    ])
}
