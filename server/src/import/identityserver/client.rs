//! A client: the settings here have the same meaning as the properties of `Client` there.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use doorward_protocol::base64url;
use serde_json::{Map, Value, json};

use super::{is_true, says_nothing, seconds_of};
use crate::import::foreign_client::ForeignClient;

/// Truth values and numbers, by their names there and here.
const SAME: [(&str, &str); 20] = [
    ("Enabled", "enabled"),
    ("RequireClientSecret", "require_client_secret"),
    ("RequirePkce", "require_pkce"),
    ("RequireDPoP", "require_dpop"),
    ("RequirePushedAuthorization", "require_par"),
    ("AllowOfflineAccess", "allow_offline_access"),
    ("AlwaysIncludeUserClaimsInIdToken", "always_include_user_claims_in_id_token"),
    ("IdentityTokenLifetime", "identity_token_lifetime"),
    ("AccessTokenLifetime", "access_token_lifetime"),
    ("AuthorizationCodeLifetime", "authorization_code_lifetime"),
    ("DeviceCodeLifetime", "device_code_lifetime"),
    ("AbsoluteRefreshTokenLifetime", "absolute_refresh_token_lifetime"),
    ("SlidingRefreshTokenLifetime", "sliding_refresh_token_lifetime"),
    ("UpdateAccessTokenClaimsOnRefresh", "update_access_token_claims_on_refresh"),
    ("RequireConsent", "require_consent"),
    ("AllowRememberConsent", "allow_remember_consent"),
    ("ConsentLifetime", "consent_lifetime"),
    ("UserSsoLifetime", "user_sso_lifetime"),
    ("EnableLocalLogin", "enable_local_login"),
    ("AlwaysSendClientClaims", "always_send_client_claims"),
];

/// Texts, by their names there and here.
const TEXTS: [(&str, &str); 8] = [
    ("ClientName", "client_name"),
    ("Description", "description"),
    ("ClientUri", "client_uri"),
    ("LogoUri", "logo_uri"),
    ("FrontChannelLogoutUri", "front_channel_logout_uri"),
    ("BackChannelLogoutUri", "back_channel_logout_uri"),
    ("PairWiseSubjectSalt", "pair_wise_subject_salt"),
    ("InitiateLoginUri", "initiate_login_uri"),
];

/// Lists of texts, by their names there and here.
const LISTS: [(&str, &str); 3] = [
    ("RedirectUris", "redirect_uris"),
    ("PostLogoutRedirectUris", "post_logout_redirect_uris"),
    ("AllowedCorsOrigins", "allowed_cors_origins"),
];

/// An enumeration: its name there and here, and its values, by number and by name.
type Named = (&'static str, &'static str, [(&'static str, &'static str); 2]);
/// Enumerations.
const NAMED: [Named; 3] = [
    ("AccessTokenType", "access_token_type", [("Jwt", "jwt"), ("Reference", "reference")]),
    (
        "RefreshTokenUsage",
        "refresh_token_usage",
        [("ReUse", "reuse"), ("OneTimeOnly", "one_time_only")],
    ),
    (
        "RefreshTokenExpiration",
        "refresh_token_expiration",
        [("Sliding", "sliding"), ("Absolute", "absolute")],
    ),
];

/// What is of no use here, or said by something else.
const OF_NO_USE: [&str; 14] = [
    "Id",
    "ClientId",
    "ProtocolType",
    "Created",
    "Updated",
    "LastAccessed",
    "NonEditable",
    "AllowAccessTokensViaBrowser",
    "UserCodeType",
    // Of backchannel authentication (CIBA), whose grant is told.
    "CibaLifetime",
    "PollingInterval",
    // The provider has rules of its own for proofs.
    "DPoPValidationMode",
    "DPoPClockSkew",
    "FrontChannelLogoutSessionRequired",
];

pub fn foreign(value: Value) -> Result<ForeignClient, String> {
    let Value::Object(there) = value else {
        return Err("a client is not a JSON object".to_owned());
    };
    let id = there.get("ClientId").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() {
        return Err("a client has no ClientId".to_owned());
    }
    if there.get("ProtocolType").and_then(Value::as_str).is_some_and(|name| name != "oidc") {
        return Err(format!("the client {id}: it does not speak OpenID Connect"));
    }
    let mut client = ForeignClient::new(id);
    for (name, value) in &there {
        if !value.is_null() {
            take(&mut client, name, value);
        }
    }
    if let Some(required) = there.get("FrontChannelLogoutSessionRequired") {
        client.set("front_channel_logout_session_required", is_true(required));
    }
    client.shorten_jwts();
    Ok(client)
}

