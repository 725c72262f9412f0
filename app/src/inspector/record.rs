//! Stores the steps for the panel, which may be opened later: lines of text in this tab's session
//! storage, so that the steps before the browser left are still there when it returns. If the user
//! is stored only in memory, so are the steps.

use doorward_client::{AuthEvent, settings::StoreKind};
use doorward_leptos::Auth;
use leptos::prelude::*;

use crate::{browser, config::AppConfig};

/// The key in session storage.
const KEY: &str = "doorward.inspector";
/// The limit in bytes. A sign-in takes 15,000, a renewal 8,000, a call of the API 1,500. The oldest
/// lines are removed first.
const LONGEST: usize = 200_000;

/// The steps of this tab's sign-in. They contain tokens, so they are cleared when a sign-in begins
/// and when the user is removed.
#[derive(Clone, Copy)]
pub struct Record {
    lines: RwSignal<String>,
    /// Where the steps of a sign-in begin that was prepared and may follow.
    prepared_at: StoredValue<Option<usize>>,
    config: RwSignal<Option<AppConfig>>,
}

impl Record {
    /// Records the client's events, after the lines that this tab stored before. Nothing is written
    /// until the configuration says where the user is stored.
    pub fn of(auth: Auth, config: RwSignal<Option<AppConfig>>) -> Self {
        // The server's page contains none of it, so it need not wait for hydration.
        let record = Self {
            lines: RwSignal::new(browser::kept(KEY)),
            prepared_at: StoredValue::new(None),
            config,
        };
        auth.on_event(move |event| match event {
            AuthEvent::Trace(trace) => record.add(&trace.to_line()),
            AuthEvent::UserSignedOut | AuthEvent::UserUnloaded => record.clear(),
            _ => {}
        });
        record
    }

    /// The steps, one in each line. Tracked.
    pub fn lines(self) -> String {
        self.lines.get()
    }

    /// Whether the steps are lost with the page, like the user. Tracked.
    pub fn is_in_memory(self) -> bool {
        self.config.with(|config| store(config.as_ref()) == Some(StoreKind::Memory))
    }

    fn add(self, line: &str) {
        self.lines.update(|lines| append(lines, line));
        self.keep();
    }

    /// The next steps prepare a sign-in, which may follow.
    pub fn prepare(self) {
        let length = self.lines.with_untracked(String::len);
        self.prepared_at.update_value(|at| *at = at.or(Some(length)));
    }

    /// Removes the steps before a sign-in that begins. Those that prepared it are a part of it.
    pub fn begin(self) {
        let at = self.prepared_at.try_update_value(Option::take).flatten();
        self.lines.update(|lines| *lines = since(lines, at));
        self.keep();
    }

    /// Removes all steps.
    pub fn clear(self) {
        self.prepared_at.set_value(None);
        self.lines.set(String::new());
        self.keep();
    }

    fn keep(self) {
        let store = self.config.with_untracked(|config| store(config.as_ref()));
        self.lines.with_untracked(|lines| browser::keep(KEY, to_write(lines, store)));
    }
}

/// Removes what this tab stored under another configuration.
pub fn follow_store(config: &AppConfig) {
    if config.user_store == StoreKind::Memory {
        browser::keep(KEY, "");
    }
}

fn store(config: Option<&AppConfig>) -> Option<StoreKind> {
    config.map(|config| config.user_store)
}

/// The lines from this place on. None, without a place.
fn since(lines: &str, at: Option<usize>) -> String {
    at.and_then(|at| lines.get(at..)).unwrap_or_default().to_owned()
}

/// The lines to write to storage. They contain tokens, so it depends on where the user is stored.
fn to_write(lines: &str, store: Option<StoreKind>) -> &str {
    match store {
        Some(StoreKind::Session | StoreKind::Local) => lines,
        _ => "",
    }
}

/// Adds a line, and removes the oldest lines above the limit.
fn append(lines: &mut String, line: &str) {
    lines.push_str(line);
    lines.push('\n');
    while lines.len() > LONGEST {
        let end = lines.find('\n').map_or(lines.len(), |end| end + 1);
        *lines = lines.split_off(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_are_in_memory_only_are_not_written() {
        assert_eq!(to_write("a token", Some(StoreKind::Session)), "a token");
        assert_eq!(to_write("a token", Some(StoreKind::Local)), "a token");
        assert_eq!(to_write("a token", Some(StoreKind::Memory)), "");
        assert_eq!(to_write("a token", None), "");
    }

    #[test]
    fn a_sign_in_begins_with_what_prepared_it() {
        assert_eq!(since("old\nnew\n", Some(4)), "new\n");
        assert_eq!(since("old\nnew\n", Some(8)), "");
        assert_eq!(since("old\nnew\n", None), "");
        // The oldest lines were removed meanwhile.
        assert_eq!(since("new\n", Some(9)), "");
    }

    #[test]
    fn the_oldest_lines_go_first_and_whole() {
        let mut lines = String::new();
        for number in 0..30_000 {
            append(&mut lines, &format!("line {number}"));
        }
        assert!(lines.len() <= LONGEST && lines.len() > LONGEST - 20);
        assert!(lines.starts_with("line ") && lines.ends_with("line 29999\n"));
        append(&mut lines, &"x".repeat(LONGEST));
        assert_eq!(lines, "");
    }
}
