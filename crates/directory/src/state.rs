//! Whether an account can be used: pure rules over the attributes of its entry, and over what a
//! directory says when it refuses a password.

use doorward_provider::{
    model::{
        directory::{AccountProblem, AccountState},
        time::Timestamp,
    },
    use_case::directory::DirectoryError,
};

use crate::{
    entry::Entry,
    generalized_time,
    settings::{DirectoryKind, DirectorySettings, DisableBy},
};

/// The attributes that say it.
pub(crate) fn attributes(settings: &DirectorySettings) -> impl Iterator<Item = &str> {
    let usual: &[&str] = match settings.kind {
        DirectoryKind::ActiveDirectory => {
            &["userAccountControl", "accountExpires", "pwdLastSet", COMPUTED]
        }
        DirectoryKind::Ldap => &[
            "pwdAccountLockedTime",
            "pwdReset",
            "nsAccountLock",
            "shadowExpire",
            START,
            END,
            KERBEROS_END,
        ],
    };
    usual.iter().copied().chain(mark(settings).map(|(attribute, _)| attribute))
}

/// The attribute and the value by which accounts are disabled here.
fn mark(settings: &DirectorySettings) -> Option<(&str, &str)> {
    match &settings.management.as_ref()?.disable {
        DisableBy::AccountControl => None,
        DisableBy::Mark { attribute, value } => Some((attribute, value)),
    }
}

/// From when an account can be used (OpenLDAP's password policy).
const START: &str = "pwdStartTime";
/// From when it can be used no more.
const END: &str = "pwdEndTime";
/// The same in `FreeIPA`, and other directories of Kerberos.
const KERBEROS_END: &str = "krbPrincipalExpiration";
/// Flags of `userAccountControl` that the domain controller works out when it is asked.
const COMPUTED: &str = "msDS-User-Account-Control-Computed";
/// The bit of `userAccountControl` of an account that is disabled.
pub(crate) const ACCOUNT_DISABLED: i64 = 0x2;
const PASSWORD_NEVER_EXPIRES: i64 = 0x1_0000;
const PASSWORD_EXPIRED: i64 = 0x80_0000;
/// Between 1601, from where Active Directory counts steps of 100 ns, and 1970.
const SECONDS_BEFORE_1970: i64 = 11_644_473_600;
const STEPS_PER_SECOND: i64 = 10_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What the attributes say.
pub(crate) fn of_entry(
    settings: &DirectorySettings,
    entry: &Entry,
    now: Timestamp,
) -> Result<AccountState, DirectoryError> {
    let has = |(attribute, value): (&str, &str)| {
        entry.texts(attribute).iter().any(|own| own.eq_ignore_ascii_case(value))
    };
    if mark(settings).is_some_and(has) {
        return Ok(AccountState { problem: Some(AccountProblem::Disabled) });
    }
    of_kind(settings.kind, entry, now)
}

fn of_kind(
    kind: DirectoryKind,
    entry: &Entry,
    now: Timestamp,
) -> Result<AccountState, DirectoryError> {
    let problem = match kind {
        DirectoryKind::ActiveDirectory => of_active_directory(entry, now)?,
        DirectoryKind::Ldap => of_ldap(entry, now),
    };
    Ok(AccountState { problem })
}

pub(crate) fn number(entry: &Entry, name: &str) -> Option<i64> {
    entry.text(name)?.trim().parse().ok()
}

/// Without the flags nobody knows whether the account is disabled: then it is not taken for one
/// that is enabled.
fn of_active_directory(
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<AccountProblem>, DirectoryError> {
    let flags = number(entry, "userAccountControl").ok_or_else(|| {
        let text = "the entry has no userAccountControl, or the account may not read it";
        DirectoryError::NotAccepted(text.to_owned())
    })?;
    if flags & ACCOUNT_DISABLED != 0 {
        return Ok(Some(AccountProblem::Disabled));
    }
    // 0 and the highest number mean never.
    let expires = number(entry, "accountExpires").filter(|at| *at > 0 && *at != i64::MAX);
    let seconds = expires.map(|at| at / STEPS_PER_SECOND - SECONDS_BEFORE_1970);
    if seconds.is_some_and(|at| at <= now.seconds()) {
        return Ok(Some(AccountProblem::Expired));
    }
    if number(entry, "pwdLastSet") == Some(0) {
        return Ok(Some(AccountProblem::MustChangePassword));
    }
    let is_too_old = number(entry, COMPUTED).unwrap_or_default() & PASSWORD_EXPIRED != 0;
    let is_checked = flags & PASSWORD_NEVER_EXPIRES == 0;
    Ok((is_too_old && is_checked).then_some(AccountProblem::PasswordExpired))
}

/// OpenLDAP's password policy, 389 Directory Server, `FreeIPA`, and accounts of Unix (RFC 2307).
fn of_ldap(entry: &Entry, now: Timestamp) -> Option<AccountProblem> {
    let is_true = |name| entry.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    // This time means that an administrator has locked it. Any other is that of the last wrong
    // passwords, and passes: it must sign nobody out.
    let is_locked = entry.text("pwdAccountLockedTime").is_some_and(|at| at == "000001010000Z");
    if is_locked || is_true("nsAccountLock") {
        return Some(AccountProblem::Disabled);
    }
    let days = number(entry, "shadowExpire").filter(|days| *days >= 0);
    if days.is_some_and(|days| days.saturating_mul(SECONDS_PER_DAY) <= now.seconds()) {
        return Some(AccountProblem::Expired);
    }
    let time = |name| entry.text(name).and_then(generalized_time::parse);
    if [END, KERBEROS_END].into_iter().filter_map(time).any(|end| end <= now) {
        return Some(AccountProblem::Expired);
    }
    if time(START).is_some_and(|start| start > now) {
        return Some(AccountProblem::NotNow);
    }
    is_true("pwdReset").then_some(AccountProblem::MustChangePassword)
}

/// What a directory says to a bind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BindAnswer<'a> {
    /// The result code (RFC 4511 section 4.1.9).
    pub(crate) code: u32,
    /// The diagnostic message.
    pub(crate) text: &'a str,
    /// The error of the password policy, if the server sends one
    /// (draft-behera-ldap-password-policy section 6.2).
    pub(crate) policy: Option<u8>,
}

