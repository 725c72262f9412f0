//! A group as SCIM shows it, the name that a new one gets, and who joins and leaves it.

use std::collections::BTreeSet;

use doorward_protocol::{base64url, ids::Sub};
use doorward_provider::model::group::{Group, StoredGroup};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    error::ScimError,
    filter::{Comparison, Filter},
    in_path, meta,
    patch::{Operation, OperationKind, Path},
    schema::{GROUP, GROUPS, USERS},
};

/// The whole resource, without `meta.version`. `members`: `None` leaves them out.
pub fn resource(
    group: &Group,
    external_id: Option<&str>,
    members: Option<&[Sub]>,
    base: &str,
) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
    put("schemas", json!([GROUP]));
    put("id", json!(group.name.as_str()));
    put("displayName", json!(group.shown_name()));
    if let Some(external_id) = external_id {
        put("externalId", json!(external_id));
    }
    let members: Vec<Value> = members
        .unwrap_or_default()
        .iter()
        .map(|sub| {
            let url = format!("{base}{}/{}", USERS.endpoint, in_path(sub));
            json!({"value": sub.as_str(), "$ref": url, "type": USERS.name})
        })
        .collect();
    if !members.is_empty() {
        put("members", members.into());
    }
    let location = format!("{base}{}/{}", GROUPS.endpoint, in_path(&group.name));
    put("meta", meta(&GROUPS, &location, group.provisioned_at));
    resource
}

/// The state of a group and of its members, as an entity tag.
pub fn version(stored: &StoredGroup, external_id: Option<&str>, members: &[Sub]) -> String {
    let mut hash = Sha256::new()
        .chain_update(stored.version.to_be_bytes())
        .chain_update(external_id.unwrap_or_default())
        .chain_update(b"\n");
    for member in members {
        hash = hash.chain_update(member.as_str()).chain_update(b"\n");
    }
    let mut hash = base64url::encode(hash.finalize());
    hash.truncate(22);
    format!("W/\"{hash}\"")
}

/// What a request makes of a group.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct GroupChanges {
    /// Another name for people.
    pub display_name: Option<String>,
    /// What the client calls it from now on, if that is said; empty: nothing.
    pub external_id: Option<String>,
    /// Who is a member.
    pub members: Members,
}

/// Who is a member from now on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Whether nobody stays a member but those who are added.
    pub replaces: bool,
    /// Who joins.
    pub added: BTreeSet<Sub>,
    /// Who leaves.
    pub removed: BTreeSet<Sub>,
}

impl Members {
    fn add(&mut self, subs: Vec<Sub>) {
        for sub in subs {
            self.removed.remove(&sub);
            self.added.insert(sub);
        }
    }

    fn remove(&mut self, subs: Vec<Sub>) {
        for sub in subs {
            self.added.remove(&sub);
            self.removed.insert(sub);
        }
    }

    fn replace(&mut self, subs: Vec<Sub>) {
        *self =
            Self { replaces: true, added: subs.into_iter().collect(), removed: BTreeSet::new() };
    }
}

/// What a whole resource makes of a group.
pub fn of_resource(resource: &Map<String, Value>) -> Result<GroupChanges, ScimError> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut members = Members::default();
    members.replace(subs(resource.get("members"))?);
    Ok(GroupChanges {
        display_name: text("displayName"),
        external_id: Some(text("externalId").unwrap_or_default()),
        members,
    })
}

/// What operations make of a group, one after the other. `members` are not read for it: a group may
/// have many.
pub fn of_operations(operations: Vec<Operation>) -> Result<GroupChanges, ScimError> {
    let mut changes = GroupChanges::default();
    for operation in operations {
        match operation.path {
            None => {
                let Value::Object(members) = operation.value else {
                    return Err(ScimError::value("Without a path, value is an object."));
                };
                for (name, value) in members {
                    let Ok(path) = Path::parse(&name, &GROUPS) else { continue };
                    let named = resolved_name(&path)
                        .filter(|name| ["displayName", "externalId", "members"].contains(name));
                    if named.is_some() {
                        apply(&mut changes, operation.kind, &path, value)?;
                    }
                }
            }
            Some(path) => apply(&mut changes, operation.kind, &path, operation.value)?,
        }
    }
    Ok(changes)
}

fn resolved_name(path: &Path) -> Option<&'static str> {
    match path {
        Path::Extension(_) => None,
        Path::Attribute(path) | Path::Values(path, ..) => {
            GROUPS.resolve(path).map(|found| found.attribute.name)
        }
    }
}

fn apply(
    changes: &mut GroupChanges,
    kind: OperationKind,
    path: &Path,
    value: Value,
) -> Result<(), ScimError> {
    let given = |name: &str, value: Value| {
        let attribute = GROUPS.attribute(name);
        let attribute = attribute.ok_or_else(ScimError::internal)?;
        super::values::value(value, attribute)
    };
    match (resolved_name(path), path, kind) {
        (Some("displayName"), Path::Attribute(_), OperationKind::Add | OperationKind::Replace) => {
            let text = given("displayName", value)?;
            let text = text.as_ref().and_then(Value::as_str);
            let text = text.ok_or_else(|| ScimError::value("displayName is required."))?;
            changes.display_name = Some(text.to_owned());
        }
        (Some("displayName"), Path::Attribute(_), OperationKind::Remove) => {
            return Err(ScimError::value("displayName is required."));
        }
        (Some("externalId"), Path::Attribute(_), kind) => {
            let text =
                if kind == OperationKind::Remove { None } else { given("externalId", value)? };
            let text = text.as_ref().and_then(Value::as_str).unwrap_or_default();
            changes.external_id = Some(text.to_owned());
        }
        (Some("members"), Path::Attribute(at), kind) => {
            if at.sub.is_some() {
                return Err(ScimError::mutability("What a member is can't be changed."));
            }
            let names_nobody = value.is_null();
            match (kind, given("members", value)?) {
                (OperationKind::Add, members) => changes.members.add(subs(members.as_ref())?),
                (OperationKind::Replace, members) => {
                    changes.members.replace(subs(members.as_ref())?);
                }
                (OperationKind::Remove, _) if names_nobody => changes.members.replace(Vec::new()),
                (OperationKind::Remove, members) => {
                    changes.members.remove(subs(members.as_ref())?);
                }
            }
        }
        (Some("members"), Path::Values(_, filter, None), OperationKind::Remove) => {
            let mut named = Vec::new();
            named_by(filter, &mut named)?;
            changes.members.remove(named);
        }
        (Some("members"), Path::Values(..), _) => {
            return Err(ScimError::mutability("A member is added or removed, not changed."));
        }
        (Some(_), ..) => return Err(ScimError::mutability("This can't be changed here.")),
        (None, ..) => return Err(ScimError::path("There is no such attribute.")),
    }
    Ok(())
}

