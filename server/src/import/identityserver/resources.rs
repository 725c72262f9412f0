//! Identity resources, API scopes and APIs: Doorward has them in its configuration file, so they
//! are told as what to write there.

use std::fmt::Write as _;

use serde_json::Value;

use super::{client::texts, is_true, says_nothing};
use crate::import::foreign_client::Configuration;

/// A kind of resource: its list there, its table here, the lists that it must have here, and the
/// settings that it may have, each by its name there and here.
struct Kind {
    list: &'static str,
    table: &'static str,
    lists: &'static [(&'static str, &'static str)],
    settings: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 3] = [
    Kind {
        list: "IdentityResources",
        table: "identity_resources",
        lists: &[("UserClaims", "user_claims")],
        settings: &[("Required", "required")],
    },
    Kind {
        list: "ApiScopes",
        table: "api_scopes",
        lists: &[],
        settings: &[
            ("Description", "description"),
            ("Required", "required"),
            ("Emphasize", "emphasize"),
        ],
    },
    Kind {
        list: "ApiResources",
        table: "api_resources",
        lists: &[("Scopes", "scopes"), ("UserClaims", "user_claims")],
        settings: &[],
    },
];

/// What is taken over, told by itself, or of no use here.
const KNOWN: [&str; 14] = [
    "Id",
    "Enabled",
    "Name",
    "DisplayName",
    "UserClaims",
    "Scopes",
    "ApiSecrets",
    "Secrets",
    "Created",
    "Updated",
    "LastAccessed",
    "NonEditable",
    // Of the consent page, where identity resources and APIs have their name alone.
    "Description",
    // Every scope is in the discovery document.
    "ShowInDiscoveryDocument",
];

/// Takes an element of a list of resources.
pub fn take(list: &str, value: &Value, configuration: &mut Configuration) {
    let Some(kind) = KINDS.iter().find(|kind| kind.list == list) else { return };
    let name = value["Name"].as_str().unwrap_or_default();
    // Every configuration has these.
    let standard = ["openid", "profile", "email", "address", "phone"];
    if kind.list == "IdentityResources" && standard.contains(&name) {
        return;
    }
    let mut leave = |what: String| configuration.left.push(what);
    if value.get("Enabled").is_some_and(|value| !value.is_null() && !is_true(value)) {
        leave(format!("{name} in {list}, which is disabled"));
        return;
    }
    let shown = value["DisplayName"].as_str().filter(|text| !text.is_empty()).unwrap_or(name);
    let mut text =
        format!("[[{}]]\nname = {}\ndisplay_name = {}\n", kind.table, quoted(name), quoted(shown));
    for (there, here) in kind.lists {
        let values: Vec<String> = texts(&value[*there]).iter().map(|text| quoted(text)).collect();
        let _ = writeln!(text, "{here} = [{}]", values.join(", "));
    }
    for (there, here) in kind.settings {
        match &value[*there] {
            Value::String(words) if !words.is_empty() => {
                let _ = writeln!(text, "{here} = {}", quoted(words));
            }
            other if is_true(other) => {
                let _ = writeln!(text, "{here} = true");
            }
            _ => {}
        }
    }
    configuration.resources.push(text);
    let mut leave = |what: String| configuration.left.push(what);
    if kind.table == "api_scopes" && !says_nothing(&value["UserClaims"]) {
        leave(format!(
            "the claims of the scope {name}: name them as user_claims of its API resource"
        ));
    }
    let secrets = ["ApiSecrets", "Secrets"].iter().filter_map(|list| value[*list].as_array());
    if secrets.flatten().next().is_some() {
        leave(format!("the secrets of the API {name}: give it new ones"));
    }
    for (member, value) in value.as_object().into_iter().flatten() {
        let is_taken = KNOWN.contains(&member.as_str())
            || kind.settings.iter().any(|(there, _)| there == member);
        if !is_taken && !says_nothing(value) {
            leave(format!("{member} of {name} in {list}"));
        }
    }
}

/// A text of TOML: JSON's form is one.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
