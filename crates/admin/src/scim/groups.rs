//! Groups: found, added, changed and removed, and their members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::{
    extract::{Extension, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{
        group::{Group, GroupName, MOST_PER_USER, StoredGroup, name_made_apart, name_made_of},
        provisioning::{Provisioned, ProvisionedKind},
        user::normalized_username,
    },
    store::{ChangedGroup, GroupChange},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ETAG, LOCATION},
};
use serde_json::{Map, Value, json};

use super::{
    Answer,
    admission::Client,
    body::{Body, require_schema},
    error::ScimError,
    filter::{self, Comparison, Filter},
    group::{self, GroupChanges, Members},
    is_known,
    listing::{Lookup, MOST_FOUND, Query, lookups, no_index, too_many},
    patch::{self, Operation},
    projection::Projection,
    require_version,
    schema::{GROUP, GROUPS},
    shown,
    state::ScimApi,
    values, with_version,
};
use crate::api::{
    groups::{GroupView, may_act_on_members},
    history::History,
};

/// The attributes that find groups by an index.
const INDEXED: [(&str, bool); 4] =
    [("id", false), ("displayName", false), ("externalId", false), ("members", false)];
/// How many members an answer has at most.
const MOST_MEMBERS: u32 = 10_000;
/// How many members a request may add and remove.
const MOST_CHANGED: usize = 1000;
/// How often a change is tried while others change the same group.
const TRIES: u32 = 8;

/// `GET /Groups`.
pub async fn list(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
) -> Answer {
    answer(&api, &client.id, Query::of_url(query.as_deref(), &GROUPS)?).await
}

/// `POST /Groups/.search`.
pub async fn search(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Body(body): Body,
) -> Answer {
    answer(&api, &client.id, Query::of_search(body, &GROUPS)?).await
}

/// `GET /Groups/{group}`.
pub async fn read(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &GROUPS)?.projection;
    let known = Known::read(&api, &client.id, &name).await?;
    if let Some(version) = known.version().filter(|version| is_known(&headers, version)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, version)]).into_response());
    }
    known.answer(&api, StatusCode::OK, &projection)
}

/// `POST /Groups`.
pub async fn create(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &GROUPS)?.projection;
    require_schema(&body, GROUP)?;
    let given = values::resource(body, &GROUPS)?;
    values::require(&given, GROUPS.core)?;
    let GroupChanges { display_name, external_id, members } = group::of_resource(&given)?;
    let display_name = display_name.unwrap_or_default().trim().to_owned();
    let key = normalized_username(&display_name);
    if shown_as(&api, &key).await?.is_some() {
        return Err(same_name());
    }
    // The name stays when people call the group otherwise: what applications decide by the claim
    // `groups` does not change by it.
    let unfit = |error| ScimError::value(format!("displayName: {error}."));
    let mut name = name_made_of(&display_name).map_err(unfit)?;
    // Names that differ in their case alone are one to many an application.
    let twins = api.store().groups_shown_as(&normalized_username(&name), MOST_FOUND).await?;
    if twins.iter().any(|twin| twin.group.display_key() == key) {
        return Err(same_name());
    }
    if !twins.is_empty() {
        name = name_made_apart(&display_name).map_err(unfit)?;
    }
    let mut new = Group::new(name);
    new.display_name = Some(display_name).filter(|shown| *shown != *new.name);
    new.provisioned_by = Some(client.id.clone());
    new.provisioned_at = Some(api.admin.now());
    check(&new)?;
    history.on("group", &new.name);
    // Who can't be a member is told before anything is written.
    let members = Members { replaces: false, ..members };
    check_members(&api, &client, &members.added, &BTreeSet::new()).await?;
    let stored = StoredGroup::added(new.clone(), api.admin.entropy());
    if !api.store().add_group(stored.clone()).await? {
        return Err(same_name());
    }
    // Another group may get the name at the same time.
    let change = GroupChange {
        version: Some(stored.version),
        group: Some(new.clone()),
        added: members.added.into_iter().collect(),
        ..GroupChange::of(new.name.clone())
    };
    let joined = make(&api, &history, change).await;
    if !matches!(joined, Ok(true)) {
        // A group without those who should be in it is not what was asked for.
        api.store().remove_group(&new.name, Some(stored.version)).await?;
        return Err(joined.err().unwrap_or_else(ScimError::busy));
    }
    history.changed(None, Some(view(&new)));
    if let Some(external_id) = external_id.filter(|id| !id.is_empty()) {
        let of = Provisioned::Group(new.name.clone());
        api.store().set_external_id(&client.id, &of, Some(&external_id)).await?;
    }
    let known = Known::read(&api, &client.id, &new.name).await?;
    let mut response = known.answer(&api, StatusCode::CREATED, &projection)?;
    let location = format!("{}{}/{}", api.base(), GROUPS.endpoint, super::in_path(&new.name));
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `PUT /Groups/{group}`.
pub async fn replace(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &GROUPS)?.projection;
    require_schema(&body, GROUP)?;
    let given = values::resource(body, &GROUPS)?;
    values::require(&given, GROUPS.core)?;
    let changes = group::of_resource(&given)?;
    let known = update(&api, &client, &history, &name, &headers, changes).await?;
    known.answer(&api, StatusCode::OK, &projection)
}