/// The members that a filter names: by `value eq`, or several by `or`.
fn named_by(filter: &Filter, named: &mut Vec<Sub>) -> Result<(), ScimError> {
    match filter {
        Filter::Compare(path, Comparison::Equal, Value::String(text))
            if path.name.eq_ignore_ascii_case("value") && path.sub.is_none() =>
        {
            named.extend(Sub::parse(text.as_str()).ok());
            Ok(())
        }
        Filter::Or(parts) => parts.iter().try_for_each(|part| named_by(part, named)),
        _ => Err(ScimError::filter("Members are named by value eq, several of them by or.")),
    }
}

/// The users that members are.
fn subs(members: Option<&Value>) -> Result<Vec<Sub>, ScimError> {
    let members = members.and_then(Value::as_array);
    members
        .into_iter()
        .flatten()
        .map(|member| {
            let kind = member.get("type").and_then(Value::as_str).unwrap_or(USERS.name);
            if !kind.eq_ignore_ascii_case(USERS.name) {
                return Err(ScimError::value(
                    "members: a member is a User. Groups are in no group.",
                ));
            }
            let value = member.get("value").and_then(Value::as_str);
            let value = value.ok_or_else(|| ScimError::value("members: value is missing."))?;
            Sub::parse(value).map_err(|_| no_such_user())
        })
        .collect()
}

/// The refusal of a member who is nobody.
pub fn no_such_user() -> ScimError {
    ScimError::value("members: there is no user with this value.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
    use super::*;

    fn changes(operations: Value) -> Result<GroupChanges, ScimError> {
        of_operations(Operation::parse_all(json!({"Operations": operations}), &GROUPS)?)
    }

    fn set(subs: &[&str]) -> BTreeSet<Sub> {
        subs.iter().map(|sub| sub.parse().unwrap()).collect()
    }

    #[test]
    fn members_are_added_removed_and_replaced() {
        let done = changes(json!([
            {"op": "Add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]},
            {"op": "remove", "path": "members[value eq \"a\"]"},
            {"op": "remove", "path": "members", "value": [{"value": "c"}]},
            {"op": "replace", "value": {"displayName": "X", "id": "y", "z": 1}},
        ]))
        .unwrap();
        assert_eq!(done.display_name.as_deref(), Some("X"));
        assert_eq!(done.members.added, set(&["b"]));
        assert_eq!(done.members.removed, set(&["a", "c"]));
        assert!(!done.members.replaces);
        let done = changes(json!([
            {"op": "replace", "path": "members", "value": [{"value": "a"}]},
            {"op": "add", "path": "members", "value": {"value": "b"}},
        ]));
        let members = done.unwrap().members;
        assert!(members.replaces && members.added == set(&["a", "b"]));
        for all in [json!({}), json!({"value": null})] {
            let mut operation = json!({"op": "remove", "path": "members"});
            operation.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
            let all = changes(json!([operation])).unwrap().members;
            assert!(all.replaces && all.added.is_empty());
        }
        let none = changes(json!([{"op": "remove", "path": "members", "value": []}]));
        assert_eq!(none.unwrap().members, Members::default(), "nobody is named");
    }

    #[test]
    fn what_no_group_can_have_is_refused() {
        for operation in [
            json!({"op": "add", "path": "members", "value": [{"value": "g", "type": "Group"}]}),
            json!({"op": "add", "path": "members", "value": [{}, {"type": "User"}]}),
            json!({"op": "add", "path": "members", "value": ["x", 1]}),
            json!({"op": "remove", "path": "members", "value": [{}]}),
            json!({"op": "remove", "path": "members", "value": [{"display": "x"}]}),
            json!({"op": "remove", "path": "members", "value": [{"value": null}]}),
            json!({"op": "remove", "path": "members", "value": [null]}),
            json!({"op": "replace", "path": "members", "value": [{"value": "a"}, {}]}),
            json!({"op": "replace", "path": "members", "value": {"display": "x"}}),
            json!({"op": "replace", "value": {"members": [{"value": null}]}}),
            json!({"op": "replace", "path": "members[value eq \"a\"]", "value": {"value": "b"}}),
            json!({"op": "replace", "path": "members.value", "value": "b"}),
            json!({"op": "remove", "path": "members[type eq \"User\"]"}),
            json!({"op": "remove", "path": "displayName"}),
            json!({"op": "replace", "path": "displayName", "value": ""}),
            json!({"op": "replace", "path": "id", "value": "x"}),
            json!({"op": "replace", "path": "roles", "value": "x"}),
        ] {
            let refused = changes(json!([operation.clone()]));
            assert!(refused.is_err() || operation["value"] == json!(""), "{operation}");
        }
    }
}
