//! A rule about callers, as a value that composes with others.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Decision, Denial, ISSUER_CLAIM, Need, Principal, Requirement, StepUp, step_up::Caller,
};

type Text = Cow<'static, str>;

/// A rule about callers. Make it once and apply it to every call; it is cheap to clone.
///
/// ```
/// use doorward_policy::{Policy, Principal};
///
/// let staff = Policy::any_of([Policy::require_role("admin"), Policy::require_role("user")]);
/// let sales = Policy::all_of([Policy::require_claim("department", "Sales"), staff])
///     .named("SalesStaff");
///
/// let alice = Principal::new("alice")
///     .with_claim("role", "admin")
///     .with_claim("department", "Sales");
/// assert!(sales.decide(&alice).is_allowed());
/// assert_eq!(sales.name(), Some("SalesStaff"));
/// ```
#[derive(Clone)]
pub struct Policy {
    name: Option<Text>,
    rule: Rule,
}

#[derive(Clone)]
enum Rule {
    Role(Text),
    Claim { claim: Text, value: Text },
    Scope(Text),
    Acr(Vec<Text>),
    RecentSignIn(u32),
    Custom(Arc<dyn Requirement>),
    AllOf(Vec<Policy>),
    AnyOf(Vec<Policy>),
}

/// The name of a policy and what it needs, for pages, documents and logs.
///
/// ```
/// use doorward_policy::Policy;
///
/// let description = Policy::require_role("admin").named("AdminPolicy").describe();
/// assert_eq!(
///     serde_json::to_string(&description)?,
///     r#"{"name":"AdminPolicy","needs":{"kind":"role","role":"admin"}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDescription {
    /// The name, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it needs.
    pub needs: Need,
}

/// A type that names policies, so that a handler can require them in its signature.
///
/// ```
/// use std::sync::LazyLock;
///
/// use doorward_policy::{Policy, RequiredPolicy};
///
/// struct Admin;
///
/// impl RequiredPolicy for Admin {
///     fn policies() -> &'static [Policy] {
///         static POLICIES: LazyLock<[Policy; 1]> =
///             LazyLock::new(|| [Policy::require_role("admin")]);
///         &*POLICIES
///     }
/// }
///
/// assert_eq!(Admin::policies().len(), 1);
/// ```
pub trait RequiredPolicy: Send + Sync + 'static {
    /// The policies, all of which the caller must meet. If empty, any authenticated caller does.
    /// The function is called for every request, so keep the policies in a `static`
    /// (`std::sync::LazyLock`).
    fn policies() -> &'static [Policy];
}

impl Policy {
    /// The fewest seconds of [`Policy::require_recent_sign_in`].
    pub const SHORTEST_RECENT_SIGN_IN: u32 = 10;

    /// The caller has the role.
    pub fn require_role(role: impl Into<Text>) -> Self {
        Self::from(Rule::Role(role.into()))
    }

    /// The caller has the claim with this value, compared exactly. An array must contain it.
    pub fn require_claim(claim: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self::from(Rule::Claim { claim: claim.into(), value: value.into() })
    }

    /// The client was granted the scope token.
    pub fn require_scope(token: impl Into<Text>) -> Self {
        Self::from(Rule::Scope(token.into()))
    }

    /// This issuer vouches for the caller. Where an API trusts several issuers, the roles of one
    /// are not those of another. It is the same as requiring this value of the claim `iss`.
    pub fn require_issuer(issuer: impl Into<Text>) -> Self {
        Self::require_claim(ISSUER_CLAIM, issuer)
    }

    /// The caller's sign-in has one of these values of `acr`: how strongly the user signed in. List
    /// every value that will do, the one that you like best first; there is no order among them
    /// here, and a value has no spaces.
    ///
    /// If nothing else is missing, a denial tells that another sign-in would help
    /// ([`Denial::step_up`]).
    ///
    /// ```
    /// use doorward_policy::{Policy, Principal};
    ///
    /// let strong = Policy::require_acr(["urn:doorward:acr:2"]);
    /// let caller = Principal::new("alice").with_claim("acr", "urn:doorward:acr:1");
    /// assert_eq!(
    ///     strong.decide(&caller).reasons(),
    ///     ["needs a sign-in at level urn:doorward:acr:2"]
    /// );
    /// ```
    pub fn require_acr(values: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self::from(Rule::Acr(values.into_iter().map(Into::into).collect()))
    }