fn take(client: &mut ForeignClient, name: &str, value: &Value) {
    if let Some((_, here)) = SAME.iter().find(|(there, _)| *there == name) {
        // SQLite has numbers for truth values.
        let is_number = here.ends_with("lifetime");
        let value = match value.as_i64() {
            Some(number) if !is_number => json!(number != 0),
            _ => value.clone(),
        };
        client.set(here, value);
    } else if let Some((_, here)) = TEXTS.iter().find(|(there, _)| *there == name) {
        client.text(here, value.as_str());
    } else if let Some((_, here)) = LISTS.iter().find(|(there, _)| *there == name) {
        client.list(here, texts(value));
    } else if let Some((_, here, values)) = NAMED.iter().find(|(there, ..)| *there == name) {
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
        let by_number = index.and_then(|index| values.get(index));
        let by_name = values.iter().find(|(there, _)| Some(*there) == value.as_str());
        match by_number.or(by_name) {
            Some((_, value)) => client.set(here, *value),
            None => client.leave(format!("{name} = {value}")),
        }
    } else {
        take_other(client, name, value);
    }
}

fn take_other(client: &mut ForeignClient, name: &str, value: &Value) {
    let is_empty = says_nothing(value);
    match name {
        "AllowedScopes" => client.scopes.extend(texts(value)),
        "AllowedGrantTypes" => grants(client, texts(value)),
        "ClientSecrets" => {
            let secrets = value.as_array().map_or(&[][..], Vec::as_slice);
            for one in secrets {
                secret(client, one);
            }
            // By a secret, which it would get, anybody who has it is the client.
            if !secrets.is_empty() && secrets.iter().all(|one| kind_of(one) != SHARED_SECRET) {
                let advice = "register keys as jwks, or see that a secret is enough";
                client.disable("it authenticates by keys or certificates alone", advice);
            }
        }
        "BackChannelLogoutSessionRequired" => {
            client.set("back_channel_logout_session_required", is_true(value));
        }
        "ClientClaimsPrefix" => client.set("client_claims_prefix", value.clone()),
        "IdentityProviderRestrictions" if !is_empty => client.disable(
            format!("the providers that it is restricted to: {}", texts(value).join(", ")),
            "set identity_providers to their names here",
        ),
        "Claims" => claims(client, value),
        "RequireRequestObject" if is_true(value) => {
            let advice = "set require_signed_request_object and the keys (jwks)";
            client.disable("RequireRequestObject", advice);
        }
        "AllowedIdentityTokenSigningAlgorithms" if !is_empty => {
            client.leave(format!("{name} = {value}: set id_token_signing_alg"));
        }
        "AllowPlainTextPkce" if is_true(value) => {
            client.leave("AllowPlainTextPkce: the application must send its challenge as S256");
        }
        "IncludeJwtId" => {
            if !is_true(value) {
                client.leave("IncludeJwtId = false: access tokens always have a jti");
            }
        }
        "Properties" if !is_empty => client.leave("Properties, which only code of its own reads"),
        name if OF_NO_USE.contains(&name) || is_empty => {}
        name => client.leave(name),
    }
}

/// Claims about the client. One that is there several times has several values.
fn claims(client: &mut ForeignClient, value: &Value) {
    let mut claims: Map<String, Value> = Map::new();
    for claim in value.as_array().into_iter().flatten() {
        let (Some(kind), Some(value)) = (claim["Type"].as_str(), claim["Value"].as_str()) else {
            continue;
        };
        let several = match claims.remove(kind) {
            None => json!(value),
            Some(Value::Array(mut values)) => {
                values.push(json!(value));
                Value::Array(values)
            }
            Some(first) => json!([first, value]),
        };
        claims.insert(kind.to_owned(), several);
    }
    if !claims.is_empty() {
        client.set("claims", claims);
    }
}

fn grants(client: &mut ForeignClient, given: Vec<String>) {
    let mut taken = Vec::new();
    for grant in given {
        match grant.as_str() {
            "authorization_code" | "client_credentials" | "password" => taken.push(grant),
            "hybrid" => {
                client.leave("the hybrid flow: it gets the code flow, and must ask for it");
                taken.push("authorization_code".to_owned());
            }
            "urn:ietf:params:oauth:grant-type:device_code" => taken.push("device_code".to_owned()),
            "implicit" => client.leave("the implicit flow: use the code flow with PKCE"),
            other => client.leave(format!("the grant {other}")),
        }
    }
    taken.sort();
    taken.dedup();
    client.list("allowed_grant_types", taken);
}

/// The kind of secrets that both sides know.
const SHARED_SECRET: &str = "SharedSecret";

fn kind_of(secret: &Value) -> &str {
    secret["Type"].as_str().unwrap_or(SHARED_SECRET)
}

