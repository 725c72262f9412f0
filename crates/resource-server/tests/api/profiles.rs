//! Access tokens of other providers, in the form that each documents; and their ID tokens, which
//! are refused.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use doorward_resource_server::{
    Authenticated, ClaimPath, JwkSet, KeySource, Policy, ProtectedRouter, ResourceServer,
    ResourceServerSettings, TokenProfile, TrustedIssuer,
};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use crate::support::{Answer, NOW, SigningKey, TestClock, call};

/// An API that trusts one issuer, and the issuer's key.
struct Api {
    key: SigningKey,
    issuer: String,
    router: Router,
}

async fn caller(caller: Authenticated) -> Json<Value> {
    Json(json!({
        "sub": caller.principal().sub(),
        "client": caller.claims().client_id,
        "scope": caller.claims().scope,
        "roles": caller.principal().roles().collect::<Vec<_>>(),
    }))
}

impl Api {
    fn new(issuer: TrustedIssuer) -> Self {
        let key = SigningKey::rs256("key-1");
        let keys: JwkSet = serde_json::from_value(json!({ "keys": [key.public()] })).unwrap();
        let name = issuer.issuer.clone();
        let settings = ResourceServerSettings::for_issuer(issuer.with_keys(KeySource::Fixed(keys)));
        let server = ResourceServer::with_clock(settings, Arc::new(TestClock::default())).unwrap();
        let router = ProtectedRouter::new(server)
            .route_for("/", [Policy::authenticated()], get(caller))
            .into_router();
        Self { key, issuer: name, router }
    }

    /// A token with these claims, beside issuer and times.
    fn token(&self, typ: Option<&str>, claims: &Value) -> String {
        let mut header: Header = self.key.header();
        header.typ = typ.map(str::to_owned);
        let mut all = json!({ "iss": self.issuer, "iat": NOW - 5, "exp": NOW + 300 });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.key.sign_as(&header, &all)
    }

    async fn call(&self, typ: Option<&str>, claims: &Value) -> Answer {
        call(&self.router, "/", Some(&self.token(typ, claims))).await
    }

    async fn assert_accepted(&self, typ: Option<&str>, claims: Value, expected: Value) {
        let answer = self.call(typ, &claims).await;
        assert_eq!((answer.status, &answer.body), (200, &expected), "{claims}");
    }

    async fn assert_refused(&self, typ: Option<&str>, claims: Value) {
        let answer = self.call(typ, &claims).await;
        assert_eq!(answer.status, 401, "{claims}");
        assert_eq!(answer.body["error"], "invalid_token");
    }
}

