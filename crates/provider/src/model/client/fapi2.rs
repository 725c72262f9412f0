//! The FAPI 2.0 Security Profile for single clients, by the setting `fapi2`, and FAPI 2.0 Message
//! Signing, by `fapi2_message_signing`: what it asks of the
//! other settings and what it leaves no choice of. What it asks of requests stands where they are
//! checked; search for `fapi2`.

use doorward_protocol::{jose::SigningAlgorithm, time::Seconds};

use crate::model::{
    client::{Client, ClientSettings, GrantType, MessageSigning, RefreshTokenUsage},
    settings_error::SettingsError,
};

/// What assertions, proofs, ID tokens and access tokens may be signed by (section 5.4.1).
pub(crate) const ALGORITHMS: [SigningAlgorithm; 3] =
    [SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

/// The longest life of a code in seconds (section 5.3.2.1).
const LONGEST_CODE: i64 = 60;

/// The longest life of a pushed request (section 5.3.2.2: less than 600). The setting is
/// the provider's, so that it is cut here.
const LONGEST_PUSHED: Seconds = Seconds::new(599);

/// How long a client's pushed requests live where the provider's setting is this.
pub(crate) fn pushed_lifetime(client: &Client, setting: Seconds) -> Seconds {
    if client.fapi2 { setting.min(LONGEST_PUSHED) } else { setting }
}

/// Refuses settings that contradict the profile (section 5.3.2), and sets those that follow from
/// it.
pub(crate) fn apply(settings: &mut ClientSettings) -> Result<(), SettingsError> {
    let refuse = |key, value: &dyn ToString, problem| {
        Err(SettingsError::new(key, value.to_string(), problem))
    };
    if !settings.fapi2 {
        return match settings.fapi2_message_signing.first() {
            None => Ok(()),
            Some(_) => refuse("fapi2_message_signing", &"…", "it extends fapi2: set fapi2 = true"),
        };
    }
    let has_keys = settings.jwks.is_some() || settings.jwks_uri.is_some();
    if !settings.require_client_secret || !has_keys {
        return refuse(
            "fapi2",
            &true,
            "the profile is for clients with require_client_secret and jwks or jwks_uri",
        );
    }
    if settings.allowed_grant_types.contains(&GrantType::Password) {
        return refuse("allowed_grant_types", &"password", "fapi2 rules this grant type out");
    }
    let signing = [
        ("id_token_signing_alg", Some(settings.id_token_signing_alg)),
        ("authorization_signed_response_alg", settings.authorization_signed_response_alg),
        ("userinfo_signed_response_alg", settings.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", settings.introspection_signed_response_alg),
    ];
    for (key, algorithm) in signing {
        if let Some(own) = algorithm.filter(|own| !ALGORITHMS.contains(own)) {
            return refuse(key, &own, "with fapi2 give PS256, ES256 or EdDSA");
        }
    }
    if settings.authorization_code_lifetime > LONGEST_CODE {
        let problem = "with fapi2 a code lives for 60 seconds at most";
        return refuse(
            "authorization_code_lifetime",
            &settings.authorization_code_lifetime,
            problem,
        );
    }
    settings.require_pkce = true;
    settings.require_par = true;
    settings.require_dpop = true;
    // FAPI 2.0 Message Signing, each part by itself.
    for part in &settings.fapi2_message_signing {
        match part {
            MessageSigning::SignedRequests => settings.require_signed_request_object = true,
            MessageSigning::SignedResponses => settings.require_signed_response = true,
            MessageSigning::SignedIntrospection => settings.require_signed_introspection = true,
        }
    }
    settings.allow_any_localhost_port = false;
    settings.allow_private_use_schemes = false;
    settings.allow_http_redirect_uris = false;
    // Tokens that are of no use without the client's key gain nothing by being replaced, and a lost
    // answer costs nothing.
    settings.refresh_token_usage = RefreshTokenUsage::Reuse;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn client(changes: Value) -> Result<Client, SettingsError> {
        let mut settings = json!({
            "client_id": "bank", "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://bank.example/cb"], "jwks_uri": "https://bank.example/jwks",
            "id_token_signing_alg": "ES256", "fapi2": true, "require_pkce": false,
        });
        let Value::Object(changes) = changes else { unreachable!() };
        settings.as_object_mut().unwrap().extend(changes);
        Client::from_settings(serde_json::from_value(settings).unwrap(), false)
    }

    #[test]
    fn what_follows_from_the_profile_is_set() {
        let client = client(json!({})).unwrap();
        assert!(client.require_pkce && client.require_par && client.require_dpop);
        assert_eq!(client.refresh_token_usage, RefreshTokenUsage::Reuse);
    }

    #[test]
    fn each_part_of_message_signing_is_set_by_itself() {
        for (parts, expected) in [
            (json!([]), [false; 3]),
            (json!(["signed_requests"]), [true, false, false]),
            (json!(["signed_responses"]), [false, true, false]),
            (json!(["signed_introspection"]), [false, false, true]),
            (json!(["signed_introspection", "signed_requests", "signed_responses"]), [true; 3]),
        ] {
            let client = client(json!({"fapi2_message_signing": parts})).unwrap();
            let set = [
                client.request_objects.required,
                client.answers.authorization_required,
                client.answers.introspection_required,
            ];
            assert_eq!(set, expected);
        }
        let alone = json!({"fapi2": false, "fapi2_message_signing": ["signed_requests"]});
        assert_eq!(client(alone).unwrap_err().key, "fapi2_message_signing");
    }

    #[test]
    fn a_pushed_request_lives_for_less_than_ten_minutes() {
        let fapi2 = client(json!({})).unwrap();
        let other = client(json!({"fapi2": false})).unwrap();
        for (setting, of_fapi2) in [(60, 60), (599, 599), (600, 599), (3600, 599)] {
            let (setting, of_fapi2) = (Seconds::new(setting), Seconds::new(of_fapi2));
            assert_eq!(
                (pushed_lifetime(&fapi2, setting), pushed_lifetime(&other, setting)),
                (of_fapi2, setting)
            );
        }
    }

    #[test]
    fn what_contradicts_the_profile_is_refused_by_key() {
        for (changes, key) in [
            (json!({"jwks_uri": null, "client_secrets": [{"sha256": "x"}]}), "fapi2"),
            (json!({"require_client_secret": false}), "fapi2"),
            (
                json!({"allowed_grant_types": ["authorization_code", "password"]}),
                "allowed_grant_types",
            ),
            (json!({"id_token_signing_alg": "RS256"}), "id_token_signing_alg"),
            (
                json!({"authorization_signed_response_alg": "RS256"}),
                "authorization_signed_response_alg",
            ),
            (json!({"userinfo_signed_response_alg": "RS256"}), "userinfo_signed_response_alg"),
            (
                json!({"introspection_signed_response_alg": "RS256"}),
                "introspection_signed_response_alg",
            ),
            (json!({"request_object_signing_alg": "RS256"}), "request_object_signing_alg"),
            (json!({"request_object_signing_alg": "none"}), "request_object_signing_alg"),
            (json!({"authorization_code_lifetime": 61}), "authorization_code_lifetime"),
        ] {
            assert_eq!(client(changes.clone()).unwrap_err().key, key, "{changes}");
        }
    }
}
