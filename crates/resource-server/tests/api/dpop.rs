//! Tokens that are bound to a key, and the proofs that go with them (RFC 9449 section 7).

use std::{pin::Pin, sync::LazyLock};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::get,
};
use doorward_policy::{Policy, RequiredPolicy};
use doorward_protocol::{dpop::access_token_hash, jwk::Jwk};
use doorward_resource_server::{
    Authenticated, Authorized, Clock as _, ProofStore, ProofStoreError, Refusal, ResourceServer,
    ResourceServerSettings, Secret, SettingsError, TokenError, UsedProof,
};
use serde_json::{Value, json};

use crate::support::{
    ADMIN_ROUTE, Answer, NOW, Setup, SigningKey, call, orders_api, resource_server, send,
};

pub const ORIGIN: &str = "https://api.example.com";

struct Admin;

impl RequiredPolicy for Admin {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> = LazyLock::new(|| [Policy::require_role("admin")]);
        &*POLICIES
    }
}

/// A caller with a key, and a token that is bound to it.
struct Caller {
    setup: Setup,
    key: SigningKey,
    token: String,
}

impl Caller {
    async fn new() -> Self {
        let setup = Setup::with_settings(|settings| settings.url = Some(ORIGIN.to_owned())).await;
        let key = SigningKey::es256("proof");
        let token = setup.token_with("cnf", json!({"jkt": thumbprint(&key)}));
        Self { setup, key, token }
    }

    /// A good proof with these claims in place of its own; `null` takes one out.
    fn proof(&self, changes: &Value) -> String {
        self.proof_for(&self.token, changes)
    }

    fn proof_for(&self, token: &str, changes: &Value) -> String {
        proof(&self.key, token, changes)
    }

    async fn call(&self, proofs: &[&str]) -> Answer {
        self.call_as("DPoP", &self.token, proofs).await
    }

    async fn call_as(&self, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
        send(&self.setup.api, request(ADMIN_ROUTE, scheme, token, proofs)).await
    }

    async fn assert_invalid_proof(&self, changes: Value) {
        assert_refused(&self.call(&[&self.proof(&changes)]).await, "invalid_dpop_proof");
    }
}

pub fn thumbprint(key: &SigningKey) -> String {
    let jwk: Jwk = serde_json::from_value(key.public()).unwrap();
    jwk.thumbprint().unwrap().to_string()
}

