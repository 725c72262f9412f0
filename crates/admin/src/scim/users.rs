//! Users: found, added, changed and removed.

use std::collections::{BTreeMap, HashMap};

use axum::{
    extract::{Extension, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{
        provisioning::{Provisioned, ProvisionedKind, UserMarks},
        user::{User, normalized_username},
        user_query::{UserFilter, UserOrder, UserQuery},
    },
    use_case::administration::users::{checked_username, new_user},
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
    is_known,
    listing::{Lookup, MOST_FOUND, Query, lookups, no_index, too_many},
    patch::{self, Operation},
    projection::Projection,
    require_version,
    schema::{USER, USERS},
    shown,
    state::ScimApi,
    user::{self, Changes, Password},
    values, with_version,
};
use crate::api::{
    history::History,
    users::{UserView, add, hash_password, merge},
};

/// How often a change is tried while others change the same user.
const TRIES: u32 = 8;
/// The attributes that find users by an index, and whether by a beginning, too.
const INDEXED: [(&str, bool); 5] = [
    ("id", false),
    ("userName", true),
    ("externalId", false),
    ("emails", true),
    ("displayName", true),
];

/// `GET /Users`.
pub async fn list(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
) -> Answer {
    answer(&api, &client.id, Query::of_url(query.as_deref(), &USERS)?).await
}

/// `POST /Users/.search`.
pub async fn search(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Body(body): Body,
) -> Answer {
    answer(&api, &client.id, Query::of_search(body, &USERS)?).await
}

/// `GET /Users/{sub}`.
pub async fn read(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Path(sub): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &USERS)?.projection;
    let user = find(&api, &sub).await?;
    let (resource, version) = resource(&api, &client.id, &user).await?;
    if is_known(&headers, &version) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, version)]).into_response());
    }
    Ok(one(StatusCode::OK, resource, &version, &projection))
}

/// `POST /Users`.
pub async fn create(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &USERS)?.projection;
    require_schema(&body, USER)?;
    let given = whole(body)?;
    values::require(&given, USERS.core)?;
    let username = given.get("userName").and_then(Value::as_str).unwrap_or_default();
    let user = new_user(None, checked(username)?, api.admin.entropy());
    let changes = user::changes(&user, &Map::new(), given)?;
    let external_id = changes.external_id.clone();
    let mut user = changed(&api, &client, user, changes).await?;
    let added_at = Some(api.admin.now());
    UserMarks { added_at, ..UserMarks::of(&user) }.put(&mut user);
    add(&api.admin, &user).await?;
    history.on_user(&user.sub);
    history.changed(None, Some(json!(UserView::of(&user))));
    set_external_id(&api, &client.id, &user, external_id.as_deref()).await?;
    let (resource, version) = resource(&api, &client.id, &user).await?;
    let location = resource["meta"]["location"].as_str().and_then(|url| url.parse().ok());
    let mut response = one(StatusCode::CREATED, resource, &version, &projection);
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `PUT /Users/{sub}`.
pub async fn replace(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(sub): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &USERS)?.projection;
    require_schema(&body, USER)?;
    let given = whole(body)?;
    let update = Update { api, client, history, headers, projection };
    update.run(&sub, |_| Ok(given.clone())).await
}

/// `PATCH /Users/{sub}`.
pub async fn change(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(sub): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = Query::of_url(query.as_deref(), &USERS)?.projection;
    require_schema(&body, patch::SCHEMA)?;
    let operations = Operation::parse_all(body, &USERS)?;
    if operations.iter().any(|operation| operation.removes("active")) {
        return Err(ScimError::mutability("active is true or false, and can't be removed."));
    }
    // What nobody can read can't be found missing in the result.
    let removes_password = operations.iter().any(|operation| operation.removes("password"));
    let update = Update { api, client, history, headers, projection };
    update
        .run(&sub, |before| {
            let mut after = before.clone();
            patch::apply(&mut after, operations.clone(), &USERS)?;
            if removes_password && !after.contains_key("password") {
                after.insert("password".to_owned(), Value::Null);
            }
            Ok(after)
        })
        .await
}

