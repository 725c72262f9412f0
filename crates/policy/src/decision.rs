//! What a policy says about a caller, and why.

use serde::{Deserialize, Serialize};

use crate::Need;

/// The outcome for one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a decision that nobody looks at protects nothing"]
pub enum Decision {
    /// The caller may.
    Allowed,
    /// The caller may not.
    Denied(Denial),
}

/// Why a caller may not. There is always at least one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    unmet: Vec<Need>,
}

impl Decision {
    /// Whether the caller may.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// The reasons of a denial, "needs department Sales" each; none when allowed.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Allowed => Vec::new(),
            Self::Denied(denial) => denial.reasons(),
        }
    }
}

impl Denial {
    /// A denial for what the caller lacks.
    pub(crate) fn new(unmet: Vec<Need>) -> Self {
        Self { unmet }
    }

    /// What the caller lacks.
    pub fn unmet(&self) -> &[Need] {
        &self.unmet
    }

    /// One phrase for each need, "needs department Sales".
    pub fn reasons(&self) -> Vec<String> {
        self.unmet.iter().map(|need| format!("needs {need}")).collect()
    }

    /// The scope tokens that the client would have to be granted, each once, in order (RFC 6750
    /// section 3.1, `insufficient_scope`). Empty when no scope is missing.
    pub fn missing_scope(&self) -> Vec<&str> {
        let mut tokens: Vec<&str> = Vec::new();
        for token in self.unmet.iter().flat_map(Need::missing_scope) {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        tokens
    }
}
