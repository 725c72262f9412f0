//! Identity resources, API scopes and APIs: Doorward has them in its configuration file, so they
//! are told as what to write there.

use std::fmt::Write as _;

use serde_json::Value;

use crate::import::foreign_client::Configuration;

/// Takes an element of a list of resources.
pub fn take(list: &str, value: &Value, configuration: &mut Configuration) {
    let name = value["Name"].as_str().unwrap_or_default();
    // Every configuration has these.
    let is_standard = ["openid", "profile", "email", "address", "phone"].contains(&name);
    let (table, lists): (&str, &[(&str, &str)]) = match list {
        "IdentityResources" if is_standard => return,
        "IdentityResources" => ("identity_resources", &[("UserClaims", "user_claims")]),
        "ApiScopes" => ("api_scopes", &[]),
        _ => ("api_resources", &[("Scopes", "scopes"), ("UserClaims", "user_claims")]),
    };
    let mut text = format!("[[{table}]]\nname = {}\n", quoted(name));
    if let Some(shown) = value["DisplayName"].as_str() {
        let _ = writeln!(text, "display_name = {}", quoted(shown));
    }
    for (there, here) in lists {
        let texts = super::client::texts(&value[*there]);
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        if !texts.is_empty() {
            let _ = writeln!(text, "{here} = [{}]", texts.join(", "));
        }
    }
    if table == "api_scopes" && value["UserClaims"].as_array().is_some_and(|list| !list.is_empty())
    {
        configuration.left.push(format!(
            "the claims of the scope {name}: name them as user_claims of its API resource"
        ));
    }
    let secrets = ["ApiSecrets", "Secrets"].iter().filter_map(|list| value[*list].as_array());
    if secrets.flatten().next().is_some() {
        configuration.left.push(format!("the secrets of the API {name}: give it new ones"));
    }
    configuration.resources.push(text);
}

/// A text of TOML: JSON's form is one.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
