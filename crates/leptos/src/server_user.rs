//! The user as the server knows them.

use doorward_client::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The signed-in user as the server knows them from its session. A server that renders pages, or
/// answers server functions, provides it as a context; `None` is as no context. It has no tokens,
/// because it reaches the browser.
///
/// With `doorward-axum`, make it of the user as policies see them (feature `policy`):
/// `ServerUser::from(user.principal())`. Then its extractor `Authorized<P>`, server functions and
/// the page decide alike. With another session, `Principal::from_provider` finds roles where the
/// provider has them.
///
/// ```
/// use doorward_leptos::ServerUser;
/// use leptos::prelude::*;
///
/// # let profile = serde_json::Map::new();
/// // In the function that `leptos_routes_with_context` takes:
/// let context = move || provide_context(ServerUser::new(profile.clone()).scope("orders"));
/// # Owner::new().with(context);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerUser {
    /// The claims of the ID token and of userinfo, as in [`User::profile`].
    pub profile: Map<String, Value>,
    /// The granted scope.
    #[serde(default)]
    pub scope: Option<String>,
}

impl ServerUser {
    /// A user with these claims. `sub` must be among them.
    pub fn new(profile: Map<String, Value>) -> Self {
        Self { profile, scope: None }
    }

    /// Sets the granted scope.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The user as components see them: without tokens.
    pub(crate) fn into_user(self) -> User {
        let mut user = User::without_tokens(self.profile);
        user.scope = self.scope;
        user
    }
}
