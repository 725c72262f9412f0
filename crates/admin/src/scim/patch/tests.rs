#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
use serde_json::json;

use super::*;
use crate::scim::{
    error::ErrorType,
    schema::{ENTERPRISE, USERS},
};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn patched(before: Value, operations: Value) -> Result<Value, ScimError> {
    let mut resource = object(before);
    let operations = Operation::parse_all(json!({"Operations": operations}), &USERS)?;
    apply(&mut resource, operations, &USERS)?;
    Ok(Value::Object(resource))
}

fn ada() -> Value {
    json!({
        "userName": "ada", "active": true, "name": {"givenName": "Ada", "familyName": "L"},
        "emails": [{"value": "a@work.example", "type": "work", "primary": true},
            {"value": "a@home.example", "type": "home"}],
        ENTERPRISE: {"department": "Sales"},
    })
}

/// `ada` with members in place of hers; null takes one away.
fn with(members: Value) -> Value {
    let mut ada = object(ada());
    for (name, value) in object(members) {
        set(&mut ada, &name, Some(value).filter(|value| !value.is_null()));
    }
    Value::Object(ada)
}

#[test]
fn each_kind_of_path_is_changed() {
    let manager = format!("{ENTERPRISE}:manager");
    let department = format!("{ENTERPRISE}:department");
    let work = |value: &str| {
        json!([{"value": value, "type": "work", "primary": true},
            {"value": "a@home.example", "type": "home"}])
    };
    for (operation, expected) in [
        (json!({"op": "replace", "path": "userName", "value": "b"}), json!({"userName": "b"})),
        (json!({"op": "Replace", "path": "active", "value": "False"}), json!({"active": false})),
        (json!({"op": "add", "path": "nickName", "value": "x"}), json!({"nickName": "x"})),
        (
            json!({"op": "Add", "path": "name.middleName", "value": "M"}),
            json!({"name": {"givenName": "Ada", "familyName": "L", "middleName": "M"}}),
        ),
        (
            json!({"op": "replace", "path": "name", "value": {"givenName": "B"}}),
            json!({"name": {"givenName": "B", "familyName": "L"}}),
        ),
        (json!({"op": "remove", "path": "name.familyName"}), json!({"name": {"givenName": "Ada"}})),
        (json!({"op": "remove", "path": "name"}), json!({"name": null})),
        (json!({"op": "remove", "path": "nickName"}), json!({})),
        (
            json!({"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@x.y"}),
            json!({"emails": work("b@x.y")}),
        ),
        (
            json!({"op": "remove", "path": "emails[type eq \"home\"]"}),
            json!({"emails": [{"value": "a@work.example", "type": "work", "primary": true}]}),
        ),
        (json!({"op": "remove", "path": "emails[type eq \"other\"]"}), json!({})),
        (
            json!({"op": "remove", "path": "emails", "value": [{"value": "a@work.example"}]}),
            json!({"emails": [{"value": "a@home.example", "type": "home"}]}),
        ),
        (json!({"op": "remove", "path": "emails"}), json!({"emails": null})),
        (json!({"op": "remove", "path": "emails", "value": []}), json!({})),
        (json!({"op": "remove", "path": "emails", "value": [{}]}), json!({})),
        (
            json!({"op": "remove", "path": "emails", "value": [{"type": "work"}]}),
            json!({"emails": [{"value": "a@home.example", "type": "home"}]}),
        ),
        (
            json!({"op": "add", "path": "emails", "value": [{"value": "c@x.y", "primary": true}]}),
            json!({"emails": [
                {"value": "a@work.example", "type": "work", "primary": false},
                {"value": "a@home.example", "type": "home"},
                {"value": "c@x.y", "primary": true},
            ]}),
        ),
        (
            json!({"op": "add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"}),
            json!({"phoneNumbers": [{"type": "mobile", "value": "1"}]}),
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
            json!({"emails": [
                {"value": "a@work.example", "type": "work", "primary": false},
                {"value": "a@home.example", "type": "home", "primary": true},
            ]}),
        ),
        (
            json!({"op": "Add", "path": manager, "value": "26"}),
            json!({ENTERPRISE: {"department": "Sales", "manager": {"value": "26"}}}),
        ),
        (json!({"op": "remove", "path": department}), json!({ENTERPRISE: null})),
        (json!({"op": "remove", "path": ENTERPRISE}), json!({ENTERPRISE: null})),
        (
            json!({"op": "replace", "path": ENTERPRISE, "value": {"costCenter": "7"}}),
            json!({ENTERPRISE: {"department": "Sales", "costCenter": "7"}}),
        ),
        (
            json!({"op": "replace", "value": {"active": false, "displayName": "A", "x": 1,
                "id": "y", "name.givenName": "B", department.clone(): "HR",
                "emails[type eq \"work\"].value": "b@x.y", "schemas": []}}),
            json!({"active": false, "displayName": "A", "emails": work("b@x.y"),
                "name": {"givenName": "B", "familyName": "L"}, ENTERPRISE: {"department": "HR"}}),
        ),
        (
            json!({"op": "add", "value": {ENTERPRISE: {"division": "D"}}}),
            json!({ENTERPRISE: {"department": "Sales", "division": "D"}}),
        ),
    ] {
        let changed = patched(ada(), json!([operation.clone()]));
        assert_eq!(changed.unwrap(), with(expected), "{operation}");
    }
}

