//! Messages between the tabs of one origin about the user of one authority and client. They contain
//! no tokens: a tab that learns of a change reads the store.

use serde_json::Map;

use crate::lean::json::Members;

/// The values of `type`.
const USER_CHANGED: &str = "user_changed";
const SIGNED_OUT: &str = "signed_out";
const TOKENS_FOUND: &str = "tokens_found";
const TOKENS_HELD: &str = "tokens_held";
const TOKENS_REPLACED: &str = "tokens_replaced";

/// A message between tabs.
pub(crate) enum TabMessage {
    /// The user store has another user or other tokens.
    UserChanged {
        /// The tokens that the store has now, by [`tokens_hash`], or [`NOBODY`]. `None` if the
        /// sender does not say.
        ///
        /// [`tokens_hash`]: crate::user_store::StoredUser::tokens_hash
        now: Option<String>,
    },
    /// A session ended, because the user signed out. Tabs with a store of their own (session
    /// storage) forget the user too.
    SignedOut {
        /// Who signed out. Empty if the scope has no `openid`.
        sub: String,
        /// The session that ended, so that no tab removes a later one. Empty if the sender does
        /// not say.
        session: String,
        /// The time of the sign-out, by this device's clock.
        at: Option<u64>,
    },
    /// A page was loaded and found this refresh token in the tab's own store. Browsers copy that
    /// store when they duplicate a tab.
    TokensFound {
        /// The refresh token's hash.
        of: String,
        /// The mark that the page put into its store. A frame in the same tab has the same store.
        sign: String,
    },
    /// The reply of another tab that has the same refresh token in its own store.
    TokensHeld {
        /// The refresh token's hash.
        of: String,
        /// The mark of the page that asked.
        sign: String,
    },
    /// A tab redeemed a refresh token that other tabs have as well.
    TokensReplaced {
        /// The refresh token's hash.
        of: String,
    },
}

/// In place of the hash of tokens, if the store has none.
pub(crate) const NOBODY: &str = "-";

impl TabMessage {
    pub(crate) fn write(&self) -> String {
        let mut members = Members(Map::new());
        let mut set = |texts: &[(&str, &str)]| {
            for (name, text) in texts {
                members.set_text(name, Some(text));
            }
        };
        match self {
            Self::UserChanged { now } => {
                set(&[("type", USER_CHANGED)]);
                members.set_text("now", now.as_deref());
            }
            Self::SignedOut { sub, session, at } => {
                set(&[("type", SIGNED_OUT), ("sub", sub), ("session", session)]);
                members.set("at", at.map(Into::into));
            }
            Self::TokensFound { of, sign } => {
                set(&[("type", TOKENS_FOUND), ("of", of), ("sign", sign)]);
            }
            Self::TokensHeld { of, sign } => {
                set(&[("type", TOKENS_HELD), ("of", of), ("sign", sign)]);
            }
            Self::TokensReplaced { of } => set(&[("type", TOKENS_REPLACED), ("of", of)]),
        }
        members.write()
    }

    /// Parses a message. Anything else is ignored.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut members = Members::read(text)?;
        match members.text("type")?.as_str() {
            USER_CHANGED => Some(Self::UserChanged { now: members.text("now") }),
            SIGNED_OUT => Some(Self::SignedOut {
                // Without `openid` nobody knows who it is.
                sub: members.text("sub").unwrap_or_default(),
                session: members.text("session").unwrap_or_default(),
                at: members.number("at"),
            }),
            TOKENS_FOUND => {
                Some(Self::TokensFound { of: members.text("of")?, sign: members.text("sign")? })
            }
            TOKENS_HELD => {
                Some(Self::TokensHeld { of: members.text("of")?, sign: members.text("sign")? })
            }
            TOKENS_REPLACED => Some(Self::TokensReplaced { of: members.text("of")? }),
            _ => None,
        }
    }
}
