//! Asks before something is removed.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use super::CommandError;
use crate::output::harmless_in_line;

/// Consent to something that can't be undone.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Confirmation {
    /// Don't ask for confirmation.
    #[arg(long)]
    pub yes: bool,
}

impl Confirmation {
    /// Asks at a terminal. Without one, --yes is needed.
    pub fn ask(self, question: &str) -> Result<(), CommandError> {
        if self.yes {
            return Ok(());
        }
        if !stdin().is_terminal() {
            return Err(CommandError::refused(format!("{question} Give --yes to confirm")));
        }
        let mut asked = stderr();
        write!(asked, "{} [y/N] ", harmless_in_line(question)).and_then(|()| asked.flush())?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(CommandError::Missing("nothing was done".to_owned())),
        }
    }
}
