//! The documents name files, links and dependencies; they must exist.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use figment::providers::{Format as _, Toml};
use serde_json::{Map, Value};

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const WIDTH: usize = 100;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// Every Markdown file, by its path from the repository's root.
fn documents() -> Vec<PathBuf> {
    files("md")
}

/// Every file with this extension, by its path from the repository's root.
fn files(extension: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, wanted: &str, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let skipped =
                ["target", "node_modules", "corpus", "artifacts", "test-results"].contains(&&*name);
            if skipped || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                collect(&path, wanted, into);
            } else if path.extension().is_some_and(|extension| extension == wanted) {
                into.push(path.strip_prefix(repository()).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    collect(repository(), extension, &mut found);
    found.sort();
    found
}

/// The lines that are not in code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && !in_code
    })
}

/// What stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_path_in_the_architecture_exists() {
    let text = read(ARCHITECTURE);
    // A URL begins with a slash; a folder within the one that the sentence names ends with one.
    let is_path = |span: &&str| {
        span.contains('/') && !span.starts_with('/') && !span.ends_with('/') && !span.contains(' ')
    };
    let paths: Vec<&str> = code_spans(&text).filter(is_path).collect();
    assert!(paths.len() > 50, "only {} paths are named", paths.len());
    for path in paths {
        assert!(repository().join(path).exists(), "{ARCHITECTURE}: there is no {path}");
    }
}

/// The folders of the packages by their names, and what each of them depends on.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut manifests: Vec<PathBuf> = ["app", "frontend", "server"].map(PathBuf::from).to_vec();
    for entry in fs::read_dir(repository().join("crates")).unwrap() {
        manifests.push(entry.unwrap().path());
    }
    let mut found = BTreeMap::new();
    for folder in manifests {
        let Ok(manifest) = fs::read_to_string(repository().join(&folder).join("Cargo.toml")) else {
            continue;
        };
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut section = "";
        let mut imports = BTreeSet::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let is_dependency = section.ends_with("dependencies]")
                && !section.contains("dev-")
                && !section.contains("build-");
            if let Some(rest) = line.strip_prefix("doorward-").filter(|_| is_dependency) {
                let end = rest.find(['.', ' ', '=']).unwrap_or(rest.len());
                imports.insert(rest[..end].to_owned());
            }
        }
        found.insert(name, imports);
    }
    found
}

#[test]
fn the_architecture_draws_every_arrow() {
    let text = read(ARCHITECTURE);
    let mut drawn: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in text.lines().filter_map(|line| line.split_once("->")) {
        let to = to.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        drawn.entry(from.trim().to_owned()).or_default().extend(to);
    }
    for (name, imports) in dependencies() {
        assert_eq!(drawn.remove(&name).unwrap_or_default(), imports, "the dependencies of {name}");
    }
    assert!(drawn.is_empty(), "there are no packages {drawn:?}");
}

/// The anchor that a heading has in rendered Markdown.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    heading.to_lowercase().replace(' ', "-").chars().filter(|c| kept(*c)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let text = read(&document);
        let prose = prose(&text).collect::<Vec<_>>().join("\n");
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                _ => document.parent().unwrap().join(path),
            };
            let target_file = repository().join(&target);
            assert!(target_file.exists(), "{}: {link} leads nowhere", document.display());
            if !fragment.is_empty() {
                let text = fs::read_to_string(&target_file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let found =
                    headings.any(|line| anchor(line.trim_start_matches('#').trim()) == fragment);
                assert!(found, "{}: {link} names no heading", document.display());
            }
        }
    }
}

#[test]
fn every_decision_is_listed_and_has_its_three_parts() {
    let index = read("docs/adr/README.md");
    for entry in fs::read_dir(repository().join("docs/adr")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("]({name})")), "docs/adr/README.md does not list {name}");
        let text = read(Path::new("docs/adr").join(&name));
        for part in ["## Context", "## Decision", "## Consequences"] {
            assert!(text.lines().any(|line| line == part), "docs/adr/{name} has no {part}");
        }
    }
}

#[test]
fn every_guide_is_in_the_index() {
    let index = read("docs/README.md");
    for entry in fs::read_dir(repository().join("docs/guides")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(index.contains(&format!("](guides/{name})")), "docs/README.md lacks {name}");
    }
}

/// What a manifest says about a crate that it depends on.
#[derive(Debug, Default)]
struct Dependency {
    version: String,
    has_default_features: bool,
    is_optional: bool,
    features: BTreeSet<String>,
}

