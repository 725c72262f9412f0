//! Resources as JSON: names are written as the schema has them, and values are of its types. What
//! comes from outside is made so once, by [`resource`] and [`value`].

use serde_json::{Map, Value};

use super::{
    error::ScimError,
    schema::{Attribute, Kind, ResourceType, Schema},
};

/// The longest text of one value, in bytes.
const LONGEST: usize = 4096;
/// The longest `externalId`, in bytes.
const LONGEST_EXTERNAL_ID: usize = 255;
/// How many values a list has at most.
const MOST_VALUES: usize = 100;

/// A resource that a client sends. What no schema has, and what clients can't change, is left out
/// (RFC 7644 sections 3.3 and 3.5.1).
pub fn resource(body: Value, of: &'static ResourceType) -> Result<Map<String, Value>, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::syntax("The body is a JSON object."));
    };
    let mut taken = Map::new();
    for (name, given) in body {
        if let Some(extension) = of.extension(&name) {
            let inner = members(given, extension.attributes, extension.id)?;
            if !inner.is_empty() {
                put(&mut taken, extension.id, Value::Object(inner))?;
            }
        } else if let Some(attribute) = of.attribute(&name)
            && !attribute.is_read_only()
            && let Some(value) = value(given, attribute)?
        {
            put(&mut taken, attribute.name, value)?;
        }
    }
    Ok(taken)
}

/// Refuses a resource without what it must have.
pub fn require(resource: &Map<String, Value>, schema: &Schema) -> Result<(), ScimError> {
    let missing = schema
        .attributes
        .iter()
        .find(|attribute| attribute.is_required && !resource.contains_key(attribute.name));
    match missing {
        Some(attribute) => Err(ScimError::value(format!("{} is required.", attribute.name))),
        None => Ok(()),
    }
}

/// A value of an attribute as the schema has it. `None`: it is unassigned (RFC 7643 section 2.5).
pub fn value(given: Value, of: &'static Attribute) -> Result<Option<Value>, ScimError> {
    if !of.is_list {
        return single(given, of);
    }
    let items = match given {
        Value::Array(items) => items,
        Value::Null => return Ok(None),
        one => vec![one],
    };
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        let item = single(item, of)?;
        // A member who is not named would be left out, and the list be another one.
        if of.name == "members" && item.as_ref().is_none_or(|item| item.get("value").is_none()) {
            return Err(ScimError::value("members: value is missing."));
        }
        list.extend(item);
    }
    check_list(&list, of)?;
    Ok((!list.is_empty()).then_some(Value::Array(list)))
}

/// Refuses a list that is too long, or has more than one primary value. Of members there may be
/// more, which are counted where they join.
pub fn check_list(list: &[Value], of: &Attribute) -> Result<(), ScimError> {
    if list.len() > MOST_VALUES && of.name != "members" {
        return Err(ScimError::value(format!("{}: at most {MOST_VALUES} values.", of.name)));
    }
    if list.iter().filter(|item| is_primary(item)).count() > 1 {
        return Err(ScimError::value(format!("{}: at most one value is primary.", of.name)));
    }
    Ok(())
}

