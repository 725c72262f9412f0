#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::ffi::OsString;

use doorward_admin::types::identity_provider_settings as provider_form;
use doorward_protocol::jose::SigningAlgorithm;
use doorward_resource_server::{KeySource, TokenProfile};
use figment::error::Kind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    CREDENTIAL_SETTINGS,
    file::{
        AccountsSection, AdminSection, ApiSection, AppSection, AuditSection, BrandingSection,
        ClientRegistrationSection, ConfigFile, ConnectionsSection, DirectoryManagementTable,
        DirectoryTable, IdentityProviderSettings, IssuerSettings, LogSection, MailSection,
        ManagementSection, ProviderSection, ScimSection, StopSection, StoreSection,
        TelemetrySection, TlsSection, UserSettings,
    },
    *,
};

mod admin;
mod branding;
mod reference;

const EXAMPLE: &str = include_str!("../../../doorward.example.toml");

/// Loads a configuration from a file with this text, and from these variables.
pub fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("doorward.toml");
    std::fs::write(&path, text).unwrap();
    read(Some(&path), environment(variables), &Role::ALL, false)
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// What is said about a configuration, which must name its file, the key and the value in one line.
fn refusal(text: &str, key: &str, value: &str) -> String {
    let error = load(text, &[]).map(|_| ()).expect_err(text).to_string();
    assert!(error.contains("doorward.toml: "), "no file in: {error}");
    assert!(error.contains(&format!(": {key} = {value}: ")), "no `{key} = {value}` in: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

const CLIENT: &str = r#"
[[clients]]
client_id = "page"
require_client_secret = false
allowed_grant_types = ["authorization_code"]
redirect_uris = ["https://app.example/callback"]
allowed_scopes = ["openid"]
"#;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$t5mUJgvvSoPr569qmdqMfQ$EuzTyF7S7iqz/zACpnnAYuAi9+sgJegugKL6qDJA788";

#[test]
fn without_a_file_it_is_demo_mode_with_five_clients_and_five_users() {
    let config = read(None, [], &Role::ALL, false).unwrap();
    assert!(config.demo);
    assert_eq!(config.provider.clients.len(), 5);
    assert_eq!(config.provider.users.len(), 5);
    assert_eq!(config.provider.settings.issuer, "http://localhost:6001");
    assert_eq!(config.app.page.authority, "http://localhost:6001");
    assert_eq!(config.app.page.redirect_uri, "http://localhost:5001/OpenId/Login/JS");
    assert_eq!(config.api.listen, config.app.listen);
    assert_eq!(config.store.folder_to_create.as_deref(), Some(Path::new("data")));
    assert!(matches!(
        &config.store.master_key,
        MasterKeySource::File(path) if path.ends_with("data/doorward.key")
    ));
}

#[test]
fn with_a_file_demo_mode_is_off_unless_it_says_so() {
    let config = load("", &[]).unwrap();
    assert!(!config.demo && config.provider.clients.is_empty() && config.provider.users.is_empty());
    assert_eq!(load("demo = true", &[]).unwrap().provider.clients.len(), 5);
}

#[test]
fn what_the_file_defines_stands_in_place_of_the_demo() {
    let text = format!("demo = true\n{}", CLIENT.replace("\"page\"", "\"PkceJS\""))
        + "[[users]]\nusername = \"Alice\"\npassword = \"other\"\n\
           [[api_scopes]]\nname = \"extra\"\ndisplay_name = \"x\"\n";
    let config = load(&text, &[]).unwrap();
    assert_eq!(config.provider.clients.len(), 5);
    let page = config.provider.clients.iter().find(|client| client.client_id == "PkceJS").unwrap();
    assert_eq!(page.redirect_uris, ["https://app.example/callback"]);
    assert_eq!(config.provider.users.len(), 5);
    assert!(
        config.provider.resources.knows("extra")
            && config.provider.resources.knows("MyBackendApi2")
    );
}

/// Agents ask for every scope that is listed, and these are for few clients that know them.
#[test]
fn the_scopes_of_the_administration_are_not_advertised() {
    let text = "[admin]\nenabled = true\npages = false\n[scim]\nenabled = true\n";
    let resources = load(text, &[]).unwrap().provider.resources;
    assert!(resources.knows("scim") && resources.knows("admin:users.read"));
    let advertised = ["openid", "profile", "email", "phone", "address", "groups", "offline_access"];
    assert_eq!(resources.scope_names(), advertised);
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    assert!(refusal("demos = true", "demos", "true").contains("no such key"));
    for section in file::SECTIONS {
        refusal(
            &format!("[{section}]\nlisten_on = \"x\"\n"),
            &format!("{section}.listen_on"),
            "\"x\"",
        );
    }
    let error =
        refusal(&format!("{CLIENT}allowed_scope = \"x\"\n"), "clients[0].allowed_scope", "\"x\"");
    assert!(error.contains("client_id = \"page\""), "{error}");
    let user = "[[users]]\nusername = \"eve\"\nroles = [\"admin\"]\n";
    assert!(refusal(user, "users[0].roles", "[ … ]").contains("username = \"eve\""));
    let scope = "[[api_scopes]]\nname = \"a\"\ndisplay_name = \"A\"\ncolour = 1\n";
    refusal(scope, "api_scopes[0].colour", "1");
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    assert!(refusal("demo = 1", "demo", "1").contains("true or false"));
    assert!(refusal("provider = 5", "provider", "5").contains("a table"));
    assert!(refusal("[provider]\nissuer = 5", "provider.issuer", "5").contains("a text"));
    assert!(refusal("[log]\nformat = \"xml\"", "log.format", "\"xml\"").contains("text, json"));
    refusal(
        "[telemetry]\notlp_endpoint = \"collector\"",
        "telemetry.otlp_endpoint",
        "\"collector\"",
    );
    refusal("[log]\nlevel = \"loud\"", "log.level", "\"loud\"");
    refusal("[api]\nexpired_status = 403", "api.expired_status", "403");
    refusal(
        "[provider]\ntrusted_proxies = [\"proxy\"]",
        "provider.trusted_proxies[0]",
        "\"proxy\"",
    );
    assert!(
        refusal("[[clients]]\nenabled = true\n", "clients[0].client_id", "(missing)")
            .contains("needed")
    );
}

#[test]
fn lifetimes_are_whole_and_positive() {
    for value in ["0", "-1", "4294967296"] {
        refusal(
            &format!("[provider]\nsession_lifetime = {value}"),
            "provider.session_lifetime",
            value,
        );
    }
    refusal("[provider]\nremember_me_lifetime = \"1h\"", "provider.remember_me_lifetime", "\"1h\"");
    let error = refusal(
        &format!("{CLIENT}access_token_lifetime = 0\n"),
        "clients.access_token_lifetime",
        "0",
    );
    assert!(error.contains("the client \"page\""), "{error}");
    let year = format!("{CLIENT}access_token_lifetime = 31536000\n");
    let error = refusal(&year, "clients.access_token_lifetime", "31536000");
    assert!(error.contains("set access_token_type to \"reference\""), "{error}");
    refusal("[api]\nleeway = 301", "api.leeway", "301");
}

#[test]
fn urls_and_addresses_that_make_no_sense_are_refused() {
    for issuer in [
        "id.example.com",
        "http://id.example.com",
        "https://id.example.com/",
        "https://id.example.com?x",
    ] {
        refusal(
            &format!("[provider]\nissuer = \"{issuer}\""),
            "provider.issuer",
            &format!("\"{issuer}\""),
        );
    }
    refusal("[provider]\nlisten = \"6001\"", "provider.listen", "\"6001\"");
    refusal("[app]\nurl = \"http://localhost:5001/\"", "app.url", "\"http://localhost:5001/\"");
    refusal("[app]\nredirect_uri = \"javascript:x\"", "app.redirect_uri", "\"javascript:x\"");
    refusal("[app]\nauthority = \"nowhere\"", "app.authority", "\"nowhere\"");
    refusal("[api]\nallowed_origins = [\"*\"]", "api.allowed_origins[0]", "\"*\"");
    refusal("[app]\nlisten = \"127.0.0.1:6001\"", "app.listen", "\"127.0.0.1:6001\"");
    for section in ["api", "management", "admin"] {
        let on = if section == "admin" { "enabled = true\n" } else { "" };
        let text = format!("[{section}]\n{on}listen = \"127.0.0.1:6001\"");
        refusal(&text, &format!("{section}.listen"), "\"127.0.0.1:6001\"");
    }
    let uri = CLIENT.replace("https://app.example/callback", "http://app.example/callback");
    refusal(&uri, "clients.redirect_uris", "\"http://app.example/callback\"");
}

/// Each setting of a client that can't hold is refused with its file, key and value, and with the
/// client.
#[test]
fn a_clients_settings_are_refused_by_file_key_and_value() {
    let with = |lines: &str| {
        // Keys stand once in a table: those given here take the place of the client's own.
        let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
        let given: Vec<String> = lines.lines().map(key).collect();
        let kept: Vec<&str> = CLIENT.lines().filter(|line| !given.contains(&key(line))).collect();
        format!("{}\n{lines}\n", kept.join("\n"))
    };
    let secret = "client_secrets = [{ sha256 = \"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg\" }]";
    for (lines, key, value) in [
        ("allowed_grant_types = []", "allowed_grant_types", "[]"),
        ("redirect_uris = []", "redirect_uris", "[]"),
        ("require_client_secret = true", "client_secrets", "[]"),
        ("redirect_uris = [\"ftp://app.example/cb\"]", "redirect_uris", "\"ftp://app.example/cb\""),
        (
            "redirect_uris = [\"https://app.example/#x\"]",
            "redirect_uris",
            "\"https://app.example/#x\"",
        ),
        ("post_logout_redirect_uris = [\"out\"]", "post_logout_redirect_uris", "\"out\""),
        ("front_channel_logout_uri = \"app:/out\"", "front_channel_logout_uri", "\"app:/out\""),
        ("back_channel_logout_uri = \"/out\"", "back_channel_logout_uri", "\"/out\""),
        ("client_uri = \"javascript:x\"", "client_uri", "\"javascript:x\""),
        ("logo_uri = \"data:x\"", "logo_uri", "\"data:x\""),
        ("jwks_uri = \"https://app.example/jwks\"", "jwks_uri", "\"https://app.example/jwks\""),
        ("allowed_cors_origins = [\"*\"]", "allowed_cors_origins", "\"*\""),
        (
            "allowed_cors_origins = [\"https://app.example/\"]",
            "allowed_cors_origins",
            "\"https://app.example/\"",
        ),
        ("allowed_scopes = [\"openid\", \"openid\"]", "allowed_scopes", "\"openid\""),
        ("allowed_scopes = [\"offline_access\"]", "allowed_scopes", "\"offline_access\""),
        ("require_pkce = false", "require_pkce", "false"),
        ("allow_plain_text_pkce = true", "allow_plain_text_pkce", "true"),
        ("require_signed_request_object = true", "require_signed_request_object", "true"),
        ("include_jwt_id = false", "include_jwt_id", "false"),
        ("fapi2 = true", "fapi2", "true"),
        ("allowed_grant_types = [\"client_credentials\"]", "require_client_secret", "false"),
        ("pair_wise_subject_salt = \"hunter2\"", "pair_wise_subject_salt", "(not shown)"),
        ("claims = { aud = \"x\" }\nclient_claims_prefix = \"\"", "claims", "\"aud\""),
    ] {
        let error = refusal(&with(lines), &format!("clients.{key}"), value);
        assert!(error.contains("the client \"page\"") && !error.contains("hunter2"), "{error}");
    }
    refusal(
        &with("pair_wise_subject_salt = 4711"),
        "clients[0].pair_wise_subject_salt",
        "(not shown)",
    );
    let nameless = CLIENT.replace("\"page\"", "\"\"");
    refusal(&nameless, "clients.client_id", "\"\"");
    let keyless =
        format!("require_client_secret = true\n{secret}\nallowed_grant_types = [\"implicit\"]");
    assert!(
        refusal(&with(&keyless), "clients[0].allowed_grant_types[0]", "\"implicit\"")
            .contains("device_code")
    );
}

#[test]
fn levels_of_sign_ins_are_two_and_have_names_of_their_own() {
    let named = |names: &str| format!("[provider]\nacr_values = {names}\n");
    let config = load(&named("[\"silver\", \"gold\"]"), &[]).unwrap();
    assert_eq!(config.provider.settings.acr.supported()[0], "silver");
    for names in ["['a', 'a']", "['a b', 'c']", "['', 'c']", "['a']", "['a', 'b', 'c']"] {
        let error = load(&named(names), &[]).map(drop).expect_err(names).to_string();
        assert!(
            error.contains("provider.acr_values") && error.contains("two different"),
            "{error}"
        );
    }
    assert!(load(&format!("{CLIENT}require_acr = 2\n"), &[]).is_ok());
    for level in ["0", "3", "\"2\""] {
        let line = format!("{CLIENT}require_acr = {level}\n");
        refusal(&line, "clients[0].require_acr", level);
    }
    for grant in ["password", "device_code"] {
        let client = CLIENT.replace("authorization_code", grant);
        refusal(&format!("{client}require_acr = 2\n"), "clients.require_acr", "2");
    }
}

#[test]
fn every_lifetime_of_a_client_is_whole_and_positive() {
    for key in [
        "identity_token_lifetime",
        "access_token_lifetime",
        "authorization_code_lifetime",
        "device_code_lifetime",
        "absolute_refresh_token_lifetime",
        "sliding_refresh_token_lifetime",
        "consent_lifetime",
        "user_sso_lifetime",
    ] {
        for value in ["0", "-1", "4294967296"] {
            refusal(&format!("{CLIENT}{key} = {value}\n"), &format!("clients.{key}"), value);
        }
        refusal(&format!("{CLIENT}{key} = \"1h\"\n"), &format!("clients[0].{key}"), "\"1h\"");
    }
    let sliding = "refresh_token_expiration = \"sliding\"\nabsolute_refresh_token_lifetime = 0\n";
    assert!(load(&format!("{CLIENT}{sliding}"), &[]).is_ok(), "no limit");
    refusal("[provider]\nrefresh_token_grace = 601", "provider.refresh_token_grace", "601");
    let key = "provider.most_waiting_per_client";
    refusal("[provider]\nmost_waiting_per_client = 0", key, "0");
    assert!(load("[provider]\nrefresh_token_grace = 0", &[]).is_ok());
    for key in ["pushed_authorization_request_lifetime", "remember_me_lifetime"] {
        refusal(&format!("[provider]\n{key} = 0"), &format!("provider.{key}"), "0");
    }
}

#[test]
fn resources_are_refused_by_file_key_and_value() {
    let scope = |name: &str| format!("[[api_scopes]]\nname = \"{name}\"\ndisplay_name = \"A\"\n");
    let api = |lines: &str| {
        format!(
            "{}[[api_resources]]\nname = \"Api\"\ndisplay_name = \"A\"\n\
             scopes = [\"a\"]\n{lines}\n",
            scope("a")
        )
    };
    assert!(
        load(&api("user_claims = [\"role\"]\naccess_token_signing_algs = [\"ES256\"]"), &[])
            .is_ok()
    );
    refusal(&scope("a b"), "api_scopes.name", "\"a b\"");
    refusal(&scope("offline_access"), "api_scopes.name", "\"offline_access\"");
    refusal(&api("user_claims = [\"aud\"]"), "api_resources.user_claims", "\"aud\"");
    refusal(&api("secrets = [{ sha256 = \"short\" }]"), "api_resources.secrets", "(not shown)");
    let unkept = "access_token_signing_algs = [\"PS256\"]";
    refusal(&api(unkept), "api_resources.access_token_signing_algs", "\"PS256\"");
    refusal(
        &api("access_token_signing_algs = [\"none\"]"),
        "api_resources[0].access_token_signing_algs[0]",
        "\"none\"",
    );
    let identity =
        "[[identity_resources]]\nname = \"i\"\ndisplay_name = \"I\"\nuser_claims = [\"exp\"]\n";
    refusal(identity, "identity_resources.user_claims", "\"exp\"");
    // At the introspection endpoint the two could not be told apart.
    let same = format!(
        "{}{}",
        api("secrets = [{ sha256 = \"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg\" }]"),
        CLIENT.replace("\"page\"", "\"Api\"")
    );
    refusal(&same, "clients.client_id", "\"Api\"");
}

#[test]
fn what_is_defined_twice_is_refused() {
    refusal(&CLIENT.repeat(2), "clients.client_id", "\"page\"");
    let user = format!("[[users]]\nusername = \"eve\"\npassword_hash = \"{HASH}\"\n");
    refusal(&user.repeat(2), "users.username", "\"eve\"");
    let same_sub = format!("{user}{}sub = \"eve\"\n", user.replace("\"eve\"", "\"other\""));
    refusal(&same_sub, "users.sub", "\"eve\"");
    let scope = "[[api_scopes]]\nname = \"a\"\ndisplay_name = \"A\"\n";
    refusal(&scope.repeat(2), "api_scopes.name", "\"a\"");
    refusal(
        "[[api_scopes]]\nname = \"email\"\ndisplay_name = \"A\"\n",
        "api_scopes.name",
        "\"email\"",
    );
    let identity = "[[identity_resources]]\nname = \"i\"\ndisplay_name = \"I\"\nuser_claims = []\n";
    refusal(&identity.repeat(2), "identity_resources.name", "\"i\"");
    let api = "[[api_resources]]\nname = \"r\"\ndisplay_name = \"R\"\nscopes = []\n";
    refusal(&api.repeat(2), "api_resources.name", "\"r\"");
    refusal(&api.replace("[]", "[\"gone\"]"), "api_resources.scopes", "\"gone\"");
    refusal(
        "[provider]\nsigning_algorithms = [\"RS256\", \"RS256\"]",
        "provider.signing_algorithms",
        "\"RS256\"",
    );
}

#[test]
fn clients_ask_only_for_what_there_is() {
    refusal(&CLIENT.replace("\"openid\"", "\"unknown\""), "clients.allowed_scopes", "\"unknown\"");
    refusal(
        &format!("{CLIENT}id_token_signing_alg = \"EdDSA\"\n"),
        "clients.id_token_signing_alg",
        "\"EdDSA\"",
    );
    refusal(
        "[provider]\naccess_token_signing_alg = \"PS256\"",
        "provider.access_token_signing_alg",
        "\"PS256\"",
    );
    refusal(
        "[provider]\nsigning_algorithms = [\"RS512\"]",
        "provider.signing_algorithms",
        "\"RS512\"",
    );
    refusal("[app]\nscope = \"profile\"", "app.scope", "\"profile\"");
}

#[test]
fn an_api_may_trust_several_issuers_and_ask_its_own() {
    let text = "[api]\nissuer = \"https://id.example.com\"\n\
                introspection_secret = \"hunter2\"\nintrospection_cache = 0\n\
                [[api.issuers]]\nissuer = \"https://other.example.com/\"\naudience = \"urn:api\"\n\
                [[api.issuers]]\nissuer = \"https://third.example.com\"\n";
    let config = load(text, &[]).unwrap();
    assert!(!format!("{:?}", config.api).contains("hunter2"));
    let issuers = config.api.settings.issuers;
    let named: Vec<_> =
        issuers.iter().map(|it| (it.issuer.as_str(), it.audiences[0].as_str())).collect();
    let expected = [
        ("https://id.example.com", "MyBackendApi2"),
        ("https://other.example.com/", "urn:api"),
        ("https://third.example.com", "MyBackendApi2"),
    ];
    assert_eq!(named, expected);
    let asked = issuers[0].introspection.as_ref().unwrap();
    assert_eq!((asked.client_id.as_str(), asked.cache.as_secs()), ("MyBackendApi2", 0));
    assert!(issuers[1..].iter().all(|it| it.introspection.is_none()));
}

#[test]
fn an_api_may_ask_several_issuers_about_opaque_tokens() {
    let text = "[api]\nintrospection_secret = \"one\"\nintrospection_token_prefix = \"a_\"\n\
                introspection_cache = 7\n\
                [[api.issuers]]\nissuer = \"https://other.example.com\"\naudience = \"urn:api\"\n\
                introspection_secret = \"hunter2\"\nintrospection_signed = true\n\
                introspection_token_prefix = \"b_\"\n\
                introspection_endpoint = \"https://other.example.com/introspect\"\n";
    let config = load(text, &[]).unwrap();
    assert!(!format!("{:?}", config.api).contains("hunter2"));
    let asked: Vec<_> = config.api.settings.issuers.iter().map(|one| &one.introspection).collect();
    let [Some(first), Some(second)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(
        (&*first.token_prefix, first.signed, &*first.client_id),
        ("a_", false, "MyBackendApi2")
    );
    assert_eq!((&*second.token_prefix, second.signed, &*second.client_id), ("b_", true, "urn:api"));
    assert_eq!(second.endpoint.as_deref(), Some("https://other.example.com/introspect"));
    assert!(asked.iter().copied().flatten().all(|one| one.cache.as_secs() == 7));
    for prefix in ["", "a_b_"] {
        let overlapping = text.replace("\"b_\"", &format!("{prefix:?}"));
        let key = "api.issuers.introspection_token_prefix";
        let refused = refusal(&overlapping, key, "\"\"");
        assert!(refused.contains("https://other.example.com"), "{refused}");
        let shared = overlapping.replace("[api]", "[api]\nshare_opaque_tokens = true");
        assert!(load(&shared, &[]).unwrap().api.settings.shares_opaque_tokens);
    }
    let another = "[[api.issuers]]\nissuer = \"https://id.example.com\"\n";
    refusal(
        &format!("{another}introspection_client_id = \"MyApi\"\n"),
        "api.issuers.introspection_client_id",
        "\"MyApi\"",
    );
}

#[test]
fn nonces_of_an_api_need_a_long_secret() {
    let secret = "a secret of at least 32 characters";
    let config = load(&format!("[api]\ndpop_nonce_secret = \"{secret}\"\n"), &[]).unwrap();
    assert_eq!(config.api.settings.nonce_secret.as_ref().unwrap().expose(), secret);
    assert!(!format!("{:?}", config.api).contains(secret));
    refusal("[api]\ndpop_nonce_secret = \"short\"\n", "api.dpop_nonce_secret", "(not shown)");
    assert!(load("", &[]).unwrap().api.settings.nonce_secret.is_none());
}

#[test]
fn an_api_is_known_by_the_url_that_its_callers_use() {
    let url = |text: &str| load(text, &[]).unwrap().api.settings.url.unwrap();
    assert_eq!(url(""), "http://localhost:5001");
    let behind_a_path = "[app]\napi_url = \"https://example.com/backend\"\n";
    assert_eq!(url(behind_a_path), "https://example.com/backend");
    let own = format!("{behind_a_path}[api]\nurl = \"https://api.example.com\"\n");
    assert_eq!(url(&own), "https://api.example.com");
}

/// A preset, and each key that changes it.
#[test]
fn tokens_of_other_providers_are_described_by_a_profile() {
    let text = "[api]\nissuer = \"https://sso.example.com/realms/shop\"\naudience = \"orders\"\n\
                profile = \"keycloak\"\naudiences = [\"account\"]\nalgorithms = [\"RS256\"]\n\
                issuer_address = \"http://keycloak:8080/realms/shop\"\nallow_insecure = true\n\
                introspection_secret = \"s\"\n\
                introspection_endpoint = \"https://sso.example.com/introspect\"\n\
                [[api.issuers]]\nissuer = \"https://shop.eu.auth0.com/\"\nprofile = \"auth0\"\n\
                roles_at = [\"https://example.com/roles\", \"/app/roles\"]\nclient_at = [\"azp\"]\n\
                scope_at = [\"scp\"]\ntoken_types = [\"JWT\", \"\"]\n\
                jwks_uri = \"https://keys.example.com/\"\n\
                [[api.issuers]]\nissuer = \"https://third.example.com\"\n";
    let issuers = load(text, &[]).unwrap().api.settings.issuers;
    assert_eq!(issuers[0].profile, TokenProfile::keycloak("orders"));
    assert_eq!(issuers[0].audiences, ["orders", "account"]);
    assert_eq!(issuers[0].algorithms, [SigningAlgorithm::Rs256]);
    assert_eq!(issuers[0].address.as_deref(), Some("http://keycloak:8080/realms/shop"));
    let endpoint = issuers[0].introspection.as_ref().unwrap().endpoint.as_deref();
    assert_eq!(endpoint, Some("https://sso.example.com/introspect"));
    let auth0 = &issuers[1].profile;
    let roles: Vec<_> = auth0.roles.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(roles, ["https://example.com/roles", "/app/roles"]);
    assert_eq!((auth0.types.len(), auth0.client.len(), auth0.scope.len()), (2, 1, 1));
    assert!(matches!(&issuers[1].keys, KeySource::At(uri) if uri == "https://keys.example.com/"));
    assert_eq!(issuers[2].profile.roles, None, "another issuer gives no roles by itself");
}

#[test]
fn the_keys_of_an_issuer_may_be_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    let settings = |text: &str| {
        std::fs::write(&file, text).unwrap();
        load(&format!("[api]\njwks_file = {:?}\n", file.to_str().unwrap()), &[])
    };
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let found = settings(keys).unwrap().api.settings.issuers.remove(0).keys;
    assert!(matches!(found, KeySource::Fixed(keys) if keys.keys.len() == 1));
    for broken in ["", "{}", "[]", r#"{"keys":[]}"#] {
        let error = settings(broken).map(drop).unwrap_err().to_string();
        assert!(error.contains("api.jwks_file") && error.contains("the file holds no"), "{error}");
    }
}

#[test]
fn what_describes_an_issuers_tokens_is_checked() {
    for (lines, key, value) in [
        ("profile = \"azure\"", "profile", "\"azure\""),
        ("roles_at = [\"/a//b\"]", "roles_at", "\"/a//b\""),
        ("client_at = [\"\"]", "client_at", "\"\""),
        ("jwks_uri = \"http://keys.internal\"", "jwks_uri", "\"http://keys.internal\""),
        ("algorithms = [\"ES512\"]", "algorithms", "\"ES512\""),
        ("algorithms = [\"none\"]", "algorithms[0]", "\"none\""),
        ("jwks_file = \"/nowhere/keys.json\"", "jwks_file", "\"/nowhere/keys.json\""),
    ] {
        refusal(&format!("[api]\n{lines}\n"), &format!("api.{key}"), value);
    }
    refusal(
        "[api]\nissuer_address = \"http://keycloak:8080\"\n",
        "api.issuer_address",
        "\"http://keycloak:8080\"",
    );
    refusal(
        "[api]\nintrospection_endpoint = \"https://id.example.com/introspect\"\n",
        "api.introspection_endpoint",
        "\"https://id.example.com/introspect\"",
    );
    let another = "[[api.issuers]]\nissuer = \"https://id.example.com\"\nprofile = \"x\"\n";
    refusal(another, "api.issuers.profile", "\"x\"");
}

#[test]
fn issuers_of_an_api_are_checked() {
    let twice = "[[api.issuers]]\nissuer = \"https://id.example.com\"\n".repeat(2);
    refusal(&twice, "api.issuers.issuer", "\"https://id.example.com\"");
    refusal(
        "[[api.issuers]]\nissuer = \"http://localhost:6001\"\n",
        "api.issuers.issuer",
        "\"http://localhost:6001\"",
    );
    let nameless = "[[api.issuers]]\nissuer = \"https://id.example.com\"\naudience = \"\"\n";
    refusal(nameless, "api.issuers.audience", "\"\"");
    refusal(
        "[[api.issuers]]\nissuer = \"http://id.example.com\"\n",
        "api.issuers[0].issuer",
        "\"http://id.example.com\"",
    );
    refusal("[api]\nintrospection_cache = 301\n", "api.introspection_cache", "301");
    refusal(
        "[api]\nintrospection_client_id = \"MyApi\"\n",
        "api.introspection_client_id",
        "\"MyApi\"",
    );
    assert!(
        refusal("[api]\nintrospection_secret = 5\n", "api.introspection_secret", "(not shown)")
            .contains("a text")
    );
}

#[test]
fn demo_mode_is_for_this_machine_only() {
    for section in ["provider", "app", "api", "management", "admin"] {
        let on = if section == "admin" { "enabled = true\n" } else { "" };
        let text = format!("demo = true\n[{section}]\n{on}listen = \"0.0.0.0:7001\"\n");
        assert!(refusal(&text, &format!("{section}.listen"), "\"0.0.0.0:7001\"").contains("demo"));
    }
    let issuer = "https://id.example.com";
    refusal(
        &format!("demo = true\n[provider]\nissuer = \"{issuer}\"\n"),
        "provider.issuer",
        &format!("\"{issuer}\""),
    );
    assert!(load("[provider]\nlisten = \"0.0.0.0:7001\"\n", &[]).is_ok());
}

#[test]
fn plain_secrets_and_passwords_are_for_demo_mode_only_and_never_shown() {
    let client = CLIENT
        .replace("require_client_secret = false", "client_secrets = [{ plain = \"hunter2\" }]");
    assert!(!refusal(&client, "clients.client_secrets", "(not shown)").contains("hunter2"));
    let user = "[[users]]\nusername = \"eve\"\npassword = \"hunter2\"\n";
    assert!(!refusal(user, "users.password", "(not shown)").contains("hunter2"));
    assert!(load(&format!("demo = true\n{user}"), &[]).is_ok());
    let key = "[store]\nmaster_key = \"hunter2\"";
    assert!(!refusal(key, "store.master_key", "(not shown)").contains("hunter2"));
    let wrong_kind = format!("{CLIENT}client_secrets = \"hunter2\"\n");
    assert!(!refusal(&wrong_kind, "clients[0].client_secrets", "(not shown)").contains("hunter2"));
    let broken = load("[store]\nmaster_key = \"hunter2", &[]).unwrap_err().to_string();
    assert!(!broken.contains("hunter2"), "{broken}");
    let list =
        load("", &[("DOORWARD_CLIENTS", "[{client_id=a,plain=hunter2")]).unwrap_err().to_string();
    assert!(!list.contains("hunter2"), "{list}");
}

#[test]
fn a_configuration_that_is_printed_shows_no_secret() {
    let key = "hunter2_hunter2_hunter2_hunter2_hunter2_hu8";
    let client = CLIENT
        .replace("require_client_secret = false", "client_secrets = [{ plain = \"hunter2\" }]");
    let text = format!(
        "demo = true\n[store]\nurl = \"postgres://erin:hunter2@127.0.0.1/doorward\"\n\
         {client}pair_wise_subject_salt = \"hunter2 hunter2 hunter2\"\n\
         [[users]]\nusername = \"eve\"\npassword = \"hunter2\"\n"
    );
    let variables =
        [("DOORWARD_STORE__MASTER_KEY", key), ("DOORWARD_API__INTROSPECTION_SECRET", "hunter2")];
    let shown = format!("{:?}", load(&text, &variables).unwrap());
    assert!(
        shown.contains("127.0.0.1") && shown.contains("\"eve\"") && !shown.contains("hunter2"),
        "{shown}"
    );
    let salt = format!("{CLIENT}pair_wise_subject_salt = 5\n");
    refusal(&salt, "clients[0].pair_wise_subject_salt", "(not shown)");
}

#[test]
fn users_are_checked() {
    let user = |lines: &str| format!("[[users]]\nusername = \"eve\"\n{lines}\n");
    refusal(&user(""), "users.password_hash", "(missing)");
    refusal(&user("password_hash = \"plain\""), "users.password_hash", "(not shown)");
    refusal(&user(&format!("password_hash = \"{HASH}\"\nsub = \"a b\"")), "users.sub", "\"a b\"");
    refusal(
        &user(&format!("password_hash = \"{HASH}\"\nclaims = {{ sub = \"x\" }}")),
        "users.claims",
        "\"sub\"",
    );
    let dated = user(&format!("password_hash = \"{HASH}\"\nclaims = {{ birthdate = 2000-01-01 }}"));
    refusal(&dated, "users.claims", "\"birthdate\"");
}

#[test]
fn a_missing_folder_is_named_and_only_that_of_the_default_is_created() {
    let error = refusal(
        "[store]\npath = \"/nowhere/at/all.sqlite3\"",
        "store.path",
        "\"/nowhere/at/all.sqlite3\"",
    );
    assert!(error.contains("/nowhere/at does not exist"), "{error}");
    assert_eq!(load("[store]\npath = \"here.sqlite3\"", &[]).unwrap().store.folder_to_create, None);
    let both = "[store]\nmaster_key = \"t5mUJgvvSoPr569qmdqMfQt5mUJgvvSoPr569qmdqMc\"\n\
                master_key_file = \"key\"";
    refusal(both, "store.master_key_file", "\"key\"");
}

#[test]
fn a_database_of_many_processes_is_given_by_its_url() {
    let store = |lines: &str| load(&format!("[store]\n{lines}"), &[]).unwrap().store;
    let url = "url = \"postgres://erin:hunter2@db.example.com/doorward\"";
    let full = store(&format!("{url}\nconnections = 3\nstatement_timeout = 7"));
    let DatabaseConfig::Postgres(options) = full.database else { panic!("{:?}", full.database) };
    assert_eq!(options.url.to_string(), "postgres://db.example.com:5432/doorward");
    assert_eq!((options.connections, options.statement_timeout.as_secs()), (3, 7));
    assert!(matches!(
        full.master_key,
        MasterKeySource::File(path) if path.ends_with("data/doorward.key")
    ));
    assert_eq!(full.folder_to_create.as_deref(), Some(Path::new("data")));
    assert_eq!(store(&format!("{url}\nmaster_key_file = \"here.key\"")).folder_to_create, None);
    refusal(&format!("[store]\n{url}\nconnections = 0"), "store.connections", "0");
    let wide = format!("[store]\n{url}\nmax_clock_skew = 31");
    refusal(&wide, "store.max_clock_skew", "31");
    refusal(&format!("[store]\n{url}\npath = \"here.sqlite3\""), "store.path", "\"here.sqlite3\"");
    refusal(
        &format!("[store]\n{url}\nca_file = \"/nowhere/ca.pem\""),
        "store.ca_file",
        "\"/nowhere/ca.pem\"",
    );
}

#[test]
fn the_password_of_the_database_is_never_shown() {
    for wrong in [
        "mysql://erin:hunter2@db/doorward",
        "postgres://erin:hunter2@db",
        "postgres://erin:hunter2@/a?b=c",
    ] {
        let error = refusal(&format!("[store]\nurl = \"{wrong}\""), "store.url", "(not shown)");
        assert!(!error.contains("hunter2"), "{error}");
    }
    refusal("[store]\nurl = 5", "store.url", "(not shown)");
    let config = load("[store]\nurl = \"postgres://erin:hunter2@db/doorward\"", &[]).unwrap();
    assert!(!format!("{:?}", config.store).contains("hunter2"));
}

#[test]
fn a_file_that_is_not_there_or_not_toml_is_named() {
    let error = read(Some(Path::new("/nowhere/doorward.toml")), [], &Role::ALL, false)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("/nowhere/doorward.toml: ") && error.lines().count() == 1, "{error}");
    let error = load("[provider\n", &[]).unwrap_err().to_string();
    assert!(
        error.contains("doorward.toml: ") && error.contains("line 1") && error.lines().count() == 1,
        "{error}"
    );
    let twice = load("[provider]\nlisten = \"a\"\nlisten = \"b\"\n", &[]).unwrap_err().to_string();
    assert!(twice.contains("line 3") && twice.contains("`listen`"), "{twice}");
}

#[test]
fn the_environment_overrides_the_file() {
    let variables = [
        ("DOORWARD_PROVIDER__ISSUER", "https://id.example.com"),
        ("DOORWARD_PROVIDER__SESSION_LIFETIME", "60"),
        ("DOORWARD_PROVIDER__TRUSTED_PROXIES", r#"["10.0.0.1"]"#),
        ("DOORWARD_API__LISTEN", "[::1]:7001"),
        ("DOORWARD_DEMO", "false"),
        ("UNRELATED", "x"),
    ];
    let config = load(
        "demo = true\n[provider]\nsession_lifetime = 5\nrefresh_token_grace = 7\n",
        &variables,
    )
    .unwrap();
    assert!(!config.demo);
    assert_eq!(config.provider.settings.issuer, "https://id.example.com");
    assert_eq!(config.provider.settings.session_lifetime, 60.into());
    assert_eq!(config.provider.settings.refresh_token_grace, 7.into());
    assert_eq!(config.provider.trusted_proxies.len(), 1);
    assert_eq!(config.api.listen.to_string(), "[::1]:7001");
}

#[test]
fn what_is_wrong_in_the_environment_is_named_by_its_variable() {
    let refused = |name: &str, value: &str| {
        let error = load("", &[(name, value)]).map(|_| ()).expect_err(name).to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    };
    let error = refused("DOORWARD_PROVIDER__ISSUER", "nowhere");
    assert!(error.contains(r#"provider.issuer = "nowhere""#), "{error}");
    refused("DOORWARD_PROVIDER__ISUER", "https://id.example.com");
    refused("DOORWARD_STORE__PATH", "/nowhere/x.sqlite3");
    assert!(refused("DOORWARD_APP__CLIENT_ID", "42").contains("double quotes"));
    assert!(load("", &[("DOORWARD_APP__CLIENT_ID", "\"42\"")]).is_ok());
}

/// Kubernetes sets such variables beside a service named `doorward`.
#[test]
fn variables_that_are_no_settings_are_named_in_a_warning() {
    let names = [
        "DOORWARD_",
        "DOORWARD_ISSUER",
        "DOORWARD_PORT",
        "DOORWARD_PORT_8080_TCP_ADDR",
        "DOORWARD_PROVIDR__ISSUER",
        "DOORWARD_SERVICE_HOST",
        "DOORWARD__X",
    ];
    let variables: Vec<_> = names.iter().map(|name| (*name, "tcp://10.0.0.1:80")).collect();
    let config = load("", &[variables, vec![("DOORWARD_CONFIG", "elsewhere.toml")]].concat());
    let warnings = config.unwrap().warnings;
    assert_eq!(warnings.len(), names.len(), "{warnings:?}");
    for (name, warning) in names.iter().zip(&warnings) {
        assert_eq!(warning.of, "environment");
        assert!(warning.text.contains(&format!(" {name} ")), "{warning}");
        assert!(!warning.text.contains("10.0.0.1"), "{warning}");
    }
}

#[test]
fn every_section_is_known_to_the_environment() {
    let known = keys_of::<ConfigFile>();
    let top = [
        "demo",
        "clients",
        "users",
        "identity_providers",
        "directories",
        "identity_resources",
        "api_scopes",
        "api_resources",
    ];
    let expected: Vec<_> = known.iter().filter(|key| !top.contains(key)).copied().collect();
    assert_eq!(file::SECTIONS.to_vec(), expected);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = "demos = true\n[provider]\nissuer = 5\nlisten = \"nowhere\"\n\
                [log]\nlevel = \"loud\"\n\
                [[clients]]\nenabled = true\n\
                [[clients]]\nclient_id = \"two\"\ncolour = 1\nenabled = 2\n";
    let errors = load(text, &[("DOORWARD_API__LEEWAY", "x")]).unwrap_err();
    let lines: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    for mistake in [
        "demos = true:",
        "provider.issuer = 5:",
        "provider.listen = \"nowhere\":",
        "log.level = \"loud\":",
        "clients[0].client_id = (missing):",
        "clients[1].colour = 1:",
        "clients[1].enabled = 2:",
        "DOORWARD_API__LEEWAY: api.leeway = \"x\":",
    ] {
        assert_eq!(lines.iter().filter(|line| line.contains(mistake)).count(), 1, "{lines:#?}");
    }
    assert_eq!(lines.len(), 8, "{lines:#?}");

    // What can't be read leaves the other checks to be made.
    let mixed = "[log]\nlevel = \"loud\"\n[[users]]\nusername = \"\"\n\
                 [[clients]]\nclient_id = \"one\"\nallowed_grant_types = []\n\
                 logo_uri = \"nowhere\"\n[[api_scopes]]\nname = \"a b\"\ndisplay_name = \"A\"\n\
                 [[api_scopes]]\nname = \"c d\"\ndisplay_name = \"C\"\n";
    let errors = load(mixed, &[]).unwrap_err().0;
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for mistake in ["log.level", "users.", "clients.allowed_grant_types", "clients.logo_uri"] {
        assert_eq!(lines.iter().filter(|line| line.contains(mistake)).count(), 1, "{lines:#?}");
    }
    assert_eq!(lines.iter().filter(|line| line.contains("api_scopes")).count(), 2, "{lines:#?}");
    // A mistake that may come of another one is not told: the scope's name is not known.
    let client = CLIENT.replace("openid", "a");
    let follows = format!("[[api_scopes]]\nname = 5\ndisplay_name = \"A\"\n{client}");
    let lines = load(&follows, &[]).unwrap_err().to_string();
    assert!(
        lines.contains("api_scopes[0].name = 5") && !lines.contains("allowed_scopes"),
        "{lines}"
    );

    let two = "[app]\nclient_id = \"\"\n[api]\naudience = \"\"\n[[users]]\nusername = \"eve\"\n\
               [[users]]\nusername = \"\"\n";
    assert_eq!(load(two, &[]).unwrap_err().0.len(), 4);
}

#[test]
fn the_effective_configuration_shows_defaults_and_no_secrets() {
    let text = format!(
        "[api]\nintrospection_secret = \"hunter2\"\n{CLIENT}client_secrets = \
         [{{ sha256 = \"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg\" }}]\n"
    );
    let variable = ("DOORWARD_PROVIDER__SESSION_LIFETIME", "60");
    let shown = show(&load(&text, &[variable]).unwrap()).unwrap();
    for line in [
        "session_lifetime = 60  # DOORWARD_PROVIDER__SESSION_LIFETIME",
        "refresh_token_grace = 10",
        "introspection_secret = \"(not shown)\"",
        "client_secrets = \"(not shown)\"",
        "redirect_uri = \"http://localhost:5001/OpenId/Login/JS\"",
        "redirect_uris = [\"https://app.example/callback\"]",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line} in {shown}");
    }
    assert!(!shown.contains("hunter2") && !shown.contains("n4bQ"), "{shown}");
}

/// What is missing in the guide's first sample: the page signs in with a client that is not there.
#[test]
fn names_that_nothing_defines_are_reported() {
    let missing = |text: &str, roles: &[Role]| -> Vec<String> {
        let config = load(text, &[]).unwrap();
        missing_references(&config, roles, &[]).iter().map(ToString::to_string).collect()
    };
    let bare = missing("", &Role::ALL);
    assert_eq!(bare.len(), 2, "{bare:?}");
    assert!(bare[0].contains("app.client_id = \"PkceJS\"") && bare[0].contains("no such client"));
    assert!(bare[1].contains("api.audience = \"MyBackendApi2\""), "{bare:?}");
    let further = missing("[api]\naudiences = [\"Other\"]\n", &[Role::Provider, Role::Api]);
    assert_eq!(further.len(), 2, "{further:?}");
    assert!(further[1].contains("api.audiences = \"Other\""), "{further:?}");
    assert!(missing("", &[Role::Provider]).is_empty());
    assert!(missing("", &[Role::App]).is_empty(), "another process is the provider");
    assert!(missing("demo = true", &Role::ALL).is_empty());
    let elsewhere = "[app]\nauthority = \"https://id.example.com\"\n\
                     [api]\nissuer = \"https://id.example.com\"\n";
    assert!(missing(elsewhere, &Role::ALL).is_empty());

    let api = "[[api_scopes]]\nname = \"MyBackendApi2\"\ndisplay_name = \"A\"\n\
               [[api_resources]]\nname = \"MyBackendApi2\"\ndisplay_name = \"A\"\n\
               scopes = [\"MyBackendApi2\"]\n";
    let page = "[app]\nclient_id = \"page\"\n";
    let problems = missing(&format!("{page}{CLIENT}{api}"), &Role::ALL);
    for problem in [
        "lacks profile in allowed_scopes",
        "lacks MyBackendApi2 in allowed_scopes",
        "allow_offline_access",
        "lacks it in redirect_uris",
        "lacks it in post_logout_redirect_uris",
        "lacks it in allowed_cors_origins",
    ] {
        assert!(problems.iter().any(|line| line.contains(problem)), "{problem}: {problems:#?}");
    }
    let secret = CLIENT.replace("require_client_secret = false", "require_client_secret = true");
    let problems = missing(
        &format!(
            "{page}{secret}client_secrets = \
             [{{ sha256 = \"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg\" }}]\n{api}"
        ),
        &Role::ALL,
    );
    assert!(problems.iter().any(|line| line.contains("can't keep a secret")), "{problems:#?}");
}

/// The keys that a table may have: told by its own refusal of another.
fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let refused = Figment::from(("no key is called so", 1)).extract::<T>().map(|_| ()).unwrap_err();
    match refused.kind {
        Kind::UnknownField(_, known) => known,
        kind => panic!("unknown keys are not refused: {kind}"),
    }
}

/// Every table of the file with the keys that it may have; the file itself first.
fn sections() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        ("", keys_of::<ConfigFile>()),
        ("provider", keys_of::<ProviderSection>()),
        ("accounts", keys_of::<AccountsSection>()),
        ("client_registration", keys_of::<ClientRegistrationSection>()),
        ("mail", keys_of::<MailSection>()),
        ("audit", keys_of::<AuditSection>()),
        ("branding", keys_of::<BrandingSection>()),
        ("app", keys_of::<AppSection>()),
        ("api", keys_of::<ApiSection>()),
        ("api.issuers", keys_of::<IssuerSettings>()),
        ("store", keys_of::<StoreSection>()),
        ("connections", keys_of::<ConnectionsSection>()),
        ("tls", keys_of::<TlsSection>()),
        ("stop", keys_of::<StopSection>()),
        ("management", keys_of::<ManagementSection>()),
        ("admin", keys_of::<AdminSection>()),
        ("scim", keys_of::<ScimSection>()),
        ("telemetry", keys_of::<TelemetrySection>()),
        ("log", keys_of::<LogSection>()),
        ("clients", keys_of::<doorward_provider::model::client::ClientSettings>()),
        ("users", keys_of::<UserSettings>()),
        ("identity_providers", keys_of::<IdentityProviderSettings>()),
        ("directories", keys_of::<DirectoryTable>()),
        ("directories.management", keys_of::<DirectoryManagementTable>()),
        ("identity_resources", keys_of::<doorward_provider::model::resource::IdentityResource>()),
        ("api_scopes", keys_of::<doorward_provider::model::resource::ApiScope>()),
        ("api_resources", keys_of::<doorward_provider::model::resource::ApiResource>()),
    ]
}

