//! `docs/conformance.md` and `docs/behaviours.md` name tests; they must exist, and leave nothing
//! out.

use std::{collections::BTreeSet, fs, path::Path};

use doorward_provider::model::{
    client::ClientSettings,
    resource::{ApiResource, ApiScope, IdentityResource},
};
use serde_json::from_str;

use crate::named_tests::{SourceFile, listed};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where the tests of a module stand, by the first part of its name.
const ROOMS: [(&str, &str); 7] = [
    ("serve", "server/tests/serve"),
    ("store", "crates/provider-store/tests/conformance"),
    ("open", "crates/provider-store/tests/open"),
    ("audit_tampering", "crates/provider-store/tests/audit_tampering"),
    ("config", "server/src/config/tests"),
    ("provider", "crates/provider/src"),
    ("provider_http", "crates/provider-http/src"),
];

fn document(name: &str) -> String {
    fs::read_to_string(format!("{REPOSITORY}/docs/{name}.md")).unwrap()
}

/// The source of the file that a module is.
fn source(module: &str) -> String {
    let (first, rest) = module.split_once("::").unwrap_or((module, ""));
    let room = ROOMS.iter().find(|(name, _)| *name == first).map(|(_, folder)| *folder);
    let path = match room {
        Some(folder) => format!("{folder}/{}", rest.replace("::", "/")),
        None => format!("crates/provider-http/tests/http/{}", module.replace("::", "/")),
    };
    let path = format!("{REPOSITORY}/{}", path.trim_end_matches('/'));
    let candidates = [format!("{path}.rs"), format!("{path}/mod.rs")];
    let found = candidates.iter().find(|path| Path::new(path).is_file());
    fs::read_to_string(found.unwrap_or_else(|| panic!("{module}: there is no such module")))
        .unwrap()
}

/// The names in a document that are those of tests.
fn named(document: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.contains("::") && !word.ends_with(':') && !word.contains([' ', '\n', '/'])
    };
    document.split('`').filter(is_name).filter(|name| *name != "module::test").collect()
}

#[test]
fn every_test_in_the_tables_exists() {
    let suites = source("store");
    let mut problems = Vec::new();
    for name in ["conformance", "behaviours"] {
        let text = document(name);
        let named = named(&text);
        assert!(named.len() > 60, "only {} tests are named in {name}", named.len());
        for name in named {
            let (module, case) = name.rsplit_once("::").unwrap();
            let suite = module.strip_prefix("store::");
            let is_listed =
                suite.is_some_and(|module| listed(&suites, module).iter().any(|own| own == case));
            let problem = SourceFile::parse(&source(module)).problem(case, is_listed);
            problems.extend(problem.map(|problem| format!("{name}: {problem}")));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The first cells of a document's rows.
fn first_cells(document: &str) -> BTreeSet<&str> {
    document.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect()
}

#[test]
fn every_numbered_behaviour_has_its_tests() {
    let text = document("behaviours");
    let cells = first_cells(&text);
    for number in 1..=34 {
        assert!(cells.contains(&*number.to_string()), "{number} is missing");
    }
}

/// The keys that a table of the configuration may have: told by its own refusal of another.
fn keys_of(read: impl FnOnce(&str) -> serde_json::Result<()>) -> Vec<String> {
    let refused = read(r#"{"no key is called so": 1}"#).unwrap_err().to_string();
    let (_, expected) = refused.split_once("expected one of ").expect("unknown keys are refused");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_setting_of_clients_and_resources_has_its_tests() {
    let text = document("behaviours");
    let has_row =
        |key: &str| first_cells(&text).iter().any(|cell| cell.split('`').nth(1) == Some(key));
    let clients = keys_of(|text| from_str::<ClientSettings>(text).map(drop));
    assert!(clients.len() > 40, "{clients:?}");
    let resources = [
        keys_of(|text| from_str::<IdentityResource>(text).map(drop)),
        keys_of(|text| from_str::<ApiScope>(text).map(drop)),
        keys_of(|text| from_str::<ApiResource>(text).map(drop)),
    ]
    .concat();
    for key in clients.iter().chain(&resources) {
        assert!(has_row(key), "docs/behaviours.md has no row for {key}");
    }
}