/// One value, of an attribute that may have several.
pub fn single(given: Value, of: &'static Attribute) -> Result<Option<Value>, ScimError> {
    let wrong = |expected: &str| ScimError::value(format!("{}: give {expected}.", of.name));
    match (of.kind, given) {
        (_, Value::Null) => Ok(None),
        (Kind::Text | Kind::Reference(_), Value::String(text)) => {
            let most = if of.name == "externalId" { LONGEST_EXTERNAL_ID } else { LONGEST };
            if text.len() > most {
                return Err(wrong(&format!("at most {most} bytes")));
            }
            if text.contains('\0') {
                return Err(wrong("a text without the character NUL"));
            }
            Ok(Some(Value::String(text)))
        }
        (Kind::Text | Kind::Reference(_), _) => Err(wrong("a text")),
        (Kind::Boolean, Value::Bool(truth)) => Ok(Some(Value::Bool(truth))),
        // As Microsoft Entra writes it.
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Some(Value::Bool(true)))
        }
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Kind::Boolean, _) => Err(wrong("true or false")),
        (Kind::Complex, Value::Object(given)) => {
            let inner = members(Value::Object(given), of.subs, of.name)?;
            Ok((!inner.is_empty()).then_some(Value::Object(inner)))
        }
        // A bare text is the value (as Microsoft Entra sends a manager).
        (Kind::Complex, Value::String(text)) => match of.sub("value") {
            Some(sub) => Ok(single(Value::String(text), sub)?
                .map(|value| Value::Object(Map::from_iter([(sub.name.to_owned(), value)])))),
            None => Err(wrong("an object")),
        },
        (Kind::Complex, _) => Err(wrong("an object")),
    }
}

fn members(
    given: Value,
    attributes: &'static [Attribute],
    outer: &str,
) -> Result<Map<String, Value>, ScimError> {
    let given = match given {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => return Err(ScimError::value(format!("{outer}: give an object."))),
    };
    let mut taken = Map::new();
    for (name, given) in given {
        let known = attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(&name));
        if let Some(sub) = known.filter(|sub| !sub.is_read_only())
            && let Some(value) = value(given, sub)?
        {
            put(&mut taken, sub.name, value)?;
        }
    }
    Ok(taken)
}

fn put(into: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), ScimError> {
    match into.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ScimError::syntax(format!("{name} is there twice, in another case."))),
    }
}

/// Whether it is the value to use.
pub fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE, GROUPS, USERS};

    fn taken(body: Value) -> Result<Value, ScimError> {
        resource(body, &USERS).map(Value::Object)
    }

    #[test]
    fn names_and_types_are_those_of_the_schema() {
        let body = json!({
            "USERNAME": "ada", "Active": "False", "unknown": 1, "id": "x", "meta": {},
            "groups": [{"value": "g"}], "nickName": null, "emails": [],
            "Name": {"GIVENNAME": "Ada", "x": 1},
            "phoneNumbers": {"value": "1", "primary": "TRUE"},
            ENTERPRISE.to_uppercase(): {"manager": "26", "x": {}},
        });
        let expected = json!({
            "userName": "ada", "active": false, "name": {"givenName": "Ada"},
            "phoneNumbers": [{"value": "1", "primary": true}],
            ENTERPRISE: {"manager": {"value": "26"}},
        });
        assert_eq!(taken(body).unwrap(), expected);
    }

    #[test]
    fn a_member_who_is_not_named_is_refused() {
        for members in [json!([{}]), json!([{"display": "x"}]), json!([{"value": "a"}, null])] {
            let group = json!({"displayName": "x", "members": members});
            assert!(resource(group, &GROUPS).is_err(), "{members}");
        }
        for none in [json!([]), Value::Null] {
            let group = json!({"displayName": "x", "members": none});
            assert_eq!(resource(group, &GROUPS).unwrap().get("members"), None);
        }
    }

    #[test]
    fn what_is_of_another_type_is_refused() {
        for body in [
            json!([]),
            json!("x"),
            json!({"userName": 1}),
            json!({"userName": ["a"]}),
            json!({"active": "yes"}),
            json!({"active": 1}),
            json!({"name": "Ada"}),
            json!({"name": []}),
            json!({"emails": [1]}),
            json!({"emails": [[]]}),
            json!({"userName": "a\u{0}"}),
            json!({"userName": "x".repeat(5000)}),
            json!({"externalId": "x".repeat(256)}),
            json!({"emails": (0..101).map(|one| json!({"value": one.to_string()}))
                .collect::<Vec<_>>()}),
            json!({"userName": "a", "USERNAME": "b"}),
            json!({ENTERPRISE: "x"}),
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        ] {
            assert!(taken(body.clone()).is_err(), "{body}");
        }
    }
}