/// `PATCH /Groups/{group}`.
pub async fn change(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &GROUPS)?.projection;
    require_schema(&body, patch::SCHEMA)?;
    let changes = group::of_operations(Operation::parse_all(body, &GROUPS)?)?;
    let known = update(&api, &client, &history, &name, &headers, changes).await?;
    // A group with more members than an answer has is changed all the same.
    if known.members.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    known.answer(&api, StatusCode::OK, &projection)
}

/// `DELETE /Groups/{group}`.
pub async fn remove(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    for _ in 0..TRIES {
        let known = Known::read(&api, &client.id, &name).await?;
        let group = &known.stored.group;
        client.may_act_on_group(group)?;
        may_act_on_members(&api.admin, &client.caller, &group.name).await?;
        require_version(&headers, known.version().as_deref())?;
        let version = Some(known.stored.version);
        if api.store().remove_group(&group.name, version).await? {
            history.changed(Some(view(group)), None);
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Err(ScimError::busy())
}

/// A group as it is stored.
struct Known {
    stored: StoredGroup,
    external_id: Option<String>,
    /// `None`: there are more than an answer has.
    members: Option<Vec<Sub>>,
}

impl Known {
    async fn read(api: &ScimApi, client: &ClientId, name: &str) -> Result<Self, ScimError> {
        let missing = || ScimError::missing("There is no group with this id.");
        let name = GroupName::parse(name).map_err(|_| missing())?;
        let stored = api.store().group(&name).await?.ok_or_else(missing)?;
        let ids = [name.to_string()];
        let external = api.store().external_ids(client, ProvisionedKind::Group, &ids).await?;
        let external_id = external.into_iter().next().map(|(_, external_id)| external_id);
        let members = api.store().group_members(&name, None, MOST_MEMBERS + 1).await?;
        let members = Some(members).filter(|members| members.len() <= MOST_MEMBERS as usize);
        Ok(Self { stored, external_id, members })
    }

    fn version(&self) -> Option<String> {
        let members = self.members.as_deref()?;
        Some(group::version(&self.stored, self.external_id.as_deref(), members))
    }

    fn answer(
        self,
        api: &ScimApi,
        status: StatusCode,
        projection: &Projection,
    ) -> Result<Response, ScimError> {
        if self.members.is_none() && projection.has("members") {
            return Err(ScimError::too_many(format!(
                "The group has more than {MOST_MEMBERS} members. Send excludedAttributes=members."
            )));
        }
        let external_id = self.external_id.as_deref();
        let group = &self.stored.group;
        let mut resource = group::resource(group, external_id, self.members.as_deref(), api.base());
        let version = self.version();
        if let Some(version) = &version {
            with_version(&mut resource, version);
        }
        let mut response = (status, shown(&projection.apply(resource))).into_response();
        if let Some(version) = version.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            response.headers_mut().insert(ETAG, version);
        }
        Ok(response)
    }
}

/// Changes a group, and tells what it is then.
async fn update(
    api: &ScimApi,
    client: &Client,
    history: &History,
    name: &str,
    headers: &HeaderMap,
    changes: GroupChanges,
) -> Result<Known, ScimError> {
    let GroupChanges { display_name, external_id, members } = changes;
    for _ in 0..TRIES {
        let known = Known::read(api, &client.id, name).await?;
        client.may_act_on_group(&known.stored.group)?;
        require_version(headers, known.version().as_deref())?;
        let (added, removed) = difference(&known, &members)?;
        check_members(api, client, &added, &removed).await?;
        let before = &known.stored.group;
        let mut group = before.clone();
        if let Some(shown) = &display_name {
            let shown = shown.trim().to_owned();
            group.display_name = Some(shown).filter(|shown| *shown != *group.name);
        }
        let is_other = group != *before;
        if is_other {
            check(&group)?;
        }
        if is_other || !added.is_empty() || !removed.is_empty() {
            let change = GroupChange {
                name: group.name.clone(),
                version: Some(known.stored.version),
                group: is_other.then(|| group.clone()),
                removed: removed.into_iter().collect(),
                added: added.into_iter().collect(),
            };
            if !make(api, history, change).await? {
                continue;
            }
        }
        if is_other {
            history.changed(Some(view(before)), Some(view(&group)));
        }
        if let Some(external_id) = external_id {
            let of = Provisioned::Group(group.name.clone());
            let external_id = Some(external_id.as_str()).filter(|id| !id.is_empty());
            api.store().set_external_id(&client.id, &of, external_id).await?;
        }
        return Known::read(api, &client.id, name).await;
    }
    Err(ScimError::busy())
}

/// Who joins and who leaves, of those who are members.
fn difference(
    known: &Known,
    wanted: &Members,
) -> Result<(BTreeSet<Sub>, BTreeSet<Sub>), ScimError> {
    let Some(members) = &known.members else {
        if wanted.replaces {
            return Err(ScimError::too_many(format!(
                "The group has more than {MOST_MEMBERS} members: add and remove single ones."
            )));
        }
        return Ok((wanted.added.clone(), wanted.removed.clone()));
    };
    let present: BTreeSet<&Sub> = members.iter().collect();
    let added = wanted.added.iter().filter(|sub| !present.contains(*sub)).cloned().collect();
    let removed = if wanted.replaces {
        members.iter().filter(|sub| !wanted.added.contains(*sub)).cloned().collect()
    } else {
        wanted.removed.iter().filter(|sub| present.contains(*sub)).cloned().collect()
    };
    Ok((added, removed))
}

/// Refuses members whom nobody knows, and those on whom the client may not act.
async fn check_members(
    api: &ScimApi,
    client: &Client,
    added: &BTreeSet<Sub>,
    removed: &BTreeSet<Sub>,
) -> Result<(), ScimError> {
    if added.len() + removed.len() > MOST_CHANGED {
        return Err(ScimError::too_many(format!(
            "A request adds and removes at most {MOST_CHANGED} members."
        )));
    }
    for (sub, joins) in
        added.iter().map(|sub| (sub, true)).chain(removed.iter().map(|sub| (sub, false)))
    {
        match api.store().user(sub).await? {
            Some(user) if joins => client.may_act_on(&user)?,
            Some(user) => client.caller.may_act_on(&user)?,
            None if joins => return Err(group::no_such_user()),
            None => {}
        }
    }
    Ok(())
}

/// Makes a change, and notes who joined and who left; `false`, and nothing is changed, if the group
/// has another version by now.
async fn make(api: &ScimApi, history: &History, change: GroupChange) -> Result<bool, ScimError> {
    let (removed, added) = (change.removed.clone(), change.added.clone());
    match api.store().change_group(change).await? {
        ChangedGroup::Changed => {
            note(history, "removed", &removed);
            note(history, "added", &added);
            Ok(true)
        }
        ChangedGroup::Stale => Ok(false),
        ChangedGroup::NoGroup => Err(ScimError::missing("There is no group with this id.")),
        ChangedGroup::SameName => Err(same_name()),
        ChangedGroup::NoUser => Err(group::no_such_user()),
        ChangedGroup::TooMany => Err(ScimError::value(format!(
            "members: a user is in {MOST_PER_USER} groups, and can't be in more."
        ))),
    }
}

fn same_name() -> ScimError {
    ScimError::uniqueness("There is another group with this displayName.")
}

/// Notes in the history who joined or left. It has no room for all: the first ones tell which
/// change it was.
fn note(history: &History, what: &str, subs: &[Sub]) {
    if !subs.is_empty() {
        let first: Vec<String> = subs.iter().take(20).map(ToString::to_string).collect();
        history.detail(&format!("members_{what}"), subs.len());
        history.detail(what, first);
    }
}

/// The group that people call so.
async fn shown_as(api: &ScimApi, key: &str) -> Result<Option<Group>, ScimError> {
    let found = api.store().groups_shown_as(key, MOST_FOUND).await?;
    Ok(found.into_iter().map(|stored| stored.group).find(|group| group.display_key() == key))
}

/// A group as the audit history has it.
fn view(group: &Group) -> Value {
    let mut view = json!(GroupView::of(group));
    view["display_name"] = json!(group.display_name);
    view
}

fn check(group: &Group) -> Result<(), ScimError> {
    group.check().map_err(|error| {
        let text = error.to_string();
        let rule = text.split_once(": ").map_or(text.as_str(), |(_, rule)| rule);
        ScimError::value(format!("displayName: {rule}."))
    })
}

async fn answer(api: &ScimApi, client: &ClientId, query: Query) -> Answer {
    match &query.filter {
        None => by_name(api, client, &query).await,
        Some(filter) => by_index(api, client, filter, &query).await,
    }
}

/// A page of all groups, in the order of their names.
async fn by_name(api: &ScimApi, client: &ClientId, query: &Query) -> Answer {
    if query.sort.is_some_and(|sort| sort.attribute.name != "id") {
        return Err(ScimError::value("Without a filter by an index, groups are sorted by id."));
    }
    let total = api.store().count_groups().await?;
    let (start, count) = query.window(total);
    let after = match start.checked_sub(1) {
        None => None,
        Some(position) => match api.store().group_at(position).await? {
            None => return Ok(query.answer(total, Vec::new())),
            after => after,
        },
    };
    let mut groups = Vec::new();
    if count > 0 {
        groups = api.store().groups("", after.as_ref(), count).await?;
    }
    if query.is_descending {
        groups.reverse();
    }
    let page = resources(api, client, groups, &query.projection, &[]).await?;
    Ok(query.answer(total, page))
}

/// What a filter finds by indexes.
async fn by_index(api: &ScimApi, client: &ClientId, filter: &Filter, query: &Query) -> Answer {
    let mut asked = Vec::new();
    let only_named = only_names_members(filter, &mut asked);
    let lookups = lookups(filter, &GROUPS, &INDEXED).filter(|_| only_named);
    let lookups = lookups.ok_or_else(|| no_index(&INDEXED))?;
    let mut found = BTreeMap::new();
    for lookup in &lookups {
        for stored in look_up(api, client, lookup).await? {
            found.insert(stored.group.name.to_string(), stored);
        }
        if found.len() > MOST_FOUND as usize {
            return Err(too_many());
        }
    }
    // A filter sees those members only that it asks for.
    let mut subs = Vec::with_capacity(asked.len());
    for text in asked {
        if let Ok(sub) = Sub::parse(text)
            && let Some(user) = api.store().user(&sub).await?
        {
            subs.push(user);
        }
    }
    let groups: Vec<StoredGroup> = found.into_values().collect();
    let without = Projection::new(None, &["members".to_owned()], &GROUPS)?;
    let seen = resources(api, client, groups.clone(), &without, &subs).await?;
    let matching = groups.into_iter().zip(seen);
    let matching = matching.filter(|(_, resource)| filter::matches(filter, resource, &GROUPS));
    let (total, page) = query.page(matching.collect(), "id", |(_, resource)| resource);
    let page = page.into_iter().map(|(stored, _)| stored).collect();
    let page = resources(api, client, page, &query.projection, &[]).await?;
    Ok(query.answer(total, page))
}

/// Whether a filter compares members by `eq` alone, and with whom.
fn only_names_members(filter: &Filter, asked: &mut Vec<String>) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().all(|part| only_names_members(part, asked))
        }
        Filter::Not(inner) => only_names_members(inner, asked),
        Filter::Present(path) => !path.name.eq_ignore_ascii_case("members"),
        Filter::Compare(path, comparison, value) => {
            if !path.name.eq_ignore_ascii_case("members") {
                return true;
            }
            let is_value = path.sub.as_deref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
            asked.extend(value.as_str().map(str::to_owned));
            is_value && *comparison == Comparison::Equal
        }
        Filter::Has(path, inner) => {
            if !path.name.eq_ignore_ascii_case("members") {
                return true;
            }
            let Filter::Compare(sub, Comparison::Equal, Value::String(text)) = &**inner else {
                return false;
            };
            asked.push(text.clone());
            sub.name.eq_ignore_ascii_case("value")
        }
    }
}

