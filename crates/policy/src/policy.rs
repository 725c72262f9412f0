//! A rule about callers, as a value that composes.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Decision, Denial, ISSUER_CLAIM, Need, Principal, Requirement};

type Text = Cow<'static, str>;

/// A rule about callers. Cheap to clone; made once, asked for every call.
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

/// What a policy is called and what it needs, for pages, documents and logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDescription {
    /// The name, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it needs.
    pub needs: Need,
}

/// A policy chosen by a type, so that a handler can name it in its signature.
pub trait RequiredPolicy: Send + Sync + 'static {
    /// Every policy that the caller must meet; none means that any authenticated caller will do. It
    /// is asked on every request, so keep the policies in a `static` (`std::sync::LazyLock`).
    fn policies() -> &'static [Policy];
}

impl Policy {
    /// The caller has the role.
    pub fn require_role(role: impl Into<Text>) -> Self {
        Self::from(Rule::Role(role.into()))
    }

    /// The caller has the claim with this value, compared exactly; the claim may be an array that
    /// holds it.
    pub fn require_claim(claim: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self::from(Rule::Claim { claim: claim.into(), value: value.into() })
    }

    /// The client was granted the scope token.
    pub fn require_scope(token: impl Into<Text>) -> Self {
        Self::from(Rule::Scope(token.into()))
    }

    /// This issuer vouches for the caller: where there are several, the roles of one are not those
    /// of another. The same as a claim `iss` of this value.
    pub fn require_issuer(issuer: impl Into<Text>) -> Self {
        Self::require_claim(ISSUER_CLAIM, issuer)
    }

    /// A requirement that carries data of its own.
    pub fn require(requirement: impl Requirement) -> Self {
        Self::from(Rule::Custom(Arc::new(requirement)))
    }

    /// A pure predicate over all claims. The description completes "needs …".
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

    /// Each of the policies; of none: any authenticated caller.
    pub fn all_of(policies: impl IntoIterator<Item = Self>) -> Self {
        Self::from(Rule::AllOf(policies.into_iter().collect()))
    }

    /// One of the policies; of none: nobody.
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

    /// Asks the policy about the caller.
    pub fn decide(&self, principal: &Principal) -> Decision {
        decide_all(std::slice::from_ref(self), principal)
    }

    /// What the policy needs, of whomever.
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

    /// Name and needs, ready to be serialised.
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

    /// Adds what the caller lacks; nothing when the policy is met.
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

/// Asks every policy; the caller must meet each. Of none: any authenticated caller.
pub fn decide_all(policies: &[Policy], principal: &Principal) -> Decision {
    // The usual answer is yes, and it costs no allocation.
    if policies.iter().all(|policy| policy.is_met_by(principal)) {
        return Decision::Allowed;
    }
    let mut unmet = Vec::new();
    for policy in policies {
        policy.collect_unmet(principal, &mut unmet);
    }
    if unmet.is_empty() {
        // Only a requirement that answers differently when asked twice comes here. It said no once:
        // no it is.
        unmet.extend(policies.iter().map(Policy::needs));
    }
    Decision::Denied(Denial::new(unmet))
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
