//! A user as SCIM shows them, and what becomes of the user when that is changed.
//!
//! What OpenID Connect has a claim for is kept in that claim, and so are the texts that have none.
//! The rest is kept in one claim of its own, [`KEPT_CLAIM`]. Where a claim is changed by another
//! way, the claim counts.

use doorward_protocol::{base64url, secret::Secret};
use doorward_provider::model::{
    email::EmailAddress,
    password::PasswordHash,
    provisioning::{KEPT_CLAIM, UserMarks},
    user::User,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    error::ScimError,
    schema::{ENTERPRISE, USER, USERS},
    values::is_primary,
};

/// Texts and their claims: where they are in a resource, and the claim.
const TEXTS: [(&[&str], &str); 15] = [
    (&["displayName"], "name"),
    (&["nickName"], "nickname"),
    (&["profileUrl"], "profile"),
    (&["title"], "title"),
    (&["userType"], "user_type"),
    (&["locale"], "locale"),
    (&["timezone"], "zoneinfo"),
    (&["name", "givenName"], "given_name"),
    (&["name", "familyName"], "family_name"),
    (&["name", "middleName"], "middle_name"),
    (&[ENTERPRISE, "employeeNumber"], "employee_number"),
    (&[ENTERPRISE, "costCenter"], "cost_center"),
    (&[ENTERPRISE, "organization"], "organization"),
    (&[ENTERPRISE, "division"], "division"),
    (&[ENTERPRISE, "department"], "department"),
];

/// What has no claim, and is kept in [`KEPT_CLAIM`].
const OTHERS: [&[&str]; 5] = [
    &["preferredLanguage"],
    &["name", "formatted"],
    &["name", "honorificPrefix"],
    &["name", "honorificSuffix"],
    &[ENTERPRISE, "manager"],
];

/// Lists, the claim of which has the primary value or else the first one.
const LISTS: [(&str, &str); 3] =
    [("emails", "email"), ("phoneNumbers", "phone_number"), ("addresses", "address")];

/// The members of an address, and those of the claim (OpenID Connect Core section 5.1.1).
const ADDRESS: [(&str, &str); 6] = [
    ("formatted", "formatted"),
    ("streetAddress", "street_address"),
    ("locality", "locality"),
    ("region", "region"),
    ("postalCode", "postal_code"),
    ("country", "country"),
];

/// A resource without what only the server says: `schemas`, `id`, `groups` and `meta`.
pub fn attributes(user: &User, external_id: Option<&str>) -> Map<String, Value> {
    let claims = &user.claims.0;
    let kept = claims.get(KEPT_CLAIM);
    let mut resource = Map::new();
    put(&mut resource, &["userName"], Some(user.username.clone().into()));
    put(&mut resource, &["externalId"], external_id.map(Value::from));
    put(&mut resource, &["active"], Some(user.enabled.into()));
    for (path, claim) in TEXTS {
        let text = claims.get(claim).filter(|value| value.is_string());
        put(&mut resource, path, text.cloned());
    }
    for path in OTHERS {
        let value = kept.and_then(|kept| get(kept.as_object()?, path));
        put(&mut resource, path, value.cloned());
    }
    for (name, claim) in LISTS {
        let list = kept.and_then(|kept| kept.get(name)).filter(|list| list.is_array());
        let claim = claims.get(claim);
        // What the list says counts as long as the claim is what was made of it.
        let list = match list {
            Some(list) if main(name, list).as_ref() == claim => Some(list.clone()),
            _ => claim.and_then(|claim| of_claim(name, claim)),
        };
        put(&mut resource, &[name], list);
    }
    resource
}

/// The whole resource, without `meta.version`.
pub fn resource(user: &User, external_id: Option<&str>, base: &str) -> Map<String, Value> {
    let mut resource = attributes(user, external_id);
    let schemas =
        if resource.contains_key(ENTERPRISE) { json!([USER, ENTERPRISE]) } else { json!([USER]) };
    resource.insert("schemas".to_owned(), schemas);
    resource.insert("id".to_owned(), json!(user.sub.as_str()));
    let groups: Vec<Value> = user
        .groups
        .iter()
        .map(|group| {
            json!({
                "value": group.name.as_str(), "display": group.shown_name(),
                "$ref": format!("{base}/Groups/{}", super::in_path(&group.name)),
            })
        })
        .collect();
    if !groups.is_empty() {
        resource.insert("groups".to_owned(), groups.into());
    }
    let location = format!("{base}{}/{}", USERS.endpoint, super::in_path(&user.sub));
    let meta = super::meta(&USERS, &location, UserMarks::of(user).added_at);
    resource.insert("meta".to_owned(), meta);
    resource
}

