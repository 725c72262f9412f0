//! The configuration and the users of `IdentityServer4` or Duende `IdentityServer`, as JSON with
//! the names of its models: `Clients`, `IdentityResources`, `ApiScopes`, `ApiResources`,
//! `PersistedGrants` and `Users` (the tables of ASP.NET Core Identity). The guide has the queries
//! that write it from the tables. `appsettings.json` has it below `IdentityServer`.

mod client;
mod resources;
mod user;

use std::{collections::BTreeMap, io::Read};

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use super::{ForeignUser, ReadError, elements_of::ElementsOf, foreign_client::Configuration};

type Each<'a> = &'a mut dyn FnMut(Result<ForeignUser, String>);

/// The lists that are read, in any case.
const MEMBERS: [&str; 6] =
    ["Clients", "IdentityResources", "ApiScopes", "ApiResources", "PersistedGrants", "Users"];

pub fn read(
    export: impl Read,
    each: Each<'_>,
    configuration: &mut Configuration,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(export));
    let mut grants: BTreeMap<String, usize> = BTreeMap::new();
    let mut one = |list: &str, value: Value| match list {
        "Users" => each(user::foreign(&value)),
        "Clients" => configuration.clients.push(client::foreign(value)),
        "PersistedGrants" => {
            let kind = value["Type"].as_str().unwrap_or("of an unknown type").to_owned();
            *grants.entry(kind).or_default() += 1;
        }
        list => resources::take(list, &value, configuration),
    };
    let below = Some(("IdentityServer", MEMBERS.as_slice()));
    let elements = ElementsOf { members: &MEMBERS, below, each: &mut one };
    let found = elements
        .deserialize(&mut json)
        .and_then(|found| json.end().map(|()| found))
        .map_err(|error| ReadError(format!("this is no configuration as JSON: {error}")))?;
    for (kind, count) in grants {
        let what = format!("{count} persisted grants {kind:?}: users and clients sign in anew");
        configuration.left.push(what);
    }
    if found.is_empty() {
        let advice = format!("there is none of {} in it", MEMBERS.join(", "));
        return Err(ReadError(advice));
    }
    Ok(())
}
