//! Changes of a part (RFC 7644 section 3.5.2), as a rule on JSON.
//!
//! Clients differ from the RFC in what they send: operations with a capital letter, truth values as
//! texts, paths as the names of members. What is meant is taken (`docs/guides/scim.md`).

use serde_json::{Map, Value};

use super::{
    attribute_path::{AttributePath, is_name},
    error::ScimError,
    filter::{Comparison, Filter, check_values, matches_value},
    schema::{Attribute, Mutability, Resolved, ResourceType},
    values::{check_list, is_primary, single, value},
};

/// The URN of the message.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// How many operations a request may have.
const MOST_OPERATIONS: usize = 100;

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What to do.
    pub kind: OperationKind,
    /// Where; `None`: what the value's members say.
    pub path: Option<Path>,
    /// With what.
    pub value: Value,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Adds to what is there.
    Add,
    /// Puts in place of what is there.
    Replace,
    /// Takes what is there.
    Remove,
}

/// Where something is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// All of an extension, by its URN.
    Extension(String),
    /// An attribute.
    Attribute(AttributePath),
    /// Those values of an attribute that a filter matches, or an attribute within them.
    Values(AttributePath, Filter, Option<String>),
}

impl Operation {
    /// Reads a request.
    pub fn parse_all(body: Value, of: &'static ResourceType) -> Result<Vec<Self>, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::syntax("The body is a JSON object."));
        };
        let mut operations = None;
        for (name, value) in body {
            if name.eq_ignore_ascii_case("Operations") {
                operations = Some(value);
            }
        }
        let Some(Value::Array(operations)) = operations else {
            return Err(ScimError::syntax("Operations is missing, or is not a list."));
        };
        if operations.is_empty() || operations.len() > MOST_OPERATIONS {
            let detail = format!("Operations: give 1 to {MOST_OPERATIONS}.");
            return Err(ScimError::syntax(detail));
        }
        operations.into_iter().map(|operation| Self::parse(operation, of)).collect()
    }

    fn parse(operation: Value, of: &'static ResourceType) -> Result<Self, ScimError> {
        let Value::Object(mut members) = operation else {
            return Err(ScimError::syntax("An operation is a JSON object."));
        };
        let mut take = |name: &str| {
            let key = members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
            key.and_then(|key| members.remove(&key))
        };
        let kind = match take("op") {
            Some(Value::String(word)) => match word.to_ascii_lowercase().as_str() {
                "add" => OperationKind::Add,
                "replace" => OperationKind::Replace,
                "remove" => OperationKind::Remove,
                _ => return Err(ScimError::syntax("op is one of add, replace and remove.")),
            },
            _ => return Err(ScimError::syntax("op is missing, or is not text.")),
        };
        let path = match take("path") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(Path::parse(&text, of)?),
            Some(_) => return Err(ScimError::syntax("path is a text.")),
        };
        let value = take("value").unwrap_or(Value::Null);
        if kind == OperationKind::Remove && path.is_none() {
            return Err(ScimError::no_target("remove needs a path."));
        }
        Ok(Self { kind, path, value })
    }
}

impl Operation {
    /// Whether it takes this attribute away.
    pub fn removes(&self, name: &str) -> bool {
        let is_replaced = self.kind == OperationKind::Replace;
        match &self.path {
            Some(Path::Attribute(path)) => {
                let is_empty = is_replaced && self.value.is_null();
                path.name.eq_ignore_ascii_case(name)
                    && (self.kind == OperationKind::Remove || is_empty)
            }
            None => {
                let mut members = self.value.as_object().into_iter().flatten();
                is_replaced
                    && members
                        .any(|(member, value)| value.is_null() && member.eq_ignore_ascii_case(name))
            }
            Some(_) => false,
        }
    }
}

impl Path {
    /// Reads a path (RFC 7644 figure 7).
    pub fn parse(text: &str, of: &'static ResourceType) -> Result<Self, ScimError> {
        let wrong = || ScimError::path(format!("\"{}\" is not a path.", shortened(text)));
        if let Some(extension) = of.extension(text) {
            return Ok(Self::Extension(extension.id.to_owned()));
        }
        let Some((before, rest)) = text.split_once('[') else {
            return AttributePath::parse(text).map(Self::Attribute).ok_or_else(wrong);
        };
        let path = AttributePath::parse(before).filter(|path| path.sub.is_none());
        let path = path.ok_or_else(wrong)?;
        let (filter, end) = Filter::parse_within_brackets(rest)
            .map_err(|error| ScimError::filter(format!("The path: {error}.")))?;
        let sub = match &rest[end + 1..] {
            "" => None,
            after => {
                let sub = after.strip_prefix('.').filter(|sub| is_name(sub)).ok_or_else(wrong)?;
                Some(sub.to_owned())
            }
        };
        Ok(Self::Values(path, filter, sub))
    }
}

/// A text of a request as it may stand in an answer.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