impl BindAnswer<'_> {
    /// Whether the password is right, and can be used.
    pub(crate) fn check(&self) -> Result<(), DirectoryError> {
        match (self.code, self.policy) {
            (0, Some(CHANGE_AFTER_RESET)) => {
                Err(DirectoryError::Account(AccountProblem::MustChangePassword))
            }
            (0, _) => Ok(()),
            (INVALID_CREDENTIALS, Some(POLICY_PASSWORD_EXPIRED)) => {
                Err(DirectoryError::Account(AccountProblem::PasswordExpired))
            }
            (INVALID_CREDENTIALS, _) => Err(self.of_sub_code()),
            // Some servers say so about accounts without a password, or that are locked, and about
            // names that can't be anybody's.
            (NO_SUCH_OBJECT | INVALID_NAME | INAPPROPRIATE_AUTHENTICATION | UNWILLING, _) => {
                Err(DirectoryError::WrongPassword)
            }
            (BUSY | UNAVAILABLE, _) => Err(DirectoryError::Unavailable(self.told())),
            // A policy may answer so to guesses, too (19 is one's): whatever it is, it counts.
            _ => {
                let answer = self.told();
                tracing::warn!(answer, "a directory refuses a password with an unusual code");
                Err(DirectoryError::WrongPassword)
            }
        }
    }

    /// The code and the message, for logs and operators.
    pub(crate) fn told(&self) -> String {
        told(self.code, self.text)
    }

    /// Active Directory says more in the message: `…, data 533, v2580`. It does so of 532, 533, 701
    /// and 773 only where the password is right.
    fn of_sub_code(&self) -> DirectoryError {
        let code = self.text.split(", ").find_map(|part| part.strip_prefix("data "));
        let problem = match code.map(str::trim) {
            Some("530" | "531") => AccountProblem::NotNow,
            Some("532") => AccountProblem::PasswordExpired,
            Some("533") => AccountProblem::Disabled,
            Some("701") => AccountProblem::Expired,
            Some("773") => AccountProblem::MustChangePassword,
            // 775 is a locked account. It is told to guessers, too, and so means nothing.
            _ => return DirectoryError::WrongPassword,
        };
        DirectoryError::Account(problem)
    }
}

const INVALID_CREDENTIALS: u32 = 49;
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_NAME: u32 = 34;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;
const UNWILLING: u32 = 53;
const POLICY_PASSWORD_EXPIRED: u8 = 0;
const CHANGE_AFTER_RESET: u8 = 2;

/// The longest message of a directory that is shown or logged, in characters.
const LONGEST_TOLD: usize = 300;

