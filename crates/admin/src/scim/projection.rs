//! Which attributes an answer has (RFC 7644 section 3.9): `attributes` and `excludedAttributes`.

use serde_json::{Map, Value};

use super::{
    attribute_path::AttributePath,
    error::ScimError,
    schema::{Resolved, ResourceType},
};

/// What an answer has in any case.
const ALWAYS: [&str; 2] = ["schemas", "id"];
/// How many attributes a request may name.
const MOST: usize = 100;

/// Which attributes an answer has.
#[derive(Debug, Default)]
pub struct Projection {
    only: Option<Vec<Resolved>>,
    without: Vec<Resolved>,
}

impl Projection {
    /// Reads what a request asks for. A name that is unknown names nothing.
    pub fn new(
        only: Option<&[String]>,
        without: &[String],
        of: &'static ResourceType,
    ) -> Result<Self, ScimError> {
        if only.is_some() && !without.is_empty() {
            let detail = "attributes and excludedAttributes exclude each other.";
            return Err(ScimError::value(detail));
        }
        if only.map_or(0, <[_]>::len).max(without.len()) > MOST {
            return Err(ScimError::value(format!("Name at most {MOST} attributes.")));
        }
        let resolve = |names: &[String]| -> Vec<Resolved> {
            let paths = names.iter().filter_map(|name| AttributePath::parse(name.trim()));
            paths.filter_map(|path| of.resolve(&path)).collect()
        };
        Ok(Self { only: only.map(resolve), without: resolve(without) })
    }

    /// Whether an answer has anything of this attribute.
    pub fn has(&self, name: &str) -> bool {
        let is_named = |found: &Resolved| found.attribute.name == name;
        match &self.only {
            Some(only) => only.iter().any(is_named),
            None => !self.without.iter().any(|found| is_named(found) && found.sub.is_none()),
        }
    }

    /// The resource as the answer has it.
    pub fn apply(&self, resource: Map<String, Value>) -> Value {
        let Some(only) = &self.only else {
            let mut resource = resource;
            for found in self.without.iter().filter(|one| !ALWAYS.contains(&one.attribute.name)) {
                take(&mut resource, found);
            }
            return Value::Object(resource);
        };
        let mut kept = Map::new();
        for name in ALWAYS {
            if let Some(value) = resource.get(name) {
                kept.insert(name.to_owned(), value.clone());
            }
        }
        for found in only {
            keep(&mut kept, &resource, found);
        }
        Value::Object(kept)
    }
}

fn take(resource: &mut Map<String, Value>, found: &Resolved) {
    let members = match found.extension {
        None => Some(resource),
        Some(urn) => resource.get_mut(urn).and_then(Value::as_object_mut),
    };
    let Some(members) = members else { return };
    let Some(sub) = found.sub else {
        members.remove(found.attribute.name);
        return;
    };
    match members.get_mut(found.attribute.name) {
        Some(Value::Array(values)) => {
            for value in values.iter_mut().filter_map(Value::as_object_mut) {
                value.remove(sub.name);
            }
        }
        Some(Value::Object(value)) => drop(value.remove(sub.name)),
        _ => {}
    }
}

fn keep(kept: &mut Map<String, Value>, resource: &Map<String, Value>, found: &Resolved) {
    let (kept, members) = match found.extension {
        None => (kept, Some(resource)),
        Some(urn) => {
            let Some(members) = resource.get(urn).and_then(Value::as_object) else { return };
            let inner = kept.entry(urn).or_insert_with(|| Value::Object(Map::new()));
            let Some(inner) = inner.as_object_mut() else { return };
            (inner, Some(members))
        }
    };
    let name = found.attribute.name;
    let Some(value) = members.and_then(|members| members.get(name)) else { return };
    let Some(sub) = found.sub else {
        kept.insert(name.to_owned(), value.clone());
        return;
    };
    let part = |from: &Value| from.get(sub.name).cloned();
    match value {
        Value::Array(values) => {
            let entry = kept
                .entry(name)
                .or_insert_with(|| values.iter().map(|_| Value::Object(Map::new())).collect());
            for (into, from) in entry.as_array_mut().into_iter().flatten().zip(values) {
                if let (Some(into), Some(part)) = (into.as_object_mut(), part(from)) {
                    into.insert(sub.name.to_owned(), part);
                }
            }
        }
        value => {
            let entry = kept.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let (Some(into), Some(part)) = (entry.as_object_mut(), part(value)) {
                into.insert(sub.name.to_owned(), part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE, USERS};

    fn projected(only: Option<&[&str]>, without: &[&str]) -> Value {
        let texts =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let only = only.map(texts);
        let projection = Projection::new(only.as_deref(), &texts(without), &USERS).unwrap();
        let resource = json!({
            "schemas": [], "id": "1", "userName": "ada",
            "name": {"givenName": "A", "formatted": "B"},
            "emails": [{"value": "x", "type": "work"}, {"value": "y"}],
            ENTERPRISE: {"department": "D", "division": "E"}, "meta": {},
        });
        projection.apply(resource.as_object().cloned().unwrap())
    }

    #[test]
    fn an_answer_has_what_is_asked_for() {
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(
            projected(Some(&["USERNAME", "name.givenName", "emails.value", &department, "x"]), &[]),
            json!({"schemas": [], "id": "1", "userName": "ada", "name": {"givenName": "A"},
                "emails": [{"value": "x"}, {"value": "y"}], ENTERPRISE: {"department": "D"}})
        );
        assert_eq!(projected(Some(&["x"]), &[]), json!({"schemas": [], "id": "1"}));
        assert_eq!(
            projected(None, &["id", "emails.type", "name", &department, "meta"]),
            json!({"schemas": [], "id": "1", "userName": "ada",
                "emails": [{"value": "x"}, {"value": "y"}], ENTERPRISE: {"division": "E"}})
        );
    }
}
