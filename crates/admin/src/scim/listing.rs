//! Lists (RFC 7644 section 3.4.2): what a request asks for, and which indexes answer a filter.
//!
//! A list is either all of a kind in the order of their names, or what a filter finds by an index.
//! What no index answers is refused: nobody makes the provider read everything.

use std::str::FromStr;

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{
    attribute_path::AttributePath,
    error::ScimError,
    filter::{self, Comparison, Filter},
    projection::Projection,
    schema::{Resolved, ResourceType},
    shown,
};

/// Resources of a page, unless the request says otherwise.
const USUAL: u32 = 100;
/// Resources of a page at most.
pub const MOST: u32 = 200;
/// How many resources an index may find for a filter.
pub const MOST_FOUND: u32 = 1000;
/// The URN of the answer.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The URN of a search by POST.
pub const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a list is asked for.
#[derive(Debug)]
pub struct Query {
    /// Which resources.
    pub filter: Option<Filter>,
    /// What they are sorted by.
    pub sort: Option<Resolved>,
    /// Whether the last one comes first.
    pub is_descending: bool,
    /// How many come before the page.
    pub skipped: u64,
    /// How many the page has at most.
    pub count: u32,
    /// What is said of each.
    pub projection: Projection,
}

/// The parameters as they come.
#[derive(Default)]
struct Parameters {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Option<Vec<String>>,
    excluded_attributes: Vec<String>,
}

fn number(name: &str, text: &str) -> Result<i64, ScimError> {
    i64::from_str(text.trim()).map_err(|_| ScimError::value(format!("{name} is a whole number.")))
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Query {
    /// Reads the query of a URL. Parameters that are unknown say nothing.
    pub fn of_url(query: Option<&str>, of: &'static ResourceType) -> Result<Self, ScimError> {
        let mut given = Parameters::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "filter" => given.filter = Some(value.into_owned()),
                "sortBy" => given.sort_by = Some(value.into_owned()),
                "sortOrder" => given.sort_order = Some(value.into_owned()),
                "startIndex" => given.start_index = Some(number("startIndex", &value)?),
                "count" => given.count = Some(number("count", &value)?),
                "attributes" => given.attributes = Some(names(&value)),
                "excludedAttributes" => given.excluded_attributes = names(&value),
                _ => {}
            }
        }
        Self::of(given, of)
    }

    /// Reads a search by POST (RFC 7644 section 3.4.3).
    pub fn of_search(body: Value, of: &'static ResourceType) -> Result<Self, ScimError> {
        super::body::require_schema(&body, SEARCH_SCHEMA)?;
        let wrong = |name: &str| ScimError::syntax(format!("{name} is of another type."));
        let text = |name: &str, value: Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(wrong(name)),
        };
        let list = |name: &str, value: Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(names(&text))),
            list => serde_json::from_value(list).map(Some).map_err(|_| wrong(name)),
        };
        let whole = |name: &str, value: Value| match value {
            Value::Null => Ok(None),
            value => value.as_i64().map(Some).ok_or_else(|| wrong(name)),
        };
        let mut given = Parameters::default();
        let Value::Object(members) = body else { return Err(wrong("The body")) };
        for (name, value) in members {
            match &*name {
                "filter" => given.filter = text(&name, value)?,
                "sortBy" => given.sort_by = text(&name, value)?,
                "sortOrder" => given.sort_order = text(&name, value)?,
                "startIndex" => given.start_index = whole(&name, value)?,
                "count" => given.count = whole(&name, value)?,
                "attributes" => given.attributes = list(&name, value)?,
                "excludedAttributes" => {
                    given.excluded_attributes = list(&name, value)?.unwrap_or_default();
                }
                _ => {}
            }
        }
        Self::of(given, of)
    }

    fn of(given: Parameters, of: &'static ResourceType) -> Result<Self, ScimError> {
        let filter = given.filter.as_deref().filter(|text| !text.trim().is_empty());
        let filter = filter.map(Filter::parse).transpose();
        let filter = filter.map_err(|error| ScimError::filter(format!("{error}.")))?;
        filter.iter().try_for_each(|filter| filter::check(filter, of))?;
        let unknown = || ScimError::path("There is no attribute to sort by as sortBy says.");
        let sort = given.sort_by.map(|text| {
            let path = AttributePath::parse(&text).ok_or_else(unknown)?;
            of.resolve(&path).ok_or_else(unknown)
        });
        let is_descending = match given.sort_order.as_deref() {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(ScimError::value("sortOrder is ascending or descending."));
            }
        };
        // Less than 1 counts as 1, and a negative count as none (RFC 7644 section 3.4.2.4).
        let skipped = given.start_index.unwrap_or(1).saturating_sub(1).max(0).unsigned_abs();
        let count = match given.count {
            None => USUAL,
            Some(count) => u32::try_from(count.max(0)).unwrap_or(MOST).min(MOST),
        };
        let (only, without) = (given.attributes.as_deref(), &given.excluded_attributes);
        let projection = Projection::new(only.filter(|only| !only.is_empty()), without, of)?;
        let sort = sort.transpose()?;
        Ok(Self { filter, sort, is_descending, skipped, count, projection })
    }

    /// Where a page of a list of this many begins in ascending order, and how many it has.
    pub fn window(&self, total: u64) -> (u64, u32) {
        let left = total.saturating_sub(self.skipped);
        let count = u64::from(self.count).min(left);
        let start = if self.is_descending { left - count } else { self.skipped.min(total) };
        (start, u32::try_from(count).unwrap_or(MOST))
    }

    /// Sorts what was found, and answers with a page of it.
    pub fn page_of(&self, found: Vec<Map<String, Value>>, by: &str) -> Response {
        let (total, page) = self.page(found, by, |resource| resource);
        self.answer(total, page)
    }

    /// Sorts what was found by its resources, or else by the text `by`. Returns how many there are,
    /// and a page of them.
    pub fn page<T>(
        &self,
        mut found: Vec<T>,
        by: &str,
        resource_of: impl Fn(&T) -> &Map<String, Value>,
    ) -> (u64, Vec<T>) {
        found.sort_by_key(|one| {
            let resource = resource_of(one);
            let key = match &self.sort {
                Some(sort) => sort_key(resource, sort),
                None => resource.get(by).and_then(Value::as_str).map(str::to_lowercase),
            };
            // What has no value comes last (RFC 7644 section 3.4.2.3).
            (key.is_none(), key)
        });
        if self.is_descending {
            found.reverse();
        }
        let total = found.len() as u64;
        let skipped = usize::try_from(self.skipped).unwrap_or(usize::MAX);
        (total, found.into_iter().skip(skipped).take(self.count as usize).collect())
    }

    /// Answers with a page.
    pub fn answer(&self, total: u64, page: Vec<Map<String, Value>>) -> Response {
        let resources: Vec<Value> =
            page.into_iter().map(|resource| self.projection.apply(resource)).collect();
        list(total, self.skipped + 1, &resources)
    }
}