pub fn proof(key: &SigningKey, token: &str, changes: &Value) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static JTI: AtomicU64 = AtomicU64::new(0);
    let mut claims = json!({
        "jti": format!("jti-{}", JTI.fetch_add(1, Ordering::Relaxed)), "htm": "GET",
        "htu": format!("{ORIGIN}{ADMIN_ROUTE}"), "iat": NOW, "ath": access_token_hash(token),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let mut header = key.header();
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(serde_json::from_value(key.public()).unwrap());
    key.sign_as(&header, &claims)
}

pub fn request(path: &str, scheme: &str, token: &str, proofs: &[&str]) -> Request<Body> {
    let mut request = Request::get(path).header(header::AUTHORIZATION, format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    request.body(Body::empty()).unwrap()
}

/// A 401 whose one challenge is of the scheme `DPoP`.
#[track_caller]
fn assert_refused(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.body["error"], code);
    let challenge = answer.header("www-authenticate").unwrap();
    let expected =
        r#"DPoP realm="MyBackendApi2", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384", error=""#;
    assert!(challenge.starts_with(&format!("{expected}{code}\"")), "{challenge}");
}

#[tokio::test]
async fn a_bound_token_with_its_proof_is_answered() {
    let caller = Caller::new().await;
    for scheme in ["DPoP", "dpop"] {
        let answer = caller.call_as(scheme, &caller.token, &[&caller.proof(&json!({}))]).await;
        assert_eq!((answer.status, &answer.body["sub"]), (200, &json!("alice")));
    }
    let spelled =
        caller.proof(&json!({"htu": format!("HTTPS://API.example.com:443{ADMIN_ROUTE}?a=b#c")}));
    assert_eq!(caller.call(&[&spelled]).await.status, 200);
}

#[tokio::test]
async fn a_bearer_token_is_answered_as_before() {
    let caller = Caller::new().await;
    assert_eq!(caller.setup.call(&caller.setup.token()).await.status, 200);
}

#[tokio::test]
async fn a_bound_token_as_bearer_is_refused() {
    let caller = Caller::new().await;
    for proofs in [vec![], vec![caller.proof(&json!({}))]] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = caller.call_as("Bearer", &caller.token, &proofs).await;
        assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_token")));
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert!(
            challenges[0].to_str().unwrap().contains(r#"error="invalid_token""#),
            "{challenges:?}"
        );
        assert_eq!(
            challenges[1],
            r#"DPoP realm="MyBackendApi2", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384""#
        );
    }
}

#[tokio::test]
async fn a_bearer_token_by_the_dpop_scheme_is_refused() {
    let caller = Caller::new().await;
    let token = caller.setup.token();
    let proof = caller.proof_for(&token, &json!({}));
    assert_refused(&caller.call_as("DPoP", &token, &[&proof]).await, "invalid_token");
}

#[tokio::test]
async fn a_proof_by_another_key_is_refused() {
    let caller = Caller::new().await;
    let foreign = proof(&SigningKey::es256("foreign"), &caller.token, &json!({}));
    assert_refused(&caller.call(&[&foreign]).await, "invalid_token");
}

#[tokio::test]
async fn a_token_that_is_bound_to_more_than_a_key_is_refused() {
    let caller = Caller::new().await;
    let jkt = thumbprint(&caller.key);
    for cnf in
        [json!({"jkt": jkt, "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}), json!({})]
    {
        let token = caller.setup.token_with("cnf", cnf);
        let proof = caller.proof_for(&token, &json!({}));
        assert_refused(&caller.call_as("DPoP", &token, &[&proof]).await, "invalid_token");
        assert_eq!(caller.setup.call(&token).await.status, 401);
    }
}

#[tokio::test]
async fn a_missing_second_or_unreadable_proof_is_refused() {
    let caller = Caller::new().await;
    let proof = || caller.proof(&json!({}));
    for proofs in [
        vec![],
        vec![proof(), proof()],
        vec!["x".to_owned()],
        vec![String::new()],
        vec![caller.token.clone()],
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        assert_refused(&caller.call(&proofs).await, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn a_proof_counts_once() {
    let caller = Caller::new().await;
    let proof = caller.proof(&json!({}));
    assert_eq!(caller.call(&[&proof]).await.status, 200);
    assert_refused(&caller.call(&[&proof]).await, "invalid_dpop_proof");
    caller.setup.clock.advance(120);
    assert_refused(&caller.call(&[&proof]).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn htm_is_the_method() {
    let caller = Caller::new().await;
    caller.assert_invalid_proof(json!({"htm": "POST"})).await;
    caller.assert_invalid_proof(json!({"htm": null})).await;
}

#[tokio::test]
async fn htu_is_the_address_that_callers_know() {
    let caller = Caller::new().await;
    for htu in [
        format!("http://api.example.com{ADMIN_ROUTE}"),
        format!("https://evil.example{ADMIN_ROUTE}"),
        format!("{ORIGIN}/orders/user"),
        ADMIN_ROUTE.to_owned(),
    ] {
        caller.assert_invalid_proof(json!({"htu": htu})).await;
    }
    caller.assert_invalid_proof(json!({"htu": null})).await;
    // What the request says of its host does not count.
    let mut request = request(
        ADMIN_ROUTE,
        "DPoP",
        &caller.token,
        &[&caller.proof(&json!({"htu": "https://evil.example"}))],
    );
    request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    assert_refused(&send(&caller.setup.api, request).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn ath_is_the_hash_of_the_token() {
    let caller = Caller::new().await;
    caller.assert_invalid_proof(json!({"ath": null})).await;
    caller.assert_invalid_proof(json!({"ath": access_token_hash("other")})).await;
}

#[tokio::test]
async fn iat_is_near() {
    let caller = Caller::new().await;
    for (iat, status) in [(NOW - 121, 401), (NOW - 120, 200), (NOW + 60, 200), (NOW + 61, 401)] {
        assert_eq!(
            caller.call(&[&caller.proof(&json!({"iat": iat}))]).await.status,
            status,
            "{iat}"
        );
    }
}

#[tokio::test]
async fn jti_is_there() {
    let caller = Caller::new().await;
    caller.assert_invalid_proof(json!({"jti": null})).await;
}

#[tokio::test]
async fn a_call_without_a_token_is_told_of_both_schemes() {
    let caller = Caller::new().await;
    let answer = call(&caller.setup.api, ADMIN_ROUTE, None).await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges[0], r#"Bearer realm="MyBackendApi2""#);
    assert_eq!(
        challenges[1],
        r#"DPoP realm="MyBackendApi2", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384""#
    );
}

#[tokio::test]
async fn a_denial_stays_a_denial() {
    let caller = Caller::new().await;
    let mut claims = caller.setup.claims();
    claims["cnf"] = json!({"jkt": thumbprint(&caller.key)});
    claims["role"] = json!("user");
    let token = caller.setup.key.sign(&claims);
    let answer = caller.call_as("DPoP", &token, &[&caller.proof_for(&token, &json!({}))]).await;
    assert_eq!((answer.status, &answer.body["error"]), (403, &json!("access_denied")));
}

#[tokio::test]
async fn without_the_apis_url_bound_tokens_are_refused() {
    let (setup, key) = (Setup::new().await, SigningKey::es256("proof"));
    let token = setup.token_with("cnf", json!({"jkt": thumbprint(&key)}));
    let answer =
        send(&setup.api, request(ADMIN_ROUTE, "DPoP", &token, &[&proof(&key, &token, &json!({}))]))
            .await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, Some(r#"Bearer realm="MyBackendApi2""#))
    );
}

#[tokio::test]
async fn a_nested_router_is_known_by_its_whole_path() {
    async fn anyone(_: Authenticated) {}
    let caller = Caller::new().await;
    let set = |settings: &mut ResourceServerSettings| settings.url = Some(ORIGIN.to_owned());
    let server = resource_server(&caller.setup.issuer.url, &caller.setup.clock, set);
    let router =
        Router::new().nest("/v1", Router::new().route("/me", get(anyone)).with_state(server));
    let proof = caller.proof(&json!({"htu": format!("{ORIGIN}/v1/me")}));
    assert_eq!(
        send(&router, request("/v1/me", "DPoP", &caller.token, &[&proof])).await.status,
        200
    );
    let proof = caller.proof(&json!({"htu": format!("{ORIGIN}/me")}));
    assert_eq!(
        send(&router, request("/v1/me", "DPoP", &caller.token, &[&proof])).await.status,
        401
    );
}

#[tokio::test]
async fn a_path_that_a_proxy_takes_away_belongs_to_the_address() {
    let caller = Caller::new().await;
    let set = |settings: &mut ResourceServerSettings| {
        settings.url = Some("https://example.com/backend/".to_owned());
    };
    let api = orders_api(resource_server(&caller.setup.issuer.url, &caller.setup.clock, set));
    for (known_as, status) in [("https://example.com/backend", 200), ("https://example.com", 401)] {
        let proof = caller.proof(&json!({"htu": format!("{known_as}{ADMIN_ROUTE}")}));
        let answer = send(&api, request(ADMIN_ROUTE, "DPoP", &caller.token, &[&proof])).await;
        assert_eq!(answer.status, status, "{known_as}");
    }
}

/// "Admin or else anyone", or an extractor for an audit log beside the handler's own.
#[tokio::test]
async fn a_handler_may_extract_its_caller_any_number_of_times() {
    async fn both(admin: Authorized<Admin>, anyone: Authenticated) -> String {
        format!("{} {}", admin.principal().sub(), anyone.principal().sub())
    }
    async fn either(admin: Result<Authorized<Admin>, Refusal>, anyone: Authenticated) -> String {
        format!("{} {}", admin.is_ok(), anyone.principal().sub())
    }
    async fn optional(first: Option<Authenticated>, second: Option<Authorized<Admin>>) -> String {
        format!("{} {}", first.is_some(), second.is_some())
    }
    let caller = Caller::new().await;
    let set = |settings: &mut ResourceServerSettings| settings.url = Some(ORIGIN.to_owned());
    let server = resource_server(&caller.setup.issuer.url, &caller.setup.clock, set);
    let app = Router::new()
        .route("/both", get(both))
        .route("/either", get(either))
        .route("/optional", get(optional))
        .with_state(server);
    let mut claims = caller.setup.claims();
    claims["cnf"] = json!({"jkt": thumbprint(&caller.key)});
    claims["role"] = json!("user");
    let user = caller.setup.key.sign(&claims);
    for (path, token, status) in [
        ("/both", &caller.token, 200),
        ("/both", &user, 403),
        ("/either", &caller.token, 200),
        ("/either", &user, 200),
        ("/optional", &caller.token, 200),
    ] {
        let proof = caller.proof_for(token, &json!({"htu": format!("{ORIGIN}{path}")}));
        let answer = send(&app, request(path, "DPoP", token, &[&proof])).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let again = send(&app, request(path, "DPoP", token, &[&proof])).await;
        assert_refused(&again, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn a_path_with_characters_that_browsers_leave_in_it_can_be_proven() {
    async fn anyone(_: Authenticated) {}
    let caller = Caller::new().await;
    let set = |settings: &mut ResourceServerSettings| settings.url = Some(ORIGIN.to_owned());
    let server = resource_server(&caller.setup.issuer.url, &caller.setup.clock, set);
    let app = Router::new().route("/{*path}", get(anyone)).with_state(server);
    for (path, htu) in [("/a|b", "/a|b"), ("/a|b", "/a%7Cb"), ("/100%", "/100%"), ("/%61", "/a")] {
        let proof = caller.proof(&json!({"htu": format!("{ORIGIN}{htu}")}));
        let answer = send(&app, request(path, "DPoP", &caller.token, &[&proof])).await;
        assert_eq!(answer.status, 200, "{path} {htu}");
    }
    // Two routes may differ by what a URI library removes.
    for path in ["/x/../secret", "/x/%2e%2E/secret", "/./secret"] {
        let proof = caller.proof(&json!({"htu": format!("{ORIGIN}/secret")}));
        let answer = send(&app, request(path, "DPoP", &caller.token, &[&proof])).await;
        assert_refused(&answer, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn what_dpop_cannot_prove_is_said_to_be_so() {
    let caller = Caller::new().await;
    let mut claims = caller.setup.claims();
    claims["cnf"] = json!({"jkt": thumbprint(&caller.key), "x5t#S256": "x"});
    let token = caller.setup.key.sign(&claims);
    let answer = caller.call_as("DPoP", &token, &[&caller.proof_for(&token, &json!({}))]).await;
    let said = TokenError::UnsupportedConfirmation.to_string();
    assert_eq!(answer.body["error_description"], said);
}

/// A store that several processes share, or that is away.
#[tokio::test]
async fn the_memory_of_proofs_can_be_another() {
    struct Says(Result<bool, ()>);
    impl ProofStore for Says {
        fn use_once(
            &self,
            proof: UsedProof,
        ) -> Pin<Box<dyn Future<Output = Result<bool, ProofStoreError>> + Send + '_>> {
            assert!(proof.life.as_secs() > 120);
            let answer = self.0.map_err(|()| ProofStoreError("away".to_owned()));
            Box::pin(std::future::ready(answer))
        }
    }
    let caller = Caller::new().await;
    for (says, status) in [(Ok(true), 200), (Ok(false), 401), (Err(()), 503)] {
        let set = |settings: &mut ResourceServerSettings| settings.url = Some(ORIGIN.to_owned());
        let server = resource_server(&caller.setup.issuer.url, &caller.setup.clock, set);
        let api = orders_api(server.with_proof_store(Says(says)));
        let proof = caller.proof(&json!({}));
        let answer = send(&api, request(ADMIN_ROUTE, "DPoP", &caller.token, &[&proof])).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

const NONCE_SECRET: &str = "a secret of the API's nonces, long enough";

/// The API of a caller, which wants nonces.
fn with_nonces(caller: &Caller) -> Router {
    let set = |settings: &mut ResourceServerSettings| {
        settings.url = Some(ORIGIN.to_owned());
        settings.nonce_secret = Some(NONCE_SECRET.to_owned().into());
    };
    orders_api(resource_server(&caller.setup.issuer.url, &caller.setup.clock, set))
}

#[tokio::test]
async fn a_nonce_is_asked_for_and_counts_until_it_is_old() {
    let caller = Caller::new().await;
    let api = with_nonces(&caller);
    let call = async |changes: Value| {
        let proof = caller.proof(&changes);
        let answer = send(&api, request(ADMIN_ROUTE, "DPoP", &caller.token, &[&proof])).await;
        if answer.status != 200 {
            assert_refused(&answer, "use_dpop_nonce");
        }
        answer
    };
    let nonce = call(json!({})).await.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(call(json!({"nonce": nonce})).await.status, 200);
    assert_eq!(call(json!({"nonce": nonce})).await.status, 200, "one nonce, many proofs");
    for wrong in [json!({"nonce": "made-up"}), json!({"nonce": "A".repeat(43)})] {
        assert_eq!(call(wrong).await.header("dpop-nonce"), Some(&*nonce));
    }
    caller.setup.clock.advance(240);
    let later = caller.setup.clock.now();
    let answer = call(json!({"nonce": nonce, "iat": later})).await;
    let newer = answer.header("dpop-nonce").unwrap();
    assert_ne!(newer, nonce);
    assert_eq!(call(json!({"nonce": newer, "iat": later})).await.status, 200);
    // Another process of the API knows the nonce.
    let proof = caller.proof(&json!({"nonce": newer, "iat": later}));
    let other = with_nonces(&caller);
    let answer = send(&other, request(ADMIN_ROUTE, "DPoP", &caller.token, &[&proof])).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_nonce_is_given_to_the_holder_of_the_key_alone() {
    let caller = Caller::new().await;
    let api = with_nonces(&caller);
    let foreign = proof(&SigningKey::es256("foreign"), &caller.token, &json!({}));
    for wrong in [foreign, caller.proof(&json!({"htm": "POST"}))] {
        let answer = send(&api, request(ADMIN_ROUTE, "DPoP", &caller.token, &[&wrong])).await;
        assert_eq!((answer.status, answer.header("dpop-nonce")), (401, None), "{answer:?}");
    }
    let bearer = call(&api, ADMIN_ROUTE, Some(&caller.setup.token())).await;
    assert_eq!(bearer.status, 200, "a token that is bound to no key needs no proof");
}

#[tokio::test]
async fn a_refusal_for_a_nonce_uses_no_proof_up() {
    let caller = Caller::new().await;
    let proof = caller.proof(&json!({}));
    let asked = request(ADMIN_ROUTE, "DPoP", &caller.token, &[&proof]);
    assert_refused(&send(&with_nonces(&caller), asked).await, "use_dpop_nonce");
    assert_eq!(caller.call(&[&proof]).await.status, 200, "an API of the same address without them");
}

#[test]
fn a_short_secret_and_one_without_an_address_are_refused() {
    let settings = || ResourceServerSettings::new("https://id.example.com", "api");
    let of = |secret: &str| Secret::new(secret);
    let without_url = settings().with_nonce_secret(of(NONCE_SECRET));
    let short = settings().with_url(ORIGIN).with_nonce_secret(of("short"));
    for refused in [without_url, short] {
        let error = ResourceServer::new(refused).err();
        assert_eq!(error, Some(SettingsError::NonceSecret));
    }
    assert!(
        ResourceServer::new(settings().with_url(ORIGIN).with_nonce_secret(of(NONCE_SECRET)))
            .is_ok()
    );
}
