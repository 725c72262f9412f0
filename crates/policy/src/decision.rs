//! The outcome of a policy for one caller, and the reasons of a denial.

use serde::{Deserialize, Serialize};

use crate::{Need, Policy, Principal, StepUp};

/// The outcome of a policy for one caller.
///
/// ```
/// use doorward_policy::{Decision, Policy, Principal};
///
/// let policy = Policy::require_role("admin");
/// match policy.decide(&Principal::new("bob")) {
///     Decision::Allowed => unreachable!("bob has no role"),
///     Decision::Denied(denial) => assert_eq!(denial.reasons(), ["needs role admin"]),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a decision that nobody looks at protects nothing"]
#[expect(clippy::exhaustive_enums, reason = "it is yes or no")]
pub enum Decision {
    /// The caller meets the policy.
    Allowed,
    /// The caller does not meet it.
    Denied(Denial),
}

/// Why a caller does not meet a policy. There is always at least one reason.
///
/// ```
/// use doorward_policy::{Decision, Need, Policy, Principal};
///
/// let policy = Policy::all_of([Policy::require_role("admin"), Policy::require_scope("write")]);
/// let Decision::Denied(denial) = policy.decide(&Principal::new("bob")) else { unreachable!() };
/// assert_eq!(denial.reasons(), ["needs role admin", "needs scope write"]);
/// assert_eq!(denial.unmet()[0], Need::Role { role: "admin".to_owned() });
/// assert_eq!(denial.missing_scope(), ["write"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    unmet: Vec<Need>,
    /// Every scope token that the call needs, in order; empty if no scope is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required_scope: Vec<String>,
    /// The sign-in that the call needs, if nothing but sign-in and scope is missing. It is rare, so
    /// every other denial should not be larger for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step_up: Option<Box<StepUp>>,
}

impl Decision {
    /// Allowed if the condition holds; else denied for a need that the description names. The
    /// description completes "needs …".
    ///
    /// ```
    /// use doorward_policy::Decision;
    ///
    /// let decision = Decision::allow_if(1 > 2, "to own the order");
    /// assert_eq!(decision.reasons(), ["needs to own the order"]);
    /// ```
    pub fn allow_if(condition: bool, description: impl Into<String>) -> Self {
        if condition { Self::Allowed } else { Self::Denied(Denial::because(description)) }
    }

    /// Whether the caller meets the policy.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// The reasons of a denial, such as "needs department Sales". Empty if allowed.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Allowed => Vec::new(),
            Self::Denied(denial) => denial.reasons(),
        }
    }

    /// This decision, or that of `next` if this one allows.
    pub fn and(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Allowed => next(),
            denied @ Self::Denied(_) => denied,
        }
    }
}

impl Denial {
    /// A denial for a reason that only code knows. The description completes "needs …".
    pub fn because(description: impl Into<String>) -> Self {
        let need = Need::Custom { description: description.into() };
        Self { unmet: vec![need], required_scope: Vec::new(), step_up: None }
    }

    /// A denial for what the caller lacks of these policies.
    pub(crate) fn new(
        unmet: Vec<Need>,
        policies: &[Policy],
        principal: &Principal,
        step_up: Option<StepUp>,
    ) -> Self {
        let missing = tokens(unmet.iter().flat_map(Need::missing_scope));
        let required = if missing.is_empty() {
            Vec::new()
        } else {
            let needs = Need::AllOf { of: policies.iter().map(Policy::needs).collect() };
            let counts = |token: &&str| missing.contains(token) || principal.has_scope(token);
            let required = tokens(needs.scope_tokens().into_iter().filter(counts));
            required.into_iter().map(str::to_owned).collect()
        };
        Self { unmet, required_scope: required, step_up: step_up.map(Box::new) }
    }

    /// What the caller lacks.
    pub fn unmet(&self) -> &[Need] {
        &self.unmet
    }

    /// One phrase for each need, such as "needs department Sales".
    pub fn reasons(&self) -> Vec<String> {
        self.unmet.iter().map(|need| format!("needs {need}")).collect()
    }

    /// The scope tokens that the client lacks, each once, in order. Empty if no scope is missing.
    pub fn missing_scope(&self) -> Vec<&str> {
        tokens(self.unmet.iter().flat_map(Need::missing_scope))
    }

    /// Every scope token that the call needs, those that the client has included: what an
    /// `insufficient_scope` challenge names (RFC 6750 section 3, "the scope necessary to access the
    /// protected resource"). Empty if no scope is missing.
    ///
    /// ```
    /// use doorward_policy::{Decision, Policy, Principal};
    ///
    /// let policy = Policy::all_of(["read", "write"].map(Policy::require_scope));
    /// let caller = Principal::new("alice").with_claim("scope", "read");
    /// let Decision::Denied(denial) = policy.decide(&caller) else { unreachable!() };
    /// assert_eq!(denial.missing_scope(), ["write"]);
    /// assert_eq!(denial.required_scope(), ["read", "write"]);
    /// ```
    pub fn required_scope(&self) -> Vec<&str> {
        self.required_scope.iter().map(String::as_str).collect()
    }

    /// The sign-in that would help: what an `insufficient_user_authentication` challenge names (RFC
    /// 9470 section 3). `None` if the caller's sign-in is good enough, or if something is missing
    /// that a sign-in can't bring, such as a role.
    pub fn step_up(&self) -> Option<&StepUp> {
        self.step_up.as_deref()
    }
}

/// Each token once, in order.
fn tokens<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut tokens: Vec<&str> = Vec::new();
    for token in all {
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens
}