async fn look_up(
    api: &ScimApi,
    client: &ClientId,
    lookup: &Lookup,
) -> Result<Vec<StoredGroup>, ScimError> {
    let text = lookup.text.as_str();
    let names: Vec<String> = match lookup.attribute {
        "displayName" => {
            let key = normalized_username(text);
            return Ok(api.store().groups_shown_as(&key, MOST_FOUND + 1).await?);
        }
        "externalId" => {
            let (kind, most) = (ProvisionedKind::Group, MOST_FOUND + 1);
            api.store().with_external_id(client, kind, text, most).await?
        }
        "members" => {
            let user = match Sub::parse(text) {
                Ok(sub) => api.store().user(&sub).await?,
                Err(_) => None,
            };
            let groups = user.map(|user| user.groups).unwrap_or_default();
            groups.iter().map(|group| group.name.to_string()).collect()
        }
        _ => vec![text.to_owned()],
    };
    let mut found = Vec::with_capacity(names.len());
    for name in names.iter().filter_map(|name| GroupName::parse(name).ok()) {
        found.extend(api.store().group(&name).await?);
    }
    Ok(found)
}

/// Groups as resources, in their order, with their members if the answer has them: as many as have
/// no more than [`MOST_MEMBERS`] together, as a page may be shorter than was asked for (RFC 7644
/// section 3.4.2.4). One that has more by itself is shown without. `seen` are users who are shown
/// among the members of their groups otherwise.
async fn resources(
    api: &ScimApi,
    client: &ClientId,
    groups: Vec<StoredGroup>,
    projection: &Projection,
    seen: &[doorward_provider::model::user::User],
) -> Result<Vec<Map<String, Value>>, ScimError> {
    let names: Vec<String> = groups.iter().map(|stored| stored.group.name.to_string()).collect();
    let external_ids = api.store().external_ids(client, ProvisionedKind::Group, &names).await?;
    let external_ids: HashMap<String, String> = external_ids.into_iter().collect();
    let mut resources = Vec::with_capacity(groups.len());
    let mut room = Room { left: MOST_MEMBERS };
    for stored in groups {
        let group = &stored.group;
        let external_id = external_ids.get(group.name.as_str()).map(String::as_str);
        let is_member = |user: &&doorward_provider::model::user::User| {
            user.groups.iter().any(|one| one.name == group.name)
        };
        let mut members: Vec<Sub> =
            seen.iter().filter(is_member).map(|user| user.sub.clone()).collect();
        let mut is_whole = projection.has("members");
        if is_whole {
            members = api.store().group_members(&group.name, None, room.left + 1).await?;
            match room.take(members.len()) {
                Fit::Here => {}
                Fit::OnTheNextPage => break,
                Fit::OnNone => {
                    members.clear();
                    is_whole = false;
                }
            }
        }
        let mut resource = group::resource(group, external_id, Some(&members), api.base());
        if is_whole {
            with_version(&mut resource, &group::version(&stored, external_id, &members));
        }
        resources.push(resource);
    }
    Ok(resources)
}

