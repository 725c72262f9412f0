//! `doorward directory …`: directories (LDAP) by which users sign in.

mod user;

use clap::Subcommand;
use doorward_directory::{Finding, check};
use doorward_provider::model::{
    directory::LoginName,
    time::{Clock as _, SystemClock},
    user::normalized_username,
};
use serde_json::{Value, json};

use super::{CommandError, DataArguments, findings};
use crate::{config::Config, output::print, provider::directories, tls::Tls};

/// What to do with directories.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Go through the steps of a sign-in, and tell what each of them finds. Nothing is changed.
    Check {
        /// The name of the directory in the configuration.
        name: String,
        /// Also look for the entry of this user, and show what becomes of it. No password is
        /// needed.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Users of a directory, where [directories.management] of the configuration allows it.
    #[command(subcommand)]
    User(user::DirectoryUserCommand),
}

impl DirectoryCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Check { name, user, data } => {
                Box::pin(run_check(data.config.load()?, &name, user.as_deref(), data.json)).await
            }
            Self::User(command) => Box::pin(command.run()).await,
        }
    }
}

async fn run_check(
    config: Config,
    name: &str,
    typed: Option<&str>,
    json: bool,
) -> Result<(), CommandError> {
    let trusted = Tls::trusted(&config.tls, &config.sources).map_err(CommandError::refused)?;
    let known = &config.provider.settings.directories;
    let settings = config.provider.directory_clients.into_iter().find(|own| &*own.name == name);
    let directory = known.iter().find(|own| &*own.provider.name == name);
    let Some((directory, settings)) = directory.zip(settings) else {
        let known: Vec<_> = known.iter().map(|own| own.provider.name.to_string()).collect();
        return Err(unknown(name, &known));
    };
    let mut findings: Vec<Finding> = Vec::new();
    let taken: Option<LoginName> = match typed {
        Some(typed) => {
            let normalized = normalized_username(typed);
            let taken = directory.names.take(&normalized);
            findings.push((
                "name".to_owned(),
                match &taken {
                    Some(name) => Ok(format!("{typed} is looked up as {name}")),
                    None => Err(format!("{typed} has none of the forms under names")),
                },
            ));
            taken
        }
        None => None,
    };
    let client = directories::open_one(settings, &trusted).map_err(CommandError::refused)?;
    let (found, user) = check(&client, taken.as_ref(), SystemClock.now()).await;
    findings.extend(found);
    if let Some(user) = &user {
        let claims = Value::Object(user.claims.clone());
        findings.push(("read".to_owned(), Ok(claims.to_string())));
        let mapped = directory.provider.claims.apply(&user.claims);
        for (claim, count) in &mapped.left_out {
            let problem = format!("values of {claim} are left out that no claim can have: {count}");
            findings.push(("mapping".to_owned(), Err(problem)));
        }
        let mapped = Value::Object(mapped.claims.0).to_string();
        findings.push(("mapping".to_owned(), Ok(mapped)));
    }
    if json {
        print(&format!("{:#}\n", json!({"checks": findings::as_json(&findings)})));
    } else {
        findings::print_lines(&findings);
    }
    findings::outcome(&findings)
}

/// The error about a directory that the configuration does not have.
fn unknown(name: &str, known: &[String]) -> CommandError {
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    CommandError::Missing(format!("[[directories]] has no {name}; there are: {known}"))
}
