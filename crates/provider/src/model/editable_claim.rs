//! The standard claims that users may change themselves (OIDC Core section 5.1), and what each of
//! them accepts.

use serde::Deserialize;
use url::Url;

/// The longest value in characters.
const LONGEST: usize = 200;
/// The longest address in bytes.
const LONGEST_URL: usize = 1000;

/// A standard claim that says nothing that anybody relies on, so that its user may say it. Not
/// among them: `email` and `phone_number`, which are confirmed, and `sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EditableClaim {
    Name,
    GivenName,
    FamilyName,
    MiddleName,
    Nickname,
    Profile,
    Picture,
    Website,
    Gender,
    Birthdate,
    Zoneinfo,
    Locale,
}

/// The text is not a value of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a value of {}", .0.name())]
pub struct NoClaimValue(pub EditableClaim);

impl EditableClaim {
    /// Those that users may change unless an operator decides otherwise.
    pub const USUAL: [Self; 7] = [
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::Nickname,
        Self::Picture,
        Self::Zoneinfo,
        Self::Locale,
    ];

    /// Its name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::MiddleName => "middle_name",
            Self::Nickname => "nickname",
            Self::Profile => "profile",
            Self::Picture => "picture",
            Self::Website => "website",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Zoneinfo => "zoneinfo",
            Self::Locale => "locale",
        }
    }

    /// The value that somebody typed, without surrounding space; `None` if nothing was.
    pub fn parse(self, typed: &str) -> Result<Option<String>, NoClaimValue> {
        let text = typed.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let is_valid = match self {
            Self::Profile | Self::Picture | Self::Website => is_web_address(text),
            Self::Birthdate => is_date(text),
            Self::Zoneinfo => is_zone(text),
            Self::Locale => is_language_tag(text),
            _ => text.chars().count() <= LONGEST && !text.chars().any(char::is_control),
        };
        if is_valid { Ok(Some(text.to_owned())) } else { Err(NoClaimValue(self)) }
    }
}

/// By https, so that a page which shows a picture stays what it is.
fn is_web_address(text: &str) -> bool {
    let is_https = |url: Url| url.scheme() == "https" && url.username().is_empty();
    text.len() <= LONGEST_URL
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(text).is_ok_and(is_https)
}

/// `YYYY-MM-DD`, or `YYYY` alone; the year may be 0000 (OIDC Core section 5.1).
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    match parts.as_slice() {
        [year] => number(year, 4).is_some(),
        [year, month, day] => {
            number(year, 4).is_some()
                && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
                && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
        }
        _ => false,
    }
}

/// A name of the time zone database, as `Europe/Berlin`.
fn is_zone(text: &str) -> bool {
    text.len() <= 64
        && text.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_uppercase())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
        })
}

/// A language tag (RFC 5646), as `en` or `de-AT`; some write an underscore (OIDC Core section 5.1).
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let is_language = |part: &str| {
        (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    text.len() <= 35
        && parts.next().is_some_and(is_language)
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(claim: EditableClaim, typed: &str) -> bool {
        matches!(claim.parse(typed), Ok(Some(_)))
    }

    #[test]
    fn nothing_typed_takes_the_claim_away() {
        assert_eq!(EditableClaim::Name.parse("  "), Ok(None));
        assert_eq!(EditableClaim::Name.parse(" Zo\u{eb} "), Ok(Some("Zo\u{eb}".to_owned())));
    }

    #[test]
    fn each_claim_has_its_form() {
        use EditableClaim::{Birthdate, Locale, Name, Picture, Zoneinfo};
        for (claim, good, bad) in [
            (Name, vec!["Zo\u{eb} O'Neil", "\u{5f20}\u{4f1f}"], vec!["a\nb", "a\u{0}"]),
            (
                Picture,
                vec!["https://a.example/p.png?x=1"],
                vec![
                    "http://a.example/p",
                    "javascript:alert(1)",
                    "https://u@a.example",
                    "https://a b",
                ],
            ),
            (Birthdate, vec!["1990-12-31", "0000-02-29", "1990"], vec!["31.12.1990", "1990-13-01"]),
            (Zoneinfo, vec!["Europe/Berlin", "Etc/GMT+1", "UTC"], vec!["europe/berlin", "../etc"]),
            (Locale, vec!["en", "de-AT", "zh_Hant_TW"], vec!["e", "deutsch-", "en us"]),
        ] {
            assert!(good.iter().all(|text| accepts(claim, text)), "{claim:?} {good:?}");
            for text in bad {
                assert_eq!(claim.parse(text), Err(NoClaimValue(claim)), "{text:?}");
            }
        }
        assert!(!accepts(Name, &"x".repeat(LONGEST + 1)));
        assert!(!accepts(Picture, &format!("https://a.example/{}", "x".repeat(LONGEST_URL))));
    }
}
