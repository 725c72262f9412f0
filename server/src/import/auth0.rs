//! Users of Auth0: its export of password hashes, one JSON object a line, or that of its export
//! job, which has the same members without hashes.

use std::io::{BufRead as _, BufReader, Read};

use doorward_provider::model::password::PasswordHash;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ForeignUser, ReadError};

type Each<'a> = &'a mut dyn FnMut(Result<ForeignUser, String>);

pub fn read(export: impl Read, each: Each<'_>) -> Result<(), ReadError> {
    for (index, line) in BufReader::new(export).lines().enumerate() {
        let number = index + 1;
        let line = line.map_err(|error| ReadError(format!("line {number}: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let user: User = serde_json::from_str(&line).map_err(|error| {
            ReadError(format!("line {number} is not a user in an export of Auth0: {error}"))
        })?;
        each(user.foreign());
    }
    Ok(())
}

/// A user under Auth0's names.
#[derive(Deserialize, Default)]
#[serde(default)]
#[allow(clippy::struct_field_names)]
struct User {
    user_id: Option<String>,
    #[serde(rename = "_id")]
    object_id: Option<ObjectId>,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    nickname: Option<String>,
    picture: Option<String>,
    blocked: bool,
    #[serde(rename = "passwordHash", alias = "password_hash")]
    password_hash: Option<String>,
    identities: Vec<Identity>,
    user_metadata: Map<String, Value>,
    app_metadata: Map<String, Value>,
    multifactor: Vec<Value>,
}

#[derive(Deserialize)]
struct ObjectId {
    #[serde(rename = "$oid")]
    oid: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identity {
    provider: String,
}

impl User {
    fn foreign(self) -> Result<ForeignUser, String> {
        // Tokens of Auth0 have this prefix in their `sub`.
        let id = self.user_id.or_else(|| self.object_id.map(|id| format!("auth0|{}", id.oid)));
        let name = self.username.as_deref().or(self.email.as_deref()).unwrap_or_default();
        let mut user = ForeignUser::new(name, id.as_deref())?;
        user.is_disabled = self.blocked;
        user.email(self.email.as_deref(), self.email_verified);
        let texts = [
            ("name", self.name),
            ("given_name", self.given_name),
            ("family_name", self.family_name),
            ("nickname", self.nickname),
            ("picture", self.picture),
        ];
        for (name, text) in texts {
            user.claim(name, text.unwrap_or_default());
        }
        if let Some(hash) = self.password_hash {
            user.password(PasswordHash::parse_foreign(&hash));
        }
        if let Some(Value::Array(roles)) = self.app_metadata.get("roles") {
            user.claim("role", roles.clone());
        }
        for (name, members) in
            [("user_metadata", &self.user_metadata), ("app_metadata", &self.app_metadata)]
        {
            let others: Vec<&str> =
                members.keys().map(String::as_str).filter(|name| *name != "roles").collect();
            if !others.is_empty() {
                user.left.push(format!("{} of {name}", others.join(", ")));
            }
        }
        for identity in self.identities.iter().filter(|identity| identity.provider != "auth0") {
            user.left.push(format!("the link to an identity at {}", identity.provider));
        }
        if !self.multifactor.is_empty() {
            user.left.push("the second factor".to_owned());
        }
        Ok(user)
    }
}
