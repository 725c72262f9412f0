//! Directories (LDAP) by which users sign in with the form of the login page, as far as it matters
//! for accounts. How a directory is asked is not kept here.

use std::fmt;

use serde::Deserialize;

use crate::model::{
    identity_provider::{IdentityProvider, IdentityProviderName, ProviderKind},
    settings_error::SettingsError,
    time::Seconds,
};

/// What the issuer of a directory's users begins with. No OpenID provider has such an issuer:
/// theirs are web addresses (OIDC Core section 2).
const ISSUER: &str = "urn:doorward:directory:";

/// `trust_without_answer` unless it is set: a day.
pub const TRUST_WITHOUT_ANSWER: Seconds = Seconds::new(86_400);

/// A directory by which users sign in.
#[derive(Debug, Clone)]
pub struct Directory {
    /// What counts of it for accounts, as of any other provider. Its issuer is made of its name.
    pub provider: IdentityProvider,
    /// The names that are looked up in it.
    pub names: LoginNames,
    /// When it is asked, compared with the users of our own.
    pub asked: Asked,
    /// After this time the directory is asked again whether the user may still sign in. `None`:
    /// only at each sign-in.
    pub refresh_interval: Option<Seconds>,
    /// For how long after its last yes whoever is signed in goes on while the directory does not
    /// answer.
    pub trust_without_answer: Seconds,
    /// Whether an account that nobody can sign in to gets the identity of the entry with its name.
    pub adopts_usernames: bool,
    /// Whether users change the directory's password on the page of the account.
    pub changes_passwords: bool,
    /// Whether that works with a password that has expired, too.
    pub changes_expired_passwords: bool,
}

/// `asked`: whether a directory or our own users come first, where both may have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A user of our own who has a password has the name.
    #[default]
    AfterLocalUsers,
    /// The directory's entry has the name, and our own user only where there is none.
    BeforeLocalUsers,
}

/// `names`: which typed names are looked up in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginNames(Vec<NamePattern>);

/// One form of names: a text with a star for the name, as `*@corp.example` or `CORP\*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamePattern {
    before: String,
    after: String,
}

/// A name that is looked up in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName {
    /// As it was typed, in the form in which names are compared.
    pub typed: String,
    /// What stands in place of the star.
    pub name: String,
}

impl Directory {
    /// With this name, and all else as it is by default.
    pub fn new(name: IdentityProviderName) -> Self {
        let issuer = issuer(&name);
        Self {
            provider: IdentityProvider {
                kind: ProviderKind::Directory,
                ..IdentityProvider::new(name, &issuer)
            },
            names: LoginNames::every(),
            asked: Asked::default(),
            refresh_interval: None,
            trust_without_answer: TRUST_WITHOUT_ANSWER,
            adopts_usernames: false,
            changes_passwords: false,
            changes_expired_passwords: false,
        }
    }
}

/// What vouches for the users of the directory with this name.
pub fn issuer(name: &IdentityProviderName) -> String {
    format!("{ISSUER}{name}")
}

impl Directory {
    /// Whether a user whom it does not let in for this reason may change the password here.
    pub fn lets_change_at_sign_in(&self, problem: AccountProblem) -> bool {
        match problem {
            AccountProblem::MustChangePassword => self.changes_passwords,
            AccountProblem::PasswordExpired => {
                self.changes_passwords && self.changes_expired_passwords
            }
            AccountProblem::Disabled | AccountProblem::Expired | AccountProblem::NotNow => false,
        }
    }
}

/// Whether the users of this issuer are those of a directory, whether or not it is configured.
pub fn is_directory(issuer: &str) -> bool {
    issuer.starts_with(ISSUER)
}

impl LoginNames {
    /// Every name.
    pub fn every() -> Self {
        Self(vec![NamePattern { before: String::new(), after: String::new() }])
    }

