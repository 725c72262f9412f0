//! The settings of a client as a form shows them: what belongs together, and what each one takes.
//! A test holds this table against the type that the server reads.

use self::{Kind as K, Section as S};
pub use super::settings::Kind;
use super::settings::setting;

/// Settings that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What the client is called, and how it looks.
    General,
    /// Where answers go.
    Redirects,
    /// Which grants and scopes it may use.
    Access,
    /// How long its tokens live.
    Lifetimes,
    /// What its users' sign-in must be like.
    SignIn,
    /// How it learns of the end of a session.
    Logout,
    /// How it authenticates.
    Keys,
    /// What its tokens say.
    Tokens,
    /// What few clients need.
    Advanced,
}

/// A setting.
pub type Setting = super::settings::Setting<Section>;

impl Section {
    /// All sections, in their order.
    pub const ALL: [Self; 9] = [
        S::General,
        S::Redirects,
        S::Access,
        S::Lifetimes,
        S::SignIn,
        S::Logout,
        S::Keys,
        S::Tokens,
        S::Advanced,
    ];

    /// Its settings, in their order.
    pub fn settings(self) -> impl Iterator<Item = &'static Setting> {
        let is_shown = move |own: &&Setting| own.section == self && own.kind != K::Fixed;
        SETTINGS.iter().filter(is_shown)
    }
}

const SIGNING: &[&str] = &["RS256", "PS256", "ES256", "EdDSA"];

/// All settings but the identifier, which never changes, and the secrets, which are made one by
/// one.
pub const SETTINGS: [Setting; 67] = [
    setting("enabled", S::General, K::Switch),
    setting("client_name", S::General, K::OptionalText),
    setting("description", S::General, K::OptionalText),
    setting("client_uri", S::General, K::OptionalUrl),
    setting("logo_uri", S::General, K::OptionalUrl),
    setting("policy_uri", S::General, K::OptionalUrl),
    setting("tos_uri", S::General, K::OptionalUrl),
    setting("branding", S::General, K::OptionalBranding),
    setting("redirect_uris", S::Redirects, K::Urls),
    setting("post_logout_redirect_uris", S::Redirects, K::Urls),
    setting("allowed_cors_origins", S::Redirects, K::Urls),
    setting("allow_any_localhost_port", S::Redirects, K::Switch),
    setting("allow_private_use_schemes", S::Redirects, K::Switch),
    setting("allow_http_redirect_uris", S::Redirects, K::Switch),
    setting(
        "allowed_grant_types",
        S::Access,
        K::Choices(&["authorization_code", "client_credentials", "device_code", "password"]),
    ),
    setting("allow_offline_access", S::Access, K::Switch),
    setting("allowed_scopes", S::Access, K::Scopes),
    setting("access_token_lifetime", S::Lifetimes, K::Lifetime),
    setting("identity_token_lifetime", S::Lifetimes, K::Lifetime),
    setting("authorization_code_lifetime", S::Lifetimes, K::Lifetime),
    setting("device_code_lifetime", S::Lifetimes, K::Lifetime),
    setting("refresh_token_usage", S::Lifetimes, K::Choice(&["one_time_only", "reuse"])),
    setting("refresh_token_expiration", S::Lifetimes, K::Choice(&["absolute", "sliding"])),
    setting("absolute_refresh_token_lifetime", S::Lifetimes, K::Lifetime),
    setting("sliding_refresh_token_lifetime", S::Lifetimes, K::Lifetime),
    setting("require_consent", S::SignIn, K::Switch),
    setting("allow_remember_consent", S::SignIn, K::Switch),
    setting("consent_lifetime", S::SignIn, K::OptionalLifetime),
    setting("user_sso_lifetime", S::SignIn, K::OptionalLifetime),
    setting("require_acr", S::SignIn, K::OptionalLevel(&[1, 2])),
    setting("default_max_age", S::SignIn, K::OptionalLifetime),
    setting("default_acr_values", S::SignIn, K::Texts),
    setting("enable_local_login", S::SignIn, K::Switch),
    setting("identity_providers", S::SignIn, K::OptionalTexts),
    setting("initiate_login_uri", S::SignIn, K::OptionalUrl),
    setting("front_channel_logout_uri", S::Logout, K::OptionalUrl),
    setting("front_channel_logout_session_required", S::Logout, K::Switch),
    setting("back_channel_logout_uri", S::Logout, K::OptionalUrl),
    setting("back_channel_logout_session_required", S::Logout, K::Switch),
    setting("require_client_secret", S::Keys, K::Switch),
    setting("jwks_uri", S::Keys, K::OptionalUrl),
    setting("jwks", S::Keys, K::OptionalKeys),
    setting(
        "request_object_signing_alg",
        S::Keys,
        K::OptionalChoice(&["RS256", "PS256", "ES256", "EdDSA", "none"]),
    ),
    setting("require_signed_request_object", S::Keys, K::Switch),
    setting("request_uris", S::Keys, K::Urls),
    setting("access_token_type", S::Tokens, K::Choice(&["jwt", "reference"])),
    setting("id_token_signing_alg", S::Tokens, K::Choice(SIGNING)),
    setting("always_include_user_claims_in_id_token", S::Tokens, K::Switch),
    setting("update_access_token_claims_on_refresh", S::Tokens, K::Switch),
    setting("claims", S::Tokens, K::Claims),
    setting("client_claims_prefix", S::Tokens, K::Text),
    setting("always_send_client_claims", S::Tokens, K::Switch),
    setting("pair_wise_subject_salt", S::Tokens, K::OptionalSecret),
    setting("sector_identifier_uri", S::Tokens, K::OptionalUrl),
    setting("require_pkce", S::Advanced, K::Switch),
    setting("require_par", S::Advanced, K::Switch),
    setting("require_dpop", S::Advanced, K::Switch),
    setting("require_dpop_nonce", S::Advanced, K::Switch),
    setting("fapi2", S::Advanced, K::Switch),
    setting(
        "fapi2_message_signing",
        S::Advanced,
        K::Choices(&["signed_requests", "signed_responses", "signed_introspection"]),
    ),
    setting("require_signed_response", S::Advanced, K::Switch),
    setting("authorization_signed_response_alg", S::Advanced, K::OptionalChoice(SIGNING)),
    setting("userinfo_signed_response_alg", S::Advanced, K::OptionalChoice(SIGNING)),
    setting("require_signed_introspection", S::Advanced, K::Switch),
    setting("introspection_signed_response_alg", S::Advanced, K::OptionalChoice(SIGNING)),
    setting("allow_plain_text_pkce", S::Advanced, K::Fixed),
    setting("include_jwt_id", S::Advanced, K::Fixed),
];