/// Applies changes to a resource, all of them or none.
pub fn apply(
    resource: &mut Map<String, Value>,
    operations: Vec<Operation>,
    of: &'static ResourceType,
) -> Result<(), ScimError> {
    let mut changed = resource.clone();
    for operation in operations {
        apply_one(&mut changed, operation, of)?;
    }
    *resource = changed;
    Ok(())
}

fn apply_one(
    resource: &mut Map<String, Value>,
    operation: Operation,
    of: &'static ResourceType,
) -> Result<(), ScimError> {
    let Operation { kind, path, value } = operation;
    match path {
        None => apply_members(resource, kind, value, of),
        Some(Path::Extension(urn)) => match (kind, value) {
            (OperationKind::Remove, _) | (OperationKind::Replace, Value::Null) => {
                resource.remove(&urn);
                Ok(())
            }
            (_, Value::Object(members)) => {
                let named = members.into_iter();
                named.filter(|(name, _)| is_name(name)).try_for_each(|(name, value)| {
                    let path = AttributePath { schema: Some(urn.clone()), name, sub: None };
                    if of.resolve(&path).is_none_or(|found| found.attribute.is_read_only()) {
                        return Ok(());
                    }
                    apply_at(resource, kind, &path, value, of)
                })
            }
            _ => Err(ScimError::value("For an extension, give an object.")),
        },
        Some(Path::Attribute(path)) => apply_at(resource, kind, &path, value, of),
        Some(Path::Values(path, filter, sub)) => {
            let target = Values { path, filter, sub };
            apply_to_values(resource, kind, &target, value, of)
        }
    }
}

/// What has no path names its attributes itself. Some clients write paths there.
fn apply_members(
    resource: &mut Map<String, Value>,
    kind: OperationKind,
    value: Value,
    of: &'static ResourceType,
) -> Result<(), ScimError> {
    let Value::Object(members) = value else {
        return Err(ScimError::value("Without a path, value is an object."));
    };
    for (name, value) in members {
        let Ok(path) = Path::parse(&name, of) else { continue };
        let found = match &path {
            Path::Extension(_) => None,
            Path::Attribute(path) | Path::Values(path, ..) => Some(of.resolve(path)),
        };
        // What is unknown, or not the client's to change, is left out, as in a whole resource.
        if found.is_some_and(|found| found.is_none_or(|found| found.attribute.is_read_only())) {
            continue;
        }
        apply_one(resource, Operation { kind, path: Some(path), value }, of)?;
    }
    Ok(())
}

fn resolve(path: &AttributePath, of: &'static ResourceType) -> Result<Resolved, ScimError> {
    let unknown = || ScimError::path(format!("There is no attribute {path}."));
    let found = of.resolve(path).ok_or_else(unknown)?;
    if found.attribute.is_read_only() || found.sub.is_some_and(Attribute::is_read_only) {
        return Err(ScimError::mutability(format!("{path} can't be changed here.")));
    }
    Ok(found)
}

/// Changes the members among which an attribute is. An extension without members is none.
fn among<T>(
    resource: &mut Map<String, Value>,
    found: &Resolved,
    change: impl FnOnce(&mut Map<String, Value>) -> T,
) -> T {
    let Some(urn) = found.extension else { return change(resource) };
    let mut members = match resource.remove(urn) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let done = change(&mut members);
    if !members.is_empty() {
        resource.insert(urn.to_owned(), Value::Object(members));
    }
    done
}

