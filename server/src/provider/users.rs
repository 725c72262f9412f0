//! Imports the configured users into the database. Only users whose configuration has changed since
//! the last import are written, so changes by command stay.

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        configured_user::{ConfiguredPassword, ConfiguredUser},
        password::PasswordError,
        time::{Clock as _, SystemClock},
        user::User,
    },
    store::{SkippedUser, Store, StoreError},
};
use futures::future::try_join_all;
use tokio::task::JoinError;

use crate::config::demo_users;

/// The users can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed, or another user has one of the names.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The process is about to end.
    #[error("hashing a password was interrupted")]
    Interrupted(#[from] JoinError),
}

/// Imports the users whose configuration has changed, in one store command. Passwords are hashed in
/// parallel, about 20 ms each.
pub async fn import(
    store: &dyn Store,
    configured: &[ConfiguredUser],
) -> Result<usize, ImportError> {
    let last = store.imported_users().await?;
    let last = |sub: &Sub| last.iter().find(|user| user.sub == *sub);
    let changed =
        try_join_all(configured.iter().map(|user| if_changed(user, last(&user.sub)))).await?;
    let changed: Vec<User> = changed.into_iter().flatten().collect();
    let count = changed.len();
    if count > 0 {
        for skipped in store.import_users(changed, SystemClock.now()).await? {
            tracing::error!("{}", explained(&skipped));
        }
    }
    Ok(count)
}

/// What an operator does about a configured user who was skipped. Nothing is taken from the other
/// one: it may be somebody who registered, and whose sessions and data it are.
fn explained(SkippedUser { user, owner }: &SkippedUser) -> String {
    let Some(owner) = owner else {
        return format!(
            "the configured user {:?} was not imported: a removed user had the sub {:?}, and \
             applications would take the new user for that one. Remove the entry, or give it \
             another sub by its key sub, and start again",
            user.username, user.sub
        );
    };
    format!(
        "the configured user {:?} was not imported: another user, with the sub {:?}, has this name \
         or this verified e-mail address. Give one of the two another, as by doorward user set {} \
         --username NAME, or remove that user, and start again",
        user.username, owner, owner
    )
}

/// On a thread for blocking work: hashing takes long.
async fn if_changed(
    configured: &ConfiguredUser,
    last: Option<&User>,
) -> Result<Option<User>, ImportError> {
    let (configured, last) = (configured.clone(), last.cloned());
    let changed = tokio::task::spawn_blocking(move || configured.changed_since(last.as_ref()));
    Ok(changed.await??)
}

/// The first enabled demo user in the database who still has the public password and whom the
/// configuration does not replace.
pub async fn left_from_demo(
    store: &dyn Store,
    configured: &[ConfiguredUser],
) -> Result<Option<String>, StoreError> {
    for demo in demo_users() {
        let ConfiguredPassword::Hash(public) = demo.password else { continue };
        let replaced = configured.iter().any(|user| user.sub == demo.sub);
        let stored = store.user(&demo.sub).await?;
        if !replaced
            && stored
                .is_some_and(|user| user.enabled && user.password_hash.as_ref() == Some(&public))
        {
            return Ok(Some(demo.username));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::secret::Secret;
    use doorward_provider::{model::password::PasswordHash, store::Users as _};
    use doorward_provider_store::SqliteStore;

    use super::*;

    #[tokio::test]
    async fn a_second_import_changes_nothing() {
        let store = SqliteStore::in_memory().unwrap();
        let mut users = demo_users();
        users[0].password = ConfiguredPassword::Plain(Secret::new("alice"));
        assert_eq!(import(&store, &users).await.unwrap(), 5);
        assert_eq!(import(&store, &users).await.unwrap(), 0);
        users[0].password = ConfiguredPassword::Plain(Secret::new("changed"));
        users[1].enabled = false;
        assert_eq!(import(&store, &users).await.unwrap(), 2);
        let alice = store.user(&"alice".parse().unwrap()).await.unwrap().unwrap();
        assert!(alice.password_hash.unwrap().verify(&Secret::new("changed")));
    }

    #[tokio::test]
    async fn a_password_that_was_set_by_command_stays_until_another_is_configured() {
        let store = SqliteStore::in_memory().unwrap();
        let mut users = demo_users();
        import(&store, &users).await.unwrap();
        let alice = || async { store.user(&"alice".parse().unwrap()).await.unwrap().unwrap() };
        let password_hash = Some(PasswordHash::compute(&Secret::new("by command")).unwrap());
        store
            .put_user(User { password_hash, enabled: false, ..alice().await }, SystemClock.now())
            .await
            .unwrap();
        assert_eq!(import(&store, &users).await.unwrap(), 0);
        assert!(alice().await.password_hash.unwrap().verify(&Secret::new("by command")));
        users[0].password = ConfiguredPassword::Plain(Secret::new("configured"));
        assert_eq!(import(&store, &users).await.unwrap(), 1);
        assert!(alice().await.password_hash.unwrap().verify(&Secret::new("configured")));
        assert!(!alice().await.enabled, "disabled by command, and not configured otherwise since");
    }

    #[tokio::test]
    async fn a_configured_user_who_was_removed_does_not_come_back() {
        let store = SqliteStore::in_memory().unwrap();
        let users = demo_users();
        import(&store, &users).await.unwrap();
        let alice = "alice".parse().unwrap();
        store.remove_user(&alice, SystemClock.now()).await.unwrap();
        // Each start asks for the user, and is told why there is none.
        for _ in 0..2 {
            assert_eq!(import(&store, &users).await.unwrap(), 1);
            assert!(store.user(&alice).await.unwrap().is_none());
        }
    }

    #[test]
    fn a_skipped_user_is_explained() {
        let user = demo_users().remove(0).changed_since(None).unwrap().unwrap();
        let said = |owner: Option<&str>| {
            let owner = owner.map(|owner| owner.parse().unwrap());
            explained(&SkippedUser { user: user.clone(), owner })
        };
        assert!(
            said(Some("2")).contains("another user, with the sub \"2\""),
            "{}",
            said(Some("2"))
        );
        assert!(said(None).contains("a removed user had the sub \"alice\""), "{}", said(None));
    }

    #[tokio::test]
    async fn demo_users_are_noticed_until_they_are_replaced() {
        let store = SqliteStore::in_memory().unwrap();
        assert_eq!(left_from_demo(&store, &[]).await.unwrap(), None);
        let mut users = demo_users();
        import(&store, &users).await.unwrap();
        assert_eq!(left_from_demo(&store, &[]).await.unwrap().as_deref(), Some("alice"));
        for user in &mut users {
            user.enabled = false;
        }
        import(&store, &users).await.unwrap();
        assert_eq!(left_from_demo(&store, &[]).await.unwrap(), None);
    }
}
