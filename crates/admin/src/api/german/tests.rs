//! Every text that becomes a problem is in German, too.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::*;

/// Texts in those files that are in no problem: names of things, and what is in the log.
const IN_NO_PROBLEM: &[&str] = &[
    "another client had this client_id: register again to get another one",
    "Doorward on the command line",
    "a stored identity provider is not used",
    "give client_secret, client_secret_file or client_key_file: the provider must know that it \
     is this client",
    "identity providers can't be read; the known ones stay in use, and the read is repeated",
    "identity providers changed",
    "identity providers were changed at the same time: try again",
    "identity_providers of the client \"{}\" names \"{name}\", for which there is no table in \
     [[identity_providers]]: nobody signs in by it unless it is added by the API or by command",
    "it can't be read: {error}",
    "it is empty",
    "not read",
    "openid email",
    "openid profile email",
    "read:user user:email",
    "signed when it is needed",
    "the condition on {0} is not met",
    "the database has {MOST_STORED} identity providers, and takes no more: remove one",
    "the identity provider \"{}\"",
    "the master key was changed: restart this server first",
    "the secret is also given by client_secret: give one of the two",
    "there is an identity provider of this name already",
    "there is no such identity provider in the database",
    "there is nothing at {0}",
    "these are not under only, or can't have the prefix: {}",
    "trusted_email_domains of the identity provider \"{}\" links nobody: Entra ID does not say \
     email_verified. Use link_scim_client, or doorward user link",
    "values of a mapped claim are left out: they are too many, too long, or none that a claim \
     can have",
    "{problem} (in {label})",
    "unknown field `",
    "missing field `",
    "(the body)",
    " at line ",
    "a change was not finished",
    "it is in the log, but not in the audit history",
    "a change was not finished: its handler panicked",
    "What happened.",
    "Who did it.",
    "The user on whom it was done.",
    "What kind of thing it was done to.",
    "What it was done to.",
    "The client that took part.",
    "The address that the request came from.",
    "The User-Agent of the request, whole.",
    "The request, as the log names it.",
    "has at most 512 bytes and no control characters",
    "{name} {problem}",
    "an export was broken off",
    "attachment; filename=\"events.jsonl\"",
    "keys can't be changed",
    "{field}: {problem}",
    "{}: {}",
    "the store can't be used",
    "nothing is done that depends on the time",
    "the store holds what can't be read",
    "answer of the administration",
    "requests of the administration",
    "the answer can't be kept for a repetition of the request",
    "{kind} {}",
    "user {sub}",
    "client {}",
    "a directory may have made a change, or may not",
    "a directory does not answer",
    "a directory answers what can't be used",
    "salts of clients in entity tags",
    "a client can't be read",
    "name two different levels, each by 1 to 100 printable ASCII characters without spaces",
    "An accent that can be read on light pages.",
    "An accent that can be read on dark pages.",
    "{indent}--{name}: {colour};",
    ":root {\n",
    "@media (prefers-color-scheme: dark) {\n  :root {\n",
    "there is no client {0:?}",
    "there is a client {0:?} already",
    "clients were changed at the same time: try again",
    "the client has no such secret",
    "(not shown)",
    " AND {enabled}",
    " AND {disabled}",
    " AND admin_role IS NOT NULL",
    "Sign in again to call this",
    "You may not call this",
    "{advice}: it {}.",
    ", and it ",
];

/// The files beside those of the API that say what is wrong.
const OTHERS: &[&str] = &[
    "crates/directory/src/manage/changes.rs",
    "crates/directory/src/manage/mod.rs",
    "crates/protocol/src/account.rs",
    "crates/provider/src/model/acr.rs",
    "crates/provider/src/model/branding/accent.rs",
    "crates/provider/src/model/branding/colour.rs",
    "crates/provider/src/model/branding/mod.rs",
    "crates/provider/src/model/claim_rules.rs",
    "crates/provider/src/model/client/check.rs",
    "crates/provider/src/model/client/fapi2.rs",
    "crates/provider/src/model/client/keys.rs",
    "crates/provider/src/model/client/logout_uri.rs",
    "crates/provider/src/model/client/redirect_uri.rs",
    "crates/provider/src/model/client/request_uri.rs",
    "crates/provider/src/model/client/subject.rs",
    "crates/provider/src/model/email.rs",
    "crates/provider/src/model/claim_mapping.rs",
    "crates/provider/src/model/group.rs",
    "crates/provider/src/model/identity_provider.rs",
    "crates/provider/src/model/password_rules.rs",
    "crates/provider/src/model/shared_secret.rs",
    "crates/provider/src/use_case/accounts/invitation.rs",
    "crates/provider/src/use_case/administration/clients.rs",
    "crates/provider/src/use_case/administration/identity_providers.rs",
    "crates/provider/src/use_case/administration/links.rs",
    "crates/provider/src/use_case/administration/users.rs",
    "crates/provider/src/use_case/directory_management.rs",
    "crates/provider/src/use_case/identity_provider_registry.rs",
    "crates/provider-store/src/record/write.rs",
    "crates/provider-store/src/rules.rs",
    "crates/resource-server/src/refusal.rs",
    "crates/resource-server/src/token_error.rs",
    "server/src/config/check/identity_providers.rs",
    "server/src/config/check/provider_credentials.rs",
    "server/src/provider/upstream/stored.rs",
];

