//! Sessions: what is kept of a signed-in user, and where.
//!
//! A cookie holds a random handle. A [`SessionStore`] knows the session by a hash of the handle,
//! and keeps it encrypted by a key that is derived from the handle. So whoever reads the store can
//! neither take over a session nor read a token. Or the cookie holds the whole session, encrypted
//! by a key of the application ([`CookieKeys`]).

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod seal;
mod sealed_cookies;
mod sessions;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresSessions;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteSessions;
pub use self::{
    memory::MemorySessions,
    sealed_cookies::{CookieKeys, CookieKeysError},
    sessions::SessionsIn,
    store::{FoundSession, Key, SessionRow, SessionStore, StoreError, Whose},
};
pub(crate) use self::{
    record::{RequestedSignIn, SessionRecord, form_token_mac},
    seal::random_text,
    sessions::{ChangeOf, Loaded, Sessions},
};