/// The state of a user, as an entity tag. Another password is another state.
pub fn version(user: &User, resource: &Map<String, Value>) -> String {
    let password = user.password_hash.as_ref().map(PasswordHash::as_str).unwrap_or_default();
    let text = format!("{password}\n{}", Value::Object(resource.clone()));
    let mut hash = base64url::encode(Sha256::digest(text));
    hash.truncate(22);
    format!("W/\"{hash}\"")
}

/// What becomes of a user.
#[derive(Debug, PartialEq)]
pub struct Changes {
    /// What the user signs in with.
    pub username: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Claims in place of those of the same names; null takes one away.
    pub claims: Map<String, Value>,
    /// Another password, or none from now on.
    pub password: Password,
    /// What the client calls the user.
    pub external_id: Option<String>,
}

/// What becomes of a password.
#[derive(Debug)]
pub enum Password {
    /// It stays.
    Kept,
    /// There is none any more.
    Removed,
    /// There is another one.
    New(Secret),
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Kept, Self::Kept) | (Self::Removed, Self::Removed))
    }
}

/// What a changed resource makes of a user, whose attributes were `before`. What is the same stays
/// as it is in the claims.
pub fn changes(
    user: &User,
    before: &Map<String, Value>,
    mut after: Map<String, Value>,
) -> Result<Changes, ScimError> {
    let password = match after.remove("password") {
        Some(Value::String(text)) => Password::New(Secret::new(text)),
        Some(_) => Password::Removed,
        None => Password::Kept,
    };
    let mut claims = Map::new();
    for (path, claim) in TEXTS {
        let value = get(&after, path);
        if value != get(before, path) {
            claims.insert(claim.to_owned(), value.cloned().unwrap_or_default());
        }
    }
    check_addresses(&after)?;
    let mut kept = Map::new();
    for path in OTHERS {
        put(&mut kept, path, get(&after, path).cloned());
    }
    for (name, claim) in LISTS {
        let list = after.get(name);
        if list != before.get(name) {
            let main = list.and_then(|list| main(name, list));
            claims.insert(claim.to_owned(), main.unwrap_or_default());
        }
        // A list that the claim says as well need not be kept.
        let said = list.and_then(|list| main(name, list)).and_then(|claim| of_claim(name, &claim));
        put(&mut kept, &[name], list.filter(|list| Some(*list) != said.as_ref()).cloned());
    }
    let kept = if kept.is_empty() { Value::Null } else { Value::Object(kept) };
    if user.claims.0.get(KEPT_CLAIM).unwrap_or(&Value::Null) != &kept {
        claims.insert(KEPT_CLAIM.to_owned(), kept);
    }
    let text = |name: &str| after.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Changes {
        username: text("userName").unwrap_or_default(),
        // Nobody comes back because a request does not say whether they may.
        enabled: after.get("active").and_then(Value::as_bool).unwrap_or(user.enabled),
        claims,
        password,
        external_id: text("externalId"),
    })
}

