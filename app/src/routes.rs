//! The API's routes as the page offers them, with the same policies that the API enforces.

use doorward_client::User;
use doorward_demo::DemoRoute;
pub use doorward_demo::of_group;
use doorward_policy::{Decision, Principal};

use crate::decode;

/// The route that is selected at first.
pub const DEFAULT_ROUTE: &str = "/api/DemoPolicyBased/Admin/Get";

/// What the page expects of a call. The API decides: this only informs the user beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody is signed in, so nobody may call.
    SignInFirst,
    /// The signed-in user may call.
    Allowed,
    /// The signed-in user may call after another sign-in. The phrases say which: "needs a sign-in
    /// within the last minute".
    SignInAgain(Vec<String>),
    /// The signed-in user may not call. The phrases give the reasons: "needs department Sales".
    Denied(Vec<String>),
}

impl Verdict {
    /// One or two words for a list.
    pub fn label(&self) -> &'static str {
        match self {
            Self::SignInFirst => "Sign in first",
            Self::Allowed => "Allowed",
            Self::SignInAgain(_) => "Sign in again",
            Self::Denied(_) => "Denied",
        }
    }

    /// The reasons, or an empty string if the call is allowed.
    pub fn reasons(&self) -> String {
        match self {
            Self::SignInAgain(reasons) | Self::Denied(reasons) => reasons.join("; "),
            Self::SignInFirst | Self::Allowed => String::new(),
        }
    }
}

/// The caller as the API will see it: the access token's claims, or the profile if the token is
/// opaque.
pub fn principal(user: &User) -> Option<Principal> {
    decode::claims(&user.access_token)
        .ok()
        .and_then(|claims| Principal::from_map(claims).ok())
        .or_else(|| Principal::from_map(user.profile.clone()).ok())
}

/// Applies the policies of a route to the caller, at this time in seconds since 1970 (UTC).
pub fn verdict(route: &DemoRoute, principal: Option<&Principal>, now: u64) -> Verdict {
    let Some(principal) = principal else {
        return Verdict::SignInFirst;
    };
    match route.decide_at(principal, i64::try_from(now).unwrap_or(i64::MAX)) {
        Decision::Allowed => Verdict::Allowed,
        Decision::Denied(denial) if denial.step_up().is_some() => {
            Verdict::SignInAgain(denial.reasons())
        }
        Decision::Denied(denial) => Verdict::Denied(denial.reasons()),
    }
}

/// The names of the policies of a route, or a text that it has none.
pub fn policies(route: &DemoRoute) -> String {
    let names: Vec<&str> = route.policy_names().collect();
    if names.is_empty() { "No named policy".to_owned() } else { names.join(" and ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_demo::{self as demo, DemoGroup};
    use doorward_protocol::base64url;
    use serde_json::{Value, json};

    use super::*;

    fn user(access_token: &str, profile: &Value) -> User {
        let user =
            json!({ "access_token": access_token, "token_type": "Bearer", "profile": profile });
        serde_json::from_value(user).unwrap()
    }

    fn at(path: &str) -> &'static DemoRoute {
        demo::route(path).unwrap()
    }

    #[test]
    fn the_default_is_a_route_and_the_groups_hold_all() {
        assert_eq!(at(DEFAULT_ROUTE).path, DEFAULT_ROUTE);
        assert_eq!(DemoGroup::ALL.into_iter().flat_map(of_group).count(), 19);
    }

    #[test]
    fn the_access_token_speaks_before_the_profile() {
        let claims = json!({ "sub": "alice", "role": "admin", "department": "Sales" }).to_string();
        let token = format!("{}.{}.c2ln", base64url::encode("{}"), base64url::encode(claims));
        let profile = json!({ "sub": "alice", "role": "user" });
        let alice = principal(&user(&token, &profile)).unwrap();
        assert_eq!(verdict(at(DEFAULT_ROUTE), Some(&alice), 0), Verdict::Allowed);
        let opaque = principal(&user("opaque", &profile)).unwrap();
        assert!(matches!(verdict(at(DEFAULT_ROUTE), Some(&opaque), 0), Verdict::Denied(_)));
        assert_eq!(principal(&user("opaque", &json!({}))), None);
    }

    #[test]
    fn a_denial_says_why() {
        let bob = Principal::new("bob").with_claim("department", "CRM");
        let verdict = verdict(at("/api/DemoPolicyBased/Sales/Get"), Some(&bob), 0);
        assert_eq!(verdict.reasons(), "needs department Sales");
        assert_eq!(verdict.label(), "Denied");
    }

    #[test]
    fn another_sign_in_is_announced_when_its_time_has_come() {
        let bob = Principal::new("bob").with_claim("auth_time", 1000);
        let recent = |now| verdict(at("/api/DemoStepUp/Recent"), Some(&bob), now);
        assert_eq!(recent(1070), Verdict::Allowed);
        let verdict = recent(1071);
        assert_eq!(verdict.reasons(), "needs a sign-in within the last minute");
        assert_eq!(verdict.label(), "Sign in again");
    }

    #[test]
    fn without_a_user_there_is_nothing_to_decide() {
        let verdict = verdict(at("/api/DemoRoleBased/Everyone/Get"), None, 0);
        assert_eq!((verdict.label(), verdict.reasons()), ("Sign in first", String::new()));
    }
}
