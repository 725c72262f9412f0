//! A user of ASP.NET Core Identity: a row of `AspNetUsers`, with `Claims`, `Roles` and `Logins` of
//! the other tables.

use doorward_provider::model::password::PasswordHash;
use serde_json::Value;

use crate::import::{ForeignLink, ForeignUser};

pub fn foreign(value: &Value) -> Result<ForeignUser, String> {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
    // SQLite has numbers for truth values.
    let is_true = |name: &str| value[name].as_bool() == Some(true) || value[name] == 1;
    let mut user = ForeignUser::new(text("UserName").unwrap_or_default(), text("Id"))?;
    user.email(text("Email"), is_true("EmailConfirmed"));
    if let Some(phone) = text("PhoneNumber") {
        user.claim("phone_number", phone);
        user.claim("phone_number_verified", is_true("PhoneNumberConfirmed"));
    }
    if let Some(hash) = text("PasswordHash") {
        user.password(PasswordHash::parse_foreign(hash));
    }
    // Operators lock users out by a date that is far away.
    match text("LockoutEnd") {
        Some(end) if end.starts_with("9999") => user.is_disabled = true,
        Some(_) => user.left.push("the end of a lockout".to_owned()),
        None => {}
    }
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
    if is_true("TwoFactorEnabled") {
        user.left.push("the second factor".to_owned());
    }
    Ok(user)
}