#[cfg(all(test, feature = "api"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use doorward_provider::model::client::ClientSettings;
    use serde_json::{Map, Value, json};

    use super::*;

    fn read(changes: &[(&str, Value)]) -> Result<Map<String, Value>, String> {
        let mut settings = json!({"client_id": "app"});
        for (name, value) in changes {
            settings[*name] = value.clone();
        }
        let settings: ClientSettings =
            serde_json::from_value(settings).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(settings).unwrap().as_object().unwrap().clone())
    }

    /// A value that a kind takes.
    fn sample(kind: Kind) -> Value {
        match kind {
            K::Switch | K::Fixed => json!(true),
            K::Text | K::OptionalText | K::OptionalSecret => json!("text"),
            K::OptionalUrl => json!("https://app.example/"),
            K::Urls => json!(["https://app.example/"]),
            K::Texts | K::OptionalTexts | K::Scopes => json!(["one", "two"]),
            K::Choice(own) | K::OptionalChoice(own) => json!(own[0]),
            K::Choices(own) => json!(own),
            K::OptionalLevel(own) => json!(own[0]),
            K::Lifetime | K::OptionalLifetime => json!(60),
            K::OptionalKeys => json!({"keys": []}),
            K::OptionalBranding => json!({"name": "Shop", "logo": "shop.png"}),
            K::Claims | K::Object => json!({"tenant": [1, {"a": null}]}),
            K::Objects => json!([{"a": 1}]),
        }
    }

    #[test]
    fn every_setting_has_its_place_in_the_form() {
        // Left out where it has no value.
        let all = read(&[("identity_providers", json!(["one"]))]).unwrap();
        let own: BTreeSet<&str> = all.keys().map(String::as_str).collect();
        let shown = SETTINGS.iter().map(|setting| setting.name);
        assert_eq!(shown.clone().collect::<BTreeSet<_>>().len(), SETTINGS.len(), "one twice");
        let shown: BTreeSet<&str> = shown.chain(["client_id", "client_secrets"]).collect();
        assert_eq!(shown, own);
        let sections = Section::ALL.into_iter().flat_map(Section::settings).count();
        let fixed = SETTINGS.iter().filter(|setting| setting.kind == K::Fixed).count();
        assert_eq!(sections + fixed, SETTINGS.len());
    }

    #[test]
    fn the_server_takes_what_the_form_gives() {
        for Setting { name, kind, .. } in SETTINGS {
            let read_back = read(&[(name, sample(kind))]).unwrap();
            // Choices are a set.
            let sorted = |value: &Value| {
                let mut text = value.to_string().into_bytes();
                text.sort_unstable();
                text
            };
            assert_eq!(sorted(&read_back[name]), sorted(&sample(kind)), "{name}");
            let is_optional = matches!(
                kind,
                K::OptionalText
                    | K::OptionalUrl
                    | K::OptionalTexts
                    | K::OptionalChoice(_)
                    | K::OptionalLevel(_)
                    | K::OptionalLifetime
                    | K::OptionalKeys
                    | K::OptionalBranding
                    | K::OptionalSecret
            );
            assert_eq!(read(&[(name, Value::Null)]).is_ok(), is_optional, "{name}");
            if let K::Choice(all) | K::OptionalChoice(all) = kind {
                for one in all {
                    read(&[(name, json!(one))]).unwrap();
                }
                assert!(read(&[(name, json!("another"))]).is_err(), "{name}");
            }
        }
    }
}
