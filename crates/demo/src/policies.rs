//! The policies of the demo routes, by the names that callers know.

use doorward_policy::{EmailDomain, Policy, SubjectIs};

/// How old a sign-in may be for [`recent_sign_in`], in seconds: short, so that whoever tries it
/// need not wait for long.
pub const RECENT_SIGN_IN: u32 = 60;

/// The `acr` of a sign-in by two factors, or by a passkey.
pub const TWO_FACTORS: &str = "urn:doorward:acr:2";

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

/// `SalesDepartmentOrAdminPolicy`: department Sales or role admin, written as an assertion.
pub fn sales_or_admin() -> Policy {
    Policy::assert("department Sales or role admin", |caller| {
        caller.has_claim("department", "Sales") || caller.has_role("admin")
    })
    .named("SalesDepartmentOrAdminPolicy")
}

/// `DoaminAndUsernamePolicy`: a verified email address at xxx.com, and the subject jblin. Both
/// are custom requirements.
pub fn domain_and_username() -> Policy {
    Policy::all_of([
        Policy::require(EmailDomain::new("xxx.com")),
        Policy::require(SubjectIs::new("jblin")),
    ])
    .named("DoaminAndUsernamePolicy")
}

/// `RecentSignInPolicy`: a sign-in within the last minute.
pub fn recent_sign_in() -> Policy {
    Policy::require_recent_sign_in(RECENT_SIGN_IN).named("RecentSignInPolicy")
}

/// `TwoFactorsPolicy`: a sign-in by two factors, or by a passkey.
pub fn two_factors() -> Policy {
    Policy::require_acr([TWO_FACTORS]).named("TwoFactorsPolicy")
}
