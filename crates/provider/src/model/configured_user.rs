//! Users of the configuration: when one counts as changed and is imported again.

use std::sync::Arc;

use doorward_protocol::{ids::Sub, secret::Secret};

use crate::model::{
    password::{PasswordError, PasswordHash},
    user::{User, UserClaims},
};

/// A user as the configuration defines them.
#[derive(Debug, Clone)]
pub struct ConfiguredUser {
    /// Subject identifier.
    pub sub: Sub,
    /// What the user types to sign in.
    pub username: String,
    /// The password or its hash.
    pub password: ConfiguredPassword,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Claims.
    pub claims: UserClaims,
}

/// A user's password in the configuration.
#[derive(Debug, Clone)]
pub enum ConfiguredPassword {
    /// An Argon2id hash.
    Hash(PasswordHash),
    /// The password itself.
    Plain(Secret),
}

impl ConfiguredUser {
    /// The user to import, or `None` if the configuration says the same as at the `last` import.
    /// Takes about 20 ms for a plain password, which is hashed or compared.
    pub fn changed_since(self, last: Option<&User>) -> Result<Option<User>, PasswordError> {
        let user = User {
            password_hash: Some(
                self.password.hash(last.and_then(|last| last.password_hash.as_ref()))?,
            ),
            sub: self.sub,
            username: self.username,
            enabled: self.enabled,
            claims: self.claims.into(),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        Ok(if last == Some(&user) { None } else { Some(user) })
    }
}

impl ConfiguredPassword {
    /// A plain password keeps its last hash while that fits: with a new salt it would count as
    /// changed at each start.
    fn hash(self, last: Option<&PasswordHash>) -> Result<PasswordHash, PasswordError> {
        match (self, last) {
            (Self::Hash(hash), _) => Ok(hash),
            (Self::Plain(plain), Some(last)) if last.verify(&plain) => Ok(last.clone()),
            (Self::Plain(plain), _) => PasswordHash::compute(&plain),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn configured(password: &str, enabled: bool) -> ConfiguredUser {
        ConfiguredUser {
            sub: Sub::parse("1").unwrap(),
            username: "alice".to_owned(),
            password: ConfiguredPassword::Plain(Secret::new(password)),
            enabled,
            claims: UserClaims::default(),
        }
    }

    #[test]
    fn a_user_is_imported_when_the_configuration_has_changed() {
        let first = configured("one", true).changed_since(None).unwrap().unwrap();
        assert!(configured("one", true).changed_since(Some(&first)).unwrap().is_none());
        let disabled = configured("one", false).changed_since(Some(&first)).unwrap().unwrap();
        assert_eq!(disabled.password_hash, first.password_hash, "the password has not changed");
        let second = configured("two", true).changed_since(Some(&first)).unwrap().unwrap();
        assert!(second.password_hash.unwrap().verify(&Secret::new("two")));
    }
}
