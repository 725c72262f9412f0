//! Groups of a directory, and their members.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_provider::{
    model::external_identity::ExternalSubject,
    use_case::directory_management::{DirectoryGroup, DirectoryManager, ManageError},
};
use http::StatusCode;
use serde::Deserialize;

use super::{
    super::{
        Answer,
        body::{Named, Parameters},
        caller::Caller,
        history::History,
        page,
        problem::Problem,
        state::AdminApi,
    },
    DirectoryGroupRow, DirectoryGroups, account_to_act_on, directory, entry, prefix, problem,
};

/// How to list groups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    #[serde(default)]
    prefix: String,
    limit: Option<u32>,
}

impl DirectoryGroupRow {
    pub(super) fn of(group: DirectoryGroup) -> Self {
        Self { id: group.id.to_string(), dn: group.dn, name: group.name }
    }
}

/// `GET /directories/{directory}/groups`.
pub async fn list_groups(
    State(api): State<AdminApi>,
    Named(name): Named<String>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Answer {
    let directory = directory(&api, &name)?;
    let limit = page::limit(parameters.limit)? as usize;
    let text = prefix(&parameters.prefix)?;
    let found = directory.groups(text, limit).await.map_err(problem)?;
    let items = found.items.into_iter().map(DirectoryGroupRow::of).collect();
    Ok(Json(DirectoryGroups { items, is_cut: found.is_cut }).into_response())
}

/// `PUT /directories/{directory}/users/{entry}/groups/{group}`. Who is a member already stays one.
pub async fn add_member(
    state: State<AdminApi>,
    caller: Extension<Caller>,
    history: Extension<History>,
    names: Named<(String, String, String)>,
) -> Answer {
    set_member(state, caller, history, names, true).await
}

/// `DELETE /directories/{directory}/users/{entry}/groups/{group}`.
pub async fn remove_member(
    state: State<AdminApi>,
    caller: Extension<Caller>,
    history: Extension<History>,
    names: Named<(String, String, String)>,
) -> Answer {
    set_member(state, caller, history, names, false).await
}

async fn set_member(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((name, id, group)): Named<(String, String, String)>,
    is_member: bool,
) -> Answer {
    let directory = directory(&api, &name)?;
    history.detail("directory", &*name);
    let entry = entry(&api, directory, &id).await?;
    history.detail("entry", &*entry.id);
    let user = account_to_act_on(&api, &caller, directory, &entry).await?;
    if let Some(user) = &user {
        history.on_user(&user.sub);
    }
    let group = find(directory, &group).await?;
    history.detail("group", &*group.name);
    let is_changed = directory.set_member(&entry, &group, is_member).await.map_err(problem)?;
    history.detail("was_member", is_member != is_changed);
    if !is_member && !is_changed {
        return Err(Problem::missing("The user is not a member of this group."));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn find(directory: &dyn DirectoryManager, id: &str) -> Result<DirectoryGroup, Problem> {
    let missing = || Problem::missing("There is no group with this identifier in the directory.");
    let id = ExternalSubject::parse(id).map_err(|_| missing())?;
    directory.group(&id).await.map_err(|error| match error {
        ManageError::Missing => missing(),
        other => problem(other),
    })
}
