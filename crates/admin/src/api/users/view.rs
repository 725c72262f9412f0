//! What is shown of users.

use doorward_provider::model::{
    group::ROLE,
    provisioning::{MARKS_CLAIM, UserMarks},
    user::{ADMIN_ROLE_CLAIM, User},
};
use serde_json::{Map, Value, json};

use super::super::version::Version;
pub use crate::types::users::{UserRow, UserView};

impl UserRow {
    pub(crate) fn of(user: &User) -> Self {
        let text = |name: &str| user.claims.0.get(name)?.as_str().map(str::to_owned);
        Self {
            sub: user.sub.to_string(),
            username: user.username.clone(),
            enabled: user.enabled,
            email: text("email"),
            email_verified: user.verified_email().is_some(),
            name: text("name"),
            roles: user.claims.0.get(ROLE).cloned().unwrap_or_default(),
            admin_role: user.admin_role().map(str::to_owned),
        }
    }
}

impl UserView {
    pub(crate) fn of(user: &User) -> Self {
        Self {
            sub: user.sub.to_string(),
            username: user.username.clone(),
            enabled: user.enabled,
            has_password: user.password_hash.is_some(),
            admin_role: user.admin_role().map(str::to_owned),
            provisioned_by: UserMarks::of(user).client.map(|client| client.to_string()),
            claims: claims(user),
            groups: user.groups.iter().map(|group| group.name.to_string()).collect(),
        }
    }
}

/// The claims without the role and without the marks of SCIM, which are members of their own.
fn claims(user: &User) -> Map<String, Value> {
    let mut claims = user.claims.0.clone();
    claims.remove(ADMIN_ROLE_CLAIM);
    claims.remove(MARKS_CLAIM);
    claims
}

/// The state of a user.
pub fn version(user: &User) -> Version {
    let password = user.password_hash.as_ref().map(|hash| hash.as_str().to_owned());
    Version::of([
        ("username", json!(user.username)),
        ("enabled", json!(user.enabled)),
        ("password", json!(password)),
        ("admin_role", json!(user.admin_role())),
        ("claims", Value::Object(claims(user))),
        ("marks", json!(UserMarks::of(user))),
    ])
}
