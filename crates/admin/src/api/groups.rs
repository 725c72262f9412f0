//! Groups and their members.

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        group::{Group, GroupError, GroupName, MOST_PER_USER, StoredGroup},
        user::{User, UserClaims},
        user_query::{UserCursor, UserFilter, UserOrder, UserQuery},
    },
    store::{AddedGroupMember, FoundMember},
    use_case::administration::groups::{GroupChangeError, add_group, replace_group},
};
use http::{
    HeaderMap, StatusCode,
    header::{ETAG, LOCATION},
};
use serde_json::json;

use super::{
    Answer,
    body::{Body, Named, Parameters},
    caller::Caller,
    history::History,
    location,
    page::{self, SearchParameters},
    problem::Problem,
    state::AdminApi,
    version::Version,
};
pub use crate::types::groups::{GroupChanges, GroupView, MemberRow, NewGroup};

impl GroupView {
    /// What the API shows of a group.
    pub fn of(group: &Group) -> Self {
        Self {
            name: group.name.to_string(),
            display_name: group.display_name.clone(),
            description: group.description.clone(),
            roles: group.roles.clone(),
            claims: group.claims.0.clone(),
            provisioned_by: group.provisioned_by.as_ref().map(ToString::to_string),
        }
    }
}

/// `GET /groups`.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Answer {
    let (limit, prefix) = (page::limit(parameters.limit)?, parameters.prefix()?);
    let after: Option<GroupName> = page::after(parameters.cursor.as_deref())?;
    let rows = api.store().groups(prefix, after.as_ref(), limit + 1).await?;
    let name = |stored: &StoredGroup| stored.group.name.clone();
    Ok(page::page(rows, limit, name, |stored| GroupView::of(&stored.group)))
}

/// `POST /groups`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Body(new): Body<NewGroup>,
) -> Answer {
    let NewGroup { name, display_name, description, roles, claims } = new;
    history.on("group", &name);
    let claims = UserClaims(claims);
    let group = Group { display_name, description, roles, claims, ..Group::new(name) };
    check(&group)?;
    let added = StoredGroup::added(group, api.entropy());
    let stored = match add_group(api.store(), added).await {
        Err(GroupChangeError::Taken | GroupChangeError::Overtaken) => {
            return Err(Problem::conflict("There is a group of this name already."));
        }
        added => added.map_err(refused)?,
    };
    history.changed(None, Some(json!(GroupView::of(&stored.group))));
    let location = location("groups", &stored.group.name)?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown(&stored)).into_response())
}

/// `GET /groups/{group}`.
pub async fn read(State(api): State<AdminApi>, Named(name): Named<String>) -> Answer {
    Ok(shown(&find(&api, &name).await?))
}

/// `PATCH /groups/{group}`.
pub async fn change(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(name): Named<String>,
    headers: HeaderMap,
    Body(changes): Body<GroupChanges>,
) -> Answer {
    let before = find(&api, &name).await?;
    version(&before).require(&headers)?;
    may_act_on_members(&api, &caller, &before.group.name).await?;
    let mut group = before.group.clone();
    if let Some(display_name) = changes.display_name {
        group.display_name = Some(display_name).filter(|text| !text.is_empty());
    }
    if let Some(description) = changes.description {
        group.description = Some(description).filter(|text| !text.is_empty());
    }
    group.roles = changes.roles.unwrap_or(group.roles);
    for (name, value) in changes.claims {
        if value.is_null() {
            group.claims.0.remove(&name);
        } else {
            group.claims.0.insert(name, value);
        }
    }
    check(&group)?;
    let stored = match replace_group(api.store(), &before, group).await {
        Err(GroupChangeError::Overtaken) => return Err(overtaken(&api, &before).await?),
        written => written.map_err(refused)?,
    };
    let shown_of = |group: &Group| Some(json!(GroupView::of(group)));
    history.changed(shown_of(&before.group), shown_of(&stored.group));
    Ok(shown(&stored))
}

