//! `docs/configuration.md`: a table of every key, made from the keys that the code knows and from
//! what the example says of each.

use std::fmt::Write as _;

use super::{EXAMPLE, sections};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");

const INTRODUCTION: &str = "# Configuration

This page lists every key of the configuration file. It is generated from the code and from
[`doorward.example.toml`](../doorward.example.toml), which is a file to start from. Unknown keys are
refused. Where no default is given, the text says what a missing key means.

An environment variable can set a key and then overrides the file: `DOORWARD_SECTION__KEY`, for
example `DOORWARD_STORE__PATH`. Keys in lists of tables (clients, users, resources, `api.issuers`)
can be set in the file only.
";

/// What the example says of one key.
struct Entry<'a> {
    section: &'a str,
    key: &'a str,
    value: &'a str,
    text: String,
    /// Whether the comment stands right above this key.
    own_text: bool,
    /// Whether the value is what a missing key has, not one for show.
    is_default: bool,
}

/// Reads the example: a key is explained by the comment above it, or shares that of the keys above
/// it.
fn entries() -> Vec<Entry<'static>> {
    let (mut entries, mut section, mut text, mut after_key, mut lists_defaults) =
        (Vec::new(), "", String::new(), false, false);
    for line in EXAMPLE.lines() {
        let live = line.strip_prefix('#').unwrap_or(line);
        let starts_key = live.starts_with(|c: char| c.is_ascii_lowercase());
        if let Some(header) = live.strip_prefix('[') {
            section = header.trim_matches(['[', ']']);
            (text, after_key) = (String::new(), false);
            lists_defaults = false;
        } else if let Some((key, value)) = live.split_once(" = ").filter(|_| starts_key) {
            lists_defaults |= value == "\"defaults\"";
            let is_default = live == line || (lists_defaults && key != "client_id");
            entries.push(Entry {
                section,
                key,
                value,
                text: text.trim().to_owned(),
                own_text: !after_key,
                is_default,
            });
            after_key = true;
        } else if live.starts_with(' ') && !live.starts_with(" ---") {
            if after_key {
                (text, after_key) = (String::new(), false);
            }
            text.push_str(live);
        } else {
            (text, after_key) = (String::new(), false);
        }
    }
    entries
}

fn document() -> String {
    let entries = entries();
    let mut document = INTRODUCTION.to_owned();
    for (section, keys) in sections() {
        let title = if section.is_empty() {
            "The top of the file".to_owned()
        } else {
            format!("`{section}`")
        };
        write!(document, "\n## {title}\n\n| Key | Default | What it is |\n|---|---|---|\n")
            .unwrap();
        for key in keys {
            // The example may show a key twice, once for its use and once with its default. A table
            // is not a key: it has a section.
            let shown =
                || entries.iter().filter(|entry| entry.section == section && entry.key == *key);
            let explained = || shown().filter(|entry| !entry.text.is_empty());
            let Some(entry) =
                explained().find(|entry| entry.own_text).or_else(|| explained().next())
            else {
                continue;
            };
            let text = entry.text.replace('|', "\\|");
            let default =
                shown().find(|entry| entry.is_default).map(|entry| format!("`{}`", entry.value));
            writeln!(document, "| `{key}` | {} | {} |", default.unwrap_or_default(), text).unwrap();
        }
    }
    document
}

#[test]
fn the_document_has_every_key() {
    let document = document();
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(DOCUMENT, &document).unwrap();
    }
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        kept == document,
        "docs/configuration.md is out of date: UPDATE_DOCUMENTS=1 cargo test -p doorward \
         the_document_has_every_key"
    );
}

#[test]
fn each_key_is_explained() {
    let entries = entries();
    for Entry { section, key, .. } in &entries {
        let explained = entries
            .iter()
            .any(|other| other.section == *section && other.key == *key && !other.text.is_empty());
        assert!(explained, "the example says nothing of {section}.{key}");
    }
}
