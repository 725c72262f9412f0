//! Everything in one process, and each part in a process of its own.

use serde_json::Value;

use crate::support::{Sandbox, browser, sign_in_by_password, text};

#[tokio::test]
async fn one_process_serves_everything() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    assert!(server.first_line.starts_with("Doorward"), "{}", server.first_line);
    let http = browser();
    for (path, content) in [
        ("/health/live", "text/plain"),
        ("/health/ready", "application/json"),
        ("/.well-known/openid-configuration", "application/json"),
        ("/.well-known/openid-configuration/jwks", "application/"),
    ] {
        let response = http.get(format!("{}{path}", place.provider)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(kind.starts_with(content), "{path} {kind}");
        assert!(response.headers().contains_key("x-request-id"), "{path}");
    }
    for (path, status) in [
        ("/", 200),
        ("/OpenId/Login/JS", 200),
        ("/health/ready", 200),
        ("/config.json", 200),
        ("/nowhere", 404),
    ] {
        let response = http.get(format!("{}{path}", place.app)).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    server.stop();
}

#[tokio::test]
async fn the_api_answers_by_its_policies() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let http = browser();
    let alice = sign_in_by_password(&http, &place, "alice").await;
    let call = async |path: &str, token: Option<&str>| {
        let mut request = http.get(format!("{}/api/{path}", place.app));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    };
    let token = Some(text(&alice, "access_token"));
    assert_eq!(call("DemoPolicyBased/Admin/Get", token).await.status(), 200);
    assert_eq!(call("DemoPolicyBased/Crm/Get", token).await.status(), 403);
    let refused = call("DemoPolicyBased/Admin/Get", None).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    for open in ["openapi.json", "docs", "docs.css"] {
        assert_eq!(call(open, None).await.status(), 200, "{open}");
    }
    let missing = call("DemoPolicyBased/Nothing/Get", token).await;
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.json::<Value>().await.unwrap()["error"], "not_found");
    let post = || http.post(format!("{}/api/DemoPolicyBased/Admin/Get", place.app));
    assert_eq!(post().send().await.unwrap().status(), 401);
    let posted = post().bearer_auth(text(&alice, "access_token")).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    assert_eq!(posted.headers()["allow"], "GET,HEAD");
    server.stop();
}

#[tokio::test]
async fn each_part_runs_in_a_process_of_its_own() {
    let place = Sandbox::new();
    let api = Sandbox::new();
    let api_listen = format!("127.0.0.1:{}", api.app_port());
    let part = |role: &str| {
        let mut command = place.command(&["serve", "--role", role]);
        command.env("DOORWARD_API__LISTEN", &api_listen).env("DOORWARD_APP__API_URL", &api.app);
        command.env("DOORWARD_API__ALLOWED_ORIGINS", format!("[\"{}\"]", place.app));
        crate::support::Doorward::start(command)
    };
    let app = part("app");
    assert!(!place.folder().join("data").exists(), "the application keeps no data");
    let api_server = part("api");
    assert!(!place.folder().join("data").exists(), "the API keeps no data");
    let http = browser();
    // Without its issuer the API says so; it does not fail, and it does not let anyone in.
    let everyone = format!("{}/api/DemoPolicyBased/Everyone/Get", api.app);
    let orphaned = http.get(&everyone).send().await.unwrap();
    assert_eq!(orphaned.status(), 401);

    let provider = part("provider");
    let alice = sign_in_by_password(&http, &place, "alice").await;
    let request =
        http.get(&everyone).bearer_auth(text(&alice, "access_token")).header("origin", &place.app);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], place.app.as_str());

    let elsewhere =
        http.get(format!("{}/api/DemoPolicyBased/Everyone/Get", place.app)).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404, "the application does not serve the API");
    let page = http.get(format!("{}/", api.app)).send().await.unwrap();
    assert_eq!(page.status(), 404, "the API does not serve the page");
    for server in [app, api_server, provider] {
        server.stop();
    }
}