/// A secret: the base64 of its SHA-256, which is kept here as well.
fn secret(client: &mut ForeignClient, secret: &Value) {
    let kind = kind_of(secret);
    let hash = secret["Value"].as_str().and_then(|text| BASE64.decode(text.trim()).ok());
    match (kind, hash) {
        (SHARED_SECRET, Some(hash)) if hash.len() == 32 => {
            let expires = secret["Expiration"].as_str().filter(|text| !text.is_empty());
            let seconds = expires.map(seconds_of);
            if seconds == Some(None) {
                client.leave("a secret whose Expiration can't be read");
                return;
            }
            let description = secret["Description"].as_str();
            client.secret(&base64url::encode(hash), seconds.flatten(), description);
        }
        (SHARED_SECRET, Some(hash)) if hash.len() == 64 => {
            client.leave("a secret by SHA-512: make a new one (doorward client secret add)");
        }
        (SHARED_SECRET, _) => client.leave("a secret whose hash can't be read"),
        (kind, _) => client.leave(format!("a secret of the type {kind}")),
    }
}

/// Texts of a list: as they are, or in the one member of each that is a text and no identifier (as
/// in the tables).
pub fn texts(value: &Value) -> Vec<String> {
    let text = |one: &Value| match one {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => {
            let mut others = members.iter().filter(|(name, _)| !name.ends_with("Id"));
            others.find_map(|(_, value)| value.as_str()).map(str::to_owned)
        }
        _ => None,
    };
    value.as_array().into_iter().flatten().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_jwt_ends_before_its_key_goes() {
        let client = |kind: u8| {
            foreign(json!({"ClientId": "job", "AccessTokenLifetime": 31_536_000,
                "IdentityTokenLifetime": 300, "AccessTokenType": kind}))
            .unwrap()
        };
        let jwt = client(0);
        assert_eq!(jwt.settings["access_token_lifetime"], json!(1_209_600));
        assert_eq!(jwt.settings["identity_token_lifetime"], json!(300));
        let [left] = jwt.left.as_slice() else { panic!("{:?}", jwt.left) };
        assert!(left.contains("access_token_lifetime = 31536000: it gets 1209600"), "{left}");
        let opaque = client(1);
        assert_eq!(opaque.settings["access_token_lifetime"], json!(31_536_000));
        assert!(opaque.left.is_empty(), "{:?}", opaque.left);
    }

    #[test]
    fn a_client_keeps_settings_and_secrets() {
        let client = foreign(json!({
            "Enabled": 1, "ClientId": "mvc", "ProtocolType": "oidc", "ClientName": "MVC",
            "ClientSecrets": [
                {"Value": "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "Type": "SharedSecret",
                    "Expiration": "2027-01-31T12:00:00", "Description": "first"},
                {"Value": "not a hash"},
                {"Type": "X509Thumbprint", "Value": "x"},
            ],
            "AllowedGrantTypes": ["hybrid", "client_credentials"], "RequirePkce": false,
            "RedirectUris": [{"RedirectUri": "https://mvc.example/signin-oidc"}],
            "AllowedScopes": ["openid", "api1"], "AccessTokenLifetime": 900,
            "AccessTokenType": 1, "RefreshTokenUsage": "ReUse", "RefreshTokenExpiration": 1,
            "Properties": {}, "Unknown": 5, "AllowAccessTokensViaBrowser": true,
            "Claims": [{"Type": "tier", "Value": "gold"}, {"Type": "at", "Value": "a"},
                {"Type": "at", "Value": "b"}],
            "RequireDPoP": 1, "RequirePushedAuthorization": false, "RequireRequestObject": 0,
            "IncludeJwtId": 0, "AllowPlainTextPkce": 1,
            "AllowedIdentityTokenSigningAlgorithms": "ES256", "CibaLifetime": 60,
        }))
        .unwrap();
        let expected = json!({
            "client_id": "mvc", "enabled": true, "client_name": "MVC", "require_pkce": false,
            "allowed_grant_types": ["authorization_code", "client_credentials"],
            "redirect_uris": ["https://mvc.example/signin-oidc"], "access_token_lifetime": 900,
            "access_token_type": "reference", "refresh_token_usage": "reuse",
            "refresh_token_expiration": "absolute", "claims": {"tier": "gold", "at": ["a", "b"]},
            "require_dpop": true, "require_par": false,
            "client_secrets": [{"sha256": "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols",
                "expires_at": 1_801_396_800, "description": "first"}],
        });
        assert_eq!(Value::Object(client.settings), expected);
        assert_eq!(client.scopes, ["openid", "api1"]);
        assert_eq!(client.left.len(), 7, "{:?}", client.left);
    }
}
