//! A user of ASP.NET Core Identity: a row of `AspNetUsers`, with `Claims`, `Roles`, `Logins` and
//! `Tokens` of the other tables.

use doorward_provider::model::{password::PasswordHash, time::Timestamp};
use serde_json::Value;

use super::{identifier, is_true, moment_of, says_nothing};
use crate::import::{ForeignLink, ForeignUser};

/// What is taken over, or says nothing which must be kept.
const KNOWN: [&str; 20] = [
    "Id",
    "UserName",
    "NormalizedUserName",
    "Email",
    "NormalizedEmail",
    "EmailConfirmed",
    "PasswordHash",
    "SecurityStamp",
    "ConcurrencyStamp",
    "PhoneNumber",
    "PhoneNumberConfirmed",
    "TwoFactorEnabled",
    "LockoutEnd",
    "LockoutEnabled",
    "AccessFailedCount",
    "Claims",
    "Roles",
    "Logins",
    "Tokens",
    "Discriminator",
];

/// A lockout that lasts for longer from now is an operator's: one of failed sign-ins takes minutes.
const LONGEST_LOCKOUT: i64 = 365 * 86_400;

pub fn foreign(value: &Value, now: Timestamp) -> Result<ForeignUser, String> {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
    let id = identifier(&value["Id"]);
    let mut user = ForeignUser::new(text("UserName").unwrap_or_default(), id.as_deref())?;
    user.email(text("Email"), is_true(&value["EmailConfirmed"]));
    if let Some(phone) = text("PhoneNumber") {
        user.claim("phone_number", phone);
        user.claim("phone_number_verified", is_true(&value["PhoneNumberConfirmed"]));
    }
    if let Some(hash) = text("PasswordHash") {
        user.password(PasswordHash::parse_foreign(hash));
    }
    lockout(&mut user, &value["LockoutEnd"], now);
    let list = |name: &str| value[name].as_array().into_iter().flatten();
    let role = |role: &Value| role.as_str().or_else(|| role["Name"].as_str()).map(str::to_owned);
    user.claim("role", list("Roles").filter_map(role).collect::<Vec<_>>());
    for claim in list("Claims") {
        if let (Some(kind), Some(value)) =
            (claim["ClaimType"].as_str(), claim["ClaimValue"].as_str())
        {
            user.another(kind, value);
        }
    }
    for login in list("Logins") {
        user.links.push(ForeignLink {
            provider: login["LoginProvider"].as_str().unwrap_or_default().to_owned(),
            subject: login["ProviderKey"].as_str().unwrap_or_default().to_owned(),
            shown: login["ProviderDisplayName"].as_str().map(str::to_owned),
        });
    }
    // Of an authenticator app, which the second factor says.
    let own = ["AuthenticatorKey", "RecoveryCodes"];
    for token in list("Tokens") {
        if let Some(name) = token["Name"].as_str().filter(|name| !own.contains(name)) {
            let provider = token["LoginProvider"].as_str().unwrap_or_default();
            user.left.push(format!("the token {name} of {provider}"));
        }
    }
    if is_true(&value["TwoFactorEnabled"]) {
        user.left.push("the second factor".to_owned());
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        if !KNOWN.contains(&name.as_str()) && !says_nothing(value) {
            user.left.push(format!("the column {name}"));
        }
    }
    Ok(user)
}

/// Operators lock users out by a date that is far away.
pub fn lockout(user: &mut ForeignUser, end: &Value, now: Timestamp) {
    let text = end.as_str();
    let left = text.and_then(moment_of).map(|end| end - now.seconds());
    match (text, left) {
        // As tables of databases say that there is none.
        (Some("" | "-infinity" | "NULL" | "null" | "\\N"), _) => {}
        (Some("infinity"), _) => user.is_disabled = true,
        (_, Some(left)) if left > LONGEST_LOCKOUT => user.is_disabled = true,
        (_, Some(left)) if left <= 0 => {}
        (_, Some(_)) => user.left.push("the end of a lockout".to_owned()),
        _ if end.is_null() => {}
        _ => {
            user.is_disabled = true;
            let what = "the end of a lockout, which can't be read: the user is disabled";
            user.left.push(what.to_owned());
        }
    }
}
