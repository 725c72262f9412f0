//! What is refused at the start: exit code 2 and one line that names place, key and value.

use std::{fs, net::TcpListener};

use crate::support::{Sandbox, bare_command, refusal};

#[test]
fn a_wrong_setting_is_refused_in_one_line() {
    let place = Sandbox::new();
    fs::write(
        place.folder().join("doorward.toml"),
        "[provider]\nisuer = \"https://id.example.com\"\n",
    )
    .unwrap();
    for arguments in [
        ["serve", "--config", "doorward.toml"].as_slice(),
        &["config", "check", "--config", "doorward.toml"],
    ] {
        let line = refusal(&place.command(arguments).output().unwrap());
        assert!(
            line.contains("doorward.toml: provider.isuer = \"https://id.example.com\""),
            "{line}"
        );
    }
}

#[test]
fn a_wrong_variable_is_refused_by_its_name() {
    let place = Sandbox::new();
    let line = refusal(
        &place
            .command(&["serve"])
            .env("DOORWARD_PROVIDER__SESSION_LIFETIME", "0")
            .output()
            .unwrap(),
    );
    assert!(
        line.contains("DOORWARD_PROVIDER__SESSION_LIFETIME") && line.contains("= 0:"),
        "{line}"
    );
}

#[test]
fn a_taken_port_is_refused_before_anything_is_written() {
    let place = Sandbox::new();
    let taken = TcpListener::bind(("127.0.0.1", place.app_port())).unwrap();
    let line = refusal(&place.command(&["serve"]).output().unwrap());
    let address = taken.local_addr().unwrap();
    assert!(line.contains("app.listen") && line.contains(&address.to_string()), "{line}");
    assert!(line.contains("another process"), "{line}");
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn demo_mode_on_a_public_address_is_refused() {
    let place = Sandbox::new();
    let line = refusal(
        &place.command(&["serve"]).env("DOORWARD_APP__LISTEN", "0.0.0.0:0").output().unwrap(),
    );
    assert!(line.contains("app.listen = \"0.0.0.0:0\"") && line.contains("demo"), "{line}");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let place = Sandbox::new();
    let line = refusal(
        &place
            .command(&["serve"])
            .env("DOORWARD_STORE__PATH", "missing/doorward.sqlite3")
            .output()
            .unwrap(),
    );
    assert!(
        line.contains("store.path = \"missing/doorward.sqlite3\"")
            && line.contains("does not exist"),
        "{line}"
    );
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Sandbox::new();
    fs::write(place.folder().join("notes.txt"), "These are notes, not a database. ".repeat(100))
        .unwrap();
    let line = refusal(
        &place.command(&["serve"]).env("DOORWARD_STORE__PATH", "notes.txt").output().unwrap(),
    );
    assert!(line.contains("store.path = \"notes.txt\""), "{line}");
}

#[test]
fn a_configuration_that_holds_is_confirmed() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../doorward.example.toml");
    let output = bare_command(&["config", "check", "--role", "provider", "--config", example])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("in order"));
}

/// The configuration of `docs/conformance.md`, as it is on the page.
#[test]
fn the_configuration_for_the_conformance_suite_holds() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (written, _) = rest.split_once("```").unwrap();
    let place = Sandbox::new();
    fs::write(place.folder().join("suite.toml"), written).unwrap();
    let check =
        ["config", "check", "--role", "provider", "--role", "api", "--config", "suite.toml"];
    let output = bare_command(&check).current_dir(place.folder()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
}

#[test]
fn help_and_version_are_told_and_nonsense_is_refused() {
    let version = bare_command(&["--version"]).output().unwrap();
    assert_eq!(
        String::from_utf8(version.stdout).unwrap().trim(),
        concat!("doorward ", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(bare_command(&["--help"]).output().unwrap().status.code(), Some(0));
    assert_eq!(
        bare_command(&["serve", "--role", "nothing"]).output().unwrap().status.code(),
        Some(2)
    );
    assert_eq!(bare_command(&["sing"]).output().unwrap().status.code(), Some(2));
}
