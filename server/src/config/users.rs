//! `[[users]]`: the users that are there after the start.

use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    password::PasswordHash,
    settings_error::SettingsError,
    user::{UserClaims, normalized_username},
};
use serde_json::{Map, Value};

use super::{ConfigError, SettingSources, file::UserSettings};

/// A user of whom every setting holds.
#[derive(Debug, Clone)]
pub struct ConfiguredUser {
    /// Subject identifier.
    pub sub: String,
    /// What the user types.
    pub username: String,
    /// The password or its hash.
    pub password: Password,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Claims.
    pub claims: UserClaims,
}

/// A user's password as configured.
#[derive(Debug, Clone)]
pub enum Password {
    /// Argon2id.
    Hash(PasswordHash),
    /// The password itself: in demo mode only.
    Plain(Secret),
}

/// Claims that tokens have of their own (RFC 7519 section 4.1, OIDC Core section 2); a user can't
/// bring them.
const OWN_CLAIMS: [&str; 17] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "client_id",
    "cnf",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "scope",
    "sid",
    "sub",
];

/// Checks all users; names and subjects are unique.
pub fn check(
    settings: Vec<UserSettings>,
    demo: bool,
    sources: &SettingSources,
) -> Result<Vec<ConfiguredUser>, ConfigError> {
    let mut users: Vec<ConfiguredUser> = Vec::new();
    for settings in settings {
        let label = format!("the user \"{}\"", settings.username);
        let user = check_one(settings, demo)
            .and_then(|user| unlike(user, &users))
            .map_err(|error| sources.refuse_in("users", &label, &error))?;
        users.push(user);
    }
    Ok(users)
}

fn check_one(settings: UserSettings, demo: bool) -> Result<ConfiguredUser, SettingsError> {
    let username = settings.username;
    let normalized = normalized_username(&username);
    if normalized.is_empty() || username.len() > 255 || username.chars().any(char::is_control) {
        return Err(SettingsError::new(
            "username",
            username,
            "give 1 to 255 bytes without control characters",
        ));
    }
    let sub = settings.sub.unwrap_or_else(|| username.clone());
    if sub.is_empty() || sub.len() > 255 || !sub.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = "a subject has 1 to 255 printable ASCII characters without spaces (OIDC Core section 2)";
        return Err(SettingsError::new("sub", sub, problem));
    }
    Ok(ConfiguredUser {
        password: password(settings.password, settings.password_hash, demo)?,
        claims: claims(settings.claims)?,
        enabled: settings.enabled,
        sub,
        username,
    })
}

fn password(
    plain: Option<Secret>,
    hash: Option<String>,
    demo: bool,
) -> Result<Password, SettingsError> {
    let refuse = |key, problem| SettingsError::new(key, "(not shown)", problem);
    match (plain, hash) {
        (Some(_), None) if !demo => Err(refuse(
            "password",
            "a plain password is for demo mode only: give password_hash, an Argon2id hash",
        )),
        (Some(plain), None) if plain.expose().is_empty() || plain.expose().len() > 1024 => {
            Err(refuse("password", "a password has 1 to 1024 bytes"))
        }
        (Some(plain), None) => Ok(Password::Plain(plain)),
        (None, Some(hash)) => PasswordHash::parse(&hash)
            .map(Password::Hash)
            .map_err(|_| refuse("password_hash", "not an Argon2id hash in PHC form ($argon2id$…)")),
        (Some(_), Some(_)) => {
            Err(refuse("password", "password_hash is given, too: give one of the two"))
        }
        (None, None) => {
            Err(SettingsError::new("password_hash", "(missing)", "give the user's Argon2id hash"))
        }
    }
}

fn claims(claims: Map<String, Value>) -> Result<UserClaims, SettingsError> {
    for (name, value) in &claims {
        if OWN_CLAIMS.contains(&name.as_str()) {
            return Err(SettingsError::new("claims", name, "tokens have this claim of their own"));
        }
        if holds_toml_date(value) {
            return Err(SettingsError::new("claims", name, "write a date as a text, in quotes"));
        }
    }
    Ok(UserClaims(claims))
}

/// TOML's own dates arrive as a table with this one key, which no token should carry.
fn holds_toml_date(value: &Value) -> bool {
    match value {
        Value::Object(table) => {
            table.contains_key("$__toml_private_datetime") || table.values().any(holds_toml_date)
        }
        Value::Array(values) => values.iter().any(holds_toml_date),
        _ => false,
    }
}

fn unlike(
    user: ConfiguredUser,
    before: &[ConfiguredUser],
) -> Result<ConfiguredUser, SettingsError> {
    let name = normalized_username(&user.username);
    if before.iter().any(|other| normalized_username(&other.username) == name) {
        return Err(SettingsError::new("username", user.username, "this user is defined twice"));
    }
    if before.iter().any(|other| other.sub == user.sub) {
        return Err(SettingsError::new("sub", user.sub, "another user has this subject"));
    }
    Ok(user)
}
