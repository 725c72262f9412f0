//! User names for people who come from another provider: what they are called there, if that can be
//! a name here.

use super::vouched::Vouched;
use crate::model::{email::EmailAddress, time::Entropy, username};

/// The longest part that comes from the other provider, in characters: a number goes behind it.
const LONGEST: usize = 60;
/// How many numbers are tried behind a name that is taken.
const NUMBERED: u32 = 9;

/// Names to try, the best first. There always are some that nobody can have.
pub(super) fn candidates(vouched: &Vouched, entropy: &dyn Entropy) -> Vec<String> {
    let email = vouched.email();
    let told = [
        vouched.preferred_username.as_deref(),
        email.as_ref().map(EmailAddress::as_str),
        vouched.name.as_deref(),
    ];
    let mut names = Vec::new();
    let mut told = told.into_iter().flatten().filter_map(usable);
    let base = told.next();
    if let Some(base) = &base {
        names.push(base.clone());
        names.extend((2..=NUMBERED).map(|number| format!("{base}-{number}")));
    }
    let base = base.as_deref().unwrap_or("user");
    names.extend((0..3).map(|_| format!("{base}-{:08x}", number(entropy))));
    // A number behind it could make it another script's; then it is none.
    names.into_iter().filter_map(|name| username::chosen(&name)).collect()
}

/// A name without what follows an `@`: with it, it could be taken for somebody's address.
fn usable(told: &str) -> Option<String> {
    let name: String = told.split('@').next()?.trim().chars().take(LONGEST).collect();
    username::chosen(&name)
}

fn number(entropy: &dyn Entropy) -> u32 {
    let bytes = entropy.bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