/// The example as it is after every `#key = value` that stands there for show is taken as set.
fn example_in_full() -> String {
    let shown = |line: &str| {
        let rest = line
            .strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
        rest.unwrap_or(line).to_owned() + "\n"
    };
    EXAMPLE.lines().map(shown).collect()
}

fn table<T: DeserializeOwned>(text: &str) -> T {
    Figment::from(Toml::string(text)).extract().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn mistakes_about_accounts_are_refused_by_key_and_value() {
    let accounts = |line: &str| format!("[accounts]\n{line}\n");
    let refused = |line: &str, key: &str, value: &str| {
        refusal(&accounts(line), &format!("accounts.{key}"), value)
    };
    let open = "registration = \"open\"\nallowed_domains = [\"@example.com\"]";
    refused(open, "allowed_domains", "\"@example.com\"");
    let without = "allowed_domains = [\"example.com\"]";
    assert!(refused(without, "allowed_domains", "\"example.com\"").contains("open"));
    refused("sign_in_with = []", "sign_in_with", "[]");
    refused("reset_link_lifetime = 3601", "reset_link_lifetime", "3601");
    for lifetime in ["59", "86401"] {
        let line = format!("registration_link_lifetime = {lifetime}");
        refused(&line, "registration_link_lifetime", lifetime);
    }
    refused("most_wrong_attempts = 9", "most_wrong_attempts", "9");
    refused("most_links_per_hour = 0", "most_links_per_hour", "0");
    refused("most_links_per_account = 0", "most_links_per_account", "0");
    refused("most_links_per_address = 0", "most_links_per_address", "0");
    let plain = "breached_passwords_url = \"http://ranges.example/range/\"";
    refused(plain, "breached_passwords_url", "\"http://ranges.example/range/\"");
    let missing = "breached_passwords_file = \"/nowhere/list.txt\"";
    let said = refused(missing, "breached_passwords_file", "\"/nowhere/list.txt\"");
    assert!(said.contains("can't be read"), "{said}");
    let min_password_length = "[provider]\nmin_password_length = 0";
    refusal(min_password_length, "provider.min_password_length", "0");
    let unknown = load(&accounts("registration = \"closed\""), &[]);
    assert!(unknown.unwrap_err().to_string().contains("accounts.registration"));
}

#[test]
fn mistakes_about_the_audit_history_are_refused_by_key_and_value() {
    let refused = |lines: &str, key: &str, value: &str| {
        refusal(&format!("[audit]\n{lines}\n"), &format!("audit.{key}"), value)
    };
    refused("keep_days = 36501", "keep_days", "36501");
    let url = "webhook_url = \"https://siem.example/\"";
    let secret = "webhook_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    refused(url, "webhook_url", "\"https://siem.example/\"");
    refused(secret, "webhook_secret", "(not shown)");
    let short = format!("{url}\nwebhook_secret = \"whsec_c2hvcnQ=\"");
    let said = refused(&short, "webhook_secret", "(not shown)");
    assert!(said.contains("24 to 64") && !said.contains("c2hvcnQ"), "{said}");
    let plain = format!("webhook_url = \"http://siem.example/\"\n{secret}");
    assert!(load(&format!("[audit]\n{plain}"), &[]).is_err(), "plain http to elsewhere");
    let missing = format!("{url}\nwebhook_secret_file = \"/nowhere/secret\"");
    let said = refused(&missing, "webhook_secret_file", "\"/nowhere/secret\"");
    assert!(said.contains("can't be read"), "{said}");
    let both = format!("{missing}\n{secret}");
    refused(&both, "webhook_secret_file", "\"/nowhere/secret\"");
    let config = load(&format!("[audit]\nkeep_days = 0\n{url}\n{secret}"), &[]).unwrap();
    assert_eq!(config.audit.settings.keep, None);
    assert_eq!(config.audit.webhook.unwrap().url, "https://siem.example/");
}

