//! Everything on one port: the provider under a path of its issuer, the API under `/api`, the
//! application at the root.

use serde_json::{Value, json};

use crate::support::{
    Doorward, Sandbox, browser, hidden_fields, location, ready, sign_in_by_password, text,
};

#[tokio::test]
async fn provider_application_and_api_share_a_port() {
    let mut place = Sandbox::new();
    place.provider = format!("{}/id", place.app);
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_PROVIDER__LISTEN", format!("127.0.0.1:{}", place.app_port()));
    let server = Doorward::start(command);
    let http = browser();
    let get = async |path: &str| http.get(format!("{}{path}", place.app)).send().await.unwrap();

    let openid: Value = get("/id/.well-known/openid-configuration").await.json().await.unwrap();
    assert_eq!(text(&openid, "issuer"), place.provider);
    let oauth: Value =
        get("/.well-known/oauth-authorization-server/id").await.json().await.unwrap();
    assert_eq!(openid, oauth);
    let config: Value = get("/config.json").await.json().await.unwrap();
    assert_eq!(
        (text(&config, "authority"), text(&config, "api_url")),
        (&*place.provider, &*place.app)
    );

    let alice = sign_in_by_password(&http, &place, "alice").await;
    let api = format!("{}/api/DemoPolicyBased/Admin/Get", place.app);
    assert_eq!(
        http.get(&api).bearer_auth(text(&alice, "access_token")).send().await.unwrap().status(),
        200
    );
    let health = ready(&http, &place.app).await;
    let checks = json!({
        "application": "ok", "clock": "ok", "database": "ok", "issuer": "ok", "keys": "ok",
    });
    assert_eq!(health["checks"], checks);

    // Each part answers for what is not there.
    let page = get("/").await;
    assert!(page.status() == 200 && page.text().await.unwrap().contains("/pkg/"));
    for (path, answers) in
        [("/nowhere", "/pkg/"), ("/id/nowhere", "/id/assets/"), ("/api/nowhere", "not_found")]
    {
        let response = get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        let body = response.text().await.unwrap();
        assert!(body.contains(answers), "{path}: {body}");
    }
    server.stop();
}

/// URLs come from the configuration: what a proxy, or whoever plays one, says of scheme and host
/// changes nothing.
#[tokio::test]
async fn forwarded_schemes_and_hosts_mean_nothing() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_PROVIDER__TRUSTED_PROXIES", r#"["127.0.0.1"]"#);
    let server = Doorward::start(command);
    let http = browser();
    let get = async |path: &str, forwarded: bool| {
        let mut request = http.get(format!("{}{path}", place.provider));
        if forwarded {
            request = request
                .header("x-forwarded-proto", "https")
                .header("x-forwarded-host", "evil.example")
                .header("forwarded", "proto=https;host=evil.example");
        }
        request.send().await.unwrap()
    };
    let path = "/.well-known/openid-configuration";
    assert_eq!(
        get(path, true).await.text().await.unwrap(),
        get(path, false).await.text().await.unwrap()
    );
    let login = get("/account/login", true).await;
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(!cookie.contains("Secure"), "{cookie}");
    let page = login.text().await.unwrap();
    assert!(!page.contains("evil.example"), "{page}");
    let mut form = hidden_fields(&page);
    for (name, value) in [("username", "alice"), ("password", "alice"), ("action", "login")] {
        form.insert(name.to_owned(), value.to_owned());
    }
    let post =
        http.post(format!("{}/account/login", place.provider)).header("origin", &place.provider);
    let signed_in =
        post.header("x-forwarded-host", "evil.example").form(&form).send().await.unwrap();
    assert_eq!(location(&signed_in), "/");
    server.stop();
}