fn with(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// As Keycloak 26.7 writes them.
#[tokio::test]
async fn keycloak() {
    let api = Api::new(TrustedIssuer::keycloak("https://id.example.com/", "shop", "orders"));
    assert_eq!(api.issuer, "https://id.example.com/realms/shop");
    let access = json!({
        "jti": "onrtac:6a0c1f6d-9c0f-4f2b-8a5e-0d2d7f0b1c11",
        "aud": ["orders", "account"],
        "sub": "7f6f3a3e-3f0b-4a53-9ac5-5c38a4f4d0d5",
        "typ": "Bearer",
        "azp": "page",
        "sid": "c1b6b4a2-77f6-4f7a-8b70-2b9d0f6c3f1e",
        "acr": "1",
        "allowed-origins": ["http://localhost:3000"],
        "realm_access": { "roles": ["offline_access", "admin"] },
        "resource_access": {
            "orders": { "roles": ["packer"] },
            "account": { "roles": ["manage-account"] },
        },
        "scope": "openid email profile",
        "email_verified": false,
        "preferred_username": "alice",
    });
    let expected = json!({
        "sub": "7f6f3a3e-3f0b-4a53-9ac5-5c38a4f4d0d5", "client": "page",
        "scope": ["openid", "email", "profile"],
        "roles": ["admin", "offline_access", "packer"],
    });
    api.assert_accepted(Some("JWT"), access.clone(), expected.clone()).await;
    // Older versions write the nonce into access tokens, too.
    api.assert_accepted(Some("JWT"), with(&access, &json!({"nonce": "n"})), expected).await;
    // An ID token, a refresh token, a logout token.
    for typ in ["ID", "Refresh", "Offline", "Logout", ""] {
        api.assert_refused(Some("JWT"), with(&access, &json!({ "typ": typ }))).await;
    }
    api.assert_refused(Some("JWT"), with(&access, &json!({"at_hash": "x"}))).await;
    api.assert_refused(Some("JWT"), with(&access, &json!({"aud": "account"}))).await;
}

/// Version 2: learn.microsoft.com, "Access token claims reference".
#[tokio::test]
async fn entra_id() {
    let (tenant, app) =
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", "6e74172b-be56-4843-9ff4-e66a39bb12e3");
    let api = Api::new(TrustedIssuer::entra_id(tenant, app));
    let access = json!({
        "aud": app, "nbf": NOW - 5, "aio": "AXQAi/8IAAAA", "azpacr": "0",
        "azp": "11112222-bbbb-3333-cccc-4444dddd5555",
        "name": "Abe Lincoln", "oid": "00000000-0000-0000-66f3-3332eca7ea81",
        "preferred_username": "AbeLi@microsoft.com", "rh": "0.x",
        "roles": ["Orders.Admin"], "scp": "Orders.Read Orders.Write",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": tenant,
        "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
    });
    let expected = |client: &str| {
        json!({
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "client": client,
            "scope": ["Orders.Read", "Orders.Write"], "roles": ["Orders.Admin"],
        })
    };
    let v2 = expected("11112222-bbbb-3333-cccc-4444dddd5555");
    api.assert_accepted(Some("JWT"), access.clone(), v2).await;
    // An ID token for an application that is client and API at once.
    let mut id_token = access.clone();
    for claim in ["azp", "azpacr", "scp"] {
        id_token.as_object_mut().unwrap().remove(claim);
    }
    api.assert_refused(Some("JWT"), id_token.clone()).await;
    api.assert_refused(Some("JWT"), with(&access, &json!({"nonce": "12345"}))).await;

    let v1 = Api::new(TrustedIssuer::entra_id_v1(tenant, "api://orders"));
    assert_eq!(v1.issuer, format!("https://sts.windows.net/{tenant}/"));
    let mut old = with(&id_token, &json!({ "aud": "api://orders", "appid": "page", "ver": "1.0" }));
    old["scp"] = json!("Orders.Read Orders.Write");
    v1.assert_accepted(Some("JWT"), old, expected("page")).await;
}

/// auth0.com/docs, "Access Token Profiles".
#[tokio::test]
async fn auth0() {
    let mut issuer = TrustedIssuer::auth0("my-domain.auth0.com", "https://example.com/health-api");
    assert_eq!(issuer.issuer, "https://my-domain.auth0.com/");
    // Roles as an Action adds them: a claim's name must be a URL.
    issuer.profile =
        issuer.profile.with_roles_at([ClaimPath::parse("https://example.com/roles").unwrap()]);
    let api = Api::new(issuer);
    let common = json!({
        "sub": "auth0|123456",
        "aud": ["https://example.com/health-api", "https://my-domain.auth0.com/userinfo"],
        "scope": "openid profile read:patients",
        "permissions": ["read:patients"],
        "https://example.com/roles": ["doctor"],
        "role": "admin",
    });
    let expected = json!({
        "sub": "auth0|123456", "client": "my_client_id",
        "scope": ["openid", "profile", "read:patients"], "roles": ["doctor"],
    });
    let default = with(&common, &json!({ "azp": "my_client_id" }));
    api.assert_accepted(Some("JWT"), default.clone(), expected.clone()).await;
    let rfc9068 = with(&common, &json!({ "client_id": "my_client_id", "jti": "73WakrfVbNJBaAmh" }));
    api.assert_accepted(Some("at+jwt"), rfc9068, expected).await;
    // An ID token is for the client.
    api.assert_refused(Some("JWT"), with(&default, &json!({ "aud": "my_client_id" }))).await;
    api.assert_refused(Some("JWT"), with(&default, &json!({ "nonce": "n" }))).await;
    api.assert_refused(Some("JWT"), common).await;
}

/// developer.okta.com, "Access token payload": there is no type in the header.
#[tokio::test]
async fn okta() {
    let api = Api::new(TrustedIssuer::okta("shop.okta.com", "default", "api://default"));
    assert_eq!(api.issuer, "https://shop.okta.com/oauth2/default");
    let access = json!({
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "aud": "api://default", "sub": "alice@example.com", "uid": "00ujmkLgagxeRrAg20g3",
        "cid": "nmdP1fcyvdVO11AL7ECm", "scp": ["openid", "orders"],
        "groups": ["Everyone", "Admins"],
    });
    let expected = json!({
        "sub": "00ujmkLgagxeRrAg20g3", "client": "nmdP1fcyvdVO11AL7ECm",
        "scope": ["openid", "orders"], "roles": ["Admins", "Everyone"],
    });
    api.assert_accepted(None, access.clone(), expected).await;
    // A client that acts for itself is no user.
    let of_client = json!({
        "ver": 1, "jti": "AT.1", "aud": "api://default", "sub": "nmdP1fcyvdVO11AL7ECm",
        "cid": "nmdP1fcyvdVO11AL7ECm", "scp": ["orders"],
    });
    let expected = json!({
        "sub": "nmdP1fcyvdVO11AL7ECm", "client": "nmdP1fcyvdVO11AL7ECm",
        "scope": ["orders"], "roles": [],
    });
    api.assert_accepted(None, of_client, expected).await;
    let mut id_token = with(&access, &json!({ "jti": "ID.x", "amr": ["pwd"], "idp": "00o1" }));
    id_token.as_object_mut().unwrap().remove("cid");
    api.assert_refused(None, id_token).await;
}

/// docs.aws.amazon.com, "Understanding the access token": most have no `aud`.
#[tokio::test]
async fn cognito() {
    let client = "1example23456789";
    let api = Api::new(TrustedIssuer::cognito("us-west-2", "us-west-2_EXAMPLE", client));
    assert_eq!(api.issuer, "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_EXAMPLE");
    let access = json!({
        "sub": "aaaaaaaa-bbbb-cccc-dddd-example", "cognito:groups": ["admin"], "version": 2,
        "client_id": client, "origin_jti": "aaa", "event_id": "bbb", "token_use": "access",
        "scope": "phone openid orders/read", "auth_time": NOW - 5, "jti": "ccc",
        "username": "alice",
    });
    let expected = json!({
        "sub": "aaaaaaaa-bbbb-cccc-dddd-example", "client": client,
        "scope": ["phone", "openid", "orders/read"], "roles": ["admin"],
    });
    api.assert_accepted(None, access.clone(), expected).await;
    // An ID token of the same client.
    let id_token = with(&access, &json!({ "token_use": "id", "aud": client, "at_hash": "x" }));
    api.assert_refused(None, id_token).await;
    api.assert_refused(None, with(&access, &json!({ "token_use": "id" }))).await;
    api.assert_refused(None, with(&access, &json!({ "client_id": "another" }))).await;
    api.assert_refused(None, with(&access, &json!({ "aud": "https://other-api" }))).await;
}

/// zitadel.com/docs, "Claims in ZITADEL": roles are the members' names of an object.
#[tokio::test]
async fn zitadel() {
    let api = Api::new(TrustedIssuer::zitadel("https://shop.zitadel.cloud", "69234237810729019"));
    let access = json!({
        "sub": "77776025198584418", "aud": ["69234237810729234@shop", "69234237810729019"],
        "azp": "69234237810729234@shop", "jti": "V1_302942341728", "nbf": NOW - 5,
        "urn:zitadel:iam:org:project:roles": {
            "user": { "165461784329789": "acme.ch" }, "admin": { "165461784329789": "acme.ch" },
        },
    });
    let expected = json!({
        "sub": "77776025198584418", "client": "69234237810729234@shop", "scope": [],
        "roles": ["admin", "user"],
    });
    api.assert_accepted(Some("JWT"), access.clone(), expected).await;
    // ID tokens have no `jti`, and have `amr` and mostly `at_hash`.
    let mut id_token = access.clone();
    id_token.as_object_mut().unwrap().remove("jti");
    api.assert_refused(Some("JWT"), id_token).await;
    for claim in ["amr", "at_hash", "nonce"] {
        api.assert_refused(Some("JWT"), with(&access, &json!({ claim: "x" }))).await;
    }
}

/// `IdentityServer4` 4 and Duende: the scope is an array.
#[tokio::test]
async fn identity_server() {
    let api = Api::new(TrustedIssuer::identity_server("https://id.example.com", "my-api"));
    let access = json!({
        "nbf": NOW - 5, "aud": "my-api", "client_id": "page", "sub": "88421113",
        "auth_time": NOW - 5, "idp": "local", "jti": "A1D0F2", "sid": "0B1E",
        "role": "admin", "scope": ["openid", "my-api"], "amr": ["pwd"],
    });
    let expected = json!({
        "sub": "88421113", "client": "page", "scope": ["openid", "my-api"], "roles": ["admin"],
    });
    api.assert_accepted(Some("at+jwt"), access.clone(), expected.clone()).await;
    api.assert_accepted(Some("JWT"), access.clone(), expected).await;
    api.assert_refused(Some("JWT"), with(&access, &json!({ "at_hash": "x" }))).await;
    api.assert_refused(Some("logout+jwt"), access).await;
}

#[tokio::test]
async fn a_profile_spelled_out() {
    let profile = TokenProfile::jwt()
        .with_types(["vendor+jwt"])
        .with_subject_at([ClaimPath::name("uid")])
        .with_client_at([ClaimPath::parse("/app/id").unwrap()])
        .with_scope_at([ClaimPath::name("perms")])
        .with_roles_at([ClaimPath::parse("/a.b/c~1d").unwrap()])
        .requiring(ClaimPath::name("kind"), ["access"])
        .forbidding(ClaimPath::name("email"));
    let issuer = TrustedIssuer::new("https://id.example.com", "one")
        .with_audience("two")
        .with_profile(profile);
    let api = Api::new(issuer);
    let access = json!({
        "aud": "two", "uid": "u1", "sub": "ignored", "app": { "id": "page" }, "kind": "access",
        "perms": ["x y", "z"], "a.b": { "c/d": "boss" },
    });
    let expected =
        json!({ "sub": "u1", "client": "page", "scope": ["x", "y", "z"], "roles": ["boss"] });
    api.assert_accepted(Some("vendor+jwt"), access.clone(), expected.clone()).await;
    api.assert_accepted(Some("application/Vendor+JWT"), access.clone(), expected).await;
    api.assert_refused(Some("JWT"), access.clone()).await;
    api.assert_refused(Some("vendor+jwt"), with(&access, &json!({ "kind": "id" }))).await;
    api.assert_refused(Some("vendor+jwt"), with(&access, &json!({ "email": "x" }))).await;
    api.assert_refused(Some("vendor+jwt"), with(&access, &json!({ "aud": "three" }))).await;
}

/// No profile takes an ID token of the code flow, as OIDC Core section 2 defines it.
#[tokio::test]
async fn no_profile_accepts_an_id_token() {
    for name in TokenProfile::NAMES {
        let profile = TokenProfile::named(name, "page").unwrap();
        let api =
            Api::new(TrustedIssuer::new("https://id.example.com", "page").with_profile(profile));
        let id_token = json!({
            "sub": "alice", "aud": "page", "azp": "page", "nonce": "n", "at_hash": "x",
            "auth_time": NOW - 5, "sid": "s", "name": "Alice",
        });
        for typ in [None, Some("JWT")] {
            api.assert_refused(typ, id_token.clone()).await;
        }
    }
}
