//! `[[users]]`: the users to import.

use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    configured_user::{ConfiguredPassword as Password, ConfiguredUser},
    password::PasswordHash,
    settings_error::SettingsError,
    user::{UserClaims, normalized_username},
};
use serde_json::{Map, Value};

use super::{ConfigErrors, SettingSources, error::Mistakes, file::UserSettings};

/// Claims that the provider itself puts into tokens (RFC 7519 section 4.1, OIDC Core section 2). A
/// user can't have them.
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

/// Checks all users. Names and subjects are unique.
pub fn check(
    settings: Vec<UserSettings>,
    demo: bool,
    sources: &SettingSources,
) -> Result<Vec<ConfiguredUser>, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut users: Vec<ConfiguredUser> = Vec::new();
    for settings in settings {
        let label = format!("the user \"{}\"", settings.username);
        let user = check_one(settings, demo)
            .and_then(|user| unlike(user, &users))
            .map_err(|error| sources.refuse_in("users", &label, &error));
        users.extend(mistakes.note(user));
    }
    mistakes.or(Some(users))
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
        let problem = "a subject has 1 to 255 printable ASCII characters without spaces (OIDC Core \
                       section 2)";
        return Err(SettingsError::new("sub", sub, problem));
    }
    Ok(ConfiguredUser {
        password: password(settings.password, settings.password_hash, demo)?,
        claims: check_claims(settings.claims)?,
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
            Err(refuse("password", "password_hash is given as well: give one of the two"))
        }
        (None, None) => {
            Err(SettingsError::new("password_hash", "(missing)", "give the user's Argon2id hash"))
        }
    }
}

/// Refuses claims that a user can't have.
pub fn check_claims(claims: Map<String, Value>) -> Result<UserClaims, SettingsError> {
    for (name, value) in &claims {
        if OWN_CLAIMS.contains(&name.as_str()) {
            return Err(SettingsError::new("claims", name, "the provider sets this claim itself"));
        }
        if holds_toml_date(value) {
            return Err(SettingsError::new("claims", name, "write a date as a text, in quotes"));
        }
    }
    Ok(UserClaims(claims))
}

/// A TOML date arrives as a table with this one key, which must not get into tokens.
fn holds_toml_date(value: &Value) -> bool {
    match value {
        Value::Object(table) => {
            table.contains_key("$__toml_private_datetime") || table.values().any(holds_toml_date)
        }
        Value::Array(values) => values.iter().any(holds_toml_date),
        _ => false,
    }
}

/// Refuses a user who has the name or the subject of another.
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
