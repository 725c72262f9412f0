//! What sessions are found and ended by.

use super::{SESSION, Sessions};
use crate::session::{Key, SessionRecord};

impl Sessions {
    /// What may have ended the session.
    pub(super) fn keys_of(&self, record: &SessionRecord) -> Vec<Key> {
        let sub = record.user.sub();
        let of_provider = record.sid().map(|sid| self.provider_session_key(sid));
        let of_provider = of_provider.unwrap_or_else(|| self.unnamed_key(sub));
        [self.own_key(record), self.user_key(sub), of_provider]
            .into_iter()
            .chain(self.grant_key(record))
            .collect()
    }

    /// What the store finds the session of this cookie by.
    pub(super) fn session_key(&self, value: &str) -> Key {
        self.owned_key(SESSION, value)
    }

    pub(super) fn own_key(&self, record: &SessionRecord) -> Key {
        self.owned_key("own", &record.id)
    }

    /// What cookies of a user's sessions that the provider did not name are ended by.
    pub(super) fn unnamed_key(&self, sub: &str) -> Key {
        self.owned_key("unnamed", sub)
    }

    pub(super) fn grant_key(&self, record: &SessionRecord) -> Option<Key> {
        let token = record.user.refresh_token.as_deref()?;
        Some(self.owned_key("refresh token", token))
    }

    pub(super) fn user_key(&self, sub: &str) -> Key {
        self.owned_key("user", sub)
    }

    pub(super) fn provider_session_key(&self, sid: &str) -> Key {
        self.owned_key("provider session", sid)
    }

    /// The key of a text of this client. No other client has it.
    pub(super) fn owned_key(&self, kind: &str, text: &str) -> Key {
        let [issuer, client_id] = &self.owner;
        Key::of(&[kind, issuer, client_id, text])
    }
}
