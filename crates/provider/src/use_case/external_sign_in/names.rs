//! User names for people who come from another provider: what they are called there, if that can be
//! a name here.

use super::vouched::Vouched;
use crate::model::{email::EmailAddress, time::Entropy, username};

/// Names to try, the best first. There always are some that nobody can have.
pub(super) fn candidates(vouched: &Vouched, entropy: &dyn Entropy) -> Vec<String> {
    let email = vouched.email();
    let told = [
        vouched.preferred_username.as_deref(),
        email.as_ref().map(EmailAddress::as_str),
        vouched.name.as_deref(),
    ];
    let base = told.into_iter().flatten().find_map(username::beginning);
    username::alike(base.as_deref(), entropy)
}
