//! Which passwords are accepted (NIST SP 800-63B-4 section 3.1.1.2): a minimum length, nothing that
//! is easy to guess, and no rules about kinds of characters.

use doorward_protocol::secret::Secret;
use zxcvbn::{
    Score,
    feedback::{Feedback, Warning},
    zxcvbn,
};

use crate::model::{
    password::{LONGEST_PASSWORD, prepared},
    user::{User, normalized_username},
};

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    /// The shortest password in characters.
    pub min_length: u32,
}

/// Why a password is not accepted. No text of it contains the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too few characters.
    #[error("the password is too short: give at least {0} characters")]
    TooShort(u32),
    /// More bytes than are hashed.
    #[error("the password is too long: give at most {LONGEST_PASSWORD} bytes")]
    TooLong,
    /// Somebody who tries the likely ones first would find it.
    #[error("the password is easy to guess: {0}")]
    Guessable(Weakness),
    /// It is in a list of passwords that were published.
    #[error("the password was published in a data breach: choose another one")]
    Breached,
}

/// What makes a password easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// It is made of what is known about the user.
    #[error("it contains your name or your address")]
    Personal,
    /// It is among the most frequent ones, or much like them.
    #[error("it is much like a password that many people use")]
    Common,
    /// Neighbouring keys.
    #[error("rows of neighbouring keys are easy to guess")]
    Keys,
    /// The same again and again.
    #[error("repeating something makes it hardly harder to guess")]
    Repeated,
    /// As abc or 6543.
    #[error("sequences such as abc or 6543 are easy to guess")]
    Sequence,
    /// A date or a year.
    #[error("dates and years are easy to guess")]
    Date,
    /// Names or a single word.
    #[error("names and single words are easy to guess")]
    Word,
    /// None of these alone.
    #[error("add one or two words that do not belong together")]
    Other,
}

/// What is known about a user, and so is tried first by somebody who guesses.
#[derive(Debug, Clone, Default)]
pub struct AboutUser(Vec<String>);

impl AboutUser {
    /// Takes names and addresses, apart and in parts. Parts of fewer than three characters are left
    /// out: they are in many words.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Vec::new();
        for text in texts {
            let text = normalized_username(text);
            let parts = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned);
            words.extend(parts.chain([text.clone()]).filter(|word| word.chars().count() >= 3));
        }
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// The user name, the names and the address of a user, and the name of the service.
    pub fn of(user: &User, service: &str) -> Self {
        const TEXTS: [&str; 6] =
            ["email", "name", "given_name", "family_name", "nickname", "preferred_username"];
        let claims = TEXTS.iter().filter_map(|name| user.claims.0.get(*name)?.as_str());
        Self::new(claims.chain([user.username.as_str(), service]))
    }

    fn is_in(&self, password: &str) -> bool {
        let password = normalized_username(password);
        self.0.iter().any(|word| password.contains(word.as_str()))
    }
}

impl PasswordRules {
    /// Refuses a password that does not comply. Takes some milliseconds.
    pub fn check(self, password: &Secret, about: &AboutUser) -> Result<(), PasswordProblem> {
        let prepared = prepared(password);
        let text = prepared.expose();
        if text.len().max(password.expose().len()) > LONGEST_PASSWORD {
            return Err(PasswordProblem::TooLong);
        }
        let least = self.min_length.max(1);
        if text.chars().count() < least as usize {
            return Err(PasswordProblem::TooShort(least));
        }
        let words: Vec<&str> = about.0.iter().map(String::as_str).collect();
        let estimate = zxcvbn(&judged(text), &words);
        // A score of 3 is 10^8 guesses or more: as many as throttling lets nobody make.
        if estimate.score() >= Score::Three {
            return Ok(());
        }
        let warning = estimate.feedback().and_then(Feedback::warning);
        let is_personal = about.is_in(text);
        let weakness = if is_personal { Weakness::Personal } else { weakness(warning) };
        Err(PasswordProblem::Guessable(weakness))
    }
}