    /// The caller has signed in within the last this many seconds, by the claim `auth_time`. The
    /// renewal of a token is not a sign-in. Fewer than [`Policy::SHORTEST_RECENT_SIGN_IN`] count as
    /// that, and ten seconds are forgiven: otherwise a user who has just signed in could be asked
    /// again, since redirects take their time and clocks differ.
    ///
    /// It needs the time, so apply it by [`Policy::decide_at`] or [`decide_all_at`]; without the
    /// time, nobody meets it. If nothing else is missing, a denial tells that another sign-in would
    /// help ([`Denial::step_up`]).
    ///
    /// ```
    /// use doorward_policy::{Policy, Principal};
    ///
    /// let recent = Policy::require_recent_sign_in(300);
    /// let alice = Principal::new("alice").with_claim("auth_time", 1_700_000_000);
    /// assert!(recent.decide_at(&alice, 1_700_000_300).is_allowed());
    /// assert!(!recent.decide_at(&alice, 1_700_000_311).is_allowed());
    /// ```
    pub fn require_recent_sign_in(seconds: u32) -> Self {
        Self::from(Rule::RecentSignIn(seconds.max(Self::SHORTEST_RECENT_SIGN_IN)))
    }

    /// A custom requirement with data of its own.
    pub fn require(requirement: impl Requirement) -> Self {
        Self::from(Rule::Custom(Arc::new(requirement)))
    }

    /// A pure predicate over the claims. The description completes "needs …".
    ///
    /// ```
    /// use doorward_policy::{Policy, Principal};
    ///
    /// let adult = Policy::assert("an age of 18", |caller| {
    ///     caller.claims().get("age").and_then(|age| age.as_u64()) >= Some(18)
    /// });
    /// assert!(adult.decide(&Principal::new("x").with_claim("age", 18)).is_allowed());
    /// ```
    pub fn assert(
        description: impl Into<Text>,
        predicate: impl Fn(&Principal) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::require(Assertion { description: description.into(), predicate })
    }

    /// Any authenticated caller.
    pub fn authenticated() -> Self {
        Self::all_of([])
    }

    /// All of the policies. If there are none, any authenticated caller meets it.
    pub fn all_of(policies: impl IntoIterator<Item = Self>) -> Self {
        Self::from(Rule::AllOf(policies.into_iter().collect()))
    }

    /// At least one of the policies. If there are none, nobody meets it.
    pub fn any_of(policies: impl IntoIterator<Item = Self>) -> Self {
        Self::from(Rule::AnyOf(policies.into_iter().collect()))
    }

    /// The same rule under a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Applies the policy to the caller. Nobody meets [`Policy::require_recent_sign_in`] here:
    /// that needs the time.
    pub fn decide(&self, principal: &Principal) -> Decision {
        decide_all(std::slice::from_ref(self), principal)
    }

    /// As [`Policy::decide`], at this time in seconds since 1970 (UTC).
    pub fn decide_at(&self, principal: &Principal, now: i64) -> Decision {
        decide_all_at(std::slice::from_ref(self), principal, now)
    }

    /// What the policy needs.
    pub fn needs(&self) -> Need {
        match &self.rule {
            Rule::Role(role) => Need::Role { role: role.clone().into_owned() },
            Rule::Claim { claim, value } => {
                Need::Claim { claim: claim.clone().into_owned(), value: value.clone().into_owned() }
            }
            Rule::Scope(token) => Need::Scope { scope: token.clone().into_owned() },
            Rule::Acr(values) => {
                Need::Acr { values: values.iter().cloned().map(Cow::into_owned).collect() }
            }
            Rule::RecentSignIn(seconds) => Need::RecentSignIn { seconds: *seconds },
            Rule::Custom(requirement) => Need::Custom { description: requirement.describe() },
            Rule::AllOf(parts) => Need::AllOf { of: parts.iter().map(Self::needs).collect() },
            Rule::AnyOf(parts) => Need::AnyOf { of: parts.iter().map(Self::needs).collect() },
        }
    }

    /// The name and the needs, ready to be serialised.
    pub fn describe(&self) -> PolicyDescription {
        PolicyDescription { name: self.name.clone().map(Cow::into_owned), needs: self.needs() }
    }

    fn is_met_by(&self, caller: Caller<'_>) -> bool {
        let principal = caller.principal;
        match &self.rule {
            Rule::Role(role) => principal.has_role(role),
            Rule::Claim { claim, value } => principal.has_claim(claim, value),
            Rule::Scope(token) => principal.has_scope(token),
            Rule::Acr(values) => caller.has_acr(values),
            Rule::RecentSignIn(seconds) => caller.signed_in_within(*seconds),
            Rule::Custom(requirement) => requirement.is_met_by(principal),
            Rule::AllOf(parts) => parts.iter().all(|part| part.is_met_by(caller)),
            Rule::AnyOf(parts) => parts.iter().any(|part| part.is_met_by(caller)),
        }
    }

    /// Adds what the caller lacks to `unmet`.
    fn collect_unmet(&self, caller: Caller<'_>, unmet: &mut Vec<Need>) {
        if self.is_met_by(caller) {
            return;
        }
        match &self.rule {
            Rule::AllOf(parts) => {
                for part in parts {
                    part.collect_unmet(caller, unmet);
                }
            }
            Rule::AnyOf(parts) => {
                let lacking = |part: &Self| {
                    let mut of = Vec::new();
                    part.collect_unmet(caller, &mut of);
                    Need::all(of)
                };
                let need = Need::AnyOf { of: parts.iter().map(lacking).collect() };
                push_once(unmet, need);
            }
            _ => push_once(unmet, self.needs()),
        }
    }

