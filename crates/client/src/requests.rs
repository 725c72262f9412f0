//! Arguments and results of sign-in and sign-out.

use std::fmt;

use serde_json::Value;

use crate::{User, ports::Redirect, settings::ResponseMode};

/// Parameters of one sign-in request. They add to the settings, or override them.
#[derive(Clone, Default)]
pub struct SigninRequestArgs {
    /// Any value. It is returned in [`SigninOutcome::state`]. It stays in the state store and is
    /// not sent.
    pub state: Option<Value>,
    /// A text that is sent to the provider as part of `state`. It is returned in
    /// [`SigninOutcome::url_state`].
    pub url_state: Option<String>,
    /// Overrides the setting.
    pub redirect_uri: Option<String>,
    /// Overrides the setting.
    pub scope: Option<String>,
    /// Overrides the setting.
    pub response_mode: Option<ResponseMode>,
    /// Overrides the setting.
    pub prompt: Option<String>,
    /// Overrides the setting.
    pub display: Option<String>,
    /// Overrides the setting. Seconds.
    pub max_age: Option<u64>,
    /// Overrides the setting.
    pub ui_locales: Option<String>,
    /// Overrides the setting.
    pub acr_values: Option<String>,
    /// An ID token that tells the provider which user is meant.
    pub id_token_hint: Option<String>,
    /// The user's name or address, for the provider's login form.
    pub login_hint: Option<String>,
    /// Overrides the setting, unless empty.
    pub resource: Vec<String>,
    /// Replaces the random nonce.
    pub nonce: Option<String>,
    /// Added to those of the settings.
    pub extra_query_params: Vec<(String, String)>,
    /// Added to those of the settings, in the token request.
    pub extra_token_params: Vec<(String, String)>,
    /// How to leave the page.
    pub redirect: Redirect,
}

/// Leaves out the ID token, the nonce, the caller's state, and parameters whose content is unknown.
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

/// Parameters of one sign-out request. They add to the settings, or override them.
#[derive(Clone, Default)]
pub struct SignoutRequestArgs {
    /// Any value. It is returned in [`SignoutOutcome::state`]. It stays in the state store and is
    /// not sent.
    pub state: Option<Value>,
    /// A text that is sent to the provider as part of `state`. It is returned in
    /// [`SignoutOutcome::url_state`].
    pub url_state: Option<String>,
    /// Replaces the user's ID token.
    pub id_token_hint: Option<String>,
    /// Overrides the setting.
    pub post_logout_redirect_uri: Option<String>,
    /// Further parameters.
    pub extra_query_params: Vec<(String, String)>,
    /// How to leave the page.
    pub redirect: Redirect,
}

/// Leaves out the ID token, the caller's state, and parameters whose content is unknown.
impl fmt::Debug for SignoutRequestArgs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("SignoutRequestArgs");
        debug
            .field("post_logout_redirect_uri", &self.post_logout_redirect_uri)
            .finish_non_exhaustive()
    }
}

/// The result of a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub struct SigninOutcome {
    /// Who signed in.
    pub user: User,
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

/// The result of a sign-out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignoutOutcome {
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

/// The kind of response that a URL carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackKind {
    /// The response to a sign-in request: call `signin_redirect_callback`.
    Signin,
    /// The response to a sign-out request: call `signout_redirect_callback`.
    Signout,
    /// The response to a request that was sent in a popup or a hidden frame. The page that opened
    /// it waits for it: call `signin_callback` or `signout_callback`, which hand it over.
    ChildWindow,
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
