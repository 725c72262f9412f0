//! `docs/client-behaviours.md` names a test for each behaviour.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

/// The text of all files in this folder with this extension.
fn sources(folder: &Path, ending: &str, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, ending, into);
        } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_in_the_table_is_there() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(client.join("../../docs/client-behaviours.md")).unwrap();
    let mut rust = String::new();
    for folder in ["src", "tests", "../protocol/src"] {
        sources(&client.join(folder), ".rs", &mut rust);
    }
    let rows = document.lines().filter(|line| line.starts_with("| "));
    let named: Vec<&str> = rows
        .flat_map(|row| row.split('|').nth(2).unwrap_or_default().split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 100, "{}", named.len());
    for name in named {
        if let Some((file, title)) = name.split_once(" › ") {
            let spec = fs::read_to_string(client.join("../../end2end/tests").join(file)).unwrap();
            assert!(spec.contains(title), "{name}");
        } else {
            let function = name.rsplit("::").next().unwrap();
            assert!(rust.contains(&["fn ", function, "("].concat()), "{name}");
        }
    }
}
