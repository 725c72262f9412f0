//! What only users see who meet a policy.

use doorward_policy::{Policy, Principal, SCOPE_CLAIM};
use doorward_protocol::{json, jws::UnverifiedJws};
use leptos::prelude::*;

use crate::{Auth, use_auth};

impl Auth {
    /// The signed-in user as policies see them: the claims of the access token, or of the profile
    /// and the granted scope if the token is opaque. Roles are in `role`, or where
    /// [`AuthOptions::roles_at`](crate::AuthOptions::roles_at) says, and the scope is in `scope` or
    /// `scp`. With the server's session, it is the user that the server has, as
    /// [`ServerUser::principal`](crate::ServerUser::principal) says. Tracked.
    ///
    /// The token is not verified here, and need not be: the API decides. This only tells the user
    /// beforehand.
    pub fn principal(self) -> Option<Principal> {
        self.with_user(|user| {
            let jws = UnverifiedJws::parse(&user.access_token).ok();
            let claims = jws.and_then(|jws| json::object(jws.unverified_payload()));
            let roles_at = self.live.plan().map_or(&[][..], |plan| plan.roles_at);
            let principal = |claims| Principal::from_provider(claims, roles_at).ok();
            claims.and_then(principal).or_else(|| {
                let mut claims = user.profile.clone();
                let granted = user.scope.as_deref();
                claims.extend(granted.map(|scope| (SCOPE_CLAIM.to_owned(), scope.into())));
                principal(claims)
            })
        })
        .flatten()
    }
}

/// Shows its children to a signed-in user who meets the policy, and the fallback to everyone else
/// who is signed in or not. Until that is known, it shows `loading`. Whether a sign-in is recent is
/// looked at when the user changes, and not again while time passes.
///
/// ```no_run
/// use doorward_leptos::{Policy, RequirePolicy};
/// use leptos::prelude::*;
///
/// # fn view() -> impl IntoView {
/// view! {
///     <RequirePolicy policy=Policy::require_role("admin") fallback=|| "Administrators only.">
///         <p>"All orders"</p>
///     </RequirePolicy>
/// }
/// # }
/// ```
#[component]
pub fn RequirePolicy(
    /// What the user has to meet. The API can use the same policy.
    policy: Policy,
    /// What a user sees who meets it.
    children: ChildrenFn,
    /// What everyone else sees.
    #[prop(optional, into)]
    fallback: ViewFn,
    /// What is shown until it is known who is signed in. Nothing by default.
    #[prop(optional, into)]
    loading: ViewFn,
    /// The sign-in that is meant, if there are several. Default: that of [`use_auth`].
    #[prop(optional, into)]
    auth: Option<Auth>,
) -> impl IntoView {
    let auth = auth.unwrap_or_else(use_auth);
    let first_now = auth.first_now();
    let allowed = Memo::new(move |before: Option<&Option<bool>>| {
        auth.as_condition().map(|signed_in| {
            signed_in
                && auth.principal().is_some_and(|principal| {
                    let now = if before.is_none() { first_now } else { auth.now() };
                    let now = i64::try_from(now).unwrap_or(i64::MAX);
                    policy.decide_at(&principal, now).is_allowed()
                })
        })
    });
    move || match allowed.get() {
        Some(true) => children().into_any(),
        Some(false) => fallback.run(),
        None => loading.run(),
    }
}
