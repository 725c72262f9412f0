//! What an API asks for when it needs another sign-in (RFC 9470 section 3).

use doorward_protocol::challenge::Challenge;

use crate::{SigninRequestArgs, User};

/// The sign-in that an API needs: a stronger or a more recent one than that of the access token.
///
/// [`UserManager::fetch`](crate::UserManager::fetch) reports it as
/// [`Error::StepUp`](crate::Error::StepUp). The user has to sign in again, with
/// [`StepUp::signin_args`] or [`StepUp::signin_args_for`], and the page may then repeat the call:
///
/// ```no_run
/// use doorward_client::{ApiRequest, Error, UserManager};
/// use serde_json::json;
///
/// async fn pay(manager: &UserManager) -> Result<(), Error> {
///     match manager.fetch(ApiRequest::post("https://api.example/payments/7")).await {
///         Ok(response) => println!("the API answered {}", response.status),
///         Err(error) => {
///             let Some(step_up) = error.step_up() else { return Err(error) };
///             // After the redirect, the outcome has this state again: pay 7.
///             let user = manager.get_user().await?;
///             let args = user.map_or_else(
///                 || step_up.signin_args(),
///                 |user| step_up.signin_args_for(&user),
///             );
///             let args = args.state(json!({ "pay": 7 }));
///             manager.signin_redirect(args).await?;
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// The values of `acr` that will do, space-separated and in order of preference. `None`: any.
    pub acr_values: Option<String>,
    /// How old the sign-in may be, in seconds. `None`: as old as it likes.
    pub max_age: Option<u64>,
    /// The scope that the call needs, if the API says that some is missing, too.
    pub scope: Option<String>,
}

impl StepUp {
    /// What a challenge asks for.
    pub(crate) fn of(challenge: &Challenge) -> Self {
        Self {
            acr_values: challenge.acr_values().map(str::to_owned),
            max_age: challenge.max_age().map(u64::from),
            scope: challenge.scope().map(|scope| scope.to_string()),
        }
    }

    /// The sign-in request that asks the provider for it (RFC 9470 section 4). It serves redirects
    /// and popups. Add a state, which survives the redirect, to know what to repeat. The scope of
    /// the present sign-in is asked for again, with what the API says is missing. An API that does
    /// not say what it needs gets a new sign-in: the present one was not enough.
    pub fn signin_args(&self) -> SigninRequestArgs {
        let says_nothing = self.acr_values.is_none() && self.max_age.is_none();
        SigninRequestArgs {
            prompt: says_nothing.then(|| "login".to_owned()),
            acr_values: self.acr_values.clone(),
            required_acr: self.acr_values.clone(),
            max_age: self.max_age,
            added_scope: Some(self.scope.clone().unwrap_or_default()),
            ..SigninRequestArgs::default()
        }
    }

    /// The same for the user who is signed in: the provider is told who is meant, and the scope of
    /// the present sign-in, as it was asked for and as it was granted, is asked for again. APIs
    /// that a request named by `resource` and the settings don't must be named again.
    pub fn signin_args_for(&self, user: &User) -> SigninRequestArgs {
        let granted = user.scope.as_deref().unwrap_or_default();
        let missing = self.scope.as_deref().unwrap_or_default();
        SigninRequestArgs {
            added_scope: Some(joined_scope(granted, missing)),
            id_token_hint: user.id_token.clone(),
            login_hint: user.claim("preferred_username").map(str::to_owned),
            ..self.signin_args()
        }
    }
}

/// The tokens of both scopes, each of them once.
pub(crate) fn joined_scope(first: &str, second: &str) -> String {
    let mut tokens: Vec<&str> = Vec::new();
    for token in first.split_ascii_whitespace().chain(second.split_ascii_whitespace()) {
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens.join(" ")
}
