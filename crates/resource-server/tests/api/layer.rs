//! Policies by layer: around a router, and on the router that has no open route.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    body::Body,
    http::{Request, header::AUTHORIZATION},
    routing::{any, get},
};
use doorward_policy::{Policy, RequiredPolicy};
use doorward_resource_server::{
    Anyone, Authenticated, Authorized, ProtectedRoute, ProtectedRouter, require,
};
use serde_json::json;

use crate::{
    dpop::{ORIGIN, proof, request, thumbprint},
    support::{Setup, SigningKey, call, resource_server, send},
};

struct Admin;

impl RequiredPolicy for Admin {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_role("admin").named("Admin")]);
        &*POLICIES
    }
}

struct Sales;

impl RequiredPolicy for Sales {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
        &*POLICIES
    }
}

struct Writer;

impl RequiredPolicy for Writer {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> = LazyLock::new(|| [Policy::require_scope("write")]);
        &*POLICIES
    }
}

async fn write(_: Authorized<Writer>) {}

async fn name(caller: Authenticated) -> String {
    caller.principal().sub().to_owned()
}

async fn sales(_: Authorized<Sales>) {}

#[tokio::test]
async fn a_layer_protects_every_route_under_it_and_nothing_else() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |_| ());
    let app = Router::new()
        .route("/plain", get(|| async { "no caller needed" }))
        .route("/name", get(name))
        .route("/sales", get(sales))
        .route_layer(require::<Admin>(&server))
        .route("/open", get(|| async {}))
        .with_state(server);
    let (admin, user) = (setup.token(), setup.token_with("role", json!("user")));
    let elsewhere = setup.token_with("department", json!("CRM"));
    for path in ["/plain", "/name", "/sales"] {
        assert_eq!(call(&app, path, None).await.status, 401, "{path}");
        assert_eq!(call(&app, path, Some(&user)).await.status, 403, "{path}");
        assert_eq!(call(&app, path, Some(&admin)).await.status, 200, "{path}");
    }
    assert_eq!(
        call(&app, "/sales", Some(&elsewhere)).await.status,
        403,
        "both the layer's policy and the handler's count"
    );
    assert_eq!(call(&app, "/open", None).await.status, 200);
    assert_eq!(call(&app, "/nowhere", None).await.status, 404);
}

#[tokio::test]
async fn a_proof_is_used_up_once_for_layer_and_handler() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |settings| {
        settings.url = Some(ORIGIN.to_owned());
    });
    let app = ProtectedRouter::new(server).route::<Admin>("/name", get(name)).into_router();
    let key = SigningKey::es256("proof");
    let token = setup.token_with("cnf", json!({"jkt": thumbprint(&key)}));
    let proof = proof(&key, &token, &json!({"htu": format!("{ORIGIN}/name")}));
    assert_eq!(send(&app, request("/name", "DPoP", &token, &[&proof])).await.status, 200);
    assert_eq!(send(&app, request("/name", "DPoP", &token, &[&proof])).await.status, 401);
}

#[tokio::test]
async fn a_handlers_refusal_is_told_in_the_scheme_that_the_layer_saw() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |settings| {
        settings.url = Some(ORIGIN.to_owned());
    });
    let app = ProtectedRouter::new(server).route::<Anyone>("/write", get(write)).into_router();
    let key = SigningKey::es256("proof");
    let token = setup.token_with("cnf", json!({"jkt": thumbprint(&key)}));
    let proof = proof(&key, &token, &json!({"htu": format!("{ORIGIN}/write")}));
    let answer = send(&app, request("/write", "DPoP", &token, &[&proof])).await;
    assert_eq!((answer.status, &answer.body["error"]), (403, &json!("insufficient_scope")));
    assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "), "{answer:?}");
    let answer = call(&app, "/write", Some(&setup.token())).await;
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "), "{answer:?}");
}

#[tokio::test]
async fn what_another_apis_layer_verified_does_not_count() {
    let setup = Setup::new().await;
    let server = |audience: &'static str| {
        resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), move |settings| {
            settings.issuers[0].audiences = vec![audience.to_owned()];
        })
    };
    let app = |handlers: &'static str| {
        Router::new()
            .route("/name", get(name))
            .route_layer(require::<Anyone>(&server("Other")))
            .with_state(server(handlers))
    };
    let token = setup.token_with("aud", json!("Other"));
    assert_eq!(call(&app("Other"), "/name", Some(&token)).await.status, 200);
    assert_eq!(call(&app("Another"), "/name", Some(&token)).await.status, 401);
}

