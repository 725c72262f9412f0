//! What operators see: health part by part, and metrics.

use reqwest::Response;
use serde_json::json;
use test_ports::ReservedPort;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{
    Doorward, Sandbox, browser, health, ready, refresh, sign_in_by_password, text, token, until,
};

/// The value of a series that is written so; nothing if it was never counted.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test]
async fn metrics_tell_what_happened_and_stand_on_the_management_listener_only() {
    let place = Sandbox::new();
    let management = ReservedPort::new();
    let origin = format!("http://{}", management.address());
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_MANAGEMENT__LISTEN", management.address().to_string());
    let server = Doorward::start(command);
    let http = browser();
    let tokens = sign_in_by_password(&http, &place, "alice").await;
    assert_eq!(refresh(&http, &place, text(&tokens, "refresh_token")).await.status(), 200);
    let wrong = [("grant_type", "password"), ("username", "alice"), ("password", "wrong")];
    assert_eq!(token(&http, &place, "PolicyBasedBackend", &wrong).await.status(), 400);
    let made_up = [("grant_type", "made-up")];
    assert_eq!(token(&http, &place, "PolicyBasedBackend", &made_up).await.status(), 400);
    let api = format!("{}/api/DemoPolicyBased/Admin/Get", place.app);
    assert_eq!(http.get(&api).send().await.unwrap().status(), 401);
    assert_eq!(
        http.get(&api).bearer_auth(text(&tokens, "access_token")).send().await.unwrap().status(),
        200
    );
    // A refusal that the browser takes to the client.
    let query =
        format!("client_id=PkceJS&response_type=token&redirect_uri={}/OpenId/Login/JS", place.app);
    let refused =
        http.get(format!("{}/connect/authorize?{query}", place.provider)).send().await.unwrap();
    assert!(refused.status().is_redirection());

    let response = http.get(format!("{origin}/metrics")).send().await.unwrap();
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let metrics = response.text().await.unwrap();
    for (series, count) in [
        (r#"doorward_grants_total{grant_type="password",outcome="issued"}"#, 1.0),
        (r#"doorward_grants_total{grant_type="password",outcome="invalid_grant"}"#, 1.0),
        (r#"doorward_grants_total{grant_type="refresh_token",outcome="issued"}"#, 1.0),
        (r#"doorward_grants_total{grant_type="other",outcome="unsupported_grant_type"}"#, 1.0),
        (r#"doorward_sign_ins_total{outcome="succeeded"}"#, 1.0),
        (r#"doorward_sign_ins_total{outcome="wrong_password"}"#, 1.0),
        (r#"doorward_refusals_total{part="provider",error="invalid_grant"}"#, 1.0),
        (r#"doorward_refusals_total{part="provider",error="unsupported_response_type"}"#, 1.0),
        (r#"doorward_refusals_total{part="api",error="unauthorized"}"#, 1.0),
        (r#"doorward_api_refusals_total{cause="no_credentials"}"#, 1.0),
        (r#"doorward_api_key_fetches_total{outcome="fetched"}"#, 1.0),
        (r#"doorward_store_seconds_count{command="rotate_refresh_token",outcome="done"}"#, 1.0),
        (
            r#"doorward_http_requests_total{listener="provider",method="POST",route="/connect/token",status="200"}"#,
            2.0,
        ),
    ] {
        assert_eq!(value(&metrics, series), Some(count), "{series} in\n{metrics}");
    }
    assert!(
        value(&metrics, r#"doorward_signing_key_age_seconds{algorithm="RS256"}"#).is_some(),
        "{metrics}"
    );
    assert!(!metrics.contains("made-up") && !metrics.contains("alice"), "{metrics}");
    for kind in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = kind.split(' ').next().unwrap();
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name} is not described");
    }

    for public in [&place.app, &place.provider] {
        let response: Response = http.get(format!("{public}/metrics")).send().await.unwrap();
        assert_eq!(response.status(), 404);
    }
    let checks = json!({
        "application": "ok", "clock": "ok", "database": "ok", "issuer": "ok", "keys": "ok",
    });
    assert_eq!(ready(&http, &origin).await, json!({"ready": true, "checks": checks}));
    server.stop();
}

#[tokio::test]
async fn an_api_is_ready_once_it_has_its_issuers_keys() {
    let place = Sandbox::new();
    let api = Sandbox::new();
    let api_origin = format!("http://127.0.0.1:{}", api.app_port());
    let mut command = place.command(&["serve", "--role", "api"]);
    command.env("DOORWARD_API__LISTEN", format!("127.0.0.1:{}", api.app_port()));
    let api_server = Doorward::start(command);
    let http = browser();
    let (status, report) = health(&http, &api_origin).await;
    assert_eq!((status, &report["ready"]), (503, &json!(false)));
    assert!(text(&report["checks"], "issuer").contains("never fetched"), "{report}");
    assert_eq!(report["checks"].as_object().unwrap().len(), 1, "{report}");

    let provider = place.serve(&["--role", "provider"]);
    // The API asks again a second after a failure.
    ready(&http, &api_origin).await;
    let report = ready(&http, &place.provider).await;
    assert_eq!(report["checks"], json!({"clock": "ok", "database": "ok", "keys": "ok"}));
    provider.stop();
    assert_eq!(health(&http, &api_origin).await.0, 200, "with the keys it goes on alone");
    api_server.stop();
}

/// Only the listener of the application is not ready: the provider needs none of its files.
#[tokio::test]
async fn an_application_without_its_files_is_not_ready() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("LEPTOS_SITE_ROOT", place.folder());
    let server = Doorward::start(command);
    let http = browser();
    let (status, report) = health(&http, &place.app).await;
    assert_eq!(status, 503);
    assert!(text(&report["checks"], "application").contains("not there"), "{report}");
    ready(&http, &place.provider).await;
    server.stop();
}

/// A balancer that sends nothing before this process is ready would keep its API from its own
/// provider.
#[tokio::test]
async fn an_api_does_not_wait_for_the_provider_beside_it() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    // The balancer's address, where nobody answers yet.
    command.env("DOORWARD_PROVIDER__ISSUER", "https://localhost:1");
    command.env("DOORWARD_PROVIDER__TRUSTED_PROXIES", r#"["127.0.0.1"]"#);
    let server = Doorward::start(command);
    let http = browser();
    assert_eq!(
        ready(&http, &place.app).await,
        json!({"ready": true, "checks": {"application": "ok", "issuer": "ok"}})
    );
    let tokens = sign_in_by_password(&http, &place, "alice").await;
    let api = format!("{}/api/DemoPolicyBased/Admin/Get", place.app);
    let answer = http.get(&api).bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    server.stop();
}

#[tokio::test]
async fn a_handshake_that_fails_is_counted() {
    let place = Sandbox::with_tls();
    let management = ReservedPort::new();
    let origin = format!("http://{}", management.address());
    let mut command = place.command(&["serve", "--tls"]);
    command.env("DOORWARD_MANAGEMENT__LISTEN", management.address().to_string());
    let server = Doorward::start(command);
    let mut plain = TcpStream::connect(("127.0.0.1", place.provider_port())).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let counted = async || {
        let metrics =
            browser().get(format!("{origin}/metrics")).send().await.unwrap().text().await.unwrap();
        value(&metrics, "doorward_failed_handshakes_total")
    };
    until("it is counted", async || counted().await == Some(1.0)).await;
    server.stop();
}
