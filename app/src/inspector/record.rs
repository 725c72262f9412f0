//! What is kept of the steps, for the panel that may be opened later: lines of text in this tab's session storage, so that
//! the steps before the browser left are there when it comes back.

use doorward_client::Event;
use doorward_leptos::Auth;
use leptos::prelude::*;

use crate::browser;

/// Where in session storage.
const KEY: &str = "doorward.inspector";
/// How much is kept, in bytes: a sign-in takes 15,000, a renewal 8,000, a call of the API 1,500. The oldest go first.
const LONGEST: usize = 200_000;

/// The steps of this tab's sign-in. They hold tokens: they are cleared when a sign-in begins and when the user signs out.
#[derive(Clone, Copy)]
pub struct Record(RwSignal<String>);

impl Record {
    /// Records what the client tells from now on, after what this tab kept before.
    pub fn of(auth: Auth) -> Self {
        // Nothing of it is in the page as the server sends it, so it need not wait until the page is alive.
        let record = Self(RwSignal::new(browser::kept(KEY)));
        auth.on_event(move |event| match event {
            Event::Trace(trace) => record.add(&trace.to_line()),
            Event::UserSignedOut => record.clear(),
            _ => {}
        });
        record
    }

    /// The steps, one a line. Tracked.
    pub fn lines(self) -> String {
        self.0.get()
    }

    fn add(self, line: &str) {
        self.0.update(|lines| append(lines, line));
        self.keep();
    }

    /// Forgets all.
    pub fn clear(self) {
        self.0.set(String::new());
        self.keep();
    }

    fn keep(self) {
        self.0.with_untracked(|lines| browser::keep(KEY, lines));
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
