//! The floors of this crate, as `lib.rs` draws them: imports point downwards only, and no two use
//! cases import each other in a circle.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each floor may import, beside itself and `audit`. Keys rotate in the store, and so `keys`
/// knows the port.
const FLOORS: [(&str, &[&str]); 5] = [
    ("audit", &[]),
    ("model", &[]),
    ("store", &["model"]),
    ("keys", &["store", "model"]),
    ("use_case", &["store", "keys", "model"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module path of a source file: `use_case::token::issue` for `use_case/token/issue.rs`.
fn module(root: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<String> =
        relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The code of a file without its comments, its strings' contents being of no matter here.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every path below `crate` that the code names, with the groups of `use` written out.
fn paths(code: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        expand(&code[start + "crate::".len()..], &mut Vec::new(), &mut found);
    }
    found
}

/// Reads one branch of a path, and every branch of a group; returns how many bytes were read.
fn expand(text: &str, prefix: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) -> usize {
    let depth = prefix.len();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with('{') {
            at += 1;
            while !text[at..].starts_with('}') {
                let skipped =
                    text[at..].len() - text[at..].trim_start_matches([' ', '\n', ',']).len();
                at += skipped;
                if !text[at..].starts_with('}') {
                    at += expand(&text[at..], prefix, found);
                }
            }
            at += 1;
            break;
        }
        let name: String =
            rest.chars().take_while(|own| own.is_alphanumeric() || *own == '_').collect();
        at += name.len();
        prefix.push(name);
        if text[at..].starts_with("::") && !text[at..].starts_with("::<") {
            at += 2;
        } else {
            found.insert(prefix.clone());
            // An alias belongs to the branch.
            if text[at..].starts_with(" as ") {
                at += 4;
                at += text[at..]
                    .chars()
                    .take_while(|own| own.is_alphanumeric() || *own == '_')
                    .count();
            }
            break;
        }
    }
    prefix.truncate(depth);
    at
}

fn all() -> Vec<(Vec<String>, BTreeSet<Vec<String>>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 40, "the sources are where this test looks for them");
    files.iter().map(|file| (module(&root, file), paths(&code(file)))).collect()
}

#[test]
fn no_floor_imports_one_above_it() {
    let mut upwards = Vec::new();
    for (module, paths) in all() {
        let floor = module.first().map_or("", String::as_str);
        let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
            assert!(matches!(floor, "lib" | "provider"), "{floor} is no floor");
            continue;
        };
        for path in paths {
            let to = path.first().map_or("", String::as_str);
            if to != floor && to != "audit" && !below.contains(&to) {
                upwards.push(format!("{} -> {}", module.join("::"), path.join("::")));
            }
        }
    }
    assert!(upwards.is_empty(), "imports of a floor above:\n{}", upwards.join("\n"));
}

/// What a use case may read and change is seen in its signature.
#[test]
fn no_use_case_holds_the_whole_store() {
    let named = ["store", "Store"].map(str::to_owned);
    let holders: Vec<_> = all()
        .into_iter()
        .filter(|(module, paths)| use_case(module).is_some() && paths.contains(&named[..]))
        .map(|(module, _)| module.join("::"))
        .collect();
    assert!(holders.is_empty(), "name the tables, as `users: &dyn Users`: {holders:?}");
}

/// The use case that a path leads into: a file, or a folder as a whole.
fn use_case(path: &[String]) -> Option<String> {
    (path.first()? == "use_case").then(|| path.get(1).cloned()).flatten()
}

#[test]
fn no_use_cases_import_each_other_in_a_circle() {
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, paths) in all() {
        let Some(from) = use_case(&module) else { continue };
        let to: Vec<String> =
            paths.iter().filter_map(|path| use_case(path)).filter(|to| *to != from).collect();
        imports.entry(from).or_default().extend(to);
    }
    // What imports nothing that is left can be taken out; a circle is what stays.
    while let Some(done) =
        imports.iter().find(|(_, to)| to.is_empty()).map(|(name, _)| name.clone())
    {
        imports.remove(&done);
        for to in imports.values_mut() {
            to.remove(&done);
        }
    }
    assert!(imports.is_empty(), "these use cases import each other in a circle: {imports:#?}");
}

#[test]
fn groups_of_imports_are_read_to_their_end() {
    let read =
        paths("use crate::{\n    a::{self, B as C, c::D},\n    e,\n};\nlet x = crate::f::g(1);");
    let read: Vec<String> = read.iter().map(|path| path.join("::")).collect();
    assert_eq!(read, ["a::B", "a::c::D", "a::self", "e", "f::g"]);
}