#[test]
fn the_example_says_what_the_defaults_are() {
    let example: ConfigFile = table(EXAMPLE);
    assert_eq!(example.demo, Some(false));
    assert_eq!(example.provider, ProviderSection::default());
    assert_eq!(example.accounts, AccountsSection::default());
    assert_eq!(example.mail, MailSection::default());
    assert_eq!(example.audit, AuditSection::default());
    assert_eq!(example.app, AppSection::default());
    assert_eq!(example.api, ApiSection::default());
    assert_eq!(example.store, StoreSection::default());
    assert_eq!(example.connections, ConnectionsSection::default());
    assert_eq!(example.tls, TlsSection::default());
    assert_eq!(example.stop, StopSection::default());
    assert_eq!(example.management, ManagementSection::default());
    assert_eq!(example.admin, AdminSection::default());
    assert_eq!(example.scim, ScimSection::default());
    assert_eq!(example.telemetry, TelemetrySection::default());
    assert_eq!(example.log, LogSection::default());
    assert!(
        example.clients.is_empty()
            && example.users.is_empty()
            && example.identity_resources.is_none()
    );
    assert!(load(EXAMPLE, &[]).is_ok());
}

#[test]
fn the_example_shows_every_key() {
    let full = example_in_full();
    let value: figment::value::Value = table(&full);
    let shows = |list: &str, keys: &[&str]| {
        let found = match list {
            "" => Some(&value),
            list => value.find_ref(list).or_else(|| {
                let (outer, inner) = list.split_once('.')?;
                let figment::value::Value::Array(_, tables) = value.find_ref(outer)? else {
                    return None;
                };
                tables.iter().find_map(|table| table.find_ref(inner))
            }),
        };
        let entries = match found {
            Some(figment::value::Value::Array(_, entries)) => entries.as_slice(),
            Some(single) => std::slice::from_ref(single),
            None => panic!("the example does not show {list}"),
        };
        for key in keys {
            assert!(
                entries.iter().any(|entry| entry.find_ref(key).is_some()),
                "the example does not show {list}.{key}"
            );
        }
    };
    for (section, keys) in sections() {
        shows(section, keys);
    }
}

