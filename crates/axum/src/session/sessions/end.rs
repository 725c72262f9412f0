//! The ends of sessions.

use super::{Kind, Loaded, Sessions};
use crate::session::{Key, StoreError, Whose};

impl Sessions {
    /// Ends a session whose refresh token the provider no longer knows. Where sessions are in
    /// cookies, another process may have renewed it: then another cookie goes on.
    pub(crate) async fn remove_spent(&self, loaded: &Loaded, now: u64) -> Result<(), StoreError> {
        match (&self.kind, self.grant_key(&loaded.record)) {
            (Kind::Cookies(cookies), Some(grant)) => {
                cookies.end(grant, now, loaded.record.expires_at);
                Ok(())
            }
            _ => self.remove(loaded, now).await,
        }
    }

    /// Ends one session.
    pub(crate) async fn remove(&self, loaded: &Loaded, now: u64) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Store(store) => store.remove(self.session_key(&loaded.value)).await,
            Kind::Cookies(cookies) => {
                cookies.end(self.own_key(&loaded.record), now, loaded.record.expires_at);
                Ok(())
            }
        }
    }

    /// Ends the sessions of one sign-in at the provider. None of them lives after `until`.
    pub(crate) async fn end_provider_session(
        &self,
        sid: &str,
        now: u64,
        until: u64,
    ) -> Result<(), StoreError> {
        let key = self.provider_session_key(sid);
        self.end(Whose::ProviderSession(key), key, now, until).await
    }

    /// Ends the sessions of one sign-in, because somebody names it who need not be the provider.
    pub(crate) async fn end_named_session(&self, sid: &str, now: u64) -> Result<(), StoreError> {
        let key = self.provider_session_key(sid);
        match &self.kind {
            Kind::Store(_) => self.end(Whose::ProviderSession(key), key, now, now).await,
            Kind::Cookies(cookies) => {
                cookies.end_named(key, now);
                Ok(())
            }
        }
    }

    /// Ends all sessions of a user. None of them lives after `until`.
    pub(crate) async fn end_user(&self, sub: &str, now: u64, until: u64) -> Result<(), StoreError> {
        let key = self.user_key(sub);
        self.end(Whose::User(key), key, now, until).await
    }

    /// Ends the sessions of a user that the provider did not name. None lives after `until`.
    pub(crate) async fn end_unnamed(
        &self,
        sub: &str,
        now: u64,
        until: u64,
    ) -> Result<(), StoreError> {
        let whose = Whose::UserWithoutProviderSession(self.user_key(sub));
        self.end(whose, self.unnamed_key(sub), now, until).await
    }

    /// Ends sessions in a store, or those whose cookies have this key.
    async fn end(&self, whose: Whose, key: Key, now: u64, until: u64) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Store(store) => {
                let ended = store.remove_all(whose).await?;
                if ended > 0 {
                    tracing::info!(ended, "the provider ended sessions");
                }
            }
            Kind::Cookies(cookies) => cookies.end(key, now, until),
        }
        Ok(())
    }
}
