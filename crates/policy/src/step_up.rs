//! Which sign-in a call needs (RFC 9470).

use serde::{Deserialize, Serialize};

use crate::Principal;

/// The sign-in that would let the caller call: another one, stronger or more recent (RFC 9470
/// section 3). It names all that the call needs of a sign-in, not only what the caller lacks, so
/// that a sign-in that meets one requirement does not lose the other.
///
/// ```
/// use doorward_policy::{Decision, Policy, Principal};
///
/// let policy = Policy::all_of([
///     Policy::require_acr(["urn:doorward:acr:2"]),
///     Policy::require_recent_sign_in(300),
/// ]);
/// let now = 1_700_001_000;
/// let alice = Principal::new("alice")
///     .with_claim("acr", "urn:doorward:acr:1")
///     .with_claim("auth_time", now - 10);
/// let Decision::Denied(denial) = policy.decide_at(&alice, now) else { unreachable!() };
/// let step_up = denial.step_up().expect("another sign-in would help");
/// assert_eq!(step_up.acr_values, ["urn:doorward:acr:2"]);
/// assert_eq!(step_up.max_age, Some(300));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9470 has these two")]
pub struct StepUp {
    /// The sign-in must have one of these values of `acr`. If empty, any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The sign-in must be at most so old, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

/// How far `auth_time` may lie in the future, in seconds, so that a clock a little behind that of
/// the issuer refuses nobody. A time beyond that is a mistake, and would be recent for ever.
const TOLERANCE: i64 = 60;

/// How many seconds a sign-in may be older than asked for. The provider counts from the moment in
/// which the user signed in; the redirects, the token request and clocks that differ take a few.
const LEEWAY: i64 = 10;

impl StepUp {
    /// What meets both, or `None` if one sign-in can't.
    pub(crate) fn and(self, other: Self) -> Option<Self> {
        let max_age = match (self.max_age, other.max_age) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        let acr_values = match (self.acr_values, other.acr_values) {
            (one, two) if two.is_empty() => one,
            (one, two) if one.is_empty() => two,
            (mut one, two) => {
                one.retain(|value| two.contains(value));
                if one.is_empty() {
                    return None;
                }
                one
            }
        };
        Some(Self { acr_values, max_age })
    }

    /// Whether the caller's sign-in is of this kind already.
    pub(crate) fn is_met_by(&self, caller: Caller<'_>) -> bool {
        (self.acr_values.is_empty() || caller.has_acr(&self.acr_values))
            && self.max_age.is_none_or(|seconds| caller.signed_in_within(seconds))
    }
}

/// A caller, and when the caller is judged.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    /// Seconds since 1970 (UTC). Without it no sign-in is recent.
    pub(crate) now: Option<i64>,
}

impl Caller<'_> {
    pub(crate) fn has_acr(self, values: &[impl AsRef<str>]) -> bool {
        let own = self.principal.acr();
        own.is_some_and(|own| values.iter().any(|value| value.as_ref() == own))
    }

    pub(crate) fn signed_in_within(self, seconds: u32) -> bool {
        let (Some(now), Some(then)) = (self.now, self.principal.auth_time()) else {
            return false;
        };
        let age = now.saturating_sub(then);
        (-TOLERANCE..=i64::from(seconds) + LEEWAY).contains(&age)
    }
}
