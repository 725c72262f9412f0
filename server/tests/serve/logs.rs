//! The log for collectors: one JSON object a line, each line of a request with its identifier.

use std::{fs, fs::File};

use serde_json::Value;

use crate::support::{Doorward, Sandbox, browser};

#[tokio::test]
async fn every_line_is_json_and_names_its_request() {
    let place = Sandbox::new();
    let path = place.folder().join("log");
    let mut command = place.command(&["serve"]);
    command
        .env("DOORWARD_LOG__FORMAT", "json")
        .env("DOORWARD_LOG__LEVEL", "debug")
        .env("DOORWARD_PROVIDER__TRUSTED_PROXIES", r#"["127.0.0.1"]"#);
    let port = place.provider_port();
    let server = Doorward::start_silent(command, File::create(&path).unwrap(), port);
    let http = browser();
    let ask = async |brought: Option<&str>| {
        let url = format!("{}/connect/token?client_secret=hidden-in-the-query", place.provider);
        let mut request = http
            .post(url)
            .basic_auth("Resources", Some("wrong"))
            .form(&[("grant_type", "password")]);
        if let Some(id) = brought {
            request = request.header("x-request-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let own = ask(None).await;
    let brought = ask(Some("from-the-proxy.1")).await;
    assert_eq!(brought, "from-the-proxy.1");
    assert_ne!(ask(Some("not sane")).await, "not sane");
    server.stop();

    let log = fs::read_to_string(path).unwrap();
    assert!(!log.contains("hidden-in-the-query"), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    let started = lines.iter().find(|line| line["message"] == "started").unwrap();
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    let listeners = started["listeners"].as_str().unwrap();
    assert!(listeners.contains(&place.provider_port().to_string()), "{listeners}");
    for id in [own, brought] {
        let of_request: Vec<_> =
            lines.iter().filter(|line| line["span"]["id"] == id.as_str()).collect();
        assert!(of_request.iter().any(|line| line["event"] == "token_refused"), "{log}");
        let answered = of_request.iter().find(|line| line["message"] == "answered").unwrap();
        assert_eq!(
            (&answered["status"], &answered["span"]["route"]),
            (&401.into(), &"/connect/token".into())
        );
    }
}
