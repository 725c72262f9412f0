//! Operators add users, and change them.

use std::sync::Arc;

pub use doorward_protocol::account::{NoUsername, checked_username};
use doorward_protocol::ids::{ClientId, Sub};

use crate::{
    model::{
        time::{Entropy, Timestamp},
        token_handle,
        user::User,
    },
    store::{Access, StoreError, Users},
};

/// Why a user was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// A user has the `sub`.
    #[error("there is a user with the sub {0:?} already")]
    Taken(Sub),
    /// A removed user had the `sub`.
    #[error("a removed user had the sub {0:?}: applications would take the new user for that one")]
    Used(Sub),
    /// The store failed, or another user has the name or the address.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user who is not stored yet, without a password. The claim `preferred_username` is the name.
/// Without a `sub` a random one is drawn.
pub fn new_user(sub: Option<Sub>, username: String, entropy: &dyn Entropy) -> User {
    let sub = sub.unwrap_or_else(|| token_handle::draw_id(entropy));
    let mut user = User {
        sub,
        username,
        password_hash: None,
        enabled: true,
        claims: Arc::default(),
        groups: Arc::default(),
        mapped: Arc::default(),
    };
    let preferred = user.username.as_str().into();
    user.claims_mut().insert("preferred_username".to_owned(), preferred);
    user
}

/// Adds a user whose `sub` nobody has or had.
pub async fn add_user(users: &dyn Users, user: User, now: Timestamp) -> Result<(), AddUserError> {
    if users.user(&user.sub).await?.is_some() {
        return Err(AddUserError::Taken(user.sub));
    }
    if users.is_used_sub(&user.sub).await? {
        return Err(AddUserError::Used(user.sub));
    }
    Ok(users.put_user(user, now).await?)
}

/// Whether a client has access to a user's data.
pub async fn has_access(
    access: &dyn Access,
    sub: &Sub,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const PAGE: u32 = 1000;
    let mut after: Option<ClientId> = None;
    loop {
        let page = access.access_of(sub, after.as_ref(), PAGE, now).await?;
        match page.iter().map(|access| &access.client_id).max() {
            Some(last) if last < client_id => after = Some(last.clone()),
            _ => return Ok(page.iter().any(|access| access.client_id == *client_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_a_line_of_text() {
        assert_eq!(checked_username(" alice ").as_deref(), Ok("alice"));
        for wrong in ["", " ", "a\nb", "a\0b", &"x".repeat(256)] {
            assert!(checked_username(wrong).is_err(), "{wrong:?}");
        }
    }
}
