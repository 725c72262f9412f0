//! Users who come from another system: what its export says about them, and what can't be taken
//! over.
//!
//! Each format is a file of its own. It reads an export from beginning to end, one user at a time,
//! so that an export of any size needs little memory.

mod auth0;
mod elements_of;
mod firebase;
mod foreign_client;
mod identityserver;
mod keycloak;
mod table;

pub use self::firebase::hash_parameters;
pub use self::foreign_client::{Configuration, ForeignClient, ForeignGroup, RefusedGroup};
use self::identityserver::{Tables, read_tables};

use std::{
    fs::File,
    io::{self, Read, Seek as _},
    path::PathBuf,
};

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        claim_rules::{SAID_BY_OPERATORS, check_claims, has_nul},
        group::{GROUPS, ROLE},
        password::{FirebaseHashes, PasswordError, PasswordHash},
        provisioning::{KEPT_CLAIM, MARKS_CLAIM},
        time::Timestamp,
        user::ADMIN_ROLE_CLAIM,
    },
    use_case::administration::users::checked_username,
};
use doorward_provider_store::PostgresOptions;
use serde_json::{Map, Value};

/// Whose export it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(clippy::doc_markdown)] // It is the help of the command.
pub enum Format {
    /// A realm export of Keycloak, as `kc.sh export` writes it.
    Keycloak,
    /// The configuration and the users of IdentityServer4 or Duende IdentityServer: its database
    /// (a SQLite file, or the URL of a PostgreSQL), or JSON.
    Identityserver,
    /// An export of Auth0: one JSON object a line.
    Auth0,
    /// The users of Firebase Authentication, as `firebase auth:export` writes them as JSON.
    Firebase,
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
    /// The claims that come from attributes, which users may have set themselves.
    pub from_attributes: Vec<String>,
    /// Roles and groups that users may have given themselves: the name of the claim, and a value.
    pub rights_left: Vec<(String, String)>,
    /// Why the password can't be taken over, if it can't.
    pub password_left: Option<String>,
    /// What else the export says and Doorward can't take over, as sentences.
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

/// A consent that a user of another system gave a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignConsent {
    /// The user's identifier.
    pub sub: String,
    /// The client's.
    pub client_id: String,
    /// What was consented to.
    pub scopes: Vec<String>,
    /// `None`: for ever.
    pub expires_at: Option<Timestamp>,
}

/// What an export has many of.
#[derive(Debug, Clone)]
pub enum Found {
    /// A user; whoever can't be one, as a sentence that says why.
    User(Result<ForeignUser, String>),
    /// A consent.
    Consent(ForeignConsent),
}

/// Where an export is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file: the export itself, or a SQLite database.
    File(PathBuf),
    /// A database.
    Postgres(Box<PostgresOptions>),
}

/// How an export is read.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Whose it is.
    pub format: Format,
    /// The timestamp of now.
    pub now: Timestamp,
    /// The parameters of Firebase's hashes.
    pub firebase: Option<FirebaseHashes>,
}

/// Why an export, or the rest of it, can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

/// Claims that the export sets elsewhere, too, and that have one value.
const ONE_VALUE: [&str; 2] = ["preferred_username", "phone_number"];

/// How a SQLite file begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Reads an export from its place, as [`read_export`] does. The thread must have no runtime.
pub fn read_source(
    manner: &Manner,
    source: &Source,
    mut each: impl FnMut(Found),
) -> Result<Configuration, ReadError> {
    let failed = |error: io::Error| ReadError(error.to_string());
    let tables = match source {
        Source::Postgres(options) => Tables::postgres(options)?,
        Source::File(file) => {
            let mut export = File::open(file).map_err(failed)?;
            let mut start = Vec::new();
            let length = SQLITE.len() as u64;
            export.by_ref().take(length).read_to_end(&mut start).map_err(failed)?;
            if manner.format != Format::Identityserver || start != SQLITE {
                export.rewind().map_err(failed)?;
                return read_export(manner, export, each);
            }
            Tables::sqlite(file)?
        }
    };
    let mut configuration = Configuration::default();
    read_tables(&tables, manner.now, &mut each, &mut configuration)?;
    Ok(configuration)
}