/// How many members more a page has room for.
struct Room {
    left: u32,
}

/// Where a group is shown with its members.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    Here,
    /// The next page begins with it.
    OnTheNextPage,
    /// It has more members than any page.
    OnNone,
}

impl Room {
    /// Takes the room for this many members, if there is as much.
    fn take(&mut self, members: usize) -> Fit {
        let rest = u32::try_from(members).ok().and_then(|members| self.left.checked_sub(members));
        match rest {
            Some(rest) => {
                self.left = rest;
                Fit::Here
            }
            None if self.left < MOST_MEMBERS => Fit::OnTheNextPage,
            None => Fit::OnNone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_the_group_that_is_too_much_for_it() {
        let most = MOST_MEMBERS as usize;
        let mut room = Room { left: MOST_MEMBERS };
        // More than are shown of any group: the list goes on without them.
        assert_eq!(room.take(most + 1), Fit::OnNone);
        assert_eq!(room.take(0), Fit::Here);
        assert_eq!(room.take(most - 1), Fit::Here);
        assert_eq!(room.take(2), Fit::OnTheNextPage);
        assert_eq!(room.take(1), Fit::Here);
        assert_eq!(room.take(0), Fit::Here);
        assert_eq!(room.take(1), Fit::OnTheNextPage);
    }
}