/// The part of a password that is judged. The estimate tries each combination of the signs that
/// stand for letters, so that many different ones in a long text would take seconds. A part is
/// never harder to guess than the whole.
fn judged(text: &str) -> String {
    const LONGEST: usize = 40;
    const SIGNS: &str = "4@8({[<369!1|70$5+%2";
    const MOST_SIGNS: usize = 6;
    let mut seen = Vec::new();
    text.chars()
        .filter(|letter| {
            if !SIGNS.contains(*letter) || seen.contains(letter) {
                return true;
            }
            let is_kept = seen.len() < MOST_SIGNS;
            if is_kept {
                seen.push(*letter);
            }
            is_kept
        })
        .take(LONGEST)
        .collect()
}

fn weakness(warning: Option<Warning>) -> Weakness {
    let Some(warning) = warning else { return Weakness::Other };
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess => Weakness::Keys,
        Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Weakness::Repeated,
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Weakness::Common,
        Warning::SequencesLikeAbcAreEasyToGuess => Weakness::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Weakness::Date,
        Warning::AWordByItselfIsEasyToGuess
        | Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => Weakness::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(password: &str) -> Option<PasswordProblem> {
        let about = AboutUser::new(["margaret", "margaret.hamilton@example.com"]);
        PasswordRules { min_length: 12 }.check(&Secret::new(password), &about).err()
    }

    #[test]
    fn long_ones_of_any_characters_are_accepted() {
        for password in [
            "correct horse battery staple",
            "pflaume dachstuhl eimer",
            "\u{3042}\u{4e2d}\u{1f600}qv\u{e9}\u{f1}\u{df}kzwp\u{f8}",
            "xK9-vb2Lqq-77",
        ] {
            assert_eq!(problem(password), None, "{password}");
        }
    }

    #[test]
    fn characters_count_and_not_bytes() {
        assert_eq!(problem(""), Some(PasswordProblem::TooShort(12)));
        assert_eq!(
            problem("\u{e4}\u{f6}\u{fc}qzkvw\u{df}x\u{f1}"),
            Some(PasswordProblem::TooShort(12))
        );
        assert_eq!(problem("\u{e4}\u{f6}\u{fc}qzkvw\u{df}x\u{f1}j"), None);
        // Composed and decomposed accents are as many characters.
        assert_eq!(problem("e\u{301}".repeat(11).as_str()), Some(PasswordProblem::TooShort(12)));
        assert_eq!(problem(&"x".repeat(1025)), Some(PasswordProblem::TooLong));
    }

    #[test]
    fn guessable_ones_are_refused_with_a_reason() {
        for (password, weakness) in [
            ("password1234", Weakness::Common),
            ("aaaaaaaaaaaaaaaa", Weakness::Repeated),
            ("abcdefghijklmn", Weakness::Sequence),
            ("MargaretHamilton", Weakness::Personal),
            ("margaret1234", Weakness::Personal),
        ] {
            assert_eq!(problem(password), Some(PasswordProblem::Guessable(weakness)), "{password}");
        }
        assert!(problem("qwertzuiopqwertzuiop").is_some());
    }

    #[test]
    fn no_reason_contains_the_password() {
        for password in ["secretsecret", "tiny-1", "password1234"] {
            let shown = problem(password).map(|problem| problem.to_string()).unwrap_or_default();
            assert!(!shown.contains(password), "{shown}");
        }
    }

    #[test]
    fn few_signs_that_stand_for_letters_are_tried() {
        assert_eq!(judged("4@8({[<369").chars().count(), 6);
        assert_eq!(judged("p4ssw0rd"), "p4ssw0rd");
        assert_eq!(judged(&"x".repeat(1000)).len(), 40);
    }

    #[test]
    fn a_very_long_one_is_judged_quickly() {
        let long = "correct horse battery staple ".repeat(35);
        assert_eq!(problem(&long), None);
    }
}
