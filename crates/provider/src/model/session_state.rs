//! `session_state` (OIDC Session Management 1.0 section 2): by it a client notices, without a
//! request to this provider, that the user signed in or out. The page behind `check_session_iframe`
//! computes the same value in the browser.

use doorward_protocol::{base64url, ids::ClientId};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::model::{session::Session, token_handle::TokenHandle};

/// What a browser's scripts may know of its session here ("OP browser state", section 3.2): the
/// session cookie's check value, or nothing while nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserState(Option<TokenHandle>);

impl BrowserState {
    /// The state for a browser with this cookie; `session` is `None` if it expired.
    pub fn of(cookie: Option<&TokenHandle>, session: Option<&Session>) -> Self {
        Self(session.and(cookie).map(TokenHandle::check_value))
    }

    /// The check value, for a cookie that scripts of this provider can read; `None` while nobody is
    /// signed in.
    pub fn check_value(&self) -> Option<&TokenHandle> {
        self.0.as_ref()
    }

    /// `session_state` for a client whose page has this redirect URI: `hash.salt` (section 3.2).
    /// `None` for an address without an origin, as that of a native application, which has no page
    /// to watch from.
    pub(crate) fn session_state(
        &self,
        client_id: &ClientId,
        redirect_uri: &str,
        salt: &str,
    ) -> Option<String> {
        let origin =
            Url::parse(redirect_uri).ok().map(|url| url.origin()).filter(url::Origin::is_tuple)?;
        let check_value = self.0.as_ref().map_or("", TokenHandle::expose);
        let hashed = format!("{client_id} {} {check_value} {salt}", origin.ascii_serialization());
        Some(format!("{}.{salt}", base64url::encode(Sha256::digest(hashed))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SALT: &str = "c2FsdHNhbHRzYWx0c2FsdA";
    const PAGE: &str = "https://app.example/callback?x=1";

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    fn signed_in() -> BrowserState {
        BrowserState(Some(TokenHandle::parse("0123456789012345678901234567890123456789012")))
    }

    /// The expected values were computed by the script of the page itself.
    #[test]
    fn the_value_is_the_one_that_the_page_computes() {
        let state = signed_in().session_state(&id("my app"), PAGE, SALT);
        assert_eq!(
            state.as_deref(),
            Some("ImaCKsFkUfcJRhbyzom0HpYyyPoyTWOuHxvAlgKQlLY.c2FsdHNhbHRzYWx0c2FsdA")
        );
        let state = BrowserState(None).session_state(&id("my app"), PAGE, SALT);
        assert_eq!(
            state.as_deref(),
            Some("BUBm-ZkOMOQ3Zh-2qWy04VUtc2a8IqYXJHb_lpM82ZY.c2FsdHNhbHRzYWx0c2FsdA")
        );
    }

    #[test]
    fn it_depends_on_client_origin_session_and_salt_but_not_on_the_path() {
        let of = |client, uri, salt| signed_in().session_state(&id(client), uri, salt);
        let one = of("app", PAGE, SALT);
        assert_eq!(one, of("app", "https://APP.example:443/other", SALT));
        for other in [
            of("other", PAGE, SALT),
            of("app", "https://app.example:8443/callback", SALT),
            of("app", PAGE, "other"),
            BrowserState(None).session_state(&id("app"), PAGE, SALT),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_native_application_has_none() {
        assert_eq!(signed_in().session_state(&id("app"), "com.example.app:/callback", SALT), None);
    }
}