#[test]
fn a_problem_is_said_in_german() {
    let said = |english: &str| german(english).unwrap();
    assert_eq!(said("limit is 1 to 200"), "limit ist 1 bis 200");
    assert_eq!(
        said("The password is too short: give at least 12 characters."),
        "Das Passwort ist zu kurz: mindestens 12 Zeichen."
    );
    assert_eq!(
        said("It is not linked: another user has this link."),
        "Es wird nicht verknüpft: ein anderer Benutzer hat diese Verknüpfung."
    );
    assert_eq!(
        said("unknown field `x`, expected one of `a`, `b`"),
        "unbekanntes Feld x, möglich sind `a`, `b`"
    );
    assert_eq!(german("nobody has said this so far"), None);
}

#[test]
fn both_languages_have_the_same_places_and_no_text_is_there_twice() {
    let mut seen = BTreeSet::new();
    for (english, german) in TEXTS.into_iter().flatten() {
        assert_eq!(english.matches(PLACE).count(), german.matches(PLACE).count(), "{english}");
        assert!(seen.insert(english), "{english} is there twice");
    }
}

/// A text of a program, as it is written there in quotes, and what is behind it.
fn text_at(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut letters = source.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, &source[at + 1..]),
            '\\' => match letters.next() {
                Some((_, '\n')) => {
                    while letters.next_if(|(_, letter)| letter.is_whitespace()).is_some() {}
                }
                Some((_, 'n')) => text.push('\n'),
                escaped => text.extend(escaped.map(|(_, letter)| letter)),
            },
            letter => text.push(letter),
        }
    }
    (text, "")
}

/// The texts of a program, without its comments and tests.
fn texts_of(source: &str) -> Vec<String> {
    let mut rest = source.split("#[cfg(test)]").next().unwrap();
    let mut texts = Vec::new();
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let here = &rest[at..];
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(after) = here.strip_prefix("'\"'") {
            after
        } else if let Some(text) = here.strip_prefix('"') {
            let (text, after) = text_at(text);
            texts.push(text);
            after
        } else {
            &here[1..]
        };
    }
    texts
}

/// A text as it is said, with something in each place.
fn filled(text: &str) -> String {
    let is_name =
        |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:?".contains(c));
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| match part.split_once('}') {
        Some((name, after)) if is_name(name) => format!("{said}7{after}"),
        _ => format!("{said}{{{part}"),
    })
}

/// Whether there is a German text, also for what stands behind the name of a member.
fn is_known(text: &str) -> bool {
    let said = filled(text);
    let behind_the_name = said.split_once(": ").map(|(_, problem)| problem);
    german(&said).is_some() || behind_the_name.is_some_and(|problem| german(problem).is_some())
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_text_that_becomes_a_problem_is_there_in_german() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = OTHERS.iter().map(|path| own.join("../..").join(path)).collect();
    files_under(&own.join("src/api"), &mut files);
    // What describes the API is in English alone.
    let describes = |path: &PathBuf| {
        ["openapi.rs", "docs.rs"].iter().any(|name| path.ends_with(name))
            || path.parent().is_some_and(|folder| folder.ends_with("german"))
    };
    let mut missing = BTreeSet::new();
    for path in files.iter().filter(|path| !describes(path)) {
        let texts = texts_of(&fs::read_to_string(path).unwrap());
        let said = texts.into_iter().filter(|text| text.trim().contains(' '));
        let other = said.filter(|text| !IN_NO_PROBLEM.contains(&text.as_str()));
        missing.extend(other.filter(|text| !is_known(text)));
    }
    assert!(
        missing.is_empty(),
        "give each a German text in src/api/german, or name it here if it is in no problem: \
         {missing:#?}"
    );
}

#[test]
fn a_text_without_a_german_one_is_noticed() {
    let source = r#"
        // "a comment is no text"
        let quote = '"';
        Err(Problem::conflict("This was said \
            by nobody so far."))
    "#;
    let texts = texts_of(source);
    assert_eq!(texts, ["This was said by nobody so far."]);
    assert!(!is_known(&texts[0]));
}