/// The answer of a list.
pub fn list(total: u64, start: u64, resources: &[Value]) -> Response {
    shown(&json!({
        "schemas": [SCHEMA],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    }))
}

fn sort_key(resource: &Map<String, Value>, sort: &Resolved) -> Option<String> {
    let members = match sort.extension {
        None => resource,
        Some(urn) => resource.get(urn)?.as_object()?,
    };
    let value = members.get(sort.attribute.name)?;
    // Of several values the primary one counts, or else the first.
    let value = match value {
        Value::Array(values) => {
            let primary = values.iter().find(|value| super::values::is_primary(value));
            primary.or_else(|| values.first())?
        }
        value => value,
    };
    let value = match sort.sub {
        Some(sub) => value.get(sub.name)?,
        None => value.get("value").unwrap_or(value),
    };
    match value {
        Value::String(text) if sort.sub.unwrap_or(sort.attribute).case_exact => Some(text.clone()),
        Value::String(text) => Some(text.to_lowercase()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What an index finds: those whose attribute is the text, or begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The attribute.
    pub attribute: &'static str,
    /// The text.
    pub text: String,
    /// Whether the attribute only begins with it.
    pub is_prefix: bool,
}

/// The lookups that find everything that a filter matches, and maybe more; `None` if there are
/// none. `indexed` are the attributes that have an index, and whether it finds by a beginning, too.
pub fn lookups(
    filter: &Filter,
    of: &'static ResourceType,
    indexed: &[(&'static str, bool)],
) -> Option<Vec<Lookup>> {
    let lookup = |path: &AttributePath, comparison: Comparison, value: &Value| {
        let found = of.resolve(path)?;
        let is_value = found.sub.is_none_or(|sub| sub.name == "value");
        let (attribute, by_prefix) =
            indexed.iter().find(|(name, _)| *name == found.attribute.name)?;
        let is_prefix = match comparison {
            Comparison::Equal => false,
            Comparison::StartsWith if *by_prefix => true,
            _ => return None,
        };
        let text = value.as_str().filter(|_| is_value && found.extension.is_none())?;
        let text = text.to_owned();
        Some(vec![Lookup { attribute, text, is_prefix }])
    };
    match filter {
        Filter::Compare(path, comparison, value) => lookup(path, *comparison, value),
        Filter::Has(path, inner) => {
            let terms = match &**inner {
                Filter::And(parts) => parts.as_slice(),
                other => std::slice::from_ref(other),
            };
            terms.iter().find_map(|term| match term {
                Filter::Compare(sub, comparison, value)
                    if sub.name.eq_ignore_ascii_case("value") =>
                {
                    lookup(path, *comparison, value)
                }
                _ => None,
            })
        }
        // One part is enough, best one that finds few.
        Filter::And(parts) => {
            let found = parts.iter().filter_map(|part| lookups(part, of, indexed));
            found.min_by_key(|found| found.iter().any(|lookup| lookup.is_prefix))
        }
        Filter::Or(parts) => {
            let found: Option<Vec<_>> =
                parts.iter().map(|part| lookups(part, of, indexed)).collect();
            found.map(|found| found.into_iter().flatten().collect())
        }
        Filter::Not(_) | Filter::Present(_) => None,
    }
}

/// The refusal of a filter that no index answers.
pub fn no_index(indexed: &[(&'static str, bool)]) -> ScimError {
    let names: Vec<&str> = indexed.iter().map(|(name, _)| *name).collect();
    ScimError::filter(format!(
        "No index answers this filter. Compare one of these by eq, alone or joined by and: {}.",
        names.join(", ")
    ))
}

/// The refusal of a filter that finds too many.
pub fn too_many() -> ScimError {
    ScimError::too_many(format!(
        "The filter finds more than {MOST_FOUND} resources. Make it narrower."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scim::schema::USERS;

    const INDEXED: [(&str, bool); 3] = [("userName", true), ("id", false), ("emails", true)];

    fn planned(text: &str) -> Option<Vec<(&'static str, String, bool)>> {
        let found = lookups(&Filter::parse(text).unwrap(), &USERS, &INDEXED)?;
        Some(found.into_iter().map(|one| (one.attribute, one.text, one.is_prefix)).collect())
    }

    #[test]
    fn a_filter_is_answered_by_an_index_or_not_at_all() {
        let one = |name, text: &str, is_prefix| Some(vec![(name, text.to_owned(), is_prefix)]);
        for (text, expected) in [
            (r#"userName eq "a""#, one("userName", "a", false)),
            (r#"USERNAME sw "a""#, one("userName", "a", true)),
            (r#"id sw "a""#, None),
            (r#"userName co "a""#, None),
            (r#"emails eq "a""#, one("emails", "a", false)),
            (r#"emails.value eq "a""#, one("emails", "a", false)),
            (r#"emails.type eq "work""#, None),
            (r#"emails[type eq "work" and value eq "a"]"#, one("emails", "a", false)),
            (r#"emails[type eq "work" or value eq "a"]"#, None),
            (r#"title pr and userName sw "a" and id eq "b""#, one("id", "b", false)),
            (r#"active eq true and userName sw "a""#, one("userName", "a", true)),
            (r#"title eq "a""#, None),
            (r#"not (userName eq "a")"#, None),
            (r#"userName eq "a" or title eq "b""#, None),
            ("userName pr", None),
        ] {
            assert_eq!(planned(text), expected, "{text}");
        }
        assert_eq!(planned(r#"userName eq "a" or id eq "b""#).unwrap().len(), 2);
    }

    #[test]
    fn pages_are_bounded_and_may_be_read_from_the_end() {
        let query = |text: &str| Query::of_url(Some(text), &USERS).unwrap();
        assert_eq!(query("").window(1000), (0, 100));
        assert_eq!(query("startIndex=-5&count=1000").window(1000), (0, 200));
        assert_eq!(query("startIndex=991&count=20").window(1000), (990, 10));
        assert_eq!(query("startIndex=2000").window(1000), (1000, 0));
        assert_eq!(query("count=-1").window(1000), (0, 0));
        assert_eq!(query("startIndex=9223372036854775807").window(3), (3, 0));
        let last = "sortBy=userName&sortOrder=descending&count=3";
        assert_eq!(query(last).window(10), (7, 3));
        assert_eq!(query(&format!("{last}&startIndex=9")).window(10), (0, 2));
        for wrong in [
            "count=x",
            "startIndex=1e3",
            "sortOrder=up",
            "sortBy=x",
            "filter=x",
            "sortBy=a..b",
            "filter=title+eq",
            "attributes=id&excludedAttributes=meta",
        ] {
            assert!(Query::of_url(Some(wrong), &USERS).is_err(), "{wrong}");
        }
    }
}
