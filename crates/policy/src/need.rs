//! What a policy needs, as data. It describes a policy, and in a denial the part that was not met.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A tree of requirements that a page can show and that serialises to JSON. Its `Display`
/// completes "needs …".
///
/// ```
/// use doorward_policy::Policy;
///
/// let policy = Policy::any_of([Policy::require_role("admin"), Policy::require_scope("write")]);
/// assert_eq!(policy.needs().to_string(), "role admin or scope write");
/// let json = serde_json::to_value(policy.needs())?;
/// assert_eq!(json["of"][1]["scope"], "write");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Need {
    /// The caller has the role.
    Role {
        /// The role's name.
        role: String,
    },
    /// The caller has the claim with the value.
    Claim {
        /// The claim's name.
        claim: String,
        /// The value.
        value: String,
    },
    /// The scope token was granted to the client.
    Scope {
        /// The scope token (RFC 6749 section 3.3).
        scope: String,
    },
    /// The sign-in has one of these values of `acr` (OIDC Core section 2). If empty, nobody meets
    /// it.
    Acr {
        /// The values, each of which will do.
        values: Vec<String>,
    },
    /// The sign-in is recent.
    RecentSignIn {
        /// How old it may be, in seconds.
        seconds: u32,
    },
    /// An assertion or a custom requirement, which only code can check.
    Custom {
        /// Completes "needs …".
        description: String,
    },
    /// All of these. If empty, any authenticated caller meets it.
    AllOf {
        /// The parts.
        of: Vec<Need>,
    },
    /// At least one of these. If empty, nobody meets it.
    AnyOf {
        /// The alternatives.
        of: Vec<Need>,
    },
}

impl Need {
    /// The needs as one. A single need is not wrapped.
    pub(crate) fn all(mut of: Vec<Self>) -> Self {
        if of.len() == 1 { of.remove(0) } else { Self::AllOf { of } }
    }

    /// Every scope token that is named anywhere in this need.
    pub(crate) fn scope_tokens(&self) -> Vec<&str> {
        match self {
            Self::Scope { scope } => vec![scope],
            Self::AllOf { of } | Self::AnyOf { of } => {
                of.iter().flat_map(Self::scope_tokens).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The scope tokens that must be granted for this need to be met. Of alternatives, those of the
    /// first that scope alone can meet.
    pub fn missing_scope(&self) -> Vec<&str> {
        match self {
            Self::Scope { scope } => vec![scope],
            Self::AllOf { of } => of.iter().flat_map(Self::missing_scope).collect(),
            Self::AnyOf { of } => of
                .iter()
                .find(|alternative| alternative.is_scope_only())
                .map_or_else(Vec::new, Self::missing_scope),
            _ => Vec::new(),
        }
    }

    fn is_scope_only(&self) -> bool {
        match self {
            Self::Scope { .. } => true,
            Self::AllOf { of } => !of.is_empty() && of.iter().all(Self::is_scope_only),
            Self::AnyOf { of } => of.iter().any(Self::is_scope_only),
            _ => false,
        }
    }

    fn write_list(
        formatter: &mut fmt::Formatter<'_>,
        of: &[Self],
        conjunction: &str,
    ) -> fmt::Result {
        for (index, part) in of.iter().enumerate() {
            if index > 0 {
                write!(formatter, " {conjunction} ")?;
            }
            match part {
                // A list within a list would be ambiguous without brackets.
                Self::AllOf { of } | Self::AnyOf { of } if of.len() > 1 => {
                    write!(formatter, "({part})")?;
                }
                _ => write!(formatter, "{part}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { role } => write!(formatter, "role {role}"),
            Self::Claim { claim, value } => write!(formatter, "{claim} {value}"),
            Self::Scope { scope } => write!(formatter, "scope {scope}"),
            Self::Acr { values } if values.len() == 1 => {
                write!(formatter, "a sign-in at level {}", values[0])
            }
            Self::Acr { values } => {
                write!(formatter, "a sign-in at one of the levels {}", values.join(", "))
            }
            Self::RecentSignIn { seconds } => {
                let (number, unit) = match seconds {
                    0 => return formatter.write_str("a new sign-in"),
                    seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
                    seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
                    seconds => (*seconds, "second"),
                };
                let (number, plural) = match number {
                    1 => (String::new(), ""),
                    number => (format!("{number} "), "s"),
                };
                write!(formatter, "a sign-in within the last {number}{unit}{plural}")
            }
            Self::Custom { description } => formatter.write_str(description),
            Self::AllOf { of } if of.is_empty() => formatter.write_str("to be signed in"),
            Self::AnyOf { of } if of.is_empty() => formatter.write_str("what nobody has"),
            Self::AllOf { of } => Self::write_list(formatter, of, "and"),
            Self::AnyOf { of } => Self::write_list(formatter, of, "or"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn role(role: &str) -> Need {
        Need::Role { role: role.into() }
    }

    fn scope(scope: &str) -> Need {
        Need::Scope { scope: scope.into() }
    }

    #[test]
    fn reads_as_a_phrase() {
        let sales = Need::Claim { claim: "department".into(), value: "Sales".into() };
        let either = Need::AnyOf { of: vec![role("admin"), role("user")] };
        let both = Need::AllOf { of: vec![sales, either] };
        assert_eq!(both.to_string(), "department Sales and (role admin or role user)");
        let levels = |values: &[&str]| Need::Acr {
            values: values.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(levels(&["2"]).to_string(), "a sign-in at level 2");
        assert_eq!(levels(&["1", "2"]).to_string(), "a sign-in at one of the levels 1, 2");
        for (seconds, phrase) in [
            (0, "a new sign-in"),
            (1, "a sign-in within the last second"),
            (60, "a sign-in within the last minute"),
            (90, "a sign-in within the last 90 seconds"),
            (300, "a sign-in within the last 5 minutes"),
            (7200, "a sign-in within the last 2 hours"),
        ] {
            assert_eq!(Need::RecentSignIn { seconds }.to_string(), phrase);
        }
        assert_eq!(Need::AllOf { of: vec![] }.to_string(), "to be signed in");
        assert_eq!(Need::AnyOf { of: vec![] }.to_string(), "what nobody has");
    }

    #[test]
    fn is_written_and_read_as_json() {
        let need = Need::AnyOf { of: vec![role("admin"), scope("write")] };
        let text = serde_json::to_string(&need).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"kind":"any_of","of":[{"kind":"role","role":"admin"},"#,
                r#"{"kind":"scope","scope":"write"}]}"#
            )
        );
        assert_eq!(serde_json::from_str::<Need>(&text).unwrap(), need);
    }

    #[test]
    fn names_the_scope_that_would_help() {
        let all = Need::AllOf { of: vec![scope("a"), role("admin"), scope("b")] };
        assert_eq!(all.missing_scope(), ["a", "b"]);
        let any = Need::AnyOf { of: vec![role("admin"), scope("b"), scope("c")] };
        assert_eq!(any.missing_scope(), ["b"]);
        assert!(role("admin").missing_scope().is_empty());
    }
}