/// `DELETE /groups/{group}`.
pub async fn remove(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(name): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let before = find(&api, &name).await?;
    version(&before).require(&headers)?;
    may_act_on_members(&api, &caller, &before.group.name).await?;
    if !api.store().remove_group(&before.group.name, Some(before.version)).await? {
        return Err(overtaken(&api, &before).await?);
    }
    history.changed(Some(json!(GroupView::of(&before.group))), None);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /groups/{group}/members`. All of them are in the order of their subject identifiers, those
/// that are searched in the order of their user names.
pub async fn list_members(
    State(api): State<AdminApi>,
    Named(name): Named<String>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Answer {
    let (limit, prefix) = (page::limit(parameters.limit)?, parameters.prefix()?);
    let cursor = parameters.cursor.as_deref();
    let name = find(&api, &name).await?.group.name;
    if !prefix.is_empty() {
        return find_members(&api, &name, prefix, cursor, limit).await;
    }
    let after: Option<Sub> = page::after(cursor)?;
    let rows = api.store().named_group_members(&name, after.as_ref(), limit + 1).await?;
    let row = |(sub, username): (Sub, _)| MemberRow { sub: sub.to_string(), username };
    Ok(page::page(rows, limit, |(sub, _)| sub.clone(), row))
}

/// The members whose user names begin so.
async fn find_members(
    api: &AdminApi,
    name: &GroupName,
    prefix: &str,
    cursor: Option<&str>,
    limit: u32,
) -> Answer {
    let after: Option<(String, Sub)> = page::after(cursor)?;
    let after = after.map(|(key, sub)| UserCursor { key, sub });
    let prefix = UserOrder::Username.normalized(prefix);
    let rows = api.store().find_group_members(name, &prefix, after.as_ref(), limit + 1).await?;
    let cursor = |found: &FoundMember| (found.cursor.key.clone(), found.cursor.sub.clone());
    let row = |FoundMember { username, cursor }| MemberRow {
        sub: cursor.sub.to_string(),
        username: Some(username),
    };
    Ok(page::page(rows, limit, cursor, row))
}

/// `PUT /groups/{group}/members/{sub}`. Who is a member already stays one.
pub async fn add_member(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((name, sub)): Named<(String, String)>,
) -> Answer {
    let name = parsed(&name)?;
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let added = api.store().add_group_member(&name, &user.sub).await?;
    history.detail("was_member", added == AddedGroupMember::WasMember);
    match added {
        AddedGroupMember::Added | AddedGroupMember::WasMember => {
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        AddedGroupMember::NoGroup => Err(missing()),
        AddedGroupMember::NoUser => Err(Problem::missing("There is no user with this sub.")),
        AddedGroupMember::TooMany => Err(Problem::conflict(format!(
            "The user is in {MOST_PER_USER} groups, and can't be in more."
        ))),
    }
}

/// `DELETE /groups/{group}/members/{sub}`.
pub async fn remove_member(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((name, sub)): Named<(String, String)>,
) -> Answer {
    let name = parsed(&name)?;
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    if !api.store().remove_group_member(&name, &user.sub).await? {
        return Err(Problem::missing("The user is not a member of this group."));
    }
    history.detail("was_member", true);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A change of a group acts on its members. Nobody acts so on an administrator who may do more.
pub async fn may_act_on_members(
    api: &AdminApi,
    caller: &Caller,
    name: &GroupName,
) -> Result<(), Problem> {
    let query = UserQuery {
        order: UserOrder::Username,
        prefix: String::new(),
        filter: UserFilter::Administrators,
    };
    let mut after = None;
    loop {
        let found = api.store().find_users(&query, after.as_ref(), page::MOST).await?;
        let is_member = |user: &&User| user.groups.iter().any(|group| group.name == *name);
        found
            .iter()
            .map(|found| &found.user)
            .filter(is_member)
            .try_for_each(|user| caller.may_act_on(user))?;
        let Some(last) = found.last() else { return Ok(()) };
        after = Some(last.cursor.clone());
    }
}

/// What becomes of a refusal that is about no other state of the group.
fn refused(error: GroupChangeError) -> Problem {
    match error {
        GroupChangeError::Store(error) => error.into(),
        GroupChangeError::Taken | GroupChangeError::SameName | GroupChangeError::Overtaken => {
            Problem::conflict(
                "People call another group so. Give this one another display_name: their case \
                 alone does not tell two names apart.",
            )
        }
    }
}

fn missing() -> Problem {
    Problem::missing("There is no group of this name.")
}

fn parsed(name: &str) -> Result<GroupName, Problem> {
    GroupName::parse(name).map_err(|_| missing())
}

async fn find(api: &AdminApi, name: &str) -> Result<StoredGroup, Problem> {
    api.store().group(&parsed(name)?).await?.ok_or_else(missing)
}

fn shown(stored: &StoredGroup) -> Response {
    ([(ETAG, version(stored).etag())], Json(GroupView::of(&stored.group))).into_response()
}

/// The refusal of a change to this state, where another one is there by now, or nothing.
async fn overtaken(api: &AdminApi, before: &StoredGroup) -> Result<Problem, Problem> {
    let present = find(api, &before.group.name).await?;
    Ok(version(before).overtaken_by(&version(&present)))
}

/// The state of a group. A group that was removed and added again has another one.
fn version(stored: &StoredGroup) -> Version {
    let StoredGroup { group, version } = stored;
    Version::of([
        ("display_name", json!(group.display_name)),
        ("description", json!(group.description)),
        ("roles", json!(group.roles)),
        ("claims", json!(group.claims)),
        ("version", json!(version)),
    ])
}

/// Refuses what no group can have. The member that is wrong is named.
fn check(group: &Group) -> Result<(), Problem> {
    group.check().map_err(|error| match &error {
        GroupError::DisplayName => Problem::invalid("display_name", message(&error)),
        GroupError::Description => Problem::invalid("description", message(&error)),
        GroupError::Roles => Problem::invalid("roles", message(&error)),
        GroupError::Claims | GroupError::TooManyClaims => {
            Problem::invalid("claims", message(&error))
        }
        GroupError::Reserved(name) => Problem::invalid(format!("claims.{name}"), message(&error)),
    })
}

/// What is wrong, without the member, which the problem names by itself.
fn message(error: &GroupError) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, rest)| rest.to_owned())
}
