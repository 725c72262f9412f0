//! What is kept of the steps, for the panel that may be opened later: lines of text in this tab's
//! session storage, so that the steps before the browser left are there when it comes back. Where
//! the user is kept in memory only, so are they.

use doorward_client::{AuthEvent, settings::StoreKind};
use doorward_leptos::Auth;
use leptos::prelude::*;

use crate::{browser, config::AppConfig};

/// Where in session storage.
const KEY: &str = "doorward.inspector";
/// How much is kept, in bytes: a sign-in takes 15,000, a renewal 8,000, a call of the API 1,500.
/// The oldest go first.
const LONGEST: usize = 200_000;

/// The steps of this tab's sign-in. They hold tokens: they are cleared when a sign-in begins and
/// when the user signs out.
#[derive(Clone, Copy)]
pub struct Record {
    lines: RwSignal<String>,
    config: RwSignal<Option<AppConfig>>,
}

impl Record {
    /// Records what the client tells from now on, after what this tab kept before. Nothing is
    /// written before the configuration is there and says where the user is kept.
    pub fn of(auth: Auth, config: RwSignal<Option<AppConfig>>) -> Self {
        // Nothing of it is in the page as the server sends it, so it need not wait until the page
        // is alive.
        let record = Self { lines: RwSignal::new(browser::kept(KEY)), config };
        auth.on_event(move |event| match event {
            AuthEvent::Trace(trace) => record.add(&trace.to_line()),
            AuthEvent::UserSignedOut => record.clear(),
            _ => {}
        });
        record
    }

    /// The steps, one a line. Tracked.
    pub fn lines(self) -> String {
        self.lines.get()
    }

    /// Whether the steps end with the page, as the user does. Tracked.
    pub fn is_in_memory(self) -> bool {
        self.config.with(|config| store(config.as_ref()) == Some(StoreKind::Memory))
    }

    fn add(self, line: &str) {
        self.lines.update(|lines| append(lines, line));
        self.keep();
    }

    /// Forgets all.
    pub fn clear(self) {
        self.lines.set(String::new());
        self.keep();
    }

    fn keep(self) {
        let store = self.config.with_untracked(|config| store(config.as_ref()));
        self.lines.with_untracked(|lines| browser::keep(KEY, to_write(lines, store)));
    }
}

/// Takes away what this tab wrote while it was configured otherwise.
pub fn follow_store(config: &AppConfig) {
    if config.user_store == StoreKind::Memory {
        browser::keep(KEY, "");
    }
}

fn store(config: Option<&AppConfig>) -> Option<StoreKind> {
    config.map(|config| config.user_store)
}

/// What of the lines, which hold tokens, may stand in storage where the user is kept there.
fn to_write(lines: &str, store: Option<StoreKind>) -> &str {
    match store {
        Some(StoreKind::Session | StoreKind::Local) => lines,
        Some(StoreKind::Memory) | None => "",
    }
}

/// Adds a line; the oldest lines go where that is too much.
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