/// A result code and what the directory says to it, on one line.
pub(crate) fn told(code: u32, text: &str) -> String {
    let text: String = text.chars().filter(|one| !one.is_control()).take(LONGEST_TOLD).collect();
    if text.is_empty() {
        format!("result code {code}")
    } else {
        format!("result code {code}: {text}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn of(kind: DirectoryKind, attributes: &[(&str, &str)]) -> Option<AccountProblem> {
        let values: Vec<_> = attributes.iter().map(|(_, value)| [value.as_bytes()]).collect();
        let owned: Vec<_> = attributes
            .iter()
            .zip(&values)
            .map(|((name, _), values)| (*name, &values[..]))
            .collect();
        of_kind(kind, &Entry::with("cn=a", &owned), NOW).unwrap().problem
    }

    /// Attributes as domain controllers send them.
    #[test]
    fn active_directory_says_it_by_flags_and_times() {
        let of = |attributes: &[(&str, &str)]| of(DirectoryKind::ActiveDirectory, attributes);
        let usual = [
            ("userAccountControl", "512"),
            ("accountExpires", "9223372036854775807"),
            ("pwdLastSet", "133500000000000000"),
            (COMPUTED, "0"),
        ];
        assert_eq!(of(&usual), None);
        assert_eq!(of(&[("userAccountControl", "514")]), Some(AccountProblem::Disabled));
        assert_eq!(of(&[("userAccountControl", "66050")]), Some(AccountProblem::Disabled));
        let with = |attribute: (&str, &str)| of(&[usual[0], attribute]);
        assert_eq!(with(("accountExpires", "0")), None, "never");
        // 1,800,000,000 seconds after 1970, and a second later.
        let expired = Some(AccountProblem::Expired);
        assert_eq!(with(("accountExpires", "134444736000000000")), expired);
        assert_eq!(with(("accountExpires", "134444736010000000")), None);
        assert_eq!(with(("pwdLastSet", "0")), Some(AccountProblem::MustChangePassword));
        let expired = (COMPUTED, "8388608");
        let never = ("userAccountControl", "66048");
        assert_eq!(with(expired), Some(AccountProblem::PasswordExpired));
        assert_eq!(of(&[expired, never]), None);
        assert_eq!(with((COMPUTED, "16")), None, "locked by guesses: it passes");
        assert_eq!(with(("accountExpires", "x")), None);
    }

    #[test]
    fn without_its_flags_an_account_of_active_directory_is_not_enabled() {
        let active_directory = DirectoryKind::ActiveDirectory;
        for flags in [&[][..], &[("userAccountControl", &[&b"x"[..]][..])]] {
            let of = of_kind(active_directory, &Entry::with("cn=a", flags), NOW);
            assert!(matches!(of, Err(DirectoryError::NotAccepted(_))), "{of:?}");
        }
    }

    #[test]
    fn ldap_says_it_by_the_password_policy() {
        let of = |attributes: &[(&str, &str)]| of(DirectoryKind::Ldap, attributes);
        assert_eq!(of(&[]), None);
        let locked = ("pwdAccountLockedTime", "000001010000Z");
        assert_eq!(of(&[locked]), Some(AccountProblem::Disabled));
        assert_eq!(of(&[("pwdAccountLockedTime", "20261129120000Z")]), None, "by guesses");
        assert_eq!(of(&[("nsAccountLock", "TRUE")]), Some(AccountProblem::Disabled));
        assert_eq!(of(&[("pwdReset", "TRUE")]), Some(AccountProblem::MustChangePassword));
        assert_eq!(of(&[("pwdReset", "FALSE")]), None);
        assert_eq!(of(&[("shadowExpire", "20833")]), Some(AccountProblem::Expired));
        assert_eq!(of(&[("shadowExpire", "20834")]), None);
        assert_eq!(of(&[("shadowExpire", "-1")]), None, "never");
        // NOW, and a second later.
        for name in ["pwdEndTime", "krbPrincipalExpiration"] {
            assert_eq!(of(&[(name, "20270115080000Z")]), Some(AccountProblem::Expired), "{name}");
            assert_eq!(of(&[(name, "20270115080001Z")]), None, "{name}");
            assert_eq!(of(&[(name, "20200101000000Z")]), Some(AccountProblem::Expired), "{name}");
        }
        assert_eq!(of(&[("pwdStartTime", "20270115080001Z")]), Some(AccountProblem::NotNow));
        assert_eq!(of(&[("pwdStartTime", "20270115080000Z")]), None);
    }

    /// Messages as domain controllers send them.
    #[test]
    fn active_directory_says_more_in_the_message() {
        let bind = |data: &str| {
            let text = format!(
                "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data \
                 {data}, v4563\0"
            );
            BindAnswer { code: 49, text: &text, policy: None }.check().unwrap_err()
        };
        for (data, problem) in [
            ("530", AccountProblem::NotNow),
            ("531", AccountProblem::NotNow),
            ("532", AccountProblem::PasswordExpired),
            ("533", AccountProblem::Disabled),
            ("701", AccountProblem::Expired),
            ("773", AccountProblem::MustChangePassword),
        ] {
            assert_eq!(bind(data), DirectoryError::Account(problem), "{data}");
        }
        for data in ["52e", "525", "775", "", "5330"] {
            assert_eq!(bind(data), DirectoryError::WrongPassword, "{data}");
        }
    }

    #[test]
    fn result_codes_say_whether_it_was_the_password() {
        let bind = |code, policy| BindAnswer { code, text: "no\nmore", policy }.check();
        let account = |problem| Err(DirectoryError::Account(problem));
        assert_eq!(bind(0, None), Ok(()));
        assert_eq!(bind(0, Some(2)), account(AccountProblem::MustChangePassword));
        assert_eq!(bind(49, Some(0)), account(AccountProblem::PasswordExpired));
        assert_eq!(bind(49, Some(1)), Err(DirectoryError::WrongPassword), "locked");
        for code in [1, 13, 19, 32, 34, 48, 49, 53, 80] {
            assert_eq!(bind(code, None), Err(DirectoryError::WrongPassword), "{code}");
        }
        let unavailable = DirectoryError::Unavailable("result code 52: nomore".to_owned());
        assert_eq!(bind(52, None), Err(unavailable));
    }
}
