//! Custom requirements: rules with data of their own.

use serde_json::Value;

use crate::Principal;

/// A rule about the caller that roles, claims and scopes cannot express.
///
/// It must be a pure function of the principal, because the page and the API must come to the same
/// decision.
///
/// ```
/// use doorward_policy::{Policy, Principal, Requirement};
///
/// struct MinimumLevel(u64);
///
/// impl Requirement for MinimumLevel {
///     fn is_met_by(&self, principal: &Principal) -> bool {
///         principal.claims().get("level").and_then(|level| level.as_u64()) >= Some(self.0)
///     }
///
///     fn describe(&self) -> String {
///         format!("level {}", self.0)
///     }
/// }
///
/// let policy = Policy::require(MinimumLevel(3));
/// assert!(policy.decide(&Principal::new("x").with_claim("level", 4)).is_allowed());
/// assert_eq!(policy.decide(&Principal::new("x")).reasons(), ["needs level 3"]);
/// ```
pub trait Requirement: Send + Sync + 'static {
    /// Whether the caller meets the rule.
    fn is_met_by(&self, principal: &Principal) -> bool;

    /// Completes "needs …".
    fn describe(&self) -> String;
}

/// The caller has a verified email address in the domain.
///
/// The claim `email_verified` must be `true`: anyone can type an address that is not theirs. Some
/// providers write the string `"true"`, which counts as well. Domains compare without regard to
/// case (RFC 5321 section 2.4). A subdomain is another domain.
///
/// ```
/// use doorward_policy::{EmailDomain, Policy, Principal};
///
/// let policy = Policy::require(EmailDomain::new("example.com"));
/// let alice = Principal::new("alice").with_claim("email", "alice@example.com");
/// assert!(!policy.decide(&alice).is_allowed());
/// assert!(policy.decide(&alice.with_claim("email_verified", true)).is_allowed());
/// ```
#[derive(Debug, Clone)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// The claim that is read (OIDC Core section 5.1).
    pub const CLAIM: &'static str = "email";

    /// The claim that says whether the address was verified (OIDC Core section 5.1).
    pub const VERIFIED_CLAIM: &'static str = "email_verified";

    /// Requires this domain, such as `example.com`.
    pub fn new(domain: impl Into<String>) -> Self {
        Self(domain.into())
    }
}

impl Requirement for EmailDomain {
    fn is_met_by(&self, principal: &Principal) -> bool {
        let is_verified = match principal.claims().get(Self::VERIFIED_CLAIM) {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(verified)) => verified == "true",
            _ => false,
        };
        is_verified
            && principal
                .claim_values(Self::CLAIM)
                // The local part may contain `@` within quotes, so the last one ends it.
                .filter_map(|email| email.rsplit_once('@'))
                .any(|(local, domain)| !local.is_empty() && domain.eq_ignore_ascii_case(&self.0))
    }

    fn describe(&self) -> String {
        format!("a verified email address at {}", self.0)
    }
}

/// The caller is this subject. Where several issuers are trusted, combine it with
/// [`crate::Policy::require_issuer`]: each issuer has its own subjects.
///
/// ```
/// use doorward_policy::{Policy, Principal, SubjectIs};
///
/// let policy = Policy::require(SubjectIs::new("248289761001"));
/// assert!(policy.decide(&Principal::new("248289761001")).is_allowed());
/// assert_eq!(policy.decide(&Principal::new("bob")).reasons(), ["needs to be 248289761001"]);
/// ```
#[derive(Debug, Clone)]
pub struct SubjectIs(String);

impl SubjectIs {
    /// Requires this subject, compared exactly.
    pub fn new(sub: impl Into<String>) -> Self {
        Self(sub.into())
    }
}

impl Requirement for SubjectIs {
    fn is_met_by(&self, principal: &Principal) -> bool {
        principal.sub() == self.0
    }

    fn describe(&self) -> String {
        format!("to be {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_domain_is_the_part_after_the_last_at_sign() {
        let rule = EmailDomain::new("xxx.com");
        let verified = Principal::new("x").with_claim("email_verified", true);
        let with = |email: &str| verified.clone().with_claim("email", email);
        for email in ["jblin@xxx.com", "jblin@XXX.com", "\"a@b\"@xxx.com"] {
            assert!(rule.is_met_by(&with(email)), "{email}");
        }
        for email in
            ["jblin@a.xxx.com", "jblin@xxx.com.evil", "xxx.com", "@xxx.com", "a@xxx.com@b", ""]
        {
            assert!(!rule.is_met_by(&with(email)), "{email}");
        }
        assert!(!rule.is_met_by(&Principal::new("x")));
    }

    #[test]
    fn an_address_that_nobody_verified_does_not_count() {
        let rule = EmailDomain::new("xxx.com");
        let jblin = Principal::new("jblin").with_claim("email", "jblin@xxx.com");
        assert!(!rule.is_met_by(&jblin));
        for (verified, counts) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!(1), false),
            (json!(null), false),
            (json!([true]), false),
        ] {
            let caller = jblin.clone().with_claim("email_verified", verified.clone());
            assert_eq!(rule.is_met_by(&caller), counts, "{verified}");
        }
    }

    #[test]
    fn the_subject_is_compared_exactly() {
        let rule = SubjectIs::new("jblin");
        assert!(rule.is_met_by(&Principal::new("jblin")));
        assert!(!rule.is_met_by(&Principal::new("Jblin")));
    }
}
