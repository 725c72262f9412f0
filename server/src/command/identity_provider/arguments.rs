//! Settings and secret of an identity provider as arguments.

use std::{
    io::{IsTerminal as _, Read as _, stdin},
    path::{Path, PathBuf},
};

use doorward_protocol::secret::Secret;
use doorward_provider::model::stored_identity_provider::{Credential, CredentialKind};
use serde_json::{Map, Value, json};

use super::super::{
    CommandError,
    settings_arguments::{assigned, from_file},
};

/// What is no argument, and where it is given.
const SECRETS: [(&str, &str); 2] = [
    ("client_secret", "a file, by --client-secret-file"),
    ("client_key", "a file, by --client-key-file"),
];

/// Settings of an identity provider: first those of the file, then the others.
#[derive(Debug, clap::Args)]
pub struct ProviderArguments {
    /// A file with the keys of a table `[[identity_providers]]`: TOML, or JSON if its name ends
    /// with .json. `client_secret` in it becomes the secret.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Any setting, with its value as in TOML. May be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// `preset`: google, entra, apple, github, gitlab, keycloak, doorward or generic.
    #[arg(long)]
    preset: Option<String>,
    /// `issuer`: as the provider's discovery document has it.
    #[arg(long)]
    issuer: Option<String>,
    /// `client_id`: what this server is called there.
    #[arg(long)]
    client_id: Option<String>,
    /// The secret: a file, or - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_key_file", "ask_secret"])]
    client_secret_file: Option<PathBuf>,
    /// The private key in PEM (PKCS 8), in place of a secret: a file, or - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "ask_secret")]
    client_key_file: Option<PathBuf>,
    /// Ask for the secret at the terminal. `add` does so if none is given.
    #[arg(long)]
    ask_secret: bool,
}

impl ProviderArguments {
    /// Changes settings, which have their names in the configuration. Returns the secret or the
    /// key that is given.
    pub fn apply(
        &self,
        name: &str,
        settings: &mut Map<String, Value>,
    ) -> Result<Option<Credential>, CommandError> {
        let mut given = self.file.as_deref().map(from_file).transpose()?.unwrap_or_default();
        if given.get("name").is_some_and(|own| own == name) {
            given.remove("name");
        }
        let in_file = match given.remove(CredentialKind::Secret.name()) {
            Some(Value::String(secret)) => Some(Secret::new(secret)),
            Some(_) => return Err(CommandError::refused("client_secret: give a text")),
            None => None,
        };
        settings.extend(given);
        for assignment in &self.set {
            settings.extend(assigned(assignment, &SECRETS)?);
        }
        for (key, value) in
            [("preset", &self.preset), ("issuer", &self.issuer), ("client_id", &self.client_id)]
        {
            if let Some(value) = value {
                settings.insert(key.to_owned(), json!(value));
            }
        }
        let secret = |value| Credential { kind: CredentialKind::Secret, value };
        Ok(match (&self.client_secret_file, &self.client_key_file) {
            (Some(file), _) => Some(secret(read(file)?)),
            (None, Some(file)) => {
                Some(Credential { kind: CredentialKind::Key, value: read(file)? })
            }
            (None, None) if self.ask_secret => Some(secret(asked()?)),
            (None, None) => in_file.map(secret),
        })
    }
}

/// Asks for the secret of a provider that has none yet.
pub fn ask_for_secret() -> Result<Credential, CommandError> {
    Ok(Credential { kind: CredentialKind::Secret, value: asked()? })
}

fn asked() -> Result<Secret, CommandError> {
    if !stdin().is_terminal() {
        return Err(CommandError::refused(
            "there is no terminal to ask for the secret: give --client-secret-file or \
             --client-key-file; - is standard input",
        ));
    }
    let secret = rpassword::prompt_password("Client secret: ");
    secret
        .map(Secret::new)
        .map_err(|error| CommandError::refused(format!("the secret can't be read: {error}")))
}

fn read(file: &Path) -> Result<Secret, CommandError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| {
        CommandError::refused(format!("{} can't be read: {error}", file.display()))
    })?;
    Ok(Secret::new(text.trim()))
}
