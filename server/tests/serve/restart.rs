//! What a restart must not lose: sessions, grants, keys, users.

use std::{fs, process::Command};

use crate::support::{
    Doorward, Sandbox, authorize, browser, key_ids, location, refresh, refusal,
    sign_in_at_the_page, sign_in_by_password, text,
};

#[tokio::test]
async fn sessions_grants_and_keys_survive() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let http = browser();
    sign_in_at_the_page(&http, &place).await;
    let tokens = sign_in_by_password(&http, &place, "bob").await;
    let keys = key_ids(&http, &place.provider).await;
    server.stop();

    let server = place.serve(&[]);
    let answer = authorize(&http, &place).await;
    let back = location(&answer);
    assert!(
        back.starts_with(&place.app) && back.contains("code="),
        "the session is still there: {back}"
    );
    assert_eq!(key_ids(&http, &place.provider).await, keys);
    let refreshed = refresh(&http, &place, text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status(), 200);
    server.stop();
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Sandbox::new();
    place.serve(&[]).stop();
    let data = place.folder().join("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_lost_master_key_is_noticed() {
    let place = Sandbox::new();
    place.serve(&[]).stop();
    fs::remove_file(place.folder().join("data/doorward.key")).unwrap();
    let line = refusal(&place.command(&["serve"]).output().unwrap());
    assert!(line.contains("data/doorward.key") && line.contains("put the file back"), "{line}");
}

#[test]
fn a_demo_database_is_not_taken_for_real_users() {
    let place = Sandbox::new();
    place.serve(&[]).stop();
    let serious = |arguments: &[&str]| -> Command {
        let mut command = place.command(arguments);
        command.env("DOORWARD_DEMO", "false");
        command
    };
    let line = refusal(&serious(&["serve"]).output().unwrap());
    assert!(
        line.contains("store.path = \"data/doorward.sqlite3\"") && line.contains("alice"),
        "{line}"
    );
    let mut elsewhere = serious(&["serve"]);
    elsewhere.env("DOORWARD_STORE__PATH", "other.sqlite3");
    Doorward::start(elsewhere).stop();
}

#[test]
fn a_master_key_that_cannot_be_read_is_named() {
    let place = Sandbox::new();
    place.serve(&[]).stop();
    let file = place.folder().join("data/doorward.key");
    let refused = || refusal(&place.command(&["serve"]).output().unwrap());
    let key = fs::read_to_string(&file).unwrap();
    let kept = place.folder().join("kept.key");
    fs::copy(&file, &kept).unwrap();
    fs::write(&file, &key[1..]).unwrap();
    let line = refused();
    assert!(
        line.contains("data/doorward.key: not a master key") && !line.contains(&key[1..10]),
        "{line}"
    );
    // Nobody reads a folder, not even the user who reads every file.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let line = refused();
    assert!(line.contains("data/doorward.key: the master key can't be read"), "{line}");
    fs::remove_dir(&file).unwrap();
    fs::rename(kept, &file).unwrap();
    place.serve(&[]).stop();
}