    /// Checks the forms. Each has one star.
    pub fn parse(patterns: &[String]) -> Result<Self, SettingsError> {
        let parse = |text: &String| {
            let (before, after) = text.split_once('*').filter(|(_, after)| !after.contains('*'))?;
            let [before, after] = [before, after].map(str::to_lowercase);
            Some(NamePattern { before, after })
        };
        if patterns.is_empty() {
            let problem = "give the form of the names, or * for every name";
            return Err(SettingsError::new("names", "[]", problem));
        }
        patterns
            .iter()
            .map(|text| {
                let problem = "write one star for the name, as in *@corp.example or CORP\\*";
                parse(text).ok_or_else(|| SettingsError::new("names", text, problem))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The name to look up for a typed one, by the form that says most about it; `None` if it has
    /// none of the forms. `typed` is in the form in which names are compared.
    pub fn take(&self, typed: &str) -> Option<LoginName> {
        let fits = self.0.iter().filter_map(|NamePattern { before, after }| {
            let name = typed.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
            (!name.is_empty()).then_some((before.len() + after.len(), name))
        });
        let (_, name) = fits.max_by_key(|(length, _)| *length)?;
        Some(LoginName { typed: typed.to_owned(), name: name.to_owned() })
    }
}

/// Why an account of a directory can't be used. The password was right, or nobody has asked for
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    /// An administrator has disabled it, or it was removed.
    #[error("the directory's account is disabled")]
    Disabled,
    /// It was for a time that is over.
    #[error("the directory's account has expired")]
    Expired,
    /// The password is too old.
    #[error("the password has expired in the directory")]
    PasswordExpired,
    /// The password was set by somebody else, and must be changed first.
    #[error("the password must be changed in the directory first")]
    MustChangePassword,
    /// The user may not sign in at this time, or from here.
    #[error("the directory does not allow a sign-in now, or from here")]
    NotNow,
}

/// The directory's word about the state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountState {
    /// Why it can't be used, if something is in the way.
    pub problem: Option<AccountProblem>,
}

impl AccountState {
    /// Whether an administrator has disabled the account.
    pub fn is_disabled(self) -> bool {
        self.problem == Some(AccountProblem::Disabled)
    }

    /// Whether who is signed in must be signed out: a password that should be changed is no reason.
    pub fn ends_access(self) -> bool {
        matches!(self.problem, Some(AccountProblem::Disabled | AccountProblem::Expired))
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(patterns: &[&str]) -> LoginNames {
        let patterns: Vec<_> = patterns.iter().map(|text| (*text).to_owned()).collect();
        LoginNames::parse(&patterns).unwrap()
    }

    #[test]
    fn names_go_by_their_form() {
        let corp = names(&["*@corp.example", "CORP\\*"]);
        for (typed, name) in [
            ("ada@corp.example", Some("ada")),
            ("corp\\ada", Some("ada")),
            ("ada", None),
            ("@corp.example", None),
            ("ada@corp.example.evil", None),
            ("ada@evil.example", None),
        ] {
            assert_eq!(corp.take(typed).map(|own| own.name).as_deref(), name, "{typed}");
        }
        let every = names(&["*", "*@corp.example"]);
        assert_eq!(every.take("ada@corp.example").unwrap().name, "ada");
        assert_eq!(every.take("ada").unwrap().name, "ada");
        assert_eq!(every.take("ada@other.example").unwrap().name, "ada@other.example");
    }

    #[test]
    fn a_form_has_one_star() {
        for wrong in ["", "corp", "*@*", "**"] {
            assert!(LoginNames::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(LoginNames::parse(&[]).is_err());
    }

    #[test]
    fn a_password_that_must_be_changed_signs_nobody_out() {
        let ends = |problem| AccountState { problem }.ends_access();
        assert!(ends(Some(AccountProblem::Disabled)) && ends(Some(AccountProblem::Expired)));
        assert!(!ends(None) && !ends(Some(AccountProblem::MustChangePassword)));
        assert!(!ends(Some(AccountProblem::PasswordExpired)));
    }

    #[test]
    fn an_issuer_shows_that_it_is_a_directory() {
        let name = IdentityProviderName::parse("corp").unwrap();
        let directory = Directory::new(name);
        assert_eq!(directory.provider.issuer, "urn:doorward:directory:corp");
        assert!(is_directory(&directory.provider.issuer));
        assert!(!is_directory("https://id.example"));
    }
}
