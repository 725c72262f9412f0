//! The extractor that gives a handler its user, by the policy that the handler names.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

use axum::extract::FromRequestParts;
use doorward_policy::{Decision, Policy, RequiredPolicy, StepUp, decide_all_at};
use http::request::Parts;

use crate::{Problem, Refusal, SignedIn, layer::RequestSession, session::RequestedSignIn};

/// Within this time after a sign-in, the browser is back at the page, in seconds.
const MOMENT: u64 = 10;
/// Within this time after a sign-in that was not strong enough, none is asked for again, in
/// seconds.
const PAUSE: u64 = 60;

/// A user who meets the policies of `P`: the same values that protect an API.
///
/// Whoever is not signed in is treated as by [`SignedIn`]. A user who lacks a recent or a strong
/// sign-in is sent to the provider for another one (as RFC 9470 does for APIs). Any other user gets
/// 403.
///
/// ```
/// use std::sync::LazyLock;
///
/// use doorward_axum::{Authorized, Policy, RequiredPolicy};
///
/// struct Payments;
///
/// impl RequiredPolicy for Payments {
///     fn policies() -> &'static [Policy] {
///         static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
///             [Policy::require_role("admin"), Policy::require_recent_sign_in(300)]
///         });
///         &*POLICIES
///     }
/// }
///
/// async fn payments(user: Authorized<Payments>) -> String {
///     format!("The payments of {}", user.sub())
/// }
/// ```
pub struct Authorized<P: RequiredPolicy> {
    user: SignedIn,
    policy: PhantomData<fn() -> P>,
}

impl<P: RequiredPolicy> Authorized<P> {
    /// The user.
    pub fn into_user(self) -> SignedIn {
        self.user
    }
}

impl<P: RequiredPolicy> Deref for Authorized<P> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.user
    }
}

impl<P: RequiredPolicy> fmt::Debug for Authorized<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Authorized").field(&self.user.sub()).finish()
    }
}

impl SignedIn {
    /// What these policies say of the user now. It is for what a handler alone knows, or for what a
    /// page shows.
    pub fn decide(&self, policies: &[Policy]) -> Decision {
        let now = i64::try_from(self.auth.now()).unwrap_or(i64::MAX);
        decide_all_at(policies, &self.principal(), now)
    }

    /// Whether this session began a moment ago by a sign-in that was asked for this already. The
    /// provider then did not, or could not, do it, and asking again would go on for ever. Later the
    /// user may try again, for example with a second factor that they have by then.
    fn was_asked_for(&self, step_up: &StepUp) -> bool {
        let RequestedSignIn { acr_values, max_age, .. } = &self.session.record.asked;
        let principal = self.principal();
        let lacks_acr = !step_up.acr_values.is_empty()
            && !principal.acr().is_some_and(|own| step_up.acr_values.iter().any(|acr| acr == own));
        let asked_acr = acr_values.as_ref() == Some(&step_up.acr_values.join(" "));
        let age = self.auth.now().saturating_sub(self.began());
        let asked_age =
            max_age.zip(step_up.max_age).is_some_and(|(asked, wanted)| asked <= u64::from(wanted));
        if lacks_acr { asked_acr && age < PAUSE } else { asked_age && age < MOMENT }
    }
}

async fn authorized(parts: &Parts, policies: &[Policy]) -> Result<SignedIn, Refusal> {
    let (user, slot): (Option<SignedIn>, Arc<RequestSession>) = SignedIn::of_request(parts).await?;
    let Some(user) = user else {
        return Err(Refusal::sign_in(parts, &slot, None).await);
    };
    let Decision::Denied(denial) = user.decide(policies) else {
        return Ok(user);
    };
    match denial.step_up() {
        Some(step_up) if !user.was_asked_for(step_up) => {
            Err(Refusal::sign_in(parts, &slot, Some(step_up)).await)
        }
        _ => Err(Refusal::problem(parts, Some(&slot), &Problem::Denied(denial))),
    }
}

impl<S: Send + Sync, P: RequiredPolicy> FromRequestParts<S> for Authorized<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let user = authorized(parts, P::policies()).await?;
        Ok(Self { user, policy: PhantomData })
    }
}