#[tokio::test]
async fn the_table_of_routes_is_what_is_served() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |_| ());
    let router = ProtectedRouter::new(server)
        .route::<Anyone>("/name", get(name).post(|| async {}))
        .route::<Admin>("/items/{id}", get(|| async {}));
    let table: Vec<_> =
        router.routes().iter().map(|route| (route.path(), route.policies().len())).collect();
    assert_eq!(table, [("/name", 0), ("/items/{id}", 1)]);
    assert_eq!(router.routes()[1].describe()[0].name.as_deref(), Some("Admin"));
    let app = router.into_router();
    assert_eq!(call(&app, "/items/7", None).await.status, 401);
    assert_eq!(
        call(&app, "/items/7", Some(&setup.token_with("role", json!("user")))).await.status,
        403
    );
    assert_eq!(
        call(&app, "/name", Some(&setup.token_with("role", json!("user")))).await.body,
        json!(null)
    );
}

#[tokio::test]
async fn no_method_gets_by_a_routes_policy() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |_| ());
    let app = ProtectedRouter::new(server)
        .route::<Admin>("/fallback", get(|| async {}).fallback(|| async {}))
        .route::<Admin>("/any", any(|| async {}).get(|| async {}))
        .route::<Admin>("/get", get(|| async {}))
        .into_router();
    let (admin, user) = (setup.token(), setup.token_with("role", json!("user")));
    for (path, status) in [("/fallback", 200), ("/any", 200), ("/get", 405)] {
        for method in ["POST", "OPTIONS", "PROPFIND"] {
            let request = |token: Option<&str>| {
                let request = Request::builder().method(method).uri(path);
                let request = token.into_iter().fold(request, |request, token| {
                    request.header(AUTHORIZATION, format!("Bearer {token}"))
                });
                request.body(Body::empty()).unwrap()
            };
            assert_eq!(send(&app, request(None)).await.status, 401, "{method} {path}");
            assert_eq!(send(&app, request(Some(&user))).await.status, 403, "{method} {path}");
            assert_eq!(send(&app, request(Some(&admin))).await.status, status, "{method} {path}");
        }
    }
}

#[tokio::test]
#[should_panic(expected = "route_layer")]
async fn a_route_that_answers_no_method_is_refused_at_start() {
    let server = resource_server("http://127.0.0.1:1", &Arc::default(), |_| ());
    let _ = ProtectedRouter::new(server)
        .route::<Anyone>("/nothing", axum::routing::MethodRouter::new());
}

#[tokio::test]
async fn routers_nest_and_merge_with_their_policies_and_have_a_protected_fallback() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &Arc::clone(&setup.clock), |_| ());
    let orders = ProtectedRouter::new(server.clone())
        .route::<Admin>("/", get(|| async {}))
        .route::<Admin>("/{id}", get(|| async {}));
    let more = ProtectedRouter::new(server.clone()).route::<Anyone>("/more", get(|| async {}));
    let router = ProtectedRouter::new(server)
        .nest("/orders", orders)
        .merge(more)
        .fallback::<Admin, _, _>(|| async { axum::http::StatusCode::IM_A_TEAPOT })
        .layer(axum::middleware::map_response(|mut response: axum::response::Response| async {
            response.headers_mut().insert("x-layer", "seen".parse().unwrap());
            response
        }));
    let paths: Vec<_> = router.routes().iter().map(ProtectedRoute::path).collect();
    assert_eq!(paths, ["/orders", "/orders/{id}", "/more"]);
    let app = router.into_router();
    let (admin, user) = (setup.token(), setup.token_with("role", json!("user")));
    for (path, for_user, for_admin) in
        [("/orders", 403, 200), ("/orders/7", 403, 200), ("/more", 200, 200), ("/none", 403, 418)]
    {
        let open = call(&app, path, None).await;
        assert_eq!((open.status, open.header("x-layer")), (401, Some("seen")), "{path}");
        assert_eq!(call(&app, path, Some(&user)).await.status, for_user, "{path}");
        assert_eq!(call(&app, path, Some(&admin)).await.status, for_admin, "{path}");
    }
}
