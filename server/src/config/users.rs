//! `[[users]]`: the users to import.

use doorward_protocol::{ids::Sub, secret::Secret};
use doorward_provider::model::{
    claim_rules::check_claims,
    configured_user::{ConfiguredPassword as Password, ConfiguredUser},
    password::{PasswordError, PasswordHash},
    settings_error::SettingsError,
    user::normalized_username,
};

use super::{ConfigErrors, SettingSources, error::Mistakes, file::UserSettings};

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
    let sub = Sub::parse(&*sub).map_err(|error| SettingsError::new("sub", sub, error.rule()))?;
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
        (None, Some(hash)) => PasswordHash::parse(&hash).map(Password::Hash).map_err(|error| {
            let problem = match error {
                PasswordError::TooCostly => "the hash needs more work than a sign-in may take",
                _ => "not a hash that is known: $argon2id$…, $2b$…, $pbkdf2-…$… or $scrypt$…",
            };
            refuse("password_hash", problem)
        }),
        (Some(_), Some(_)) => {
            Err(refuse("password", "password_hash is given as well: give one of the two"))
        }
        (None, None) => {
            Err(SettingsError::new("password_hash", "(missing)", "give the user's Argon2id hash"))
        }
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
