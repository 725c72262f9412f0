//! A disk without space: what can't be kept is refused, what was acknowledged stays.

use std::process::Command;

use reqwest::Client;
use serde_json::Value;

use crate::support::{
    Doorward, Sandbox, browser, health, refresh, sign_in_by_password, text, token, until,
};

/// A process whose files can't grow beyond this many kilobytes, as on a full disk.
fn serve_with_little_space(place: &Sandbox, kilobytes: u32) -> Doorward {
    let serve = place.command(&["serve"]);
    let mut limited = Command::new("bash");
    // The signal that goes with the limit is ignored, so that writing fails with an error instead.
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
    limited.args(["-c", &script]).arg(serve.get_program()).args(serve.get_args());
    limited.current_dir(place.folder());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    Doorward::start(limited)
}

/// Signs in until there is no space, then gives the refusal and the last tokens that were
/// acknowledged.
async fn fill(http: &Client, place: &Sandbox) -> (reqwest::Response, String) {
    let form = [
        ("grant_type", "password"),
        ("username", "bob"),
        ("password", "bob"),
        ("scope", "openid offline_access"),
    ];
    let mut last = None;
    for _ in 0..2000 {
        let answer = token(http, place, "PolicyBasedBackend", &form).await;
        if answer.status() != 200 {
            return (answer, last.unwrap());
        }
        let tokens: Value = answer.json().await.unwrap();
        last = Some(text(&tokens, "refresh_token").to_owned());
    }
    panic!("the disk never filled up");
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_answered_with_503_and_loses_nothing() {
    let place = Sandbox::new();
    let http = browser();
    let server = place.serve(&[]);
    let before = sign_in_by_password(&http, &place, "alice").await;
    server.stop();

    let server = serve_with_little_space(&place, 300);
    let (refused, acknowledged) = fill(&http, &place).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"], "temporarily_unavailable");
    // A balancer sends requests elsewhere.
    let mut report = Value::Null;
    until("it is not ready any more", async || {
        let (status, told) = health(&http, &place.provider).await;
        report = told;
        status == 503
    })
    .await;
    let told = text(&report["checks"], "database");
    assert!(told.contains("it can't be written: its disk is full"), "{report}");
    // What only reads is still answered.
    let discovery = format!("{}/.well-known/openid-configuration", place.provider);
    assert_eq!(http.get(discovery).send().await.unwrap().status(), 200);
    server.kill();

    let server = place.serve(&[]);
    assert_eq!(refresh(&http, &place, &acknowledged).await.status(), 200);
    assert_eq!(refresh(&http, &place, text(&before, "refresh_token")).await.status(), 200);
    server.stop();
}
