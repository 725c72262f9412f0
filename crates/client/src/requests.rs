//! What callers give to sign-in and sign-out, and what they get back.

use std::fmt;

use serde_json::Value;

use crate::{User, ports::Redirect, settings::ResponseMode};

/// What one sign-in request has beyond, or instead of, the settings.
#[derive(Clone, Default)]
pub struct SigninRequestArgs {
    /// Anything; comes back in [`SigninOutcome::state`]. Kept in the state store, not sent.
    pub state: Option<Value>,
    /// A text that travels through the provider in `state`; comes back in
    /// [`SigninOutcome::url_state`].
    pub url_state: Option<String>,
    /// Instead of the setting.
    pub redirect_uri: Option<String>,
    /// Instead of the setting.
    pub scope: Option<String>,
    /// Instead of the setting.
    pub response_mode: Option<ResponseMode>,
    /// Instead of the setting.
    pub prompt: Option<String>,
    /// Instead of the setting.
    pub display: Option<String>,
    /// Instead of the setting; seconds.
    pub max_age: Option<u64>,
    /// Instead of the setting.
    pub ui_locales: Option<String>,
    /// Instead of the setting.
    pub acr_values: Option<String>,
    /// An ID token issued before, so that the provider knows who is meant.
    pub id_token_hint: Option<String>,
    /// What the user is to be found by: the login form is filled in with it.
    pub login_hint: Option<String>,
    /// Instead of the setting, when not empty.
    pub resource: Vec<String>,
    /// Instead of a random one.
    pub nonce: Option<String>,
    /// Besides those of the settings.
    pub extra_query_params: Vec<(String, String)>,
    /// Besides those of the settings, with the token request.
    pub extra_token_params: Vec<(String, String)>,
    /// How the page is left.
    pub redirect: Redirect,
}

/// Without the ID token, the nonce, what the caller keeps, and parameters of which nobody knows
/// what they hold.
impl fmt::Debug for SigninRequestArgs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigninRequestArgs")
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("prompt", &self.prompt)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// What one sign-out request has beyond, or instead of, the settings.
#[derive(Clone, Default)]
pub struct SignoutRequestArgs {
    /// Anything; comes back in [`SignoutOutcome::state`]. Kept in the state store, not sent.
    pub state: Option<Value>,
    /// A text that travels through the provider in `state`; comes back in
    /// [`SignoutOutcome::url_state`].
    pub url_state: Option<String>,
    /// Instead of the user's ID token.
    pub id_token_hint: Option<String>,
    /// Instead of the setting.
    pub post_logout_redirect_uri: Option<String>,
    /// Further parameters.
    pub extra_query_params: Vec<(String, String)>,
    /// How the page is left.
    pub redirect: Redirect,
}

/// Without the ID token, what the caller keeps, and parameters of which nobody knows what they
/// hold.
impl fmt::Debug for SignoutRequestArgs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = formatter.debug_struct("SignoutRequestArgs");
        told.field("post_logout_redirect_uri", &self.post_logout_redirect_uri)
            .finish_non_exhaustive()
    }
}

/// A finished sign-in.
#[derive(Debug, Clone, PartialEq)]
pub struct SigninOutcome {
    /// Who signed in.
    pub user: User,
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

/// A finished sign-out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignoutOutcome {
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

/// What kind of response a URL carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackKind {
    /// The response to a sign-in request: call `signin_redirect_callback`.
    Signin,
    /// The response to a sign-out request: call `signout_redirect_callback`.
    Signout,
    /// The response to a request that went out in a popup or a hidden frame, whose opener waits for
    /// it: call `signin_callback` or `signout_callback`, which hand it back.
    OfChild,
    /// No response.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_log_may_have_is_not_shown() {
        let secret = || Some("secret".to_owned());
        let extra = || vec![("name".to_owned(), "secret".to_owned())];
        let signin = SigninRequestArgs {
            scope: Some("openid".to_owned()),
            id_token_hint: secret(),
            nonce: secret(),
            url_state: secret(),
            extra_token_params: extra(),
            ..SigninRequestArgs::default()
        };
        let signout = SignoutRequestArgs {
            id_token_hint: secret(),
            extra_query_params: extra(),
            ..SignoutRequestArgs::default()
        };
        let shown = format!("{signin:?} {signout:?}");
        assert!(shown.contains("openid") && !shown.contains("secret"), "{shown}");
    }
}
