//! Authorization policies as values: applying a [`Policy`] to a [`Principal`] gives a [`Decision`].
//!
//! Everything here is pure and compiles to WebAssembly, so that the page that offers a call and the
//! API that answers it share one definition and come to the same decision.
//!
//! ```
//! use doorward_policy::{Policy, Principal};
//! use serde_json::json;
//!
//! let policy = Policy::all_of([
//!     Policy::require_claim("department", "Sales"),
//!     Policy::any_of([Policy::require_role("admin"), Policy::require_role("user")]),
//! ])
//! .named("SalesStaffPolicy");
//!
//! let alice = json!({ "sub": "alice", "role": "admin", "department": "Sales" });
//! assert!(policy.decide(&Principal::from_claims(&alice)?).is_allowed());
//!
//! let bob = json!({ "sub": "bob", "role": ["user"], "department": "CRM" });
//! let decision = policy.decide(&Principal::from_claims(&bob)?);
//! assert_eq!(decision.reasons(), ["needs department Sales"]);
//! # Ok::<(), doorward_policy::NoSubject>(())
//! ```

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod decision;
mod need;
mod policy;
mod principal;
mod requirement;
mod resource;
mod step_up;

pub use decision::{Decision, Denial};
pub use need::Need;
pub use policy::{Policy, PolicyDescription, RequiredPolicy, decide_all, decide_all_at};
pub use principal::{
    ACR_CLAIM, AUTH_TIME_CLAIM, ISSUER_CLAIM, NoSubject, Principal, ROLE_CLAIM, SCOPE_CLAIM,
    SUBJECT_CLAIM,
};
pub use requirement::{EmailDomain, Requirement, SubjectIs};
pub use resource::ResourcePolicy;
pub use step_up::StepUp;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
