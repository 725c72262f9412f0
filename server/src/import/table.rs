//! Users in a table: a header, then a line each (RFC 4180). The columns may stand in any order:
//!
//! | column | or, of `AspNetUsers` | what it is |
//! |---|---|---|
//! | `username` | `UserName` | what the user types |
//! | `sub` | `Id` | the identifier |
//! | `email`, `email_verified` | `Email`, `EmailConfirmed` | the address |
//! | `password_hash` | `PasswordHash` | a hash of a kind that is known |
//! | `password_salt` | | its salt, of Firebase's hashes |
//! | `enabled` | | `false` keeps the user out |
//! | | `LockoutEnd` | far away, it keeps the user out |
//! | `roles`, `groups` | | between commas |
//! | `phone_number` | `PhoneNumber` | a claim |
//!
//! Any other column of a standard claim, such as `name`, is that claim. What is neither is named as
//! left.

use std::io::Read;

use doorward_provider::model::{
    password::{FirebaseHashes, PasswordHash},
    time::Timestamp,
};

use super::{ForeignUser, ReadError, firebase, identityserver::user::lockout};

type Each<'a> = &'a mut dyn FnMut(Result<ForeignUser, String>);

/// Claims of OIDC Core section 5.1 that are texts.
const TEXTS: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
];

/// Columns of `AspNetUsers` that say nothing which must be kept.
const OF_NO_USE: [&str; 6] = [
    "NormalizedUserName",
    "NormalizedEmail",
    "SecurityStamp",
    "ConcurrencyStamp",
    "LockoutEnabled",
    "AccessFailedCount",
];

pub fn read(
    export: impl Read,
    hashes: Option<&FirebaseHashes>,
    now: Timestamp,
    each: Each<'_>,
) -> Result<(), ReadError> {
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(export);
    let broken = |error: csv::Error| ReadError(format!("this is not a table: {error}"));
    let header = table.headers().map_err(broken)?.clone();
    if !header.iter().any(|column| name_of(column) == "username") {
        let advice = "the first line must name the columns, and one of them must be username";
        return Err(ReadError(advice.to_owned()));
    }
    for record in table.records() {
        let record = record.map_err(broken)?;
        each(user(&header, &record, hashes, now));
    }
    Ok(())
}

/// The column by the name that it has here.
fn name_of(column: &str) -> &str {
    match column.trim_start_matches('\u{feff}') {
        "UserName" => "username",
        "Id" => "sub",
        "Email" => "email",
        "EmailConfirmed" => "email_verified",
        "PasswordHash" => "password_hash",
        "PhoneNumber" => "phone_number",
        "PhoneNumberConfirmed" => "phone_number_verified",
        column => column,
    }
}

fn user(
    header: &csv::StringRecord,
    record: &csv::StringRecord,
    hashes: Option<&FirebaseHashes>,
    now: Timestamp,
) -> Result<ForeignUser, String> {
    let cells = || header.iter().map(name_of).zip(record);
    let cell = |name: &str| cells().find(|(column, _)| *column == name).map(|(_, text)| text);
    let mut user = ForeignUser::new(cell("username").unwrap_or_default(), cell("sub"))?;
    user.email(cell("email"), cell("email_verified").is_some_and(is_true));
    let salt = cell("password_salt").filter(|salt| !salt.is_empty());
    user.is_disabled = cell("enabled").is_some_and(|text| !text.is_empty() && !is_true(text));
    for (column, text) in cells().filter(|(_, text)| !text.is_empty()) {
        match column {
            "username" | "sub" | "email" | "email_verified" | "enabled" => {}
            "password_hash" => user.password(match (hashes, salt) {
                (Some(hashes), Some(salt)) => firebase::hash(hashes, salt, text),
                _ => PasswordHash::parse_foreign(text),
            }),
            "password_salt" if hashes.is_some() => {}
            "roles" | "role" => user.claim("role", list(text)),
            "groups" => user.claim("groups", list(text)),
            "phone_number" => user.claim("phone_number", text),
            "phone_number_verified" => user.claim("phone_number_verified", is_true(text)),
            "LockoutEnd" => lockout(&mut user, &text.into(), now),
            "TwoFactorEnabled" if !is_true(text) => {}
            column if TEXTS.contains(&column) => user.claim(column, text),
            column if OF_NO_USE.contains(&column) => {}
            column => user.left.push(format!("the column {column}")),
        }
    }
    Ok(user)
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "yes" | "1")
}

fn list(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
