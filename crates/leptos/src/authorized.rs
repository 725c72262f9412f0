//! The user of a server function, by the policy that it names.

use std::{
    future::{Future, ready},
    time::SystemTime,
};

use doorward_policy::{Decision, Principal, RequiredPolicy, StepUp, decide_all_at};
use leptos::prelude::use_context;
use serde_json::Value;

use crate::ServerUser;

/// Why a server function does not answer this user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAuthorized {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignedOut,
    /// The user has to sign in again, as this says.
    #[error("a stronger or a more recent sign-in is needed")]
    StepUp(StepUp),
    /// The user does not meet the policy. The phrases say why.
    #[error("the user {}", .0.join("; "))]
    Denied(Vec<String>),
}

impl ServerUser {
    /// The user as policies see them: the claims, and the granted scope. `None` without `sub`.
    pub fn principal(&self) -> Option<Principal> {
        let mut claims = self.profile.clone();
        if let Some(scope) = &self.scope {
            claims.insert("scope".to_owned(), Value::from(scope.as_str()));
        }
        Principal::from_map(claims).ok()
    }
}

/// The user of a server function, or of a page that the server is rendering, if they meet the
/// policies of `P`. It is the [`ServerUser`] that the server provides as a context, so nothing that
/// a browser sends counts. The policies are those that protect an API, and that the page asks.
///
/// ```
/// use std::sync::LazyLock;
///
/// use doorward_leptos::{Policy, RequiredPolicy, authorized};
/// use leptos::prelude::*;
///
/// /// Who may close an order.
/// struct Sales;
///
/// impl RequiredPolicy for Sales {
///     fn policies() -> &'static [Policy] {
///         static POLICIES: LazyLock<[Policy; 1]> =
///             LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
///         &*POLICIES
///     }
/// }
///
/// // With `#[server]`.
/// async fn close(order: u64) -> Result<String, ServerFnError> {
///     let user = authorized::<Sales>().await?;
///     Ok(format!("{order} was closed by {:?}", user.profile.get("sub")))
/// }
/// # let _ = close;
/// ```
///
/// # Errors
///
/// [`NotAuthorized`]. It becomes a `ServerFnError` by `?`.
pub fn authorized<P: RequiredPolicy>() -> impl Future<Output = Result<ServerUser, NotAuthorized>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    ready(decided::<P>(use_context(), i64::try_from(now.as_secs()).unwrap_or(i64::MAX)))
}

/// The user, if the policies of `P` allow it at this time in seconds since 1970.
pub(crate) fn decided<P: RequiredPolicy>(
    user: Option<ServerUser>,
    now: i64,
) -> Result<ServerUser, NotAuthorized> {
    let user = user.ok_or(NotAuthorized::SignedOut)?;
    let principal = user.principal().ok_or(NotAuthorized::SignedOut)?;
    match decide_all_at(P::policies(), &principal, now) {
        Decision::Allowed => Ok(user),
        Decision::Denied(denial) => Err(match denial.step_up() {
            Some(step_up) => NotAuthorized::StepUp(step_up.clone()),
            None => NotAuthorized::Denied(denial.reasons()),
        }),
    }
}
