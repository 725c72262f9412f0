//! Which resources a filter matches (RFC 7644 section 3.4.2.2, figure 1).

use serde_json::{Map, Value};

use super::{Comparison, Filter};
use crate::scim::{
    attribute_path::AttributePath,
    error::ScimError,
    schema::{Attribute, Kind, Mutability, Resolved, ResourceType},
};

/// Where the paths of a filter begin: at a resource, or within one value of an attribute.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static ResourceType),
    Value(&'static Attribute),
}

/// Refuses a filter with a path that names nothing, or with a comparison that makes no sense.
pub fn check(filter: &Filter, of: &'static ResourceType) -> Result<(), ScimError> {
    check_in(filter, Scope::Resource(of))
}

/// Whether a filter that was checked matches a resource.
pub fn matches(filter: &Filter, resource: &Map<String, Value>, of: &'static ResourceType) -> bool {
    matches_in(filter, resource, Scope::Resource(of))
}

/// Refuses a filter on the values of an attribute.
pub fn check_values(filter: &Filter, of: &'static Attribute) -> Result<(), ScimError> {
    check_in(filter, Scope::Value(of))
}

/// Whether a filter that was checked matches one value of an attribute.
pub fn matches_value(filter: &Filter, value: &Value, of: &'static Attribute) -> bool {
    value.as_object().is_some_and(|members| matches_in(filter, members, Scope::Value(of)))
}

impl Scope {
    fn resolve(self, path: &AttributePath) -> Option<Resolved> {
        match self {
            Self::Resource(kind) => kind.resolve(path),
            Self::Value(outer) if path.schema.is_none() && path.sub.is_none() => {
                let attribute = outer.sub(&path.name)?;
                Some(Resolved { extension: None, attribute, sub: None })
            }
            Self::Value(_) => None,
        }
    }
}

fn check_in(filter: &Filter, scope: Scope) -> Result<(), ScimError> {
    let resolve = |path: &AttributePath| {
        let found = scope.resolve(path);
        let found = found.filter(|found| found.attribute.mutability != Mutability::WriteOnly);
        found.ok_or_else(|| ScimError::filter(format!("there is no attribute {path} to filter by")))
    };
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().try_for_each(|part| check_in(part, scope))
        }
        Filter::Not(inner) => check_in(inner, scope),
        Filter::Present(path) => resolve(path).map(|_| ()),
        Filter::Has(path, inner) => {
            let attribute = resolve(path)?.attribute;
            if path.sub.is_some() || !attribute.is_list {
                let detail = format!("{path} has no several values: [] makes no sense there");
                return Err(ScimError::filter(detail));
            }
            check_in(inner, Scope::Value(attribute))
        }
        Filter::Compare(path, comparison, value) => {
            let compared = compared(&resolve(path)?).ok_or_else(|| {
                ScimError::filter(format!("{path} has no value of its own: name one within it"))
            })?;
            let makes_sense = match (compared.kind, value) {
                (_, Value::Null) | (Kind::Boolean, Value::Bool(_)) => {
                    matches!(comparison, Comparison::Equal | Comparison::NotEqual)
                }
                (Kind::Text | Kind::Reference(_), Value::String(_)) => true,
                _ => false,
            };
            if makes_sense {
                return Ok(());
            }
            Err(ScimError::filter(format!("{path} can't be compared so with {value}")))
        }
    }
}

/// What is compared: the attribute itself, the one within it, or its `value`.
fn compared(resolved: &Resolved) -> Option<&'static Attribute> {
    let attribute = resolved.sub.unwrap_or(resolved.attribute);
    if attribute.kind == Kind::Complex { attribute.sub("value") } else { Some(attribute) }
}

fn matches_in(filter: &Filter, members: &Map<String, Value>, scope: Scope) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| matches_in(part, members, scope)),
        Filter::Or(parts) => parts.iter().any(|part| matches_in(part, members, scope)),
        Filter::Not(inner) => !matches_in(inner, members, scope),
        Filter::Present(path) => {
            let resolved = scope.resolve(path);
            resolved.is_some_and(|resolved| !values(members, &resolved).is_empty())
        }
        Filter::Has(path, inner) => scope.resolve(path).is_some_and(|resolved| {
            let attribute = resolved.attribute;
            values(members, &resolved).iter().any(|value| matches_value(inner, value, attribute))
        }),
        Filter::Compare(path, comparison, given) => {
            let Some(mut resolved) = scope.resolve(path) else { return false };
            let Some(compared) = compared(&resolved) else { return false };
            if resolved.sub.is_none() && resolved.attribute.kind == Kind::Complex {
                resolved.sub = Some(compared);
            }
            let values = values(members, &resolved);
            match (comparison, given) {
                (Comparison::Equal, Value::Null) => values.is_empty(),
                (Comparison::NotEqual, Value::Null) => !values.is_empty(),
                (Comparison::NotEqual, _) if values.is_empty() => true,
                _ => values.iter().any(|value| holds(value, *comparison, given, compared)),
            }
        }
    }
}

