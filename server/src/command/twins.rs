//! `docs/commands.md`: each command and the operation of the API that does the same, made from the
//! code. A command without one has a reason.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fmt::Write as _};

use clap::CommandFactory as _;
use doorward_admin::{Method, Operation, api::BASE_PATH};

use super::remote::REMOTE;
use crate::cli::Cli;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");

const INTRODUCTION: &str = "# Commands and the API

Each command, and the operation of the [admin API](guides/administration.md) that does the same.
Those with a yes also work [from elsewhere](guides/administration.md#commands-from-elsewhere).
This page is generated from the code.

| Command | With `--server` | API | Or why there is none |
|---|---|---|---|
";

/// Commands that share an operation with another command.
const MORE: [(&str, Operation); 8] = [
    ("user disable", Operation::ChangeUser),
    ("user enable", Operation::ChangeUser),
    ("user roles", Operation::ChangeUser),
    ("directory user disable", Operation::ChangeDirectoryUser),
    ("directory user enable", Operation::ChangeDirectoryUser),
    ("admin list", Operation::ListUsers),
    ("admin invite", Operation::CreateInvitation),
    ("admin revoke", Operation::SetAdminRole),
];

/// Why a command has no operation. A group stands for all its commands.
const WITHOUT: [(&str, &str); 20] = [
    ("serve", "It is the server."),
    ("config init", "It writes a file on this machine."),
    ("config check", "It checks a file on this machine before it is used."),
    ("login", "It signs in for commands with `--server`."),
    ("logout", "It signs out again."),
    ("branding", "It writes files on this machine."),
    ("import", "It reads files of this machine; the API adds users one by one."),
    ("health", "`/health/ready` answers it."),
    ("doctor", "It looks at this machine."),
    ("completions", "It writes a script for a shell."),
    ("man", "It writes the manual page."),
    ("version", "The overview of the API has the server's version."),
    ("user password-hash", "It computes and changes nothing."),
    ("directory check", "It asks a directory of the configuration from this machine."),
    ("client secret-hash", "It computes and changes nothing."),
    ("keys rekey", "The master key is not in the database, and never on a network."),
    ("mail test", "It tells each step of a connection from this machine."),
    ("mail templates", "It writes files on this machine."),
    ("db", "It works on the database as a whole: its files, copies and schema."),
    ("audit verify", "It needs the master key, and reads the whole history."),
];

/// Every command that does something, by its words.
fn commands() -> Vec<String> {
    fn collect(command: &clap::Command, words: &str, into: &mut Vec<String>) {
        let inner: Vec<_> =
            command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
        if inner.is_empty() {
            into.push(words.to_owned());
        }
        for inner in inner {
            collect(inner, format!("{words} {}", inner.get_name()).trim(), into);
        }
    }
    let mut found = Vec::new();
    collect(&Cli::command(), "", &mut found);
    found
}

fn operations() -> BTreeMap<&'static str, Vec<Operation>> {
    let mut all: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    let own = Operation::ALL.iter().filter_map(|&one| Some((one.command()?, one)));
    for (command, operation) in own.chain(MORE) {
        all.entry(command).or_default().push(operation);
    }
    all
}

fn reason(command: &str) -> Option<&'static str> {
    let is_of = |group: &str| command == group || command.starts_with(&format!("{group} "));
    WITHOUT.iter().find(|(group, _)| is_of(group)).map(|(_, reason)| *reason)
}

fn shown(operation: Operation) -> String {
    let method = match operation.method() {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    format!("`{method} {BASE_PATH}{}`", operation.path())
}

fn document() -> String {
    let (mut document, operations) = (INTRODUCTION.to_owned(), operations());
    for command in commands() {
        let shown: Vec<String> =
            operations.get(&*command).into_iter().flatten().map(|one| shown(*one)).collect();
        let why = if shown.is_empty() { reason(&command).unwrap_or_default() } else { "" };
        let remote = if REMOTE.contains(&&*command) { "yes" } else { "" };
        let shown = shown.join(", ");
        writeln!(document, "| `doorward {command}` | {remote} | {shown} | {why} |").unwrap();
    }
    document
}

#[test]
fn each_command_has_a_twin_or_a_reason() {
    let (commands, operations) = (commands(), operations());
    for command in &commands {
        let has_twin = operations.contains_key(&**command);
        assert!(has_twin || reason(command).is_some(), "doorward {command}");
        assert!(!(has_twin && reason(command).is_some()), "doorward {command} has both");
    }
    for named in operations.keys() {
        assert!(commands.iter().any(|command| command == named), "no command {named:?}");
    }
}

#[test]
fn what_works_from_elsewhere_is_a_command_with_a_twin() {
    let (commands, operations) = (commands(), operations());
    for remote in REMOTE {
        assert!(commands.iter().any(|command| command == remote), "no command {remote:?}");
        let is_known = operations.contains_key(remote) || ["login", "logout"].contains(&remote);
        assert!(is_known, "doorward {remote} has no operation");
    }
}

#[test]
fn the_table_of_commands_is_up_to_date() {
    let document = document();
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(DOCUMENT, &document).unwrap();
    }
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        kept == document,
        "docs/commands.md is out of date: UPDATE_DOCUMENTS=1 cargo test -p doorward \
         the_table_of_commands_is_up_to_date"
    );
}
