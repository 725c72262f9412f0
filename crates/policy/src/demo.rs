//! The demo API's routes and who may call each: the one table that the API enforces and the page
//! shows.
//!
//! Paths and policy names are those of the system that Doorward re-implements, its two misspellings
//! (`AdminOrUserWithCusomHandler`, `DoaminAndUsernamePolicy`) included: callers know them by these
//! names.

use std::sync::LazyLock;

use serde::Serialize;

use crate::{Decision, EmailDomain, Policy, Principal, SubjectIs, decide_all};

const POLICY_BASED: &str = "/api/DemoPolicyBased";
const ROLE_BASED: &str = "/api/DemoRoleBased";

/// The two families of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemoGroup {
    /// `/api/DemoPolicyBased/…`
    PolicyBased,
    /// `/api/DemoRoleBased/…`
    RoleBased,
}

impl DemoGroup {
    /// A heading for the group.
    pub fn title(self) -> &'static str {
        match self {
            Self::PolicyBased => "By policy",
            Self::RoleBased => "By role",
        }
    }
}

/// One route of the demo API. It answers GET only.
#[derive(Debug)]
pub struct DemoRoute {
    /// The family.
    pub group: DemoGroup,
    /// The absolute path, `/api/DemoPolicyBased/Admin/Get`.
    pub path: String,
    /// A short name for a list, `Sales/Admin`.
    pub title: &'static str,
    /// A sentence that says who may call.
    pub summary: &'static str,
    /// The policies, all of which the caller must meet. None: any authenticated caller.
    pub policies: Vec<Policy>,
}

impl DemoRoute {
    /// Asks the route's policies about the caller.
    pub fn decide(&self, principal: &Principal) -> Decision {
        decide_all(&self.policies, principal)
    }

    /// The names of the route's policies.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().filter_map(Policy::name)
    }
}

/// The 17 routes, the policy-based ones first.
pub fn routes() -> &'static [DemoRoute] {
    static ROUTES: LazyLock<Vec<DemoRoute>> =
        LazyLock::new(|| policy_based().into_iter().chain(role_based()).collect());
    &ROUTES
}

/// The route with this path.
pub fn route(path: &str) -> Option<&'static DemoRoute> {
    routes().iter().find(|route| route.path == path)
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

/// `AdminPolicy`: role admin.
pub fn admin() -> Policy {
    Policy::require_role("admin").named("AdminPolicy")
}

/// `UserPolicy`: role user.
pub fn user() -> Policy {
    Policy::require_role("user").named("UserPolicy")
}

/// `AdminOrUserPolicy`: role admin or user.
pub fn admin_or_user() -> Policy {
    Policy::any_of([admin(), user()]).named("AdminOrUserPolicy")
}

/// `SitPolicy`: role sit.
pub fn sit() -> Policy {
    Policy::require_role("sit").named("SitPolicy")
}

/// `SalesDepartmentPolicy`: department Sales.
pub fn sales() -> Policy {
    Policy::require_claim("department", "Sales").named("SalesDepartmentPolicy")
}

/// `CrmDepartmentPolicy`: department CRM.
pub fn crm() -> Policy {
    Policy::require_claim("department", "CRM").named("CrmDepartmentPolicy")
}

/// `SalesDepartmentAndAdminPolicy`: department Sales and role admin.
pub fn sales_and_admin() -> Policy {
    Policy::all_of([sales(), admin()]).named("SalesDepartmentAndAdminPolicy")
}

/// `SalesDepartmentAndAdminOrUserPolicy`: department Sales and (role admin or user).
pub fn sales_and_admin_or_user() -> Policy {
    Policy::all_of([sales(), admin_or_user()]).named("SalesDepartmentAndAdminOrUserPolicy")
}

/// `SalesDepartmentOrAdminPolicy`: department Sales or role admin, as an assertion over all claims.
pub fn sales_or_admin() -> Policy {
    Policy::assert("department Sales or role admin", |caller| {
        caller.has_claim("department", "Sales") || caller.has_role("admin")
    })
    .named("SalesDepartmentOrAdminPolicy")
}

/// `DoaminAndUsernamePolicy`: an email address at xxx.com, and to be jblin; two requirements with
/// data of their own.
pub fn domain_and_username() -> Policy {
    Policy::all_of([
        Policy::require(EmailDomain::new("xxx.com")),
        Policy::require(SubjectIs::new("jblin")),
    ])
    .named("DoaminAndUsernamePolicy")
}
