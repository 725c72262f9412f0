//! Users who come from another system: what its export says about them, and what can't be taken
//! over.
//!
//! Each format is a file of its own. It reads an export from beginning to end, one user at a time,
//! so that an export of any size needs little memory.

mod auth0;
mod elements_of;
mod foreign_client;
mod identityserver;
mod keycloak;
mod table;

pub use self::foreign_client::{Configuration, ForeignClient, ForeignGroup};

use std::io::Read;

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        claim_rules::check_claims,
        password::{PasswordError, PasswordHash},
        user::ADMIN_ROLE_CLAIM,
    },
    use_case::administration::users::checked_username,
};
use serde_json::{Map, Value};

/// Whose export it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(clippy::doc_markdown)] // It is the help of the command.
pub enum Format {
    /// A realm export of Keycloak, as `kc.sh export` writes it.
    Keycloak,
    /// The configuration and the users of IdentityServer4 or Duende IdentityServer, as JSON.
    Identityserver,
    /// An export of Auth0: one JSON object a line.
    Auth0,
    /// A table with a header: any system's, or the `AspNetUsers` of ASP.NET Core Identity.
    Csv,
}

/// A user of another system.
#[derive(Debug, Clone, Default)]
pub struct ForeignUser {
    /// The identifier there. It becomes the `sub`, so that applications know the user again.
    /// `None` if the export has none.
    pub sub: Option<Sub>,
    /// What the user types to sign in.
    pub username: String,
    /// `None` for a user who must set a password first.
    pub password_hash: Option<PasswordHash>,
    /// Whether the user may sign in.
    pub is_disabled: bool,
    /// Claims by name, without empty ones.
    pub claims: Map<String, Value>,
    /// The groups that the user is in, by their paths there.
    pub groups: Vec<String>,
    /// The identities at other providers by which the user signs in there.
    pub links: Vec<ForeignLink>,
    /// What the export says and Doorward can't take over, as sentences.
    pub left: Vec<String>,
}

/// An identity at another provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignLink {
    /// What the other system calls the provider.
    pub provider: String,
    /// The subject at the provider.
    pub subject: String,
    /// What the provider calls the user.
    pub shown: Option<String>,
}

/// Why an export, or the rest of it, can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

/// Reads an export. All its users are passed on, in its order; whoever can't be a user, as a
/// sentence that says why. Returns what else there is.
pub fn read_export(
    format: Format,
    export: impl Read,
    mut each: impl FnMut(Result<ForeignUser, String>),
) -> Result<Configuration, ReadError> {
    let mut configuration = Configuration::default();
    match format {
        Format::Keycloak => keycloak::read(export, &mut each, &mut configuration),
        Format::Identityserver => identityserver::read(export, &mut each, &mut configuration),
        Format::Auth0 => auth0::read(export, &mut each),
        Format::Csv => table::read(export, &mut each),
    }?;
    Ok(configuration)
}

impl ForeignUser {
    /// A user of this name and identifier. The name is also the `preferred_username`.
    fn new(username: &str, id: Option<&str>) -> Result<Self, String> {
        let username = checked_username(username).map_err(|_| {
            let who = id.unwrap_or("a user");
            format!("{who}: a user name has 1 to 255 bytes without control characters")
        })?;
        let sub = id.filter(|id| !id.is_empty()).map(Sub::parse).transpose();
        let sub =
            sub.map_err(|error| format!("{username}: the identifier can't be a sub: {error}"))?;
        let mut user = Self { sub, username, ..Self::default() };
        user.claim("preferred_username", user.username.clone());
        Ok(user)
    }

    /// Sets a claim, unless the value is empty.
    fn claim(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            _ => false,
        };
        if !is_empty {
            self.claims.insert(name.to_owned(), value);
        }
    }

    /// Sets a claim of the export's own, if the provider does not set it itself.
    fn own_claim(&mut self, name: &str, value: Value) {
        // Users of the other system may have set it themselves.
        if name == ADMIN_ROLE_CLAIM {
            self.left.push(format!("the attribute {name:?}: doorward admin grant gives the role"));
            return;
        }
        let one = Map::from_iter([(name.to_owned(), value.clone())]);
        if check_claims(one).is_err() {
            self.left.push(format!("the attribute {name:?}: the provider sets this claim itself"));
        } else if !self.claims.contains_key(name) {
            self.claim(name, value);
        }
    }

    /// Adds a value to a claim of the export's own.
    fn another(&mut self, name: &str, value: &str) {
        match self.claims.remove(name) {
            None => self.own_claim(name, value.into()),
            Some(Value::Array(mut values)) => {
                values.push(value.into());
                self.claim(name, values);
            }
            Some(first) => self.claim(name, vec![first, value.into()]),
        }
    }

    /// Sets the address, and whether it is known to be the user's.
    fn email(&mut self, email: Option<&str>, is_verified: bool) {
        if let Some(email) = email.map(str::trim).filter(|email| !email.is_empty()) {
            self.claim("email", email);
            self.claim("email_verified", is_verified);
        }
    }

    /// Takes the hash of the password, or says why it can't be taken.
    fn password(&mut self, hash: Result<PasswordHash, PasswordError>) {
        match hash {
            Ok(hash) => self.password_hash = Some(hash),
            Err(error) => self.left.push(format!("the password: {error}")),
        }
    }
}

#[cfg(test)]
mod tests;