fn apply_at(
    resource: &mut Map<String, Value>,
    kind: OperationKind,
    path: &AttributePath,
    given: Value,
    of: &'static ResourceType,
) -> Result<(), ScimError> {
    let found = resolve(path, of)?;
    let attribute = found.attribute;
    let name = attribute.name;
    if let Some(sub) = found.sub {
        let given = if kind == OperationKind::Remove { None } else { single(given, sub)? };
        return among(resource, &found, |members| {
            let mut outer = members.remove(name).unwrap_or_else(|| empty(attribute));
            if outer.as_array().is_some_and(Vec::is_empty) && given.is_some() {
                outer = Value::Array(vec![Value::Object(Map::new())]);
            }
            let inner: Vec<&mut Value> = match &mut outer {
                Value::Array(values) => values.iter_mut().collect(),
                single => vec![single],
            };
            for members in inner.into_iter().filter_map(Value::as_object_mut) {
                set(members, sub.name, given.clone());
            }
            settle(&outer, attribute)?;
            set(members, name, Some(outer).filter(|outer| !is_unassigned(outer)));
            Ok(())
        });
    }
    if kind == OperationKind::Remove {
        return among(resource, &found, |members| {
            let Some(before) = members.remove(name) else { return Ok(()) };
            // Some clients name by a value what is to be removed from a list.
            if let (Value::Array(values), false) = (before, given.is_null()) {
                let gone = value(given, attribute)?;
                // Where nothing is named, nothing is removed.
                let gone = gone.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let is_gone = |one: &Value| gone.iter().any(|named| names(named, one));
                let kept: Vec<Value> = values.into_iter().filter(|one| !is_gone(one)).collect();
                set(members, name, Some(Value::Array(kept)).filter(|kept| !is_unassigned(kept)));
            }
            Ok(())
        });
    }
    let given = value(given, attribute)?;
    among(resource, &found, |members| {
        let new = match (kind, members.remove(name), given) {
            (OperationKind::Add, before, None) => before,
            (OperationKind::Add, Some(Value::Array(mut values)), Some(Value::Array(more))) => {
                if more.iter().any(is_primary) {
                    values.iter_mut().for_each(no_longer_primary);
                }
                for value in more {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                check_list(&values, attribute)?;
                Some(Value::Array(values))
            }
            // A complex value is merged by both operations.
            (_, Some(Value::Object(mut before)), Some(Value::Object(given))) => {
                before.extend(given);
                Some(Value::Object(before))
            }
            (_, _, given) => given,
        };
        set(members, name, new);
        Ok(())
    })
}

/// Whether a value of a list is the one that is named: by its `value`, or, as addresses have none,
/// by all members that are given.
fn names(named: &Value, one: &Value) -> bool {
    match (named.get("value"), named.as_object()) {
        (Some(value), _) => one.get("value") == Some(value),
        (None, Some(given)) => given.iter().all(|(name, value)| one.get(name) == Some(value)),
        (None, None) => named == one,
    }
}

/// Some values of an attribute.
struct Values {
    path: AttributePath,
    filter: Filter,
    sub: Option<String>,
}

fn apply_to_values(
    resource: &mut Map<String, Value>,
    kind: OperationKind,
    target: &Values,
    given: Value,
    of: &'static ResourceType,
) -> Result<(), ScimError> {
    let Values { path, filter, sub } = target;
    let found = resolve(path, of)?;
    let attribute = found.attribute;
    if !attribute.is_list {
        return Err(ScimError::path(format!("{path} has no several values.")));
    }
    check_values(filter, attribute)?;
    let sub = match sub {
        None => None,
        Some(name) => Some(
            attribute
                .sub(name)
                .ok_or_else(|| ScimError::path(format!("There is no attribute {path}.{name}.")))?,
        ),
    };
    let given = match (kind, sub) {
        (OperationKind::Remove, _) => None,
        (_, Some(sub)) => single(given, sub)?,
        (_, None) => single(given, attribute)?,
    };
    among(resource, &found, |members| {
        let mut values = match members.remove(attribute.name) {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        let mut hits: Vec<usize> = (0..values.len())
            .filter(|index| matches_value(filter, &values[*index], attribute))
            .collect();
        if hits.is_empty() {
            match kind {
                // What is not there is removed already.
                OperationKind::Remove => {}
                OperationKind::Replace => {
                    let detail = format!("No value of {path} matches {filter}.");
                    return Err(ScimError::no_target(detail));
                }
                // The value that the filter describes.
                OperationKind::Add => {
                    values.push(described(filter, attribute));
                    hits.push(values.len() - 1);
                }
            }
        }
        let makes_primary = match (&given, sub) {
            (Some(Value::Bool(true)), Some(sub)) => sub.name == "primary",
            (Some(value), None) => is_primary(value),
            _ => false,
        };
        if makes_primary {
            values.iter_mut().for_each(no_longer_primary);
        }
        for index in &hits {
            let value = &mut values[*index];
            match (sub, &given, value.as_object_mut()) {
                (Some(sub), given, Some(members)) => set(members, sub.name, given.clone()),
                (None, None, _) => *value = Value::Null,
                (None, Some(Value::Object(given)), Some(members)) if kind == OperationKind::Add => {
                    members.extend(given.clone());
                }
                (_, Some(given), _) => *value = given.clone(),
                (Some(_), None, None) => {}
            }
        }
        let kept: Vec<Value> = values.into_iter().filter(|value| !is_unassigned(value)).collect();
        let kept = Value::Array(kept);
        settle(&kept, attribute)?;
        set(members, attribute.name, Some(kept).filter(|kept| !is_unassigned(kept)));
        Ok(())
    })
}

/// The value that a filter of comparisons by `eq` describes.
fn described(filter: &Filter, of: &'static Attribute) -> Value {
    let mut members = Map::new();
    let terms = match filter {
        Filter::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    for term in terms {
        if let Filter::Compare(path, Comparison::Equal, value) = term
            && let Some(sub) = of.sub(&path.name)
            && sub.mutability != Mutability::ReadOnly
        {
            set(&mut members, sub.name, Some(value.clone()).filter(|value| !value.is_null()));
        }
    }
    Value::Object(members)
}

fn set(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => drop(members.remove(name)),
    }
}

fn empty(attribute: &Attribute) -> Value {
    if attribute.is_list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) }
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn no_longer_primary(value: &mut Value) {
    if is_primary(value) {
        value["primary"] = Value::Bool(false);
    }
}

/// Refuses a list that can't be one.
fn settle(values: &Value, attribute: &Attribute) -> Result<(), ScimError> {
    values.as_array().map_or(Ok(()), |values| check_list(values, attribute))
}

#[cfg(test)]
mod tests;