#[test]
fn of_a_list_without_values_that_is_removed_which_is_named() {
    let home = || json!({"type": "home", "locality": "Ulm", "country": "DE"});
    let before = json!({"userName": "ada",
        "addresses": [{"type": "work", "locality": "Bonn", "country": "DE"}, home()]});
    for (named, left) in [
        (json!([{"type": "work", "locality": "Bonn"}]), json!([home()])),
        (json!([{"type": "work", "country": "DE"}]), json!([home()])),
        (json!([{"type": "other"}]), before["addresses"].clone()),
        (json!([{}]), before["addresses"].clone()),
        (json!([{"country": "DE"}]), Value::Null),
    ] {
        let remove = json!([{"op": "remove", "path": "addresses", "value": named}]);
        let after = patched(before.clone(), remove).unwrap();
        assert_eq!(after["addresses"], left, "{named}");
    }
}

#[test]
fn what_can_not_be_done_is_told_by_its_kind() {
    use ErrorType::{
        InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget,
    };
    for (operations, kind) in [
        (json!([]), InvalidSyntax),
        (json!({}), InvalidSyntax),
        (json!(["x"]), InvalidSyntax),
        (json!([{"op": "move", "path": "title"}]), InvalidSyntax),
        (json!([{"op": 1}]), InvalidSyntax),
        (json!([{"op": "add", "path": 1}]), InvalidSyntax),
        (json!([{"op": "remove"}]), NoTarget),
        (json!([{"op": "replace", "path": "emails[type eq \"x\"].value", "value": "y"}]), NoTarget),
        (json!([{"op": "replace", "path": "roles", "value": []}]), InvalidPath),
        (json!([{"op": "replace", "path": "a..b", "value": []}]), InvalidPath),
        (json!([{"op": "replace", "path": "name[type eq \"x\"]", "value": {}}]), InvalidPath),
        (json!([{"op": "replace", "path": "emails[type eq]", "value": {}}]), InvalidFilter),
        (json!([{"op": "replace", "path": "emails[x eq \"y\"]", "value": {}}]), InvalidFilter),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), Mutability),
        (json!([{"op": "add", "path": "groups", "value": [{"value": "x"}]}]), Mutability),
        (json!([{"op": "replace", "path": "meta.version", "value": "x"}]), Mutability),
        (json!([{"op": "replace", "path": "active", "value": "maybe"}]), InvalidValue),
        (json!([{"op": "replace", "path": "userName", "value": {}}]), InvalidValue),
        (json!([{"op": "replace", "value": "x"}]), InvalidValue),
        (json!([{"op": "replace", "path": "emails.primary", "value": true}]), InvalidValue),
    ] {
        let refused = patched(ada(), operations.clone()).unwrap_err();
        assert_eq!(refused.kind(), Some(kind), "{operations}: {}", refused.detail());
    }
}

#[test]
fn all_are_done_or_none() {
    let mut resource = object(ada());
    let operations = json!({"Operations": [{"op": "replace", "path": "userName", "value": "b"},
        {"op": "replace", "path": "id", "value": "x"}]});
    let operations = Operation::parse_all(operations, &USERS).unwrap();
    assert!(apply(&mut resource, operations, &USERS).is_err());
    assert_eq!(Value::Object(resource), ada());
}
