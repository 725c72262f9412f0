//! The audit history and groups by command, beside a server and without one.

use serde_json::{Value, json};

use crate::support::{Doorward, Sandbox, browser, refresh, sign_in_by_password};

#[track_caller]
fn output(place: &Sandbox, arguments: &[&str], code: i32) -> String {
    let output = place.demo_command(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

#[track_caller]
fn done(place: &Sandbox, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    let output = place.demo_command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each record's value of this member, the latest first.
fn values(place: &Sandbox, member: &str, filter: &[&str]) -> Vec<Value> {
    let listed = done(place, &[&["audit", "list"], filter].concat());
    listed.as_array().unwrap().iter().map(|record| record[member].clone()).collect()
}

#[tokio::test]
async fn a_server_keeps_what_happens_and_seals_it() {
    let place = Sandbox::new();
    let server = Doorward::start(place.demo_command(&["serve"]));
    let tokens = sign_in_by_password(&browser(), &place, "alice").await;
    let renewed = refresh(&browser(), &place, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(renewed.status(), 200);
    let again = refresh(&browser(), &place, "nonsense").await;
    let request_id = again.headers()["x-request-id"].to_str().unwrap().to_owned();
    server.stop();

    let about_alice = values(&place, "event", &["--sub", "alice"]);
    assert_eq!(about_alice, ["tokens_issued"], "and not the renewal");
    let refused = values(&place, "event", &["--request", &request_id]);
    assert_eq!(refused, ["token_refused"]);
    assert_eq!(values(&place, "address", &["--request", &request_id]), ["127.0.0.1"]);
    let report = done(&place, &["audit", "verify"]);
    assert_eq!((&report["intact"], &report["waiting"]), (&json!(true), &json!(0)), "{report}");
    let head = report["head"].as_str().unwrap();
    assert_eq!(done(&place, &["audit", "verify", "--known", head])["intact"], true);
    let another = format!("{}:{}", report["records"], "0".repeat(64));
    let told = output(&place, &["audit", "verify", "--known", &another], 1);
    assert!(told.contains("another one"), "{told}");

    let exported = output(&place, &["audit", "export", "--since", "1h"], 0);
    let records = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(json!(records.count()), report["records"]);
}

#[tokio::test]
async fn groups_are_kept_by_command_and_each_change_is_recorded() {
    let place = Sandbox::new();
    let server = Doorward::start(place.demo_command(&["serve"]));
    done(
        &place,
        &["group", "add", "staff", "--roles", "editor", "--claim", "cost_centre=\"4711\""],
    );
    output(&place, &["group", "add", "staff"], 1);
    output(&place, &["group", "add", "two words"], 2);
    done(&place, &["group", "add", "crew-2", "--display-name", "The Crew"]);
    for change in [
        ["group", "add", "crew-3", "--display-name", "the CREW"].as_slice(),
        &["group", "add", "crew-3", "--display-name", "STAFF"],
        &["group", "set", "staff", "--display-name", "THE crew"],
    ] {
        let told = output(&place, change, 1);
        assert!(told.contains("give this one another display name"), "{told}");
    }
    output(&place, &["group", "show", "crew-3"], 1);
    done(&place, &["group", "set", "crew-2", "--display-name", "THE crew"]);
    done(&place, &["group", "remove", "crew-2", "--yes"]);
    output(&place, &["group", "set", "staff", "--claim", "sub=x"], 2);
    done(&place, &["group", "member", "add", "staff", "dave"]);
    output(&place, &["group", "member", "add", "staff", "dave"], 1);
    output(&place, &["group", "member", "add", "staff", "nobody"], 1);
    output(&place, &["group", "member", "add", "crew", "dave"], 1);
    let members = done(&place, &["group", "member", "list", "staff"]);
    assert_eq!(members, json!([{"sub": "dave", "username": "dave"}]));
    assert_eq!(done(&place, &["user", "show", "dave"])["groups"], json!(["staff"]));

    done(&place, &["group", "set", "staff", "--add-role", "reader"]);
    let shown = done(&place, &["group", "show", "staff"]);
    assert_eq!(shown["roles"], json!(["editor", "reader"]));
    assert_eq!(done(&place, &["group", "list"])[0]["name"], "staff");
    done(&place, &["group", "member", "remove", "staff", "dave"]);
    output(&place, &["group", "member", "remove", "staff", "dave"], 1);
    done(&place, &["group", "remove", "staff", "--yes"]);
    server.stop();

    let of_the_group = ["--object-kind", "group", "--object", "staff"];
    let events = values(&place, "event", &of_the_group);
    let in_order = [
        "group_removed",
        "group_member_removed",
        "group_changed",
        "group_member_added",
        "group_added",
    ];
    assert_eq!(events, in_order);
    let changed = [&of_the_group[..], &["--event", "group_changed"]].concat();
    assert_eq!(values(&place, "before", &changed)[0]["roles"], json!(["editor"]));
    assert_eq!(values(&place, "after", &changed)[0]["roles"], json!(["editor", "reader"]));
    assert_eq!(values(&place, "actor_kind", &changed), ["operator"]);
    let report = done(&place, &["audit", "verify"]);
    assert_eq!(report["intact"], true, "{report}");
}
