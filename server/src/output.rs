//! Standard output: what a person or a script reads. The log goes to standard error.

use std::io::Write as _;

/// Prints to standard output. A reader that has gone away is no error.
pub fn print(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
