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
const ROOMS: [(&str, &str); 10] = [
    ("client", "crates/client/src"),
    ("sign_in", "crates/axum/tests/sign_in"),
    ("server_side", "examples/server-side/src"),
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

fn file(path: &str) -> String {
    fs::read_to_string(format!("{REPOSITORY}/{path}")).unwrap()
}

/// The words of a text that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The name in a word such as `provider.fetch_request_uris = true`.
fn setting(word: &str) -> Option<&str> {
    let name = word.split('=').next()?.trim().rsplit('.').next()?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

#[test]
fn every_plan_says_which_settings_its_modules_need() {
    let (text, configuration) = (document("conformance"), document("configuration"));
    let (keys, rows) =
        (keys_of(|text| from_str::<ClientSettings>(text).map(drop)), first_cells(&configuration));
    let of_browsers = file("crates/client/src/settings.rs");
    let variables =
        [file("examples/server-side/src/main.rs"), file("end2end/conformance/client.mjs")].concat();
    let is_variable = |name: &str| {
        let mut words = variables.split(|own: char| !own.is_ascii_alphanumeric() && own != '_');
        name.bytes().all(|byte| !byte.is_ascii_lowercase()) && words.any(|word| word == name)
    };
    let is_known = |name: &str| {
        keys.iter().any(|key| key == name)
            || rows.contains(&*format!("`{name}`"))
            || of_browsers.contains(&format!("\n    pub {name}: "))
            || is_variable(name)
    };
    let chapters = text.split("\n## ").flat_map(|chapter| chapter.split("\n### "));
    let plans: Vec<&str> = chapters.filter(|chapter| chapter.contains("| Module |")).collect();
    assert!(plans.len() > 17, "{}", plans.len());
    for plan in plans {
        let heading = plan.lines().next().unwrap();
        let needs = plan.split("\n\n").find_map(|part| part.strip_prefix("Settings: "));
        let needs = needs.unwrap_or_else(|| panic!("{heading}: no paragraph begins Settings:"));
        let modules = first_cells(plan);
        for word in code(needs) {
            let is_module = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if let Some(name) = setting(word) {
                assert!(is_known(name), "{heading}: there is no setting {name}");
            } else if word.bytes().all(|byte| is_module(byte) || byte == b'-') {
                let is_named = modules.iter().any(|cell| cell.contains(word));
                assert!(is_named, "{heading}: its table has no module {word}");
            }
        }
    }
}

#[test]
fn the_plans_that_are_run_are_those_of_the_program() {
    let (text, program) = (document("conformance"), file("end2end/conformance/plans.mjs"));
    let (_, rows) = text.split_once("| Plan | Variant | Clients | Name |\n").unwrap();
    let rows: Vec<Vec<&str>> = rows
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (_, listed) = program.split_once("export const plans = {").unwrap();
    assert_eq!(listed.matches("-plan'").count(), rows.len());
    for row in rows {
        let [plan, variant, clients, name] = row.as_slice() else { panic!("{row:?}") };
        let (plan, name) = (plan.trim_matches('`'), name.trim_matches('`'));
        let (_, own) = listed.split_once(&format!("  {name}: [")).expect(name);
        let next = own.find(": [").unwrap_or(own.len());
        assert!(own[..next].contains(&format!("'{plan}'")), "{name} is not {plan}");
        for word in code(variant) {
            assert!(program.contains(word), "{name}: {word}");
        }
        for client in code(clients) {
            let written = format!("client_id = \"{client}\"");
            assert!(text.contains(&written), "{name}: {client} is not configured");
        }
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
