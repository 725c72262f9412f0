//! Where a command gets a password from.

use std::io::{IsTerminal as _, Read as _};

use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        password::PasswordHash,
        password_rules::{AboutUser, PasswordRules},
        user::User,
    },
    use_case::new_password::NewPasswords,
};

use super::super::{CommandContext, CommandError};
use crate::{
    config::{BreachedPasswordsConfig, Config},
    provider::breached_passwords,
    tls::Tls,
};

/// Where a password comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct PasswordSource {
    /// Read the password from standard input, up to its end, instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Whether the rules for passwords hold.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct PasswordForce {
    /// Take the password although it is short, easy to guess or known from a data breach.
    #[arg(long)]
    pub force: bool,
}

impl PasswordSource {
    /// Reads the password of this user, checks it by the rules that the pages have, and hashes it.
    pub async fn read_new(
        &self,
        context: &CommandContext,
        user: &User,
        PasswordForce { force }: PasswordForce,
    ) -> Result<PasswordHash, CommandError> {
        let password = self.read()?;
        if !force {
            let Config { provider, tls, sources, .. } = &context.config;
            // A list in a file needs no certificate, and whoever runs this may not read ours.
            let trusted = match &provider.breached_passwords {
                BreachedPasswordsConfig::Url(_) => Tls::trusted(tls, sources)?,
                BreachedPasswordsConfig::None | BreachedPasswordsConfig::File(_) => Vec::new(),
            };
            let new_passwords = NewPasswords {
                rules: PasswordRules { min_length: provider.settings.accounts.min_password_length },
                breached: breached_passwords::open(&provider.breached_passwords, &trusted)
                    .map_err(CommandError::refused)?,
            };
            let about = AboutUser::of(user, "");
            new_passwords.check(&password, &about).await.map_err(|problem| {
                CommandError::refused(format!("{problem}; --force sets it all the same"))
            })?;
        }
        PasswordHash::compute(&password).map_err(CommandError::refused)
    }

    /// Reads the password.
    pub fn read(&self) -> Result<Secret, CommandError> {
        if self.password_stdin {
            from_standard_input()
        } else if std::io::stdin().is_terminal() {
            from_terminal()
        } else {
            Err(CommandError::refused(
                "there is no terminal to ask for the password: give --password-stdin",
            ))
        }
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
