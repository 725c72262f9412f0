//! Where a command gets a password from, and which passwords it accepts.

use std::io::{IsTerminal as _, Read as _};

use doorward_protocol::secret::Secret;
use doorward_provider::model::{password::PasswordHash, user::normalized_username};

use super::super::CommandError;

/// Where a password comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct PasswordSource {
    /// Read the password from standard input, up to its end, instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Which passwords are accepted (NIST SP 800-63B section 3.1.1: a minimum length, and no rules
/// about kinds of characters).
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy<'a> {
    /// In characters: `provider.min_password_length`.
    pub min_length: u32,
    /// The user's name, which is no password. Empty if there is none.
    pub username: &'a str,
}

impl PasswordPolicy<'_> {
    /// Refuses a password that does not comply. The text does not contain the password.
    pub fn check(&self, password: &Secret) -> Result<(), String> {
        let text = password.expose();
        if text.is_empty() || text.len() > 1024 {
            return Err("a password has 1 to 1024 bytes".to_owned());
        }
        if text.chars().count() < self.min_length as usize {
            return Err(format!(
                "the password is too short: give at least {} characters \
                 (provider.min_password_length)",
                self.min_length
            ));
        }
        if normalized_username(text) == normalized_username(self.username) {
            return Err("the user name is not accepted as the password".to_owned());
        }
        Ok(())
    }
}

impl PasswordSource {
    /// Reads the password, checks it and hashes it.
    pub fn read(&self, policy: PasswordPolicy<'_>) -> Result<PasswordHash, CommandError> {
        let password = if self.password_stdin {
            from_standard_input()?
        } else if std::io::stdin().is_terminal() {
            from_terminal()?
        } else {
            return Err(CommandError::refused(
                "there is no terminal to ask for the password: give --password-stdin",
            ));
        };
        policy.check(&password).map_err(CommandError::refused)?;
        PasswordHash::compute(&password).map_err(CommandError::refused)
    }
}

fn from_standard_input() -> Result<Secret, CommandError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    let line_end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(line_end);
    Ok(Secret::new(text))
}

fn from_terminal() -> Result<Secret, CommandError> {
    let first = Secret::new(rpassword::prompt_password("Password: ").map_err(unreadable)?);
    let second = Secret::new(rpassword::prompt_password("Once more: ").map_err(unreadable)?);
    if first == second { Ok(first) } else { Err(CommandError::refused("the two passwords differ")) }
}

#[allow(clippy::needless_pass_by_value)]
fn unreadable(error: std::io::Error) -> CommandError {
    CommandError::refused(format!("the password can't be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_passwords_and_the_user_name_are_refused() {
        let policy = PasswordPolicy { min_length: 8, username: "Margaret" };
        let refused = |password: &str| policy.check(&Secret::new(password)).err();
        assert!(refused("").is_some());
        assert!(refused("äöüäöüä").is_some_and(|problem| problem.contains("at least 8")));
        assert!(refused("äöüäöüäö").is_none(), "characters count, not bytes");
        assert!(refused(" margaret").is_some_and(|problem| problem.contains("user name")));
        assert!(refused("correct horse").is_none());
        assert!(refused(&"x".repeat(1025)).is_some());
    }
}
