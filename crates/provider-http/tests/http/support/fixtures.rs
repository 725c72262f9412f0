//! Users, clients and resources of every world.

use std::sync::LazyLock;

use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    password::PasswordHash,
    resource::{ApiResource, ApiScope, IdentityResource, Resources},
    user::{User, UserClaims},
};
use serde_json::{Value, json};

use super::{BACKEND_REDIRECT, REDIRECT};

/// A user whose password and claims are made from the name.
pub fn user(sub: &str, password: &str, roles: &[&str]) -> User {
    let claims = json!({
        "role": roles, "department": "Sales", "email": format!("{sub}@example.com"),
        "email_verified": true, "name": sub.to_uppercase(), "phone_number": "+1 202 555 0101",
    });
    let Value::Object(claims) = claims else { unreachable!() };
    User {
        sub: sub.parse().unwrap(),
        username: sub.to_owned(),
        password_hash: Some(PasswordHash::compute(&Secret::new(password)).unwrap()),
        enabled: true,
        claims: UserClaims(claims).into(),
        groups: std::sync::Arc::default(),
        mapped: std::sync::Arc::default(),
    }
}

/// The users of every world: hashed once.
pub fn users() -> Vec<User> {
    static USERS: LazyLock<Vec<User>> = LazyLock::new(|| {
        vec![user("alice", "alice", &["admin"]), user("carol", "carol", &["admin", "user"])]
    });
    USERS.clone()
}

/// Alice, to be changed by a test.
pub fn alice() -> User {
    users().swap_remove(0)
}

/// The settings of a public client of its own, with these changes.
pub fn client_settings(client_id: &str, changes: Value) -> Value {
    let mut settings = json!({
        "client_id": client_id, "allowed_grant_types": ["authorization_code"],
        "require_client_secret": false, "redirect_uris": [REDIRECT],
        "allowed_scopes": ["openid", "profile", "email", "MyBackendApi2"],
        "allow_offline_access": true,
    });
    merge(&mut settings, changes);
    settings
}

/// Puts each member of `changes` into `settings`.
pub fn merge(settings: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    settings.as_object_mut().unwrap().extend(changes);
}

/// The clients of every world, those of the demo.
pub fn clients() -> Vec<Value> {
    vec![
        json!({
            "client_id": "PkceJS", "client_name": "JavaScript Client",
            "allowed_grant_types": ["authorization_code"], "require_client_secret": false,
            "redirect_uris": [REDIRECT, "http://127.0.0.1:5001/callback"],
            "post_logout_redirect_uris": [REDIRECT],
            "allowed_cors_origins": ["http://localhost:5001"],
            "allowed_scopes": ["openid", "profile", "email", "MyBackendApi2"],
            "allow_offline_access": true,
            "refresh_token_expiration": "sliding", "absolute_refresh_token_lifetime": 360_000,
            "sliding_refresh_token_lifetime": 36_000,
        }),
        json!({
            "client_id": "PkceCodeBackend", "client_name": "Backend",
            "allowed_grant_types": ["authorization_code"],
            "client_secrets": [{"plain": "secret"}], "redirect_uris": [BACKEND_REDIRECT],
            "post_logout_redirect_uris": ["http://localhost:5001/signout-callback-oidc"],
            "allowed_scopes": ["openid", "profile", "MyBackendApi2"], "allow_offline_access": true,
            "require_consent": true,
        }),
        json!({
            "client_id": "Resources", "allowed_grant_types": ["client_credentials"],
            "client_secrets": [{"plain": "secret"}],
            "allowed_scopes": ["MyBackendApi2"], "access_token_lifetime": 36_000,
        }),
        json!({
            "client_id": "MyBackend", "allowed_grant_types": ["password"],
            "client_secrets": [{"plain": "secret"}],
            "allowed_scopes": ["openid", "email", "profile", "MyBackendApi1"],
            "allow_offline_access": true, "update_access_token_claims_on_refresh": true,
            "always_include_user_claims_in_id_token": true,
        }),
        json!({
            "client_id": "Television", "client_name": "Television App",
            "allowed_grant_types": ["device_code"], "require_client_secret": false,
            "allowed_scopes": ["openid", "profile", "MyBackendApi2"], "allow_offline_access": true,
        }),
        json!({
            "client_id": "Disabled", "enabled": false,
            "allowed_grant_types": ["authorization_code"], "require_client_secret": false,
            "redirect_uris": [REDIRECT], "allowed_scopes": ["openid"],
            "allowed_cors_origins": ["http://disabled.example"],
        }),
    ]
}

/// The resources of every world.
pub fn resources() -> Resources {
    resources_with(vec![])
}

/// The resources of every world, and these about the user, in place of those of the same names.
pub fn resources_with(more: Vec<IdentityResource>) -> Resources {
    let scope = |name: &str, required: bool| ApiScope {
        name: name.to_owned(),
        display_name: format!("The API {name}"),
        description: Some(format!("Calls {name} for you.")),
        required,
        emphasize: false,
    };
    let api = |name: &str| ApiResource {
        name: name.to_owned(),
        display_name: name.to_owned(),
        scopes: vec![name.to_owned()],
        user_claims: ["role", "department", "email"].map(str::to_owned).to_vec(),
        access_token_signing_algs: vec![],
        access_token_typ: None,
        secrets: serde_json::from_value(json!([{"plain": "api-secret"}])).unwrap(),
    };
    let names: Vec<String> = more.iter().map(|own| own.name.clone()).collect();
    let usual = IdentityResource::standard().into_iter().filter(|own| !names.contains(&own.name));
    Resources::new(
        usual.chain(more).collect(),
        vec![scope("MyBackendApi1", false), scope("MyBackendApi2", false), scope("audit", true)],
        vec![api("MyBackendApi1"), api("MyBackendApi2")],
        true,
    )
    .unwrap()
}
