//! What became of an export, and the report about it.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use doorward_protocol::ids::Sub;
use doorward_provider::model::group::GroupName;
use serde_json::{Value, json};

use crate::command::done;

/// What is said about single users is printed for the first ones; the rest is counted.
const MOST_LINES: usize = 200;
/// How much of it is kept at all.
const MOST_KEPT: usize = 10_000;

/// What became of an export.
#[derive(Default)]
pub(super) struct Outcome {
    dry_run: bool,
    /// Users of the export.
    total: usize,
    added: usize,
    present: usize,
    without_password: usize,
    refused: usize,
    /// What became of clients, groups and consents.
    pub(super) clients: Counts,
    pub(super) groups: Counts,
    pub(super) consents: Counts,
    /// The clients that were added.
    pub(super) new_clients: HashSet<String>,
    /// The secrets of clients, which are shown once.
    secrets: BTreeMap<String, String>,
    /// What is said about one of them.
    lines: Vec<String>,
    /// How many more lines there would be.
    not_kept: usize,
    /// Tables that are missing in the configuration.
    resources: Vec<String>,
    /// What was left behind, and of how many users.
    left: BTreeMap<String, usize>,
    /// Claims that come from attributes, and of how many users.
    from_attributes: BTreeMap<String, usize>,
}

/// How many there were.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) added: usize,
    pub(super) present: usize,
    pub(super) refused: usize,
}

/// What became of one user.
pub(super) enum Taken {
    Added {
        name: String,
        sub: Sub,
        has_password: bool,
        /// Why the password was left behind.
        password_left: Option<String>,
        from_attributes: Vec<String>,
        left: Vec<String>,
    },
    /// The user is there by the same identifier and name, and is no member of these groups.
    Same {
        name: String,
        lacks: Vec<GroupName>,
    },
    /// Somebody is there by the same identifier.
    Present,
    Refused(String),
}

impl Outcome {
    /// Of an export with so many users, and these tables for the configuration.
    pub(super) fn new(dry_run: bool, total: usize, resources: Vec<String>) -> Self {
        Self { dry_run, total, resources, ..Self::default() }
    }

    /// Tells the new secret of a client, which is said however long the report is.
    pub(super) fn tell_secret(&mut self, client: String, secret: &str) {
        self.secrets.insert(client, secret.to_owned());
    }

    /// Says something about one of the export.
    pub(super) fn say(&mut self, line: String) {
        if self.lines.len() < MOST_KEPT {
            self.lines.push(line);
        } else {
            self.not_kept += 1;
        }
    }

    /// Says why a client can't be taken over.
    pub(super) fn refuse_client(&mut self, problem: String) {
        self.clients.refused += 1;
        self.say(problem);
    }

    /// Counts what was left behind of a user.
    pub(super) fn leave(&mut self, what: String) {
        self.not_kept += count(&mut self.left, what);
    }

    /// Notes what became of a user.
    pub(super) fn note(&mut self, taken: Taken) {
        match taken {
            Taken::Present => self.present += 1,
            Taken::Same { name, lacks } => {
                self.present += 1;
                for group in lacks {
                    self.say(format!(
                        "{name} is there already, and is no member of {group}. If an import was \
                         interrupted: doorward group member add {group} {name}"
                    ));
                }
            }
            Taken::Refused(problem) => {
                self.refused += 1;
                self.say(problem);
            }
            Taken::Added { name, has_password, password_left, from_attributes, left, .. } => {
                self.added += 1;
                if !has_password {
                    self.without_password += 1;
                }
                if let Some(why) = password_left {
                    self.say(format!("{name}: the password: {why}"));
                }
                for claim in from_attributes {
                    self.not_kept += count(&mut self.from_attributes, claim);
                }
                for what in left {
                    self.leave(what);
                }
            }
        }
    }

    /// Writes the report.
    pub(super) fn report(&self, as_json: bool) {
        let Self { added, present, without_password, refused, lines, left, total, .. } = self;
        let verb = if self.dry_run { "would be added" } else { "were added" };
        let mut text = lines.iter().take(MOST_LINES).fold(String::new(), |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        });
        for (client, secret) in &self.secrets {
            let _ = writeln!(text, "the client {client} has a new secret: {secret}");
        }
        let more = lines.len().saturating_sub(MOST_LINES) + self.not_kept;
        if more > 0 {
            let _ = writeln!(text, "… and {more} more");
        }
        for (what, users) in left {
            let _ = writeln!(text, "left behind for {users} users: {what}");
        }
        if !self.from_attributes.is_empty() {
            let what = "These claims come from attributes, which users may have set themselves";
            let claims = self.from_attributes.iter().take(MOST_LINES);
            let claims: Vec<String> =
                claims.map(|(claim, users)| format!("{claim} ({users} users)")).collect();
            let _ = writeln!(text, "{what}: {}", claims.join(", "));
        }
        let resources = self.resources.join("\n");
        if !resources.is_empty() {
            let _ = writeln!(text, "The configuration needs these, if it does not have them:");
            let _ = writeln!(text, "\n{resources}");
        }
        let counts =
            [(&self.groups, "groups"), (&self.clients, "clients"), (&self.consents, "consents")];
        for (counts, what) in counts {
            let Counts { added, present, refused } = counts;
            if added + present + refused > 0 {
                let _ = writeln!(
                    text,
                    "Of the {what} {added} {verb}, {present} are there already, {refused} can't be \
                     taken over."
                );
            }
        }
        let _ = write!(
            text,
            "Of {total} users {added} {verb} ({without_password} without a password), {present} \
             are there already, {refused} can't be taken over."
        );
        let facts = json!({
            "dry_run": self.dry_run, "users": total, "added": added, "present": present,
            "without_password": without_password, "refused": refused, "problems": lines,
            "more_problems": self.not_kept, "secrets": self.secrets, "left": left,
            "from_attributes": self.from_attributes, "resources": self.resources,
            "clients": self.clients.to_json(), "groups": self.groups.to_json(),
            "consents": self.consents.to_json(),
        });
        done(as_json, &text, facts);
    }
}

/// Counts something. Returns how many are not kept: what has the names of users in it is another
/// one each time.
fn count(counts: &mut BTreeMap<String, usize>, what: String) -> usize {
    if counts.len() < MOST_KEPT || counts.contains_key(&what) {
        *counts.entry(what).or_default() += 1;
        return 0;
    }
    1
}

impl Counts {
    fn to_json(&self) -> Value {
        json!({"added": self.added, "present": self.present, "refused": self.refused})
    }
}