/// Of the example's clients the second lists every default: it must be the same as one that leaves
/// them out.
#[test]
fn the_example_tells_the_defaults_of_a_client() {
    let full: ConfigFile = table(&example_in_full());
    let spelled_out = full.clients.iter().find(|client| client.client_id == "defaults").unwrap();
    let left_out: ConfigFile = table("[[clients]]\nclient_id = \"defaults\"\n");
    assert_eq!(format!("{spelled_out:?}"), format!("{:?}", left_out.clients[0]));
}

/// Loads a configuration for a process of these parts.
fn load_parts(text: &str, roles: &[Role]) -> Result<Config, ConfigErrors> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("doorward.toml");
    std::fs::write(&path, text).unwrap();
    read(Some(&path), [], roles, false)
}

#[test]
fn a_part_needs_the_settings_of_no_other() {
    // Each would be refused if the part that it is for were there.
    let api = "[api]\nlisten = \"0.0.0.0:6001\"\nissuer = \"https://id.example.com\"\n\
               [store]\npath = \"/nowhere/x.sqlite3\"\n";
    assert!(load_parts(api, &[Role::Api]).is_ok());
    assert!(load_parts(api, &[Role::Api, Role::Provider]).is_err());
    let app = "[app]\nurl = \"https://app.example.com\"\nlisten = \"0.0.0.0:6001\"\n\
               [provider]\nissuer = \"https://id.example.com\"\n";
    let page = load_parts(app, &[Role::App]).unwrap().app;
    assert_eq!(page.page.authority, "https://id.example.com");
    let provider = "[provider]\nlisten = \"127.0.0.1:5001\"\n";
    assert!(load_parts(provider, &[Role::Provider]).is_ok());
    refusal(provider, "app.listen", "\"localhost:5001\"");
}

