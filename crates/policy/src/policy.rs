//! A rule about callers, as a value that composes with others.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Decision, Denial, ISSUER_CLAIM, Need, Principal, Requirement};

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
    Custom(Arc<dyn Requirement>),
    AllOf(Vec<Policy>),
    AnyOf(Vec<Policy>),
}

/// The name of a policy and what it needs, for pages, documents and logs.
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

    /// Applies the policy to the caller.
    pub fn decide(&self, principal: &Principal) -> Decision {
        decide_all(std::slice::from_ref(self), principal)
    }

    /// What the policy needs.
    pub fn needs(&self) -> Need {
        match &self.rule {
            Rule::Role(role) => Need::Role { role: role.clone().into_owned() },
            Rule::Claim { claim, value } => {
                Need::Claim { claim: claim.clone().into_owned(), value: value.clone().into_owned() }
            }
            Rule::Scope(token) => Need::Scope { scope: token.clone().into_owned() },
            Rule::Custom(requirement) => Need::Custom { description: requirement.describe() },
            Rule::AllOf(parts) => Need::AllOf { of: parts.iter().map(Self::needs).collect() },
            Rule::AnyOf(parts) => Need::AnyOf { of: parts.iter().map(Self::needs).collect() },
        }
    }

    /// The name and the needs, ready to be serialised.
    pub fn describe(&self) -> PolicyDescription {
        PolicyDescription { name: self.name.clone().map(Cow::into_owned), needs: self.needs() }
    }

    fn is_met_by(&self, principal: &Principal) -> bool {
        match &self.rule {
            Rule::Role(role) => principal.has_role(role),
            Rule::Claim { claim, value } => principal.has_claim(claim, value),
            Rule::Scope(token) => principal.has_scope(token),
            Rule::Custom(requirement) => requirement.is_met_by(principal),
            Rule::AllOf(parts) => parts.iter().all(|part| part.is_met_by(principal)),
            Rule::AnyOf(parts) => parts.iter().any(|part| part.is_met_by(principal)),
        }
    }

    /// Adds what the caller lacks to `unmet`.
    fn collect_unmet(&self, principal: &Principal, unmet: &mut Vec<Need>) {
        if self.is_met_by(principal) {
            return;
        }
        match &self.rule {
            Rule::AllOf(parts) => {
                for part in parts {
                    part.collect_unmet(principal, unmet);
                }
            }
            Rule::AnyOf(parts) => {
                let lacking = |part: &Self| {
                    let mut of = Vec::new();
                    part.collect_unmet(principal, &mut of);
                    Need::all(of)
                };
                let need = Need::AnyOf { of: parts.iter().map(lacking).collect() };
                push_once(unmet, need);
            }
            Rule::Role(_) | Rule::Claim { .. } | Rule::Scope(_) | Rule::Custom(_) => {
                push_once(unmet, self.needs());
            }
        }
    }
}

/// Applies every policy; the caller must meet all of them. If there are none, any authenticated
/// caller is allowed.
pub fn decide_all(policies: &[Policy], principal: &Principal) -> Decision {
    // Most callers are allowed, and then nothing is allocated.
    if policies.iter().all(|policy| policy.is_met_by(principal)) {
        return Decision::Allowed;
    }
    let mut unmet = Vec::new();
    for policy in policies {
        policy.collect_unmet(principal, &mut unmet);
    }
    if unmet.is_empty() {
        // Only a requirement that is no pure function comes here. It said no once, so the answer
        // is no.
        unmet.extend(policies.iter().map(Policy::needs));
    }
    Decision::Denied(Denial::new(unmet, policies, principal))
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
