//! Opaque access tokens: issued by the provider, asked about by the API.

use std::fs;

use crate::support::{Doorward, Sandbox, browser, text, token};

const CONFIG: &str = r#"
demo = true

[api]
introspection_cache = 0

[[clients]]
client_id = "Opaque"
client_secrets = [{ plain = "secret" }]
allowed_grant_types = ["client_credentials"]
allowed_scopes = ["MyBackendApi2"]
access_token_type = "reference"
"#;

#[tokio::test]
async fn a_reference_token_is_accepted_until_it_is_revoked() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), CONFIG).unwrap();
    let mut command = place.command(&["serve", "--config", "doorward.toml"]);
    command.env("DOORWARD_API__INTROSPECTION_SECRET", "secret");
    let server = Doorward::start(command);
    let http = browser();
    let answer = token(&http, &place, "Opaque", &[("grant_type", "client_credentials")]).await;
    let answer = answer.json().await.unwrap();
    let token = text(&answer, "access_token");
    assert!(!token.contains('.'), "it is opaque");
    let call = async |path: &str| {
        let request =
            http.get(format!("{}/api/DemoPolicyBased/{path}/Get", place.app)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((call("Everyone").await, call("Admin").await), (200, 403));

    let revoked = http
        .post(format!("{}/connect/revocation", place.provider))
        .basic_auth("Opaque", Some("secret"));
    assert_eq!(revoked.form(&[("token", token)]).send().await.unwrap().status(), 200);
    assert_eq!(call("Everyone").await, 401);
    server.stop();
}
