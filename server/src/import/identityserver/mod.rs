//! The configuration and the users of `IdentityServer4` or Duende `IdentityServer`, with the names
//! of its models: `Clients`, `IdentityResources`, `ApiScopes`, `ApiResources`, `IdentityProviders`,
//! `PersistedGrants` and `Users` (the tables of ASP.NET Core Identity). They come as JSON, which
//! `appsettings.json` has below `IdentityServer`, or from the tables of its database: each row then
//! has the same form.

mod client;
mod consent;
mod resources;
mod tables;
pub(super) mod user;

use std::{collections::BTreeMap, io::Read};

use doorward_provider::model::time::Timestamp;
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use self::tables::{Tables, read_tables};
use super::{
    Found, ReadError,
    elements_of::{ElementsOf, Names},
    foreign_client::Configuration,
};

type Each<'a> = &'a mut dyn FnMut(Found);

/// The lists that are read, in any case.
const MEMBERS: [&str; 7] = [
    "Clients",
    "IdentityResources",
    "ApiScopes",
    "ApiResources",
    "IdentityProviders",
    "PersistedGrants",
    "Users",
];

pub fn read(
    export: impl Read,
    now: Timestamp,
    each: Each<'_>,
    configuration: &mut Configuration,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(export));
    let mut taker = Taker { now, each, configuration, grants: BTreeMap::new() };
    let names = Names { lists: &MEMBERS, whole: &[] };
    // What an application keeps in the file beside it is none of ours.
    let mut one = |list: &str, value: Value| {
        taker.take(list.strip_prefix("IdentityServer.").unwrap_or(list), value);
    };
    let elements = ElementsOf { names, below: Some(("IdentityServer", names)), each: &mut one };
    let found = elements
        .deserialize(&mut json)
        .and_then(|found| json.end().map(|()| found))
        .map_err(|error| ReadError(format!("this is not a configuration as JSON: {error}")))?;
    taker.finish();
    if found.is_empty() {
        let advice = format!("there is none of {} in it", MEMBERS.join(", "));
        return Err(ReadError(advice));
    }
    Ok(())
}

/// Takes what an export has, element by element.
struct Taker<'a> {
    now: Timestamp,
    each: Each<'a>,
    configuration: &'a mut Configuration,
    /// How many persisted grants there are, by what is said about them.
    grants: BTreeMap<String, usize>,
}

impl Taker<'_> {
    /// An element of one of [`MEMBERS`].
    fn take(&mut self, list: &str, value: Value) {
        let value = with_model_names(value);
        match list {
            "Users" => (self.each)(Found::User(user::foreign(&value, self.now))),
            "Clients" => self.configuration.clients.push(client::foreign(value)),
            "PersistedGrants" => match consent::foreign(&value, self.now) {
                Ok(consent) => (self.each)(Found::Consent(consent)),
                Err(Some(left)) => *self.grants.entry(left).or_default() += 1,
                Err(None) => {}
            },
            "IdentityProviders" => {
                let name = ["Scheme", "DisplayName"].iter().find_map(|name| value[*name].as_str());
                let name = name.unwrap_or("without a name");
                self.configuration.left.push(format!(
                    "the identity provider {name}: configure it under [[identity_providers]]"
                ));
            }
            list => resources::take(list, &value, self.configuration),
        }
    }

    /// Says what was counted.
    fn finish(self) {
        for (left, count) in self.grants {
            self.configuration.left.push(format!("{count} {left}"));
        }
    }
}

/// Names of members as those of the models: `client_id` and `clientId` are `ClientId`.
fn with_model_names(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let renamed = members
                .into_iter()
                .map(|(name, value)| (model_name(&name), with_model_names(value)));
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(values) => values.into_iter().map(with_model_names).collect(),
        value => value,
    }
}

/// A name as that of a model or table: each word begins with a capital letter.
fn model_name(name: &str) -> String {
    let mut named = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut letters = word.chars();
        named.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        named.push_str(letters.as_str());
    }
    named
}

/// An identifier, which is a text, or a number in some databases.
fn identifier(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A truth value. SQLite has numbers for them.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(value.as_i64().is_some_and(|number| number != 0))
}

/// Whether the value says nothing: it is empty, or off.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_on) => !is_on,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Seconds since 1970 of a date such as `2027-01-31T00:00:00Z` or `2027-01-31 00:00:00`.
/// It is in UTC if it has no offset.
fn seconds_of(text: &str) -> Option<i64> {
    moment_of(text).filter(|seconds| *seconds >= 0)
}

/// The same, also of a date before 1970.
fn moment_of(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let clock = match rest.strip_prefix(['T', ' ']) {
        // SQL Server has a space before the offset.
        Some(clock) => clock.replace(' ', ""),
        None if rest.is_empty() => "00:00:00".to_owned(),
        None => return None,
    };
    let zone = match clock.rfind(['Z', '+', '-']) {
        None => "Z",
        // PostgreSQL leaves out minutes if there are none.
        Some(at) if clock.len() - at == 3 => ":00",
        Some(_) => "",
    };
    let moment = OffsetDateTime::parse(&format!("{date}T{clock}{zone}"), &Rfc3339).ok()?;
    Some(moment.unix_timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00", Some(0)),
            ("2000-02-29 00:00:00.1234567", Some(951_782_400)),
            ("2000-02-29 02:00:00+02", Some(951_782_400)),
            ("2027-01-31T12:00:00Z", Some(1_801_396_800)),
            ("2027-01-31", Some(1_801_353_600)),
            ("31.01.2027", None),
            ("2027-13-01T00:00:00", None),
            ("2027-02-31T00:00:00", None),
            ("2027-01-31T12:00:00+02:00", Some(1_801_389_600)),
            ("2027-01-31 12:00:00.0000000 -05:30", Some(1_801_416_600)),
            ("2027-01-31T12:00:00+99:00", None),
            ("2027-01-31x12:00:00", None),
            ("0001-01-01T00:00:00", None),
            ("9999-12-31T23:59:59.9999999+00:00", Some(253_402_300_799)),
            ("é", None),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_models() {
        for (name, expected) in [
            ("ClientId", "ClientId"),
            ("client_id", "ClientId"),
            ("clientId", "ClientId"),
            ("asp_net_users", "AspNetUsers"),
            ("client_id_p_restrictions", "ClientIdPRestrictions"),
            ("require_d_po_p", "RequireDPoP"),
            ("__EFMigrationsHistory", "EFMigrationsHistory"),
        ] {
            assert_eq!(model_name(name), expected);
        }
    }
}
