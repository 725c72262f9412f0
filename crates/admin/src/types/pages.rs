//! What the pages are told at start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::FreshSignIn;

/// Where the pages sign in. Everybody may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesConfig {
    /// The provider's issuer URL.
    pub issuer: String,
    /// The client that the pages are at the provider.
    pub client_id: String,
    /// What they ask for.
    pub scope: String,
    /// The origins from which they can sign in, the usual one first.
    pub origins: Vec<String>,
    /// The sign-in that operations need which matter.
    pub fresh_sign_in: FreshSignIn,
    /// What to enter at another identity provider: the addresses of this server by their names,
    /// with [`NAME_PLACE`] where the name of the provider is.
    pub registration: BTreeMap<String, String>,
}

/// What stands for the name of an identity provider. No name is like it.
pub const NAME_PLACE: &str = "{name}";
