//! Arguments and results of sign-in and sign-out.

use std::fmt;

use serde_json::Value;

use crate::{User, ports::Redirect, settings::ResponseMode};

/// Parameters of one sign-in request. They add to the settings, or override them.
///
/// ```
/// use doorward_client::SigninRequestArgs;
///
/// let args = SigninRequestArgs::default().prompt("login").login_hint("alice@example.com");
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct SigninRequestArgs {
    /// Any value. It is returned in [`SigninOutcome::state`]. It stays in the state store and is
    /// not sent.
    pub state: Option<Value>,
    /// A text that is sent to the provider as part of `state`. It is returned in
    /// [`SigninOutcome::url_state`].
    pub url_state: Option<String>,
    /// Where the user was, a path of this origin that begins with `/`. It is returned in
    /// [`SigninOutcome::return_to`], so that the page can go back there. Kept in the state store.
    pub return_to: Option<String>,
    /// Overrides the setting.
    pub redirect_uri: Option<String>,
    /// Overrides the setting.
    pub scope: Option<String>,
    /// What is asked for beside [`SigninRequestArgs::scope`]. If that is not given: beside the
    /// scope that the present user's sign-in asked for, or else beside that of the settings.
    pub added_scope: Option<String>,
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
    /// The ID token must say one of these values of `acr`, space-separated, or the sign-in fails.
    /// It is not sent: `acr_values` asks for them, and a provider may ignore that.
    pub required_acr: Option<String>,
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

impl SigninRequestArgs {
    setters! {
        some state: Value;
        some_text url_state;
        some_text return_to;
        some_text redirect_uri;
        some_text scope;
        some_text added_scope;
        some response_mode: ResponseMode;
        some_text prompt;
        some_text display;
        some max_age: u64;
        some_text ui_locales;
        some_text acr_values;
        some_text required_acr;
        some_text id_token_hint;
        some_text login_hint;
        value resource: Vec<String>;
        some_text nonce;
        value extra_query_params: Vec<(String, String)>;
        value extra_token_params: Vec<(String, String)>;
        value redirect: Redirect;
    }
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
///
/// ```
/// use doorward_client::SignoutRequestArgs;
///
/// let args = SignoutRequestArgs::default().post_logout_redirect_uri("https://app.example/bye");
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
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

impl SignoutRequestArgs {
    setters! {
        some state: Value;
        some_text url_state;
        some_text id_token_hint;
        some_text post_logout_redirect_uri;
        value extra_query_params: Vec<(String, String)>;
        value redirect: Redirect;
    }
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
///
/// ```no_run
/// use doorward_client::{Error, SigninOutcome, UserManager};
///
/// async fn callback(manager: &UserManager) -> Result<String, Error> {
///     let url = manager.take_response();
///     let SigninOutcome { user, return_to, .. } = manager.signin_redirect_callback(&url).await?;
///     println!("Welcome, {}", user.sub());
///     Ok(return_to.unwrap_or_else(|| "/".to_owned()))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SigninOutcome {
    /// Who signed in.
    pub user: User,
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
    /// The path of this origin to go back to, if the caller gave one.
    pub return_to: Option<String>,
}

/// Where a sign-out took effect.
///
/// ```no_run
/// use doorward_client::{Error, SignoutRequestArgs, SignoutScope, UserManager};
///
/// async fn sign_out(manager: &UserManager) -> Result<(), Error> {
///     if manager.signout_redirect(SignoutRequestArgs::default()).await? == SignoutScope::Local {
///         println!("You are signed out here. The sign-in service has no page for that.");
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignoutScope {
    /// Here and at the provider, whose page the browser is leaving for.
    Provider,
    /// Only here, because the provider has no `end_session_endpoint`. The page stays.
    Local,
}

/// The result of a sign-out.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SignoutOutcome {
    /// The caller's state.
    pub state: Option<Value>,
    /// The caller's URL state.
    pub url_state: Option<String>,
}

/// The kind of response that a URL carries.
///
/// ```no_run
/// use doorward_client::{CallbackKind, Error, UserManager};
///
/// async fn start(manager: UserManager) -> Result<(), Error> {
///     let url = manager.take_response();
///     match manager.callback_kind(&url) {
///         CallbackKind::Signin => drop(manager.signin_redirect_callback(&url).await?),
///         CallbackKind::Signout => drop(manager.signout_redirect_callback(&url).await?),
///         _ => {}
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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

impl CallbackKind {
    /// Whether a URL may carry a response at all, for pages that load the client only if it has
    /// something to do.
    ///
    /// ```
    /// use doorward_client::CallbackKind;
    ///
    /// assert!(CallbackKind::may_be_in("https://app.example/?code=a&state=b"));
    /// assert!(CallbackKind::may_be_in("https://app.example/?error=invalid_request"));
    /// assert!(!CallbackKind::may_be_in("https://app.example/?tab=2"));
    /// ```
    pub fn may_be_in(url: &str) -> bool {
        [
            "state=",
            "error=",
            #[cfg(feature = "jarm")]
            "response=",
        ]
        .into_iter()
        .any(|mark| url.contains(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "jarm")]
    #[test]
    fn a_signed_response_may_be_one() {
        assert!(CallbackKind::may_be_in("https://app.example/#response=e30.e30.e30"));
    }

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
