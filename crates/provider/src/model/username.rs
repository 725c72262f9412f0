//! User names that people choose themselves. The rule is RFC 8265's in short (one word of a script,
//! no invisible characters), and beyond it: nobody takes a name for another one's.

use unicode_security::{
    GeneralSecurityProfile as _, MixedScript as _, confusable_detection::skeleton,
};

use crate::model::{time::Entropy, user::normalized_username};

/// The longest name in bytes.
const LONGEST: usize = 255;
/// The longest beginning of a name that nobody chose, in characters: a number goes behind it.
const LONGEST_BEGINNING: usize = 60;
/// How many numbers are tried behind a name that is taken.
const NUMBERED: u32 = 9;

/// Names that sound like those who run the service, or that mail servers know (RFC 2142).
const RESERVED: [&str; 30] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "billing",
    "doorward",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "login",
    "mailer-daemon",
    "moderator",
    "no-reply",
    "nobody",
    "noreply",
    "official",
    "operator",
    "owner",
    "postmaster",
    "root",
    "security",
    "service",
    "staff",
    "support",
    "sysadmin",
    "system",
    "team",
    "webmaster",
];

/// Reads a user name that somebody chose; `None` if it can't be one: it is empty or too long, has
/// signs that can't be seen, mixes scripts, or looks like one that is reserved.
pub fn chosen(typed: &str) -> Option<String> {
    let name = typed.trim();
    let is_visible = |sign: char| matches!(sign, ' '..='~') || sign.identifier_allowed();
    let is_usable = !name.is_empty()
        && name.len() <= LONGEST
        && name.chars().all(is_visible)
        && name.is_single_script();
    (is_usable && !is_reserved(name)).then(|| name.to_owned())
}

/// A name without what follows an `@`: with it, it could be taken for somebody's address. `None` if
/// that can't be a name.
pub fn beginning(told: &str) -> Option<String> {
    let name: String = told.split('@').next()?.trim().chars().take(LONGEST_BEGINNING).collect();
    chosen(&name)
}

/// Names for somebody who does not choose one, the best first: this one, and others that begin like
/// it. There always are some that nobody can have.
pub fn alike(base: Option<&str>, entropy: &dyn Entropy) -> Vec<String> {
    let numbered = base.into_iter().flat_map(|base| {
        let others = (2..=NUMBERED).map(move |number| format!("{base}-{number}"));
        [base.to_owned()].into_iter().chain(others)
    });
    let base = base.unwrap_or("user");
    let drawn = (0..3).map(|_| {
        let bytes = entropy.bytes();
        let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        format!("{base}-{number:08x}")
    });
    // A number behind it could make it another script's; then it is none.
    numbered.chain(drawn).filter_map(|name| chosen(&name)).collect()
}

/// Whether the name is reserved, or looks as if it were (Unicode Technical Standard 39 section 4).
fn is_reserved(name: &str) -> bool {
    let words = normalized_username(name);
    let looks: String = skeleton(&words).collect();
    RESERVED.iter().any(|reserved| *reserved == words || skeleton(reserved).eq(looks.chars()))
}

/// The name in Latin letters that another script is used to imitate; `None` if there is none. It is
/// in the form in which names are compared.
pub fn imitated(name: &str) -> Option<String> {
    let words = normalized_username(name);
    // Signs that both scripts have are left: in a skeleton, 1 looks like l.
    let looks: String = words
        .chars()
        .flat_map(|sign| {
            if sign.is_ascii() {
                return vec![sign];
            }
            skeleton(sign.encode_utf8(&mut [0; 4])).collect()
        })
        .collect();
    (!words.is_ascii() && looks.is_ascii() && looks != words).then_some(looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_have_are_taken() {
        for name in [
            "ada",
            " Ada Lovelace ",
            "ada.lovelace+1",
            "zo\u{eb}",
            "\u{43e}\u{43b}\u{433}\u{430}",
            "\u{674e}\u{660e}",
            "o'brien",
            "ada@example.com",
            "administrative",
            "roots",
        ] {
            assert_eq!(chosen(name).as_deref(), Some(name.trim()), "{name}");
        }
    }

    #[test]
    fn what_looks_like_something_else_is_refused() {
        for name in [
            "",
            "  ",
            "a\nb",
            "admin",
            "ADMIN",
            "Root",
            "postmaster",
            // Cyrillic letters among Latin ones, and a whole word of them.
            "\u{430}dmin",
            "p\u{430}ypal",
            "r\u{3bf}\u{3bf}t",
            // Signs that can't be seen.
            "ada\u{200b}",
            "ada\u{202e}",
            "\u{feff}ada",
        ] {
            assert_eq!(chosen(name), None, "{name:?}");
        }
        assert_eq!(chosen(&"x".repeat(256)), None);
    }

    #[test]
    fn a_name_of_another_script_imitates_a_latin_one() {
        assert_eq!(imitated("\u{441}\u{43e}\u{440}\u{430}").as_deref(), Some("copa"));
        assert_eq!(imitated("\u{441}\u{43e}\u{440}\u{430}10").as_deref(), Some("copa10"));
        assert_eq!(imitated("copa"), None);
        assert_eq!(imitated("\u{43e}\u{43b}\u{433}\u{430}"), None);
    }
}
