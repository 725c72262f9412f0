//! Users are added and changed.

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::{ids::Sub, secret::Secret};
use doorward_provider::{
    model::{
        claim_rules::{check_claims, has_nul},
        email::EmailAddress,
        password::PasswordHash,
        provisioning::MARKS_CLAIM,
        user::{ADMIN_ROLE_CLAIM, User},
    },
    use_case::{
        administration::users::{AddUserError, add_user, checked_username, new_user},
        new_password::NewPasswordError,
    },
};
use http::{
    HeaderMap, StatusCode,
    header::{ETAG, LOCATION},
};
use serde_json::{Map, Value, json};

use super::{
    super::{
        Answer,
        body::{Body, Named},
        caller::Caller,
        history::History,
        location,
        problem::Problem,
        state::AdminApi,
    },
    view::{UserView, version},
};
use crate::AdminRole;
pub use crate::types::users::{AdminRoleBody, NewUser, UserChanges};

/// `POST /users`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Body(new): Body<NewUser>,
) -> Answer {
    if let Some(role) = new.admin_role {
        history.detail("admin_role", role.name());
        caller.may_give(role)?;
    }
    let username = checked_username(&new.username);
    let username = username.map_err(|error| Problem::invalid("username", error))?;
    let sub = new.sub.map(|sub| Sub::parse(&*sub)).transpose();
    let sub = sub.map_err(|error| Problem::invalid("sub", error.rule()))?;
    let mut user = new_user(sub, username, api.entropy());
    user.enabled = new.enabled;
    merge(&mut user, new.claims)?;
    set_role(&mut user, new.admin_role);
    if let Some(password) = new.password {
        user.password_hash = Some(hash_password(&api, password, &user).await?);
    }
    add(&api, &user).await?;
    history.on_user(&user.sub);
    history.changed(None, Some(json!(UserView::of(&user))));
    let location = location("users", &user.sub)?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown(&user)).into_response())
}

/// Hashes a new password of a user, if it complies with the rules.
pub async fn hash_password(
    api: &AdminApi,
    password: Secret,
    user: &User,
) -> Result<PasswordHash, Problem> {
    let hash = api.provider().accounts().hash_new_password(password, user).await;
    hash.map_err(|error| match error {
        NewPasswordError::Problem(problem) => Problem::invalid("password", problem),
        NewPasswordError::Busy(_) => {
            Problem::unavailable("Too many passwords are being hashed. Try again shortly.")
        }
    })
}

/// Adds a user.
pub async fn add(api: &AdminApi, user: &User) -> Result<(), Problem> {
    add_user(api.store(), user.clone(), api.now()).await.map_err(|error| match error {
        AddUserError::Store(error) => error.into(),
        other => Problem::conflict(format!("{other}.")),
    })
}

/// `PATCH /users/{sub}`.
pub async fn change(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
    headers: HeaderMap,
    Body(changes): Body<UserChanges>,
) -> Answer {
    let before = api.user(&sub).await?;
    caller.may_act_on(&before)?;
    version(&before).require(&headers)?;
    let mut user = before.clone();
    if let Some(username) = &changes.username {
        let username = checked_username(username);
        user.username = username.map_err(|error| Problem::invalid("username", error))?;
    }
    if let Some(enabled) = changes.enabled {
        user.set_enabled(enabled);
    }
    merge(&mut user, changes.claims)?;
    replace(&api, &history, user, before).await
}

/// `PUT /users/{sub}/admin-role`.
pub async fn set_admin_role(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
    headers: HeaderMap,
    Body(body): Body<AdminRoleBody>,
) -> Answer {
    history.detail("admin_role", body.role.map(AdminRole::name));
    if let Some(role) = body.role {
        caller.may_give(role)?;
    }
    let before = api.user(&sub).await?;
    caller.may_act_on(&before)?;
    version(&before).require(&headers)?;
    let mut user = before.clone();
    set_role(&mut user, body.role);
    replace(&api, &history, user, before).await
}

/// Puts a user in place of the one that was read, unless somebody was faster.
async fn replace(api: &AdminApi, history: &History, user: User, before: User) -> Answer {
    let (known, shown_before) = (version(&before), json!(UserView::of(&before)));
    let sub = before.sub.clone();
    let notices = api.provider().operator_notices().of_change(&before, &user)?;
    if api.store().change_user(user.clone(), before, notices, api.now()).await? {
        history.changed(Some(shown_before), Some(json!(UserView::of(&user))));
        api.provider().deliveries().notice_changes();
        return Ok(shown(&user));
    }
    let present = api.user(&sub).await?;
    Err(known.overtaken_by(&version(&present)))
}

fn shown(user: &User) -> Response {
    ([(ETAG, version(user).etag())], Json(UserView::of(user))).into_response()
}

/// Claims that say whether another one is known to be the user's.
const VERIFIED: [(&str, &str); 2] =
    [("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// Puts claims in place of those of the same names. Another e-mail address or phone number is not
/// known to be the user's until that is said.
pub fn merge(user: &mut User, claims: Map<String, Value>) -> Result<(), Problem> {
    if claims.contains_key(ADMIN_ROLE_CLAIM) {
        let field = format!("claims.{ADMIN_ROLE_CLAIM}");
        return Err(Problem::invalid(field, "give the role by PUT /users/{sub}/admin-role"));
    }
    if claims.get(MARKS_CLAIM).is_some_and(|value| !value.is_null()) {
        let field = format!("claims.{MARKS_CLAIM}");
        let problem = "SCIM notes here whose the user is: it can be taken away (null), not set";
        return Err(Problem::invalid(field, problem));
    }
    let own = user.claims_mut();
    for (name, verified) in VERIFIED {
        let is_new = claims.get(name).is_some_and(|value| own.get(name) != Some(value));
        if is_new && !claims.contains_key(verified) && own.contains_key(verified) {
            own.insert(verified.to_owned(), false.into());
        }
    }
    for (name, value) in claims {
        if value.is_null() {
            own.remove(&name);
        } else {
            check_one(&name, &value)?;
            own.insert(name, value);
        }
    }
    let size = serde_json::to_string(&*own).map_or(0, |text| text.len());
    if size > MOST_CLAIM_BYTES {
        let problem = format!("all claims together have at most {MOST_CLAIM_BYTES} bytes as JSON");
        return Err(Problem::invalid("claims", problem));
    }
    check_claims(own.clone())
        .map(|_| ())
        .map_err(|error| Problem::invalid(format!("{}.{}", error.key, error.value), error.problem))
}

/// What a user's claims may have as JSON: they go into tokens.
const MOST_CLAIM_BYTES: usize = 32 * 1024;

fn check_one(name: &str, value: &Value) -> Result<(), Problem> {
    let refuse = |problem: &str| Err(Problem::invalid(format!("claims.{name}"), problem));
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return refuse("a name has 1 to 255 bytes without control characters");
    }
    match (name, value) {
        ("email", Value::String(text)) if EmailAddress::parse(text).is_ok() => Ok(()),
        ("email", _) => refuse("this is not an e-mail address"),
        ("email_verified", Value::Bool(_)) => Ok(()),
        ("email_verified", _) => refuse("give true or false"),
        (_, value) if has_nul(value) => refuse("a text has no character NUL"),
        _ => Ok(()),
    }
}

fn set_role(user: &mut User, role: Option<AdminRole>) {
    let claims = user.claims_mut();
    match role {
        Some(role) => drop(claims.insert(ADMIN_ROLE_CLAIM.to_owned(), role.name().into())),
        None => drop(claims.remove(ADMIN_ROLE_CLAIM)),
    }
}
