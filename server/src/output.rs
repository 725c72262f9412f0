//! Standard output: what a person or a script reads. The log goes to standard error.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
};

/// Prints to standard output. A reader that has gone away is no error.
pub fn print(text: &str) {
    let _ = write(text.as_bytes());
}

/// Writes a part of a text in UTF-8 to standard output.
pub fn write(part: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // A program gets what is there; a terminal would do what it says.
    if out.is_terminal() {
        out.write_all(harmless(&String::from_utf8_lossy(part)).as_bytes())?;
    } else {
        out.write_all(part)?;
    }
    out.flush()
}

/// The text without what a terminal obeys or shows in another order: control characters (C0 other
/// than line ends and tabs, DEL and C1) and marks of the direction of writing. Names come from
/// users, and answers from servers elsewhere.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_meant = |letter: char| matches!(letter, '\n' | '\t') || !is_harmful(letter);
    replaced(text, is_meant)
}

/// The same for a text that is a part of a line, so without line ends and tabs.
pub fn harmless_in_line(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| !is_harmful(letter))
}

fn replaced(text: &str, is_meant: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&is_meant) {
        return Cow::Borrowed(text);
    }
    let replace = |letter| if is_meant(letter) { letter } else { char::REPLACEMENT_CHARACTER };
    Cow::Owned(text.chars().map(replace).collect())
}

fn is_harmful(letter: char) -> bool {
    let is_direction = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    letter.is_control() || is_direction || matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        for bad in ['\u{1b}', '\u{7}', '\r', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}']
        {
            assert_eq!(harmless(&format!("a{bad}b")), "a\u{fffd}b", "{bad:?}");
        }
        assert_eq!(harmless("a\n\tZoë 👩\u{200d}🔬"), "a\n\tZoë 👩\u{200d}🔬");
        assert_eq!(harmless_in_line("a\n\tb"), "a\u{fffd}\u{fffd}b");
    }
}
