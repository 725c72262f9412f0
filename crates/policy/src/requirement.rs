//! Custom requirements: rules that carry data of their own.

use crate::Principal;

/// A rule about the caller that roles and claims by value cannot say. It must be a pure function of
/// the principal: the page and the API each ask it and must hear the same.
pub trait Requirement: Send + Sync + 'static {
    /// Whether the caller meets it.
    fn is_met_by(&self, principal: &Principal) -> bool;

    /// Completes "needs …".
    fn describe(&self) -> String;
}

/// The caller's `email` lies in the domain. Domains compare without regard to case (RFC 5321
/// section 2.4); a subdomain is another domain.
#[derive(Debug, Clone)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// The claim that is read (OIDC Core section 5.1).
    pub const CLAIM: &'static str = "email";

    /// Requires the domain, `example.com`.
    pub fn new(domain: impl Into<String>) -> Self {
        Self(domain.into())
    }
}

impl Requirement for EmailDomain {
    fn is_met_by(&self, principal: &Principal) -> bool {
        principal
            .claim_values(Self::CLAIM)
            // The last `@` ends the local part, which may itself hold one in quotes.
            .filter_map(|email| email.rsplit_once('@'))
            .any(|(local, domain)| !local.is_empty() && domain.eq_ignore_ascii_case(&self.0))
    }

    fn describe(&self) -> String {
        format!("an email address at {}", self.0)
    }
}

/// The caller is this one subject.
#[derive(Debug, Clone)]
pub struct SubjectIs(String);

impl SubjectIs {
    /// Requires the subject, compared exactly.
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
    use super::*;

    #[test]
    fn the_domain_is_the_part_after_the_last_at_sign() {
        let rule = EmailDomain::new("xxx.com");
        let with = |email: &str| Principal::new("x").with_claim("email", email);
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
    fn the_subject_is_compared_exactly() {
        let rule = SubjectIs::new("jblin");
        assert!(rule.is_met_by(&Principal::new("jblin")));
        assert!(!rule.is_met_by(&Principal::new("Jblin")));
    }
}