/// A name to show, of the parts of the name.
pub fn display_name(resource: &Map<String, Value>) -> Option<String> {
    let part = |part: &str| get(resource, &["name", part]).and_then(Value::as_str);
    let whole = part("formatted").map(str::to_owned);
    whole.or_else(|| {
        let parts: Vec<&str> =
            ["givenName", "middleName", "familyName"].into_iter().filter_map(part).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

fn check_addresses(resource: &Map<String, Value>) -> Result<(), ScimError> {
    let emails = resource.get("emails").and_then(Value::as_array);
    let addresses = emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str());
    for address in addresses {
        if EmailAddress::parse(address).is_err() {
            return Err(ScimError::value("emails: this is not an e-mail address."));
        }
    }
    Ok(())
}

/// The claim that a list makes: of its primary value, or else the first.
fn main(name: &str, list: &Value) -> Option<Value> {
    let values = list.as_array()?;
    let value = values.iter().find(|value| is_primary(value)).or_else(|| values.first())?;
    if name != "addresses" {
        return value.get("value").cloned();
    }
    let parts = ADDRESS
        .into_iter()
        .filter_map(|(part, claim)| Some((claim.to_owned(), value.get(part)?.clone())));
    let address: Map<String, Value> = parts.collect();
    (!address.is_empty()).then_some(Value::Object(address))
}

/// The list of a claim that nothing else is known of.
fn of_claim(name: &str, claim: &Value) -> Option<Value> {
    let mut value = Map::new();
    match claim {
        Value::String(_) if name != "addresses" => {
            value.insert("value".to_owned(), claim.clone());
        }
        Value::Object(parts) if name == "addresses" => {
            for (part, claim) in ADDRESS {
                let text = parts.get(claim).filter(|part| part.is_string());
                put(&mut value, &[part], text.cloned());
            }
        }
        _ => return None,
    }
    value.insert("primary".to_owned(), true.into());
    Some(Value::Array(vec![Value::Object(value)]))
}

fn get<'a>(members: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = members.get(*first)?;
    if rest.is_empty() { Some(value) } else { get(value.as_object()?, rest) }
}

fn put(members: &mut Map<String, Value>, path: &[&str], value: Option<Value>) {
    let (Some(value), Some((first, rest))) = (value, path.split_first()) else { return };
    if rest.is_empty() {
        members.insert((*first).to_owned(), value);
        return;
    }
    let outer = members.entry((*first).to_owned()).or_insert_with(|| json!({}));
    if let Some(outer) = outer.as_object_mut() {
        put(outer, rest, Some(value));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
    use std::sync::Arc;

    use doorward_provider::model::user::UserClaims;

    use super::*;

    fn user(claims: Value) -> User {
        User {
            sub: "1".parse().unwrap(),
            username: "ada".to_owned(),
            password_hash: None,
            enabled: true,
            claims: Arc::new(UserClaims(claims.as_object().cloned().unwrap())),
            groups: Arc::default(),
            mapped: Arc::default(),
        }
    }

    /// The user with the changes that a whole resource makes.
    fn changed(user: &User, resource: Value) -> User {
        let after = resource.as_object().cloned().unwrap();
        let changes = changes(user, &attributes(user, None), after).unwrap();
        let mut user = user.clone();
        for (name, value) in changes.claims {
            if value.is_null() {
                user.claims_mut().remove(&name);
            } else {
                user.claims_mut().insert(name, value);
            }
        }
        user
    }

    #[test]
    fn what_is_given_is_shown_again() {
        let given = json!({
            "userName": "ada", "active": true, "displayName": "Ada", "title": "Dr",
            "preferredLanguage": "en", "name": {"formatted": "Ada L", "givenName": "Ada"},
            "emails": [{"value": "a@home.example", "type": "home"},
                {"value": "a@work.example", "type": "work", "primary": true}],
            "phoneNumbers": [{"value": "1", "type": "mobile"}],
            "addresses": [{"streetAddress": "1 St", "country": "UK", "type": "work"}],
            ENTERPRISE: {"department": "Sales", "manager": {"value": "26"}},
        });
        let after = changed(&user(json!({"role": "x"})), given.clone());
        assert_eq!(Value::Object(attributes(&after, None)), given);
        let claims = &after.claims.0;
        assert_eq!(claims["role"], json!("x"));
        assert_eq!(claims["email"], json!("a@work.example"));
        assert_eq!(claims["phone_number"], json!("1"));
        assert_eq!(claims["address"], json!({"street_address": "1 St", "country": "UK"}));
        assert_eq!((&claims["name"], &claims["department"]), (&json!("Ada"), &json!("Sales")));
        let without = changed(&after, json!({"userName": "ada", "active": true}));
        assert_eq!(without.claims.0, *json!({"role": "x"}).as_object().unwrap());
    }

    #[test]
    fn a_claim_that_was_changed_otherwise_counts() {
        let mut user = changed(
            &user(json!({})),
            json!({"userName": "ada", "emails": [{"value": "a@x.y", "type": "work"}]}),
        );
        user.claims_mut().insert("email".to_owned(), json!("b@x.y"));
        let shown = attributes(&user, None);
        assert_eq!(shown["emails"], json!([{"value": "b@x.y", "primary": true}]));
        // Nothing is changed of a user whose resource is as it was.
        let same = changes(&user, &shown, shown.clone()).unwrap();
        assert_eq!(same.claims.keys().collect::<Vec<_>>(), ["scim"]);
        user.claims_mut().remove("email");
        assert!(!attributes(&user, None).contains_key("emails"));
    }

    #[test]
    fn a_claim_of_another_form_is_left_alone() {
        let user = user(json!({"name": ["a", "b"], "email": 7}));
        let shown = attributes(&user, None);
        assert!(!shown.contains_key("displayName") && !shown.contains_key("emails"));
        assert!(changes(&user, &shown, shown.clone()).unwrap().claims.is_empty());
    }
}