/// `DELETE /Users/{sub}`.
pub async fn remove(
    State(api): State<ScimApi>,
    Extension(client): Extension<Client>,
    Extension(history): Extension<History>,
    Path(sub): Path<String>,
    headers: HeaderMap,
) -> Answer {
    for _ in 0..TRIES {
        let user = find(&api, &sub).await?;
        client.may_act_on(&user)?;
        let (_, version) = resource(&api, &client.id, &user).await?;
        require_version(&headers, Some(&version))?;
        let before = json!(UserView::of(&user));
        if api.store().remove_user_as(user, api.admin.now()).await? {
            history.changed(Some(before), None);
            api.admin.provider().deliveries().notice_changes();
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Err(ScimError::busy())
}

/// A change of a user who is there.
struct Update {
    api: ScimApi,
    client: Client,
    history: History,
    headers: HeaderMap,
    projection: Projection,
}

impl Update {
    /// Makes of the present attributes what they become, and keeps it unless somebody was faster.
    async fn run(
        self,
        sub: &str,
        make: impl Fn(&Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
    ) -> Answer {
        let Self { api, client, history, headers, projection } = self;
        for _ in 0..TRIES {
            let before = find(&api, sub).await?;
            client.may_act_on(&before)?;
            let external_id = external_id(&api, &client.id, &before).await?;
            let shown = with_state(&api, &before, external_id.as_deref());
            require_version(&headers, Some(&shown.1))?;
            let attributes = user::attributes(&before, external_id.as_deref());
            let after = make(&attributes)?;
            values::require(&after, USERS.core)?;
            let changes = user::changes(&before, &attributes, after)?;
            let new_external_id = changes.external_id.clone();
            let user = changed(&api, &client, before.clone(), changes).await?;
            if user != before {
                let view = |user: &User| Some(json!(UserView::of(user)));
                let (old, new) = (view(&before), view(&user));
                if !api.store().replace_user(user.clone(), before, api.admin.now()).await? {
                    continue;
                }
                history.changed(old, new);
                api.admin.provider().deliveries().notice_changes();
            }
            if new_external_id != external_id {
                set_external_id(&api, &client.id, &user, new_external_id.as_deref()).await?;
            }
            let (resource, version) = with_state(&api, &user, new_external_id.as_deref());
            return Ok(one(StatusCode::OK, resource, &version, &projection));
        }
        Err(ScimError::busy())
    }
}

/// A whole user that a client sends. A name to show is made of the parts of the name.
fn whole(body: Value) -> Result<Map<String, Value>, ScimError> {
    let mut given = values::resource(body, &USERS)?;
    if !given.contains_key("displayName")
        && let Some(name) = user::display_name(&given)
    {
        given.insert("displayName".to_owned(), name.into());
    }
    Ok(given)
}

/// The user with what becomes of them, by the rules of the administration.
async fn changed(
    api: &ScimApi,
    client: &Client,
    mut user: User,
    changes: Changes,
) -> Result<User, ScimError> {
    let Changes { username, enabled, mut claims, password, external_id: _ } = changes;
    user.username = checked(&username)?;
    let was_enabled = std::mem::replace(&mut user.enabled, enabled);
    client.marks(&user, was_enabled)?.put(&mut user);
    let is_verified = api.settings().emails_are_verified;
    if is_verified && claims.get("email").is_some_and(Value::is_string) {
        claims.insert("email_verified".to_owned(), true.into());
    }
    merge(&mut user, claims)?;
    match password {
        Password::Kept => {}
        Password::Removed => user.password_hash = None,
        Password::New(password) => {
            user.password_hash = Some(hash_password(&api.admin, password, &user).await?);
        }
    }
    Ok(user)
}

fn checked(username: &str) -> Result<String, ScimError> {
    checked_username(username).map_err(|error| ScimError::value(format!("userName: {error}.")))
}

async fn find(api: &ScimApi, sub: &str) -> Result<User, ScimError> {
    api.admin.user(sub).await.map_err(|problem| match problem.status() {
        StatusCode::NOT_FOUND => ScimError::missing("There is no user with this id."),
        _ => problem.into(),
    })
}

async fn external_id(
    api: &ScimApi,
    client: &ClientId,
    user: &User,
) -> Result<Option<String>, ScimError> {
    let ids = [user.sub.to_string()];
    let found = api.store().external_ids(client, ProvisionedKind::User, &ids).await?;
    Ok(found.into_iter().next().map(|(_, external_id)| external_id))
}

async fn set_external_id(
    api: &ScimApi,
    client: &ClientId,
    user: &User,
    external_id: Option<&str>,
) -> Result<(), ScimError> {
    let of = Provisioned::User(user.sub.clone());
    Ok(api.store().set_external_id(client, &of, external_id).await?)
}

/// The resource of a user, and its state.
async fn resource(
    api: &ScimApi,
    client: &ClientId,
    user: &User,
) -> Result<(Map<String, Value>, String), ScimError> {
    let external_id = external_id(api, client, user).await?;
    Ok(with_state(api, user, external_id.as_deref()))
}

fn with_state(
    api: &ScimApi,
    user: &User,
    external_id: Option<&str>,
) -> (Map<String, Value>, String) {
    let mut resource = user::resource(user, external_id, api.base());
    let version = user::version(user, &resource);
    with_version(&mut resource, &version);
    (resource, version)
}

/// An answer with one user.
fn one(
    status: StatusCode,
    resource: Map<String, Value>,
    version: &str,
    projection: &Projection,
) -> Response {
    let mut response = (status, shown(&projection.apply(resource))).into_response();
    if let Ok(version) = HeaderValue::try_from(version) {
        response.headers_mut().insert(ETAG, version);
    }
    response
}

async fn answer(api: &ScimApi, client: &ClientId, query: Query) -> Answer {
    let all = match &query.filter {
        None => Some(UserFilter::All),
        Some(Filter::Compare(path, Comparison::Equal, Value::Bool(is_active)))
            if USERS.resolve(path).is_some_and(|found| found.attribute.name == "active") =>
        {
            Some(if *is_active { UserFilter::Enabled } else { UserFilter::Disabled })
        }
        Some(_) => None,
    };
    match (all, &query.filter) {
        (Some(filter), _) => by_name(api, client, filter, &query).await,
        (None, Some(filter)) => by_index(api, client, filter, &query).await,
        (None, None) => Err(no_index(&INDEXED)),
    }
}

/// A page of all users, in the order of their names.
async fn by_name(api: &ScimApi, client: &ClientId, filter: UserFilter, query: &Query) -> Answer {
    if query.sort.is_some_and(|sort| sort.attribute.name != "userName") {
        return Err(ScimError::value("Without a filter by an index, sortBy is userName."));
    }
    let counts = api.store().count_users().await?;
    let total = match filter {
        UserFilter::Disabled => counts.disabled,
        UserFilter::Enabled => counts.users.saturating_sub(counts.disabled),
        UserFilter::All | UserFilter::Administrators => counts.users,
    };
    let (start, count) = query.window(total);
    let search = UserQuery { order: UserOrder::Username, prefix: String::new(), filter };
    let after = match start {
        0 => None,
        start => match api.store().user_cursor(&search, start).await? {
            None => return Ok(query.answer(total, Vec::new())),
            after => after,
        },
    };
    let mut users = Vec::new();
    if count > 0 {
        let found = api.store().find_users(&search, after.as_ref(), count).await?;
        users.extend(found.into_iter().map(|found| found.user));
    }
    if query.is_descending {
        users.reverse();
    }
    let page = resources(api, client, users).await?;
    Ok(query.answer(total, page))
}

/// What a filter finds by indexes.
async fn by_index(api: &ScimApi, client: &ClientId, filter: &Filter, query: &Query) -> Answer {
    let lookups = lookups(filter, &USERS, &INDEXED).ok_or_else(|| no_index(&INDEXED))?;
    let mut found = BTreeMap::new();
    for lookup in &lookups {
        for user in look_up(api, client, lookup).await? {
            found.insert(user.sub.to_string(), user);
        }
        if found.len() > MOST_FOUND as usize {
            return Err(too_many());
        }
    }
    let mut matching = resources(api, client, found.into_values().collect()).await?;
    matching.retain(|resource| filter::matches(filter, resource, &USERS));
    Ok(query.page_of(matching, "userName"))
}

async fn look_up(
    api: &ScimApi,
    client: &ClientId,
    lookup: &Lookup,
) -> Result<Vec<User>, ScimError> {
    let text = lookup.text.as_str();
    let one = |user: Option<User>| Ok(user.into_iter().collect());
    let order = match lookup.attribute {
        "id" => return one(by_sub(api, text).await?),
        "userName" if !lookup.is_prefix => {
            return one(api.store().user_by_username(&normalized_username(text)).await?);
        }
        "externalId" => {
            let most = MOST_FOUND + 1;
            let kind = ProvisionedKind::User;
            let subs = api.store().with_external_id(client, kind, text, most).await?;
            let mut users = Vec::with_capacity(subs.len());
            for sub in subs {
                users.extend(by_sub(api, &sub).await?);
            }
            return Ok(users);
        }
        "userName" => UserOrder::Username,
        "emails" => UserOrder::Email,
        _ => UserOrder::Name,
    };
    let prefix = order.key(text);
    if prefix.is_empty() {
        return Err(no_index(&INDEXED));
    }
    // One user may be found by several addresses.
    let mut users = BTreeMap::new();
    // Addresses beside the main one have an index of their own.
    if order == UserOrder::Email {
        let (is_prefix, most) = (lookup.is_prefix, MOST_FOUND + 1);
        let found = api.store().with_further_address(&prefix, is_prefix, most).await?;
        users.extend(found.into_iter().map(|user| (user.sub.clone(), user)));
    }
    let query = UserQuery { order, prefix, filter: UserFilter::All };
    let mut after = None;
    // Those whose key is the text come before those whose key begins with it.
    loop {
        let page = api.store().find_users(&query, after.as_ref(), crate::api::page::MOST).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor.clone());
        let is_hit = |key: &str| lookup.is_prefix || key == query.prefix;
        let length = page.len();
        let hits = page.into_iter().take_while(|found| is_hit(&found.cursor.key));
        let hits: Vec<User> = hits.map(|found| found.user).collect();
        let is_end = hits.len() < length;
        users.extend(hits.into_iter().map(|user| (user.sub.clone(), user)));
        if users.len() > MOST_FOUND as usize {
            return Err(too_many());
        }
        if is_end {
            break;
        }
    }
    Ok(users.into_values().collect())
}

async fn by_sub(api: &ScimApi, text: &str) -> Result<Option<User>, ScimError> {
    match Sub::parse(text) {
        Ok(sub) => Ok(api.store().user(&sub).await?),
        Err(_) => Ok(None),
    }
}

/// Users as resources, in their order.
async fn resources(
    api: &ScimApi,
    client: &ClientId,
    users: Vec<User>,
) -> Result<Vec<Map<String, Value>>, ScimError> {
    let subs: Vec<String> = users.iter().map(|user| user.sub.to_string()).collect();
    let external_ids = api.store().external_ids(client, ProvisionedKind::User, &subs).await?;
    let external_ids: HashMap<String, String> = external_ids.into_iter().collect();
    Ok(users
        .iter()
        .map(|user| {
            let external_id = external_ids.get(user.sub.as_str()).map(String::as_str);
            with_state(api, user, external_id).0
        })
        .collect())
}
