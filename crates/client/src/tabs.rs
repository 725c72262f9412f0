//! What the tabs of one origin tell each other about the user of one authority and client. No token travels this way:
//! a tab that hears of a change reads the store.

use serde_json::Map;

use crate::json::Members;

/// Values of `type`.
const USER_CHANGED: &str = "user_changed";
const SIGNED_OUT: &str = "signed_out";

/// A message between tabs.
pub(crate) enum TabMessage {
    /// The user store may hold another user, or other tokens.
    UserChanged,
    /// The user signed out of the provider: tabs that keep the same user apart (session storage) forget them too.
    SignedOut {
        /// Who signed out; empty where the scope has no `openid`.
        sub: String,
    },
}

impl TabMessage {
    pub(crate) fn write(&self) -> String {
        let (kind, sub) = match self {
            Self::UserChanged => (USER_CHANGED, None),
            Self::SignedOut { sub } => (SIGNED_OUT, Some(sub.as_str())),
        };
        let mut members = Members(Map::new());
        members.set_text("type", Some(kind));
        members.set_text("sub", sub);
        members.write()
    }

    /// Reads a message; what is none is ignored.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut members = Members::read(text)?;
        match members.text("type")?.as_str() {
            USER_CHANGED => Some(Self::UserChanged),
            // Without `openid` nobody knows who it is.
            SIGNED_OUT => Some(Self::SignedOut { sub: members.text("sub").unwrap_or_default() }),
            _ => None,
        }
    }
}
