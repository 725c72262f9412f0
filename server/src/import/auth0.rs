//! Users of Auth0: its export of password hashes, one JSON object a line, or that of its export
//! job, which has the same members without hashes.

use std::io::{BufRead as _, BufReader, Read};

use doorward_provider::model::password::PasswordHash;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ForeignLink, ForeignUser, ReadError, is_empty};

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
    phone_number: Option<String>,
    phone_verified: bool,
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
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Members that say nothing about the user which is of use elsewhere.
const OF_NO_USE: [&str; 14] = [
    "_tmp_is_unique",
    "connection",
    "created_at",
    "email_lastmodified",
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "multifactor_last_modified",
    "password_set_date",
    "tenant",
    "updated_at",
    "usernameLower",
    "version",
];

#[derive(Deserialize)]
struct ObjectId {
    #[serde(rename = "$oid")]
    oid: String,
}

/// An account at a connection, which is one of Auth0's own for those with a password.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Identity {
    provider: String,
    connection: Option<String>,
    /// A text or a number.
    user_id: Value,
}

impl Identity {
    /// The link. Its provider is called as the connection is: of one kind there may be several.
    fn link(&self) -> ForeignLink {
        let connection = self.connection.as_deref().filter(|name| !name.is_empty());
        let provider = connection.unwrap_or(&self.provider).to_owned();
        let id = match &self.user_id {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => String::new(),
        };
        // Connections of one's own write their name before the subject.
        let subject = id.strip_prefix(&format!("{provider}|")).unwrap_or(&id).to_owned();
        ForeignLink { provider, subject, shown: None }
    }
}

impl User {
    fn foreign(self) -> Result<ForeignUser, String> {
        // Tokens of Auth0 have this prefix in their `sub`.
        let id = self.user_id.or_else(|| self.object_id.map(|id| format!("auth0|{}", id.oid)));
        let names = [&self.username, &self.email, &self.phone_number];
        let name = names.into_iter().find_map(|name| name.as_deref()).unwrap_or_default();
        let mut user = ForeignUser::new(name, id.as_deref())?;
        user.is_disabled = self.blocked;
        user.email(self.email.as_deref(), self.email_verified);
        if let Some(phone) = self.phone_number.filter(|phone| !phone.is_empty()) {
            user.claim("phone_number", phone);
            user.claim("phone_number_verified", self.phone_verified);
        }
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
        // Users write their own user_metadata, so roles there are none.
        let roles = self.app_metadata.get("roles").and_then(Value::as_array);
        let roles = roles.filter(|roles| roles.iter().all(Value::is_string));
        let has_roles = roles.is_some();
        if let Some(roles) = roles {
            user.claim("role", roles.clone());
        }
        for (object, members, is_taken) in [
            ("user_metadata", &self.user_metadata, false),
            ("app_metadata", &self.app_metadata, has_roles),
        ] {
            let names = members.keys().map(String::as_str);
            let others: Vec<&str> = names.filter(|name| !is_taken || *name != "roles").collect();
            if !others.is_empty() {
                user.left.push(format!("{} of {object}", others.join(", ")));
            }
        }
        let elsewhere = self.identities.iter().filter(|identity| identity.provider != "auth0");
        user.links.extend(elsewhere.map(Identity::link));
        if !self.multifactor.is_empty() {
            user.left.push("the second factor".to_owned());
        }
        for (name, value) in &self.others {
            if !is_empty(value) && !OF_NO_USE.contains(&name.as_str()) {
                user.left.push(format!("the member {name}"));
            }
        }
        Ok(user)
    }
}
