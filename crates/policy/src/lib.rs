//! Authorization policies as values: a [`Principal`] and a [`Policy`] give a [`Decision`].
//!
//! Everything here is pure and compiles to WebAssembly too, so that the page which offers a call
//! and the API that answers it decide by one definition and can never differ.
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
//! let alice = Principal::from_claims(&json!({ "sub": "alice", "role": "admin", "department": "Sales" }))?;
//! assert!(policy.decide(&alice).is_allowed());
//!
//! let bob = Principal::from_claims(&json!({ "sub": "bob", "role": ["user"], "department": "CRM" }))?;
//! assert_eq!(policy.decide(&bob).reasons(), ["needs department Sales"]);
//! # Ok::<(), doorward_policy::NoSubject>(())
//! ```

mod decision;
mod need;
mod policy;
mod principal;
mod requirement;

pub use decision::{Decision, Denial};
pub use need::Need;
pub use policy::{Policy, PolicyDescription, RequiredPolicy, decide_all};
pub use principal::{ISSUER_CLAIM, NoSubject, Principal, ROLE_CLAIM, SCOPE_CLAIM, SUBJECT_CLAIM};
pub use requirement::{EmailDomain, Requirement, SubjectIs};