    /// What the policy needs of the sign-in, or `None` if no sign-in can make the caller meet it.
    /// Scope counts as met, because a new request can ask for it.
    fn step_up(&self, caller: Caller<'_>) -> Option<StepUp> {
        match &self.rule {
            Rule::Acr(values) => {
                let acr_values = values.iter().cloned().map(Cow::into_owned).collect();
                Some(StepUp { acr_values, max_age: None })
            }
            // Without the time nobody is recent, so another sign-in would not help either.
            Rule::RecentSignIn(seconds) => {
                caller.now.map(|_| StepUp { max_age: Some(*seconds), ..StepUp::default() })
            }
            Rule::Scope(_) => Some(StepUp::default()),
            Rule::AllOf(parts) => step_up(parts, caller),
            Rule::AnyOf(parts) => {
                if let Some(met) = parts.iter().find(|part| part.is_met_by(caller)) {
                    return met.step_up(caller);
                }
                // Of the alternatives that a request can bring, one that another sign-in brings:
                // the present one is good enough for those that lack scope alone.
                let mut all = parts.iter().filter_map(|part| part.step_up(caller));
                let first = all.next()?;
                let helps = |step_up: &StepUp| !step_up.is_met_by(caller);
                let other = if helps(&first) { None } else { all.find(helps) };
                Some(other.unwrap_or(first))
            }
            Rule::Role(_) | Rule::Claim { .. } | Rule::Custom(_) => {
                self.is_met_by(caller).then(StepUp::default)
            }
        }
    }
}

/// What the policies together need of the sign-in, or `None` if no sign-in can make the caller meet
/// them.
fn step_up(policies: &[Policy], caller: Caller<'_>) -> Option<StepUp> {
    policies.iter().try_fold(StepUp::default(), |all, policy| all.and(policy.step_up(caller)?))
}

/// Applies every policy; the caller must meet all of them. If there are none, any authenticated
/// caller is allowed. Nobody meets [`Policy::require_recent_sign_in`] here: that needs the time.
///
/// ```
/// use doorward_policy::{Policy, Principal, decide_all};
///
/// let policies = [Policy::require_role("admin"), Policy::require_claim("department", "Sales")];
/// let alice = Principal::new("alice").with_claim("role", "admin");
/// assert_eq!(decide_all(&policies, &alice).reasons(), ["needs department Sales"]);
/// assert!(decide_all(&[], &alice).is_allowed());
/// ```
pub fn decide_all(policies: &[Policy], principal: &Principal) -> Decision {
    decide(policies, Caller { principal, now: None })
}

/// As [`decide_all`], at this time in seconds since 1970 (UTC).
///
/// ```
/// use doorward_policy::{Policy, Principal, decide_all_at};
///
/// let policies = [Policy::require_recent_sign_in(300)];
/// let alice = Principal::new("alice").with_claim("auth_time", 1_700_000_000);
/// assert!(decide_all_at(&policies, &alice, 1_700_000_100).is_allowed());
/// assert!(!decide_all_at(&policies, &alice, 1_700_001_000).is_allowed());
/// ```
pub fn decide_all_at(policies: &[Policy], principal: &Principal, now: i64) -> Decision {
    decide(policies, Caller { principal, now: Some(now) })
}

fn decide(policies: &[Policy], caller: Caller<'_>) -> Decision {
    // Most callers are allowed, and then nothing is allocated.
    if policies.iter().all(|policy| policy.is_met_by(caller)) {
        return Decision::Allowed;
    }
    let mut unmet = Vec::new();
    for policy in policies {
        policy.collect_unmet(caller, &mut unmet);
    }
    if unmet.is_empty() {
        // Only a requirement that is not a pure function comes here. It said no once, so the answer
        // is no.
        unmet.extend(policies.iter().map(Policy::needs));
    }
    // If the sign-in is as it should be, something else is missing.
    let step_up = step_up(policies, caller).filter(|step_up| !step_up.is_met_by(caller));
    Decision::Denied(Denial::new(unmet, policies, caller.principal, step_up))
}

fn push_once(needs: &mut Vec<Need>, need: Need) {
    if !needs.contains(&need) {
        needs.push(need);
    }
}

impl From<Rule> for Policy {
    fn from(rule: Rule) -> Self {
        Self { name: None, rule }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "Policy({name}: {})", self.needs()),
            None => write!(formatter, "Policy({})", self.needs()),
        }
    }
}

struct Assertion<F> {
    description: Text,
    predicate: F,
}

impl<F: Fn(&Principal) -> bool + Send + Sync + 'static> Requirement for Assertion<F> {
    fn is_met_by(&self, principal: &Principal) -> bool {
        (self.predicate)(principal)
    }

    fn describe(&self) -> String {
        self.description.clone().into_owned()
    }
}