/// The values that a path leads to.
fn values<'a>(members: &'a Map<String, Value>, resolved: &Resolved) -> Vec<&'a Value> {
    let within = match resolved.extension {
        None => Some(members),
        Some(urn) => members.get(urn).and_then(Value::as_object),
    };
    let values = match within.and_then(|within| within.get(resolved.attribute.name)) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    };
    match resolved.sub {
        None => values,
        Some(sub) => values.into_iter().filter_map(|value| value.get(sub.name)).collect(),
    }
}

fn holds(value: &Value, comparison: Comparison, given: &Value, of: &Attribute) -> bool {
    let (Value::String(value), Value::String(given)) = (value, given) else {
        return match comparison {
            Comparison::Equal => value == given,
            Comparison::NotEqual => value != given,
            _ => false,
        };
    };
    let form = |text: &str| if of.case_exact { text.to_owned() } else { text.to_lowercase() };
    let (value, given) = (form(value), form(given));
    match comparison {
        Comparison::Equal => value == given,
        Comparison::NotEqual => value != given,
        Comparison::Contains => value.contains(&given),
        Comparison::StartsWith => value.starts_with(&given),
        Comparison::EndsWith => value.ends_with(&given),
        Comparison::Greater => value > given,
        Comparison::GreaterOrEqual => value >= given,
        Comparison::Less => value < given,
        Comparison::LessOrEqual => value <= given,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE, USERS};

    fn checked(text: &str) -> Result<Filter, ScimError> {
        let filter = Filter::parse(text).unwrap();
        check(&filter, &USERS).map(|()| filter)
    }

    #[test]
    fn each_operator_matches_what_it_should() {
        let Value::Object(user) = json!({
            "id": "Ab", "userName": "Ada@example.com", "active": true,
            "name": {"givenName": "Ada"},
            "emails": [
                {"value": "ada@work.example", "type": "work", "primary": true},
                {"value": "ada@home.example", "type": "home"},
            ],
            ENTERPRISE: {"department": "Sales"},
        }) else {
            unreachable!()
        };
        for (text, expected) in [
            (r#"userName eq "ADA@EXAMPLE.COM""#, true),
            (r#"id eq "ab""#, false),
            (r#"id eq "Ab""#, true),
            (r#"userName ne "bob""#, true),
            (r#"userName sw "ada@" and userName ew ".com" and userName co "example""#, true),
            (
                r#"userName gt "a" and userName lt "b" and userName ge "ada" and userName le "b""#,
                true,
            ),
            ("active eq true", true),
            ("active ne true", false),
            ("nickName pr", false),
            ("nickName eq null", true),
            (r#"nickName ne "x""#, true),
            (r#"nickName eq "x""#, false),
            ("name.givenName pr and name pr", true),
            (r#"emails eq "ADA@home.example""#, true),
            (r#"emails.type eq "home" and emails.value co "work""#, true),
            (r#"emails[type eq "home" and value co "work"]"#, false),
            (r#"emails[type eq "work" and value co "work"]"#, true),
            ("not (emails[primary eq true])", false),
            (&format!(r#"{ENTERPRISE}:department eq "sales""#), true),
            (r#"title pr or userName eq "ada@example.com""#, true),
        ] {
            assert_eq!(matches(&checked(text).unwrap(), &user, &USERS), expected, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            r#"roles eq "x""#,
            r#"password eq "x""#,
            "password pr",
            r#"active eq "true""#,
            "active gt true",
            "userName eq 1",
            "userName eq true",
            r#"name eq "x""#,
            "userName[value pr]",
            r#"emails[x eq "y"]"#,
            "userName co null",
            r#"emails.value[type eq "x"]"#,
        ] {
            assert!(checked(text).is_err(), "{text}");
        }
    }
}