#[test]
fn provider_and_application_share_a_listener_by_a_path_of_the_issuer() {
    let shared =
        |issuer: &str| format!("[provider]\nissuer = \"{issuer}\"\nlisten = \"localhost:5001\"\n");
    let config = load(&shared("http://localhost:5001/id"), &[]).unwrap();
    assert_eq!(config.provider.listen, config.app.listen);
    assert_eq!(config.app.connect_origins, ["http://localhost:5001"]);
    for issuer in [
        "http://localhost:5001",
        "http://localhost:5001/api",
        "http://localhost:5001/api/id",
        "http://localhost:6001/id",
    ] {
        refusal(&shared(issuer), "app.listen", "\"localhost:5001\"");
    }
}

#[test]
fn with_tls_urls_are_https() {
    let development = "demo = true\n[tls]\ndevelopment = true\n";
    let config = load(development, &[]).unwrap();
    assert_eq!(config.provider.settings.issuer, "https://localhost:6001");
    assert_eq!(config.app.page.redirect_uri, "https://localhost:5001/OpenId/Login/JS");
    assert!(matches!(
        config.tls.certificate,
        Some(Certificate::Development { folder }) if folder == Path::new("data/tls")
    ));
    let page = config.provider.clients.iter().find(|client| client.client_id == "PkceJS").unwrap();
    assert!(page.redirect_uris.iter().any(|uri| uri == "https://localhost:5001/OpenId/Login/JS"));
    let asked = read(None, [], &Role::ALL, true).unwrap();
    assert!(asked.tls.certificate.is_some() && asked.app.url == "https://localhost:5001");

    let plain = format!("{development}[provider]\nissuer = \"http://localhost:6001\"\n");
    assert!(refusal(&plain, "provider.issuer", "\"http://localhost:6001\"").contains("use https"));
    let elsewhere = "[tls]\ndevelopment = true\n[app]\nurl = \"https://app.example.com\"\n";
    assert!(
        refusal(elsewhere, "app.url", "\"https://app.example.com\"").contains("this machine only")
    );
    assert!(
        load(
            "[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n\
             [app]\nurl = \"https://app.example.com\"\n",
            &[]
        )
        .is_ok()
    );
    refusal("[tls]\ncertificate = \"a.pem\"", "tls.certificate", "\"a.pem\"");
    refusal("[tls]\nkey = \"b.pem\"", "tls.key", "\"b.pem\"");
    refusal(
        "[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\ndevelopment = true",
        "tls.certificate",
        "\"a.pem\"",
    );
}