/// The dependencies of a manifest, those for one target included.
fn dependencies_of(manifest: &Value, workspace: &Value) -> BTreeMap<String, Dependency> {
    let mut found: BTreeMap<String, Dependency> = BTreeMap::new();
    let tables = manifest["target"].as_object().into_iter().flat_map(Map::values);
    for table in tables.chain([manifest]) {
        for (name, own) in table["dependencies"].as_object().into_iter().flatten() {
            let inherits = own["workspace"] == true;
            let source = if inherits { &workspace["workspace"]["dependencies"][name] } else { own };
            let version = source.as_str().or(source["version"].as_str()).unwrap_or_default();
            let dependency = found.entry(name.clone()).or_default();
            version.trim_start_matches('=').clone_into(&mut dependency.version);
            dependency.has_default_features = source["default-features"] != false;
            dependency.is_optional = own["optional"] == true;
            let features = own["features"].as_array().into_iter().flatten();
            dependency.features.extend(features.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    found
}

#[test]
fn a_template_has_the_dependencies_that_are_compiled_here() {
    let parse = |text: &str| Toml::from_str::<Value>(text).unwrap();
    let workspace = parse(&read("Cargo.toml"));
    let mut count = 0;
    for entry in fs::read_dir(repository().join("templates")).unwrap() {
        let folder = entry.unwrap().path();
        let text = read(folder.join("Cargo.toml.liquid"));
        let folder_name = folder.display();
        assert!(folder.join("cargo-generate.toml").exists(), "{folder_name}");
        assert!(text.contains("name = \"{{project-name}}\""), "{folder_name}");
        let (compiled, generated) = (parse(&read(folder.join("Cargo.toml"))), parse(&text));
        assert_eq!(compiled["features"], generated["features"], "{folder_name}");
        let compiled = dependencies_of(&compiled, &workspace);
        let generated = dependencies_of(&generated, &workspace);
        assert!(compiled.keys().eq(generated.keys()), "{folder_name}: {generated:?}");
        for (name, ours) in compiled {
            let theirs = &generated[&name];
            let shown = format!("{folder_name}: {name}: {ours:?}, {theirs:?}");
            assert!(ours.version.starts_with(&theirs.version), "{shown}");
            assert_eq!(ours.has_default_features, theirs.has_default_features, "{shown}");
            assert_eq!(ours.is_optional, theirs.is_optional, "{shown}");
            assert!(ours.features.is_subset(&theirs.features), "{shown}");
        }
        count += 1;
    }
    assert_eq!(count, 5);
}

/// The crates that the files of a folder import by name, one a line, as rustfmt writes them.
fn imported_crates(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            imported_crates(&path, into);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("use "));
        into.extend(names.filter_map(|name| Some(name.split_once("::")?.0.to_owned())));
    }
}

/// The fuzzer is a workspace of its own, which no other check compiles.
#[test]
fn the_fuzzer_has_the_dependencies_of_the_tests_that_it_shares() {
    let manifest: Value = Toml::from_str(&read("fuzz/Cargo.toml")).unwrap();
    let own = manifest["dependencies"].as_object().unwrap();
    let own: BTreeSet<String> = own.keys().map(|name| name.replace('-', "_")).collect();
    let mut wanted = BTreeSet::new();
    let shared = repository().join("crates/provider-http/tests/http");
    for folder in ["support", "fuzzed"] {
        imported_crates(&shared.join(folder), &mut wanted);
    }
    assert!(wanted.len() > 10, "{wanted:?}");
    let of_the_language = ["crate", "super", "std", "self"];
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !own.contains(*name) && !of_the_language.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "add to fuzz/Cargo.toml: {missing:?}");
}

/// Tables, headings, images and code blocks may be longer, and so may a line that is one link.
#[test]
fn lines_of_documents_fit() {
    for document in documents() {
        let text = read(&document);
        for line in prose(&text) {
            let line = line.trim_start();
            let free = line.starts_with(['|', '#', '!', '<']) || !line.contains(' ');
            let width = line.chars().count();
            assert!(free || width <= WIDTH, "{}: {width} columns: {line}", document.display());
        }
    }
}

/// A busy machine takes as long as it likes (ADR 46).
#[test]
fn no_test_measures_time() {
    let is_test = |path: &&PathBuf| {
        path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
    };
    let tests: Vec<PathBuf> = files("rs").iter().filter(is_test).cloned().collect();
    assert!(tests.len() > 200, "only {} files have tests", tests.len());
    let comparisons = ["<", ">"].map(|sign| format!(".elapsed() {sign}"));
    for path in tests {
        for line in read(&path).lines() {
            let compares = comparisons.iter().any(|comparison| line.contains(comparison));
            // That of a clock which a test moves.
            let is_clock = line.contains("self.elapsed()");
            assert!(!compares || is_clock, "{}: {line}", path.display());
        }
    }
}
