//! The user of a server function, by the policy that it names.

use std::future::Future;

use doorward_policy::{Decision, Principal, RequiredPolicy, SCOPE_CLAIM, StepUp, decide_all_at};
use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr, use_context},
    server_fn::{Bytes, Encodes as _, codec::JsonEncoding},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ServerUser, SigninRequestArgs, page};

/// Why a server function does not answer this user.
///
/// As the error of a server function it reaches the page as it is, which can then offer what helps:
///
/// ```
/// use doorward_leptos::{NotAuthorized, use_auth};
///
/// fn after(refused: &NotAuthorized) {
///     // Signs in again as the policy asks for, and comes back to this page.
///     if let Some(args) = refused.sign_in_args() {
///         use_auth().sign_in_with(args);
///     }
/// }
/// # let _ = after;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The server function was not asked, or its answer was not understood: the network, or another
    /// version of the page. The text says why.
    #[error("{0}")]
    Failed(String),
}

impl NotAuthorized {
    /// Gives the answer of the server function the status and the challenge of this refusal, for
    /// functions with an error of another type. Those whose error is `NotAuthorized` need not call
    /// it. Call it only where the function ends: clients repeat refused calls.
    ///
    /// ```
    /// use doorward_leptos::{NotAuthorized, RequiredPolicy, authorized};
    /// use leptos::prelude::*;
    ///
    /// // With `#[server]`.
    /// async fn close<P: RequiredPolicy>(order: u64) -> Result<String, ServerFnError> {
    ///     authorized::<P>().await.map_err(NotAuthorized::answered)?;
    ///     Ok(format!("{order} is closed"))
    /// }
    /// # let _ = close::<Nobody>;
    /// # struct Nobody;
    /// # impl RequiredPolicy for Nobody {
    /// #     fn policies() -> &'static [doorward_leptos::Policy] { &[] }
    /// # }
    /// ```
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn answered(self) -> Self {
        crate::refusal::answer(&self);
        self
    }

    /// The sign-in that would help. `None` if none would.
    pub fn sign_in_args(&self) -> Option<SigninRequestArgs> {
        match self {
            Self::SignedOut => Some(SigninRequestArgs::default()),
            Self::StepUp(StepUp { acr_values, max_age }) => {
                let mut step_up = doorward_client::StepUp::default();
                step_up.acr_values = Some(acr_values.join(" ")).filter(|all| !all.is_empty());
                step_up.max_age = max_age.map(u64::from);
                Some(step_up.signin_args())
            }
            Self::Denied(_) | Self::Failed(_) => None,
        }
    }
}

impl FromServerFnError for NotAuthorized {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::Failed(error.to_string())
    }

    /// A server function has ended with it.
    fn ser(&self) -> Bytes {
        #[cfg(feature = "axum")]
        crate::refusal::answer(self);
        JsonEncoding::encode(self).unwrap_or_default()
    }
}

impl ServerUser {
    /// The user as policies see them: the claims, and the granted scope. `None` without `sub`.
    pub fn principal(&self) -> Option<Principal> {
        let mut claims = self.profile.clone();
        if let Some(scope) = &self.scope {
            claims.insert(SCOPE_CLAIM.to_owned(), Value::from(scope.as_str()));
        }
        Principal::from_map(claims).ok()
    }
}

/// The user whom policies saw elsewhere on this server. They decide here as they did there: the
/// claims, roles and scope are the same.
impl From<Principal> for ServerUser {
    fn from(principal: Principal) -> Self {
        let scope: Vec<_> = principal.claim_values(SCOPE_CLAIM).collect();
        let scope = Some(scope.join(" ")).filter(|scope| !scope.is_empty());
        Self { profile: principal.claims().clone(), scope }
    }
}

/// The user of a server function, or of a page that the server is rendering, if they meet the
/// policies of `P`. The policies are those that protect an API, and that the page asks.
///
/// The user is the [`ServerUser`] that the server has from its session, and provides as a context.
/// If the browser has the tokens, the server provides a `doorward_resource_server::ResourceServer`
/// as a context instead (feature `resource-server`), and the user is that of the access token which
/// the call carries ([`WithToken`](crate::WithToken)).
///
/// ```
/// use std::sync::LazyLock;
///
/// use doorward_leptos::{NotAuthorized, Policy, RequiredPolicy, authorized};
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
/// async fn close(order: u64) -> Result<String, NotAuthorized> {
///     let user = authorized::<Sales>().await?;
///     Ok(format!("{order} was closed by {:?}", user.profile.get("sub")))
/// }
/// # let _ = close;
/// ```
///
/// With the feature `axum`, a server function that ends with a [`NotAuthorized`] as its error is
/// answered by 401 or 403, and for 401 with a challenge that says which sign-in is needed (RFC 9470
/// section 3). A function that goes on after a refusal is answered as any other. Without the
/// feature, the status is 500. A function that fails by a [`NotAuthorized::Failed`] of its own has
/// the status that it sets, or 500. The answer to a form that a page without its program posts is
/// left to leptos.
///
/// # Errors
///
/// [`NotAuthorized`]. It can be the error of a server function. It becomes a `ServerFnError` by
/// `?`: then say `NotAuthorized::answered` before, or the status is 500.
pub fn authorized<P: RequiredPolicy>()
-> impl Future<Output = Result<ServerUser, NotAuthorized>> + Send {
    let user = use_context();
    #[cfg(feature = "resource-server")]
    let by_token = if user.is_none() || crate::by_token::is_sent() {
        crate::by_token::begin::<P>()
    } else {
        None
    };
    async move {
        #[cfg(feature = "resource-server")]
        if let Some(by_token) = by_token {
            return by_token.await;
        }
        decided::<P>(user, i64::try_from(page::now()).unwrap_or(i64::MAX))
    }
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
