//! The state of sign-in.

use doorward_client::{Error, User};

/// Who is signed in, as far as the page knows.
///
/// ```
/// use doorward_leptos::{AuthStatus, User};
///
/// let user: User = serde_json::from_str(
///     r#"{ "access_token": "secret", "profile": { "sub": "alice" } }"#,
/// )?;
/// let status = AuthStatus::from(Some(user));
/// assert_eq!(status.as_str(), "signed-in");
/// assert_eq!(status.user().map(User::sub), Some("alice"));
/// assert_eq!(AuthStatus::default(), AuthStatus::Loading);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum AuthStatus {
    /// Not known yet. On a server without a session of its own, it stays so.
    #[default]
    Loading,
    /// It cannot be known, because the settings are missing or invalid.
    Unavailable,
    /// Nobody is signed in.
    SignedOut,
    /// This user is signed in. The access token is valid, or is being renewed. A failure that may
    /// pass, such as a lost network, does not change this state.
    SignedIn(Box<User>),
    /// This user was signed in, but the access token has expired and cannot be renewed: there is no
    /// refresh token and no usable session at the provider, or the provider refused. APIs refuse
    /// the user's calls. [`RequireAuth`](crate::RequireAuth) hides its children.
    Expired(Box<User>),
}

impl AuthStatus {
    /// One word: `loading`, `unavailable`, `signed-out`, `signed-in` or `expired`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Unavailable => "unavailable",
            Self::SignedOut => "signed-out",
            Self::SignedIn(_) => "signed-in",
            Self::Expired(_) => "expired",
        }
    }

    /// The user, also if the access token has expired.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::SignedIn(user) | Self::Expired(user) => Some(user),
            _ => None,
        }
    }
}

impl From<Option<User>> for AuthStatus {
    fn from(user: Option<User>) -> Self {
        user.map_or(Self::SignedOut, |user| Self::SignedIn(Box::new(user)))
    }
}

/// From which page of the provider the browser just came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrival {
    /// From the sign-in page.
    SignIn,
    /// From the sign-out page.
    SignOut,
}

/// A step that can fail and be tried again, by [`Auth::try_again`](crate::Auth::try_again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthStep {
    /// Loading the settings and finding out who is signed in.
    Start,
    /// Leaving for the provider's sign-in page.
    SignIn,
    /// Processing the provider's response to a sign-in.
    FinishSignIn,
    /// Leaving for the provider's sign-out page.
    SignOut,
    /// Coming back from the provider's sign-out page.
    FinishSignOut,
    /// Renewing the access token.
    Renew,
}

/// A step that failed.
///
/// ```no_run
/// use doorward_leptos::{ErrorKind, use_auth};
/// use leptos::prelude::*;
///
/// #[component]
/// fn Failure() -> impl IntoView {
///     let auth = use_auth();
///     move || {
///         auth.failure().map(|failure| {
///             let again = failure.error.kind() == ErrorKind::Retry;
///             let step = failure.step;
///             view! {
///                 <p role="alert">{failure.error.user_message()}</p>
///                 <Show when=move || again>
///                     <button on:click=move |_| auth.try_again(step)>"Try again"</button>
///                 </Show>
///             }
///         })
///     }
/// }
/// # let _ = Failure;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuthFailure {
    /// The step.
    pub step: AuthStep,
    /// Why it failed. [`Error::user_message`] is for the user, and [`Error::kind`] says what to
    /// offer next.
    pub error: Error,
}
