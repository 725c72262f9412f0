//! Messages between the tabs of one origin about the user of one authority and client. They contain
//! no tokens: a tab that learns of a change reads the store.

use serde_json::Map;

use crate::lean::json::Members;

/// The values of `type`.
const USER_CHANGED: &str = "user_changed";
const SIGNED_OUT: &str = "signed_out";
const TOKENS_FOUND: &str = "tokens_found";
const TOKENS_HELD: &str = "tokens_held";

/// A message between tabs.
pub(crate) enum TabMessage {
    /// The user store may have another user or other tokens.
    UserChanged,
    /// The user signed out of the provider: tabs that keep the same user apart (session storage)
    /// forget them too.
    SignedOut {
        /// Who signed out; empty where the scope has no `openid`.
        sub: String,
    },
    /// A page was loaded and found these tokens in its tab's own store. Browsers copy that store
    /// when they duplicate a tab.
    TokensFound {
        /// The access token's hash.
        of: String,
        /// What the page signed the store with. A frame in the same tab has the same store.
        sign: String,
    },
    /// The reply of another tab that has the same tokens in its own store and can renew them.
    TokensHeld {
        /// The access token's hash.
        of: String,
        /// The sign of the page that asked.
        sign: String,
    },
}

impl TabMessage {
    pub(crate) fn write(&self) -> String {
        let (kind, sub, of, sign) = match self {
            Self::UserChanged => (USER_CHANGED, None, None, None),
            Self::SignedOut { sub } => (SIGNED_OUT, Some(sub), None, None),
            Self::TokensFound { of, sign } => (TOKENS_FOUND, None, Some(of), Some(sign)),
            Self::TokensHeld { of, sign } => (TOKENS_HELD, None, Some(of), Some(sign)),
        };
        let mut members = Members(Map::new());
        members.set_text("type", Some(kind));
        for (name, text) in [("sub", sub), ("of", of), ("sign", sign)] {
            members.set_text(name, text.map(String::as_str));
        }
        members.write()
    }

    /// Parses a message. Anything else is ignored.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut members = Members::read(text)?;
        match members.text("type")?.as_str() {
            USER_CHANGED => Some(Self::UserChanged),
            // Without `openid` nobody knows who it is.
            SIGNED_OUT => Some(Self::SignedOut { sub: members.text("sub").unwrap_or_default() }),
            TOKENS_FOUND => {
                Some(Self::TokensFound { of: members.text("of")?, sign: members.text("sign")? })
            }
            TOKENS_HELD => {
                Some(Self::TokensHeld { of: members.text("of")?, sign: members.text("sign")? })
            }
            _ => None,
        }
    }
}