/// Reads an export. All its users are passed on, in its order. Returns what else there is.
pub fn read_export(
    manner: &Manner,
    export: impl Read,
    mut each: impl FnMut(Found),
) -> Result<Configuration, ReadError> {
    let mut configuration = Configuration::default();
    let found = &mut configuration;
    let mut user = |user| each(Found::User(user));
    let hashes = manner.firebase.as_ref();
    match manner.format {
        Format::Keycloak => keycloak::read(export, &mut each, found),
        Format::Auth0 => auth0::read(export, &mut user),
        Format::Firebase => firebase::read(export, hashes, &mut user),
        Format::Csv => table::read(export, hashes, manner.now, &mut user),
        Format::Identityserver => identityserver::read(export, manner.now, &mut each, found),
    }?;
    Ok(configuration)
}

/// Whether a member of an export says nothing.
fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(Map::is_empty)
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

    /// Sets a claim of the export's own. Users of the other system may have set it themselves, so
    /// it neither gives rights nor vouches for anything.
    fn own_claim(&mut self, name: &str, value: Value) {
        if name == ADMIN_ROLE_CLAIM {
            self.left.push(format!("the attribute {name:?}: doorward admin grant gives the role"));
            return;
        }
        if SAID_BY_OPERATORS.contains(&name) {
            // What the export says elsewhere, too, is there already.
            let is_said = self.claims.get(name).is_some_and(|said| {
                *said == value || said.as_array().is_some_and(|values| values.contains(&value))
            });
            if !is_said {
                self.leave_once(format!(
                    "the attribute {name:?}, which users may have set themselves: doorward user \
                     set --claim gives it to those who should have it"
                ));
                if [ROLE, GROUPS].contains(&name) {
                    self.rights_left.push((name.to_owned(), value.to_string()));
                }
            }
            return;
        }
        let one = Map::from_iter([(name.to_owned(), value.clone())]);
        let refused = check_claims(one).err().map(|error| error.problem);
        let is_own = [MARKS_CLAIM, KEPT_CLAIM].contains(&name);
        if let Some(problem) = refused.or(is_own.then_some("the provider sets this claim itself")) {
            self.leave_once(format!("the attribute {name:?}: {problem}"));
        } else if !self.claims.contains_key(name) {
            self.claim(name, value);
            if self.claims.contains_key(name) {
                self.from_attributes.push(name.to_owned());
            }
        }
    }

    /// Says what is left behind, once for a user.
    fn leave_once(&mut self, what: String) {
        if !self.left.contains(&what) {
            self.left.push(what);
        }
    }

    /// Leaves the claims behind that not every store keeps.
    pub fn leave_nul(&mut self) {
        let names: Vec<String> = self.claims.keys().cloned().collect();
        for name in names {
            if self.claims.get(&name).is_some_and(has_nul) {
                self.claims.remove(&name);
                self.leave_once(format!("the claim {name:?}: a text has no character NUL"));
            }
        }
    }

    /// Adds a value to a claim of the export's own.
    fn another(&mut self, name: &str, value: &str) {
        if SAID_BY_OPERATORS.contains(&name) {
            return self.own_claim(name, value.into());
        }
        match self.claims.get_mut(name) {
            None => self.own_claim(name, value.into()),
            Some(Value::Array(values)) => {
                if !values.iter().any(|one| one == value) {
                    values.push(value.into());
                }
            }
            Some(first) if first == value => {}
            Some(_) if ONE_VALUE.contains(&name) => {
                self.left.push(format!("a second value of the claim {name}"));
            }
            Some(first) => *first = vec![first.take(), value.into()].into(),
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
            Err(error) => self.password_left = Some(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
