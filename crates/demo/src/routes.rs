//! The table of routes. The API enforces it, and the page shows it.
//!
//! The paths and the names of policies are those of the system that Doorward re-implements.
//! Callers know them by these names, so two misspellings stay:
//! `AdminOrUserWithCusomHandler` and `DoaminAndUsernamePolicy`. That system has no
//! `/api/DemoStepUp`.

use std::sync::LazyLock;

use doorward_policy::{Decision, Policy, Principal, decide_all, decide_all_at};
use serde::Serialize;

use crate::policies::{
    admin, admin_or_user, crm, domain_and_username, recent_sign_in, sales, sales_and_admin,
    sales_and_admin_or_user, sales_or_admin, sit, two_factors, user,
};

const POLICY_BASED: &str = "/api/DemoPolicyBased";
const ROLE_BASED: &str = "/api/DemoRoleBased";
const STEP_UP: &str = "/api/DemoStepUp";

/// The groups of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemoGroup {
    /// `/api/DemoPolicyBased/…`
    PolicyBased,
    /// `/api/DemoRoleBased/…`
    RoleBased,
    /// `/api/DemoStepUp/…`, which may ask for another sign-in (RFC 9470).
    StepUp,
}

impl DemoGroup {
    /// All groups, in the order of the table.
    pub const ALL: [Self; 3] = [Self::PolicyBased, Self::RoleBased, Self::StepUp];

    /// A heading for the group.
    pub fn title(self) -> &'static str {
        match self {
            Self::PolicyBased => "By policy",
            Self::RoleBased => "By role",
            Self::StepUp => "By sign-in",
        }
    }
}

/// One route of the demo API. It answers GET only.
#[derive(Debug)]
pub struct DemoRoute {
    /// The group.
    pub group: DemoGroup,
    /// The absolute path, `/api/DemoPolicyBased/Admin/Get`.
    pub path: String,
    /// A short name for a list, `Sales/Admin`.
    pub title: &'static str,
    /// One sentence: who may call.
    pub summary: &'static str,
    /// The caller must meet all of these. If empty, any authenticated caller may call.
    pub policies: Vec<Policy>,
}

impl DemoRoute {
    /// Applies the route's policies to the caller. Without the time, no sign-in is recent.
    pub fn decide(&self, principal: &Principal) -> Decision {
        decide_all(&self.policies, principal)
    }

    /// Applies the route's policies to the caller, at this time in seconds since 1970 (UTC).
    pub fn decide_at(&self, principal: &Principal, now: i64) -> Decision {
        decide_all_at(&self.policies, principal, now)
    }

    /// The names of the route's policies.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().filter_map(Policy::name)
    }
}

/// All 19 routes: the 17 policy-based and role-based ones, then the two that may ask for another
/// sign-in.
pub fn routes() -> &'static [DemoRoute] {
    static ROUTES: LazyLock<Vec<DemoRoute>> =
        LazyLock::new(|| policy_based().into_iter().chain(role_based()).chain(step_up()).collect());
    &ROUTES
}

/// The route with this path.
pub fn route(path: &str) -> Option<&'static DemoRoute> {
    routes().iter().find(|route| route.path == path)
}

/// The routes of one group.
pub fn of_group(group: DemoGroup) -> impl Iterator<Item = &'static DemoRoute> {
    routes().iter().filter(move |route| route.group == group)
}

fn policy_based() -> [DemoRoute; 12] {
    let route = |title, summary, policies: Vec<Policy>| DemoRoute {
        group: DemoGroup::PolicyBased,
        path: format!("{POLICY_BASED}/{title}/Get"),
        title,
        summary,
        policies,
    };
    [
        route("Admin", "Only an administrator may call this.", vec![admin()]),
        route("User", "Only a user may call this.", vec![user()]),
        route("AdminOrUser", "An administrator or a user may call this.", vec![admin_or_user()]),
        route(
            "AdminAndUser",
            "Only someone who is both administrator and user may call this.",
            vec![admin(), user()],
        ),
        route("Sit", "Only someone with the role sit may call this.", vec![sit()]),
        route("Everyone", "Everyone who is signed in may call this.", vec![]),
        route("Sales", "Only the Sales department may call this.", vec![sales()]),
        route("Crm", "Only the CRM department may call this.", vec![crm()]),
        route(
            "Sales/Admin",
            "Only an administrator in the Sales department may call this.",
            vec![sales_and_admin()],
        ),
        route(
            "Sales/AdminOrUser",
            "An administrator or a user in the Sales department may call this.",
            vec![sales_and_admin_or_user()],
        ),
        route(
            "SalesOrAdmin",
            "The Sales department and every administrator may call this.",
            vec![sales_or_admin()],
        ),
        route(
            "AdminOrUserWithCusomHandler",
            "Only jblin may call this, as administrator or user with an email address at xxx.com.",
            vec![admin_or_user(), domain_and_username()],
        ),
    ]
}

fn role_based() -> [DemoRoute; 5] {
    let route = |title, summary, policies: Vec<Policy>| DemoRoute {
        group: DemoGroup::RoleBased,
        path: format!("{ROLE_BASED}/{title}/Get"),
        title,
        summary,
        policies,
    };
    let role = Policy::require_role;
    [
        route("Admin", "Only the role admin may call this.", vec![role("admin")]),
        route("User", "Only the role user may call this.", vec![role("user")]),
        route(
            "AdminOrUser",
            "The roles admin and user may each call this.",
            vec![Policy::any_of([role("admin"), role("user")])],
        ),
        route("Sit", "Only the role sit may call this.", vec![role("sit")]),
        route("Everyone", "Everyone who is signed in may call this, whatever their roles.", vec![]),
    ]
}

fn step_up() -> [DemoRoute; 2] {
    let route = |title, summary, policies: Vec<Policy>| DemoRoute {
        group: DemoGroup::StepUp,
        path: format!("{STEP_UP}/{title}"),
        title,
        summary,
        policies,
    };
    [
        route(
            "Recent",
            "Everyone who signed in within the last minute may call this.",
            vec![recent_sign_in()],
        ),
        route(
            "TwoFactors",
            "Everyone who signed in by two factors, or by a passkey, may call this.",
            vec![two_factors()],
        ),
    ]
}