#[test]
fn an_https_issuer_needs_somebody_who_speaks_tls() {
    let issuer = "[provider]\nissuer = \"https://id.example.com\"\n";
    let error = refusal(issuer, "provider.issuer", "\"https://id.example.com\"");
    assert!(
        error.contains("tls.certificate") && error.contains("provider.trusted_proxies"),
        "{error}"
    );
    assert!(load(&format!("{issuer}trusted_proxies = [\"10.0.0.0/8\"]\n"), &[]).is_ok());
    refusal(
        "[provider]\ntrusted_proxies = [\"10.0.0.0/33\"]",
        "provider.trusted_proxies[0]",
        "\"10.0.0.0/33\"",
    );
    for (network, said) in [
        ("0.0.0.0/0", "every address"),
        ("::/0", "every address"),
        ("::ffff:10.20.30.0/120", "::ffff:"),
    ] {
        let text = format!("{issuer}trusted_proxies = [\"{network}\"]");
        let error = refusal(&text, "provider.trusted_proxies[0]", &format!("\"{network}\""));
        assert!(error.split_once(" = ").unwrap().1.contains(said), "{error}");
    }
}

#[test]
fn a_password_in_a_url_is_refused_and_not_shown() {
    for url in ["https://erin:hunter2@collector.example", "http:erin:hunter2@collector.example"] {
        for key in ["telemetry.otlp_endpoint", "api.url"] {
            let (section, name) = key.split_once('.').unwrap();
            let error = refusal(&format!("[{section}]\n{name} = \"{url}\""), key, "(not shown)");
            assert!(
                error.contains("leave user name and password out") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_collector_needs_a_build_that_can_send_traces() {
    let text = "[telemetry]\notlp_endpoint = \"http://collector.example:4318/\"\n";
    if cfg!(feature = "otel") {
        assert_eq!(
            load(text, &[]).unwrap().traces.as_deref(),
            Some("http://collector.example:4318")
        );
    } else {
        let error = refusal(text, "telemetry.otlp_endpoint", "\"http://collector.example:4318\"");
        assert!(error.contains("feature otel"), "{error}");
    }
}

/// What `deploy/` gives operators to begin with is accepted; the database's address comes from the
/// environment there.
#[test]
fn the_deployment_files_are_in_order() {
    for text in [
        include_str!("../../../deploy/compose/doorward.toml"),
        include_str!("../../../deploy/kubernetes/doorward.toml"),
    ] {
        let key = ("DOORWARD_STORE__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let url = ("DOORWARD_STORE__URL", "postgres://doorward:secret@db.example.com/doorward");
        assert!(!load(text, &[key, url]).unwrap().demo);
    }
}

const CORP: &str = r#"
[[directories]]
name = "corp"
servers = ["ldaps://ldap.example.com"]
bind_dn = "cn=reader,dc=example,dc=com"
bind_password = "hunter2"
base = "dc=example,dc=com"
"#;

#[test]
fn a_directory_is_asked_as_it_is_described() {
    let config = load(CORP, &[]).unwrap();
    let [directory] = &*config.provider.settings.directories else { panic!("one") };
    assert_eq!(directory.provider.issuer, "urn:doorward:directory:corp");
    let [asked] = &*config.provider.directory_clients else { panic!("one") };
    assert_eq!(asked.servers[0].to_string(), "ldaps://ldap.example.com:636");
    assert!(!format!("{asked:?}").contains("hunter2"));
    assert!(!show(&config).unwrap().contains("hunter2"));
    for (server, to) in [
        ("ldap://127.0.0.1\"]\nstart_tls = false #", "Plain"),
        ("ldap://[::1]:3389\"]\nstart_tls = false #", "Plain"),
        ("ldap://localhost\"]\nstart_tls = false #", "Plain"),
        ("ldap://ldap.example.com", "StartTls"),
        ("ldap://ldap.example.com\"]\nstart_tls = false\nallow_plain = true #", "Plain"),
        ("ldaps://ldap.example.com\"]\nstart_tls = false #", "Tls"),
    ] {
        let config = load(&CORP.replace("ldaps://ldap.example.com", server), &[]).unwrap();
        let security = config.provider.directory_clients[0].servers[0].security;
        assert_eq!(format!("{security:?}"), to, "{server}");
    }
    let direct = "user_dn = \"uid={name},dc=example\"\nkind = \"active_directory\"\n";
    assert!(load(&format!("{CORP}{direct}"), &[]).is_ok());
}

#[test]
fn mistakes_about_directories_are_told_by_key_and_value() {
    let with = |from: &str, to: &str| CORP.replace(from, to);
    let more = |line: &str| format!("{CORP}{line}\n");
    let server = "\"ldaps://ldap.example.com\"";
    for (text, key, value) in [
        (with(server, ""), "servers", "[]"),
        (with(server, "\"https://a.example\""), "servers", "\"https://a.example\""),
        (with(server, "\"ldaps://a.example/dc=x\""), "servers", "\"ldaps://a.example/dc=x\""),
        (with(server, "\"ldaps://x:y@a.example\""), "servers", "(not shown)"),
        (
            with("[\"ldaps://ldap.example.com\"]", "[\"ldap://a.example\"]\nstart_tls = false"),
            "servers",
            "\"ldap://a.example\"",
        ),
        (with("\"hunter2\"", "\"\""), "bind_dn", "\"cn=reader,dc=example,dc=com\""),
        (with("bind_dn = \"cn=reader,dc=example,dc=com\"\n", ""), "bind_dn", "(missing)"),
        (more("bind_password_file = \"/x\""), "bind_password_file", "\"/x\""),
        (with("base = \"dc=example,dc=com\"", "base = \"x\""), "base", "\"x\""),
        (more("user_filter = \"(uid=ada)\""), "user_filter", "\"(uid=ada)\""),
        (more("user_filter = \"(uid={nam})\""), "user_filter", "\"(uid={nam})\""),
        (more("user_dn = \"{name}\""), "user_dn", "\"{name}\""),
        (more("names = [\"corp\"]"), "names", "\"corp\""),
        (more("decoy_dn = \"nobody\""), "decoy_dn", "\"nobody\""),
        (
            more("decoy_dn = \"cn=reader,dc=example,dc=com\""),
            "decoy_dn",
            "\"cn=reader,dc=example,dc=com\"",
        ),
        (
            more("user_dn = \"uid={name},dc=a\"\nasked = \"before_local_users\""),
            "asked",
            "\"before_local_users\"",
        ),
        (more("username_attribute = \"a)(b\""), "username_attribute", "\"a)(b\""),
        (more("attributes = [\"a b\"]"), "attributes", "\"a b\""),
        (more("groups = \"member_of\"\nnested_groups = true"), "nested_groups", "true"),
        (more("group_filter = \"(member={dn})\""), "group_filter", "\"(member={dn})\""),
        (more("trusted_email_domains = [\"*.a\"]"), "trusted_email_domains", "\"*.a\""),
        (more("refresh_interval = 5"), "refresh_interval", "5"),
        (more("answer_timeout = 100"), "answer_timeout", "100"),
        (more("answer_timeout = 7"), "answer_timeout", "7"),
        (more("trust_without_answer = 59"), "trust_without_answer", "59"),
        (more("trust_without_answer = 200"), "trust_without_answer", "200"),
        (
            more("groups = \"member_of\"\nclaims = [{ claim = \"team\", from = \"/groups\" }]"),
            "group_base",
            "(missing)",
        ),
        (more("max_connections = 0"), "max_connections", "0"),
        (more("ca_file = \"/nowhere/x\""), "ca_file", "\"/nowhere/x\""),
        (format!("{CORP}{CORP}"), "name", "\"corp\""),
        (format!("{CORP}{}", OTHER.replace("\"other\"", "\"corp\"")), "name", "\"corp\""),
    ] {
        let said = refusal(&text, &format!("directories.{key}"), value);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

const MANAGED: &str = r#"
[directories.management]
bind_dn = "cn=writer,dc=example,dc=com"
bind_password = "hunter3"
base = "ou=people,dc=example,dc=com"
"#;

#[test]
fn a_directory_is_managed_as_it_is_described() {
    let managed = |text: &str| {
        let config = load(text, &[]).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(!show(&config).unwrap().contains("hunter"), "{text}");
        config.provider.directory_clients[0].management.clone()
    };
    assert!(managed(CORP).is_none());
    let plain = managed(&format!("{CORP}{MANAGED}")).unwrap();
    assert!(!format!("{plain:?}").contains("hunter3"));
    assert_eq!(plain.naming_attribute, "uid");
    assert_eq!(plain.editable, ["cn", "sn", "givenName", "mail", "telephoneNumber", "title"]);
    let own = format!(
        "{CORP}{MANAGED}disable_attribute = \"employeeType\"\ndisabled_value = \"gone\"\n\
         create_in = \"ou=new, OU=People,dc=example,dc=com\"\n\
         group_base = \"ou=groups,dc=example,dc=com\"\nmember_attribute = \"memberUid\"\n"
    );
    let own = managed(&own).unwrap();
    assert_eq!(own.create_in.to_string(), "ou=new,ou=People,dc=example,dc=com");
    assert!(own.groups.unwrap().lists_names());
    let corp = format!("{CORP}kind = \"active_directory\"\n{MANAGED}");
    assert_eq!(managed(&corp).unwrap().naming_attribute, "cn");
}

#[test]
fn mistakes_about_management_are_told_by_key_and_value() {
    let more = |line: &str| format!("{CORP}{MANAGED}{line}\n");
    let with = |from: &str, to: &str| format!("{CORP}{}", MANAGED.replace(from, to));
    let active_directory = format!("kind = \"active_directory\"\n{MANAGED}");
    for (text, key, value) in [
        (with("\"hunter3\"", "\"\""), "bind_dn", "\"cn=writer,dc=example,dc=com\""),
        (with("cn=writer", "cn=reader"), "bind_dn", "\"cn=reader,dc=example,dc=com\""),
        (with("\"ou=people,dc=example,dc=com\"", "\"people\""), "base", "\"people\""),
        (
            more("create_in = \"ou=new,ou=more,dc=example,dc=com\""),
            "create_in",
            "\"ou=new,ou=more,dc=example,dc=com\"",
        ),
        (more("user_filter = \"uid=a\""), "user_filter", "\"uid=a\""),
        (more("object_classes = []"), "object_classes", "[]"),
        (more("object_classes = [\"a b\"]"), "object_classes", "\"a b\""),
        (more("naming_attribute = \"a=b\""), "naming_attribute", "\"a=b\""),
        (more("editable_attributes = [\"UID\"]"), "editable_attributes", "\"UID\""),
        (
            more("editable_attributes = [\"userpassword\"]"),
            "editable_attributes",
            "\"userpassword\"",
        ),
        (more("editable_attributes = [\"sn\", \"SN\"]"), "editable_attributes", "\"SN\""),
        (more("disable_attribute = \"title\""), "disabled_value", "(missing)"),
        (more("disabled_value = \"x\""), "disabled_value", "\"x\""),
        (more("group_filter = \"(cn=*)\""), "group_filter", "\"(cn=*)\""),
        (more("group_base = \"x\""), "group_base", "\"x\""),
        (
            format!("{CORP}{active_directory}disable_attribute = \"title\"\n"),
            "disable_attribute",
            "\"title\"",
        ),
        (
            format!("{}{active_directory}", CORP.replace("ldaps://", "ldap://127.0.0.1\"] #"))
                .replace("servers", "start_tls = false\nservers"),
            "bind_dn",
            "\"cn=writer,dc=example,dc=com\"",
        ),
    ] {
        let said = refusal(&text, &format!("directories.management.{key}"), value);
        assert!(!said.contains("hunter"), "{said}");
    }
}

const OTHER: &str = r#"
[[identity_providers]]
name = "other"
issuer = "https://id.other.example"
client_id = "doorward"
client_secret = "hunter2"
"#;

#[test]
fn another_provider_is_asked_as_it_is_described() {
    let config = load(OTHER, &[]).unwrap();
    let [provider] = &*config.provider.settings.identity_providers else { panic!("one") };
    assert_eq!((&*provider.name, &*provider.title), ("other", "other"));
    assert_eq!(provider.issuer, "https://id.other.example");
    let [upstream] = &*config.provider.upstream else { panic!("one") };
    let settings = &upstream.settings;
    assert_eq!(settings.redirect_uri, "http://localhost:6001/account/external/other/callback");
    assert_eq!(settings.scope, "openid profile email");
    assert!(!format!("{upstream:?}").contains("hunter2"));
    let google = OTHER.replace("issuer = \"https://id.other.example\"", "preset = \"google\"");
    let config = load(&google, &[]).unwrap();
    assert_eq!(config.provider.settings.identity_providers[0].title, "Google");
    assert_eq!(config.provider.upstream[0].settings.authority, "https://accounts.google.com");
    let shown = show(&config).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let apple = OTHER.replace("issuer = \"https://id.other.example\"", "preset = \"apple\"");
    let config = load(&apple, &[]).unwrap();
    assert_eq!(config.provider.upstream[0].settings.scope, "openid email", "no name, unsigned");
}

#[test]
fn entra_has_an_issuer_for_each_tenant() {
    let entra = |tenants: &str| {
        let described = format!("preset = \"entra\"\ntenants = [{tenants}]");
        load(&OTHER.replace("issuer = \"https://id.other.example\"", &described), &[])
    };
    let (one, two) =
        ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000");
    let config = entra(&format!("\"{one}\"")).unwrap();
    let issuer = format!("https://login.microsoftonline.com/{one}/v2.0");
    assert_eq!(config.provider.settings.identity_providers[0].issuer, issuer);
    assert!(config.provider.upstream[0].tenants.is_empty(), "the issuer says it");
    let config = entra(&format!("\"{one}\", \"{two}\"")).unwrap();
    let issuer = &config.provider.settings.identity_providers[0].issuer;
    assert_eq!(issuer, "https://login.microsoftonline.com/{tenantid}/v2.0");
    let [upstream] = &*config.provider.upstream else { panic!("one") };
    assert_eq!(upstream.tenants, [one, two]);
    let authority = "https://login.microsoftonline.com/organizations/v2.0";
    assert_eq!(upstream.settings.authority, authority);
    for wrong in ["", "\"common\"", "\"contoso.onmicrosoft.com\""] {
        let error = entra(wrong).unwrap_err().to_string();
        assert!(error.contains("directory (tenant) ID"), "{error}");
    }
}

#[test]
fn users_are_named_by_a_claim_that_lasts() {
    let with = |preset: &str, more: &str| {
        let described = format!("{preset}\n{more}");
        OTHER.replace("issuer = \"https://id.other.example\"", &described)
    };
    let own = "issuer = \"https://id.other.example\"";
    let entra = "preset = \"entra\"\ntenants = [\"11111111-2222-3333-4444-555555555555\"]";
    let two = entra.replace(']', ", \"66666666-7777-8888-9999-000000000000\"]");
    let config = load(&with(entra, "subject_claim = \"oid\""), &[]).unwrap();
    let [upstream] = &*config.provider.upstream else { panic!("one") };
    assert_eq!(upstream.subject_claim, "oid");
    assert_eq!(upstream.tenants.len(), 1, "the object is one of this tenant");
    let config = load(&with(own, "subject_claim = \"employee_id\""), &[]).unwrap();
    assert_eq!(config.provider.upstream[0].subject_claim, "employee_id");
    assert_eq!(load(OTHER, &[]).unwrap().provider.upstream[0].subject_claim, "sub");
    let scim = "link_scim_client = \"scim\"\nlink_scim_by";
    let config = load(&with(entra, &format!("{scim} = \"oid\"")), &[]).unwrap();
    let link = config.provider.settings.identity_providers[0].scim_link.as_ref().unwrap();
    assert_eq!((link.client.as_str(), &*link.claim), ("scim", "oid"));
    assert_eq!(config.provider.upstream[0].scim_claim.as_deref(), Some("oid"));
    for claim in ["email", "preferred_username", "upn", "unique_name", "name", ""] {
        let value = format!("\"{claim}\"");
        for (text, key) in [
            (with(own, &format!("subject_claim = {value}")), "subject_claim"),
            (with(entra, &format!("subject_claim = {value}")), "subject_claim"),
            (with(own, &format!("{scim} = {value}")), "link_scim_by"),
        ] {
            refusal(&text, &format!("identity_providers.{key}"), &value);
        }
    }
    let github = "preset = \"github\"";
    for (text, key, value) in [
        (with(github, "subject_claim = \"id\""), "subject_claim", "\"id\""),
        (with(github, &format!("{scim} = \"sub\"")), "link_scim_by", "\"sub\""),
        (with(&two, &format!("{scim} = \"oid\"")), "link_scim_by", "\"oid\""),
        (with(own, "link_scim_by = \"sub\""), "link_scim_by", "\"sub\""),
        (with(own, "link_scim_client = \"scim\""), "link_scim_client", "\"scim\""),
    ] {
        refusal(&text, &format!("identity_providers.{key}"), value);
    }
}

#[test]
fn an_address_of_entra_links_nobody_and_that_is_said() {
    let entra = "preset = \"entra\"\ntenants = [\"11111111-2222-3333-4444-555555555555\"]";
    for (described, expected) in [(entra, 1), ("issuer = \"https://id.other.example\"", 0)] {
        let described = format!("{described}\ntrusted_email_domains = [\"example.com\"]");
        let text = OTHER.replace("issuer = \"https://id.other.example\"", &described);
        let warnings = load(&text, &[]).unwrap().warnings;
        let said = warnings
            .iter()
            .filter(|said| said.of == "configuration" && said.text.contains("email_verified"))
            .count();
        assert_eq!(said, expected, "{warnings:?}");
    }
}

#[test]
fn a_client_may_name_a_provider_that_the_store_has() {
    let warned = |name: &str| {
        let text = format!("{OTHER}{CLIENT}identity_providers = [\"{name}\"]\n");
        let warnings = load(&text, &[]).unwrap().warnings;
        warnings.iter().filter(|said| said.text.contains("there is no table")).count()
    };
    assert_eq!((warned("other"), warned("stored")), (0, 1));
}

#[test]
fn the_api_knows_each_setting_of_a_provider() {
    let known = keys_of::<IdentityProviderSettings>();
    let beside = |key: &str| key == "name" || CREDENTIAL_SETTINGS.contains(&key);
    let expected: Vec<&str> = known.iter().copied().filter(|key| !beside(key)).collect();
    assert_eq!(expected, provider_form::SETTINGS.map(|own| own.name));
}

#[test]
fn the_form_of_a_provider_gives_what_the_server_takes() {
    use provider_form::Kind as K;
    let read = |name: &str, value: Value| {
        let mut settings = json!({"name": "other", "client_id": "doorward"});
        settings[name] = value;
        let settings: IdentityProviderSettings = serde_json::from_value(settings)?;
        serde_json::to_value(settings)
    };
    for setting in provider_form::SETTINGS {
        let name = setting.name;
        let samples = match setting.kind {
            K::Switch => vec![json!(true), json!(false)],
            K::Text | K::OptionalText => vec![json!("text")],
            K::OptionalUrl => vec![json!("https://id.example/realms/r")],
            K::Texts => vec![json!(["one", "two"])],
            K::Choice(all) | K::OptionalChoice(all) => {
                assert!(read(name, json!("another")).is_err(), "{name}");
                all.iter().map(|own| json!(own)).collect()
            }
            K::Object => vec![json!({"domain_hint": "example.com"})],
            K::Objects => vec![json!([{"claim": "department", "from": "/department"}])],
            other => panic!("{name} is not written as {other:?}"),
        };
        for sample in samples {
            assert_eq!(read(name, sample.clone()).unwrap()[name], sample, "{name}");
        }
        // Beside the one that must be given.
        if name != "client_id" {
            let by_default = read("client_id", json!("doorward")).unwrap()[name].clone();
            assert_eq!(by_default, provider_form::default_of(&setting), "{name}");
        }
    }
}

#[test]
fn mistakes_about_other_providers_are_told_by_key_and_value() {
    let with = |from: &str, to: &str| OTHER.replace(from, to);
    let secret = "client_secret = \"hunter2\"";
    for (text, key, value) in [
        (with(secret, ""), "identity_providers.client_secret", "(missing)"),
        (
            format!("{OTHER}client_secret_file = \"x\"\n"),
            "identity_providers.client_secret_file",
            "\"x\"",
        ),
        (
            with(secret, "client_secret_file = \"/nowhere/x\""),
            "identity_providers.client_secret_file",
            "\"/nowhere/x\"",
        ),
        (
            with(secret, "client_key_file = \"/nowhere/x\""),
            "identity_providers.client_key_file",
            "\"/nowhere/x\"",
        ),
        (format!("{OTHER}client_key_id = \"x\"\n"), "identity_providers.client_key_id", "\"x\""),
        (format!("{OTHER}tenants = [\"x\"]\n"), "identity_providers.tenants", "\"x\""),
        (format!("{OTHER}scopes = \"profile\"\n"), "identity_providers.scopes", "\"profile\""),
        (format!("{OTHER}title = \" \"\n"), "identity_providers.title", "\"\""),
        (
            with("issuer = \"https://id.other.example\"", ""),
            "identity_providers.issuer",
            "(missing)",
        ),
        (
            with("https://id.other", "http://id.other"),
            "identity_providers[0].issuer",
            "\"http://id.other.example\"",
        ),
        (format!("{OTHER}preset = \"okta\"\n"), "identity_providers[0].preset", "\"okta\""),
        (format!("{OTHER}{OTHER}"), "identity_providers.name", "\"other\""),
        (
            format!("{OTHER}extra_parameters = {{ state = \"x\" }}\n"),
            "identity_providers.extra_parameters",
            "\"state\"",
        ),
    ] {
        let said = refusal(&text, key, value);
        assert!(!said.contains("hunter2"), "{said}");
    }
    let unusable = load(&with("\"other\"", "\"The Other\""), &[]).unwrap_err().to_string();
    assert!(unusable.contains("1 to 32 characters"), "{unusable}");
}
