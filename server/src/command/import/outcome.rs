//! What became of an export, and the report about it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use doorward_protocol::ids::Sub;
use doorward_provider::model::{
    external_identity::ExternalId, group::GroupName, identity_provider::IdentityProviderName,
};
use serde_json::{Value, json};

use crate::{command::done, output::harmless_in_line};

/// What is said about single users is printed for the first ones; the rest is counted.
const MOST_LINES: usize = 200;
/// How much of it is kept at all.
const MOST_KEPT: usize = 10_000;

/// What became of an export.
#[derive(Default)]
pub(super) struct Outcome {
    dry_run: bool,
    /// Whether an error ended it before its end.
    pub(super) stopped: bool,
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
        /// Roles and groups that the user may have claimed without having them.
        rights_left: Vec<(String, String)>,
        left: Vec<String>,
    },
    /// The user is there by the same identifier and name, is not a member of these groups, and has
    /// no links with these identities at providers.
    Same {
        name: String,
        sub: Sub,
        lacks: Vec<GroupName>,
        lacks_links: Vec<(IdentityProviderName, ExternalId)>,
    },
    /// Somebody is there by the same identifier.
    Present,
    Refused(String),
}

impl Outcome {
    /// Of an export with this many users, and these tables for the configuration.
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
            self.lines.push(in_one_line(line));
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
            Taken::Same { name, sub, lacks, lacks_links } => {
                self.present += 1;
                for group in lacks {
                    self.say(format!(
                        "{name} is there already, and is not a member of {group}. If an import was \
                         interrupted: doorward group member add {group} {}",
                        in_shell(&sub)
                    ));
                }
                for (provider, id) in lacks_links {
                    self.say(format!(
                        "{name} is there already, and has no link to {subject} at {provider}. If \
                         an import was interrupted: doorward user link {} {provider} {subject} \
                         --issuer {}",
                        in_shell(&sub),
                        in_shell(&id.issuer),
                        subject = in_shell(&id.subject),
                    ));
                }
            }
            Taken::Refused(problem) => {
                self.refused += 1;
                self.say(problem);
            }
            Taken::Added {
                name,
                has_password,
                password_left,
                from_attributes,
                rights_left,
                left,
                ..
            } => {
                self.added += 1;
                if !has_password {
                    self.without_password += 1;
                }
                if let Some(why) = password_left {
                    self.say(format!("{name}: the password: {why}"));
                }
                if !rights_left.is_empty() {
                    let rights =
                        rights_left.iter().map(|(claim, value)| format!("{claim} {value}"));
                    self.say(format!(
                        "{name} did not get what users may have set themselves: {}",
                        rights.collect::<Vec<_>>().join(", ")
                    ));
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
            let _ = writeln!(text, "left behind for {}: {what}", users_of(*users));
        }
        if !self.from_attributes.is_empty() {
            let what = "These claims come from attributes, which users may have set themselves";
            let claims = self.from_attributes.iter().take(MOST_LINES);
            let claims: Vec<String> =
                claims.map(|(claim, users)| format!("{claim} ({})", users_of(*users))).collect();
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
        if self.stopped {
            let _ = writeln!(text, "The import stopped at an error. What was done until then:");
        }
        let _ = write!(
            text,
            "Of {} {added} {verb} ({without_password} without a password), {present} \
             are there already, {refused} can't be taken over.",
            users_of(*total)
        );
        let facts = json!({
            "dry_run": self.dry_run, "users": total, "added": added, "present": present,
            "without_password": without_password, "refused": refused, "problems": lines,
            "more_problems": self.not_kept, "secrets": self.secrets, "left": left,
            "from_attributes": self.from_attributes, "resources": self.resources,
            "stopped": self.stopped,
            "clients": self.clients.to_json(), "groups": self.groups.to_json(),
            "consents": self.consents.to_json(),
        });
        done(as_json, &text, facts);
    }
}

/// This many users.
fn users_of(count: usize) -> String {
    if count == 1 { "1 user".to_owned() } else { format!("{count} users") }
}

/// A text as one word of a command that somebody pastes into a shell. Names come from elsewhere.
pub(super) fn in_shell(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-:/@+".contains(char);
    let text = harmless_in_line(text);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A line of the report stays one line, whatever names of elsewhere are in it.
fn in_one_line(text: String) -> String {
    if let Cow::Owned(text) = harmless_in_line(&text) {
        return text;
    }
    text
}

/// Counts something. Returns how many are not kept: what has the names of users in it is another
/// one each time.
fn count(counts: &mut BTreeMap<String, usize>, what: String) -> usize {
    let what = in_one_line(what);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_elsewhere_is_one_word_of_a_command() {
        for (name, word) in [
            ("auth0:ada@example.com", "auth0:ada@example.com"),
            ("", "''"),
            ("x; curl h|sh", "'x; curl h|sh'"),
            ("o'hara", "'o'\\''hara'"),
            ("a\nb\u{1b}", "'a\u{fffd}b\u{fffd}'"),
        ] {
            assert_eq!(in_shell(name), word);
        }
    }

    #[test]
    fn a_line_of_the_report_stays_one_line() {
        let mut outcome = Outcome::new(false, 1, Vec::new());
        outcome.say("the group a\nrm -r x".to_owned());
        outcome.leave("the column a\nb".to_owned());
        assert_eq!(outcome.lines, ["the group a\u{fffd}rm -r x"]);
        assert!(outcome.left.contains_key("the column a\u{fffd}b"));
    }
}
