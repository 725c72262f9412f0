//! Who must sign in with a second factor, and the cookie by which a browser is remembered for it.

use aws_lc_rs::hmac;
use doorward_protocol::base64url;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::model::{
    factor::FactorSummary,
    time::{Entropy, Seconds, Timestamp},
    token_handle::TokenHandle,
    user::User,
};

/// The settings of second factors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondFactorSettings {
    /// Who must have one.
    pub require: RequireSecondFactor,
    /// For how long a browser is remembered, if its user asks for that; zero: never.
    pub remember: Seconds,
    /// Other origins that may use the passkeys of this provider (Web Authentication Level 3 section
    /// 5.11).
    pub related_origins: Vec<String>,
}

/// `require_second_factor`: who must sign in with a second factor. Who has none sets one up at the
/// next sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequireSecondFactor {
    /// Nobody: it is each user's choice.
    #[default]
    Never,
    /// Users with the role `admin`.
    Admins,
    /// Everybody.
    Always,
}

impl RequireSecondFactor {
    /// Whether this user must have one.
    pub fn applies_to(self, user: &User) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Admins => user.has_role("admin"),
        }
    }
}

/// Why a sign-in needs two factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Required {
    /// The settings ask for it.
    pub by_setting: bool,
    /// The client's request, or the setting of the client, asks for it: in this very sign-in.
    pub by_request: bool,
}

/// What stands between a right password and a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondStep {
    /// Nothing.
    None,
    /// The user shows a second factor.
    Show,
    /// The user sets a second factor up, because one is required and there is none.
    SetUp,
}

impl SecondStep {
    /// Decides for a user with these factors, in a browser that is remembered or not. A password
    /// alone must not add an authenticator app to an account that has a passkey: a thief of the
    /// password would do so.
    pub fn decide(factors: FactorSummary, required: Required, remembered: bool) -> Self {
        if factors.totp_since.is_some() {
            return if remembered && !required.by_request { Self::None } else { Self::Show };
        }
        match (required.by_setting || required.by_request, factors.is_strong()) {
            (false, _) => Self::None,
            (true, true) => Self::Show,
            (true, false) => Self::SetUp,
        }
    }
}

/// Bytes of the part that is not the MAC, and of the MAC.
const HALF: usize = 16;
/// Of the first half, this many are random; the others are the timestamp.
const RANDOM: usize = 8;

/// Makes and recognises the cookies of browsers that are remembered for the second factor.
///
/// A value is 8 random bytes, the timestamp of its issue, and 16 bytes of a MAC over both, the
/// user, the password hash and the moment when the authenticator app was set up. So nothing is
/// stored, and another password or another app ends all earlier ones.
#[derive(Debug)]
pub(crate) struct RememberedBrowsers(hmac::Key);

impl RememberedBrowsers {
    /// Takes a key that serves nothing else.
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// A cookie for a browser in which this user has just shown the app that was set up then.
    pub(crate) fn issue(
        &self,
        user: &User,
        totp_since: Timestamp,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> TokenHandle {
        let issued_at = now.seconds().to_be_bytes();
        let first = [&entropy.bytes()[..RANDOM], &issued_at].concat();
        let mac = self.mac(&first, user, totp_since);
        TokenHandle::parse(&base64url::encode([first.as_slice(), &mac].concat()))
    }

    /// Whether the cookie is one for this user and app, and no older than `lifetime`.
    pub(crate) fn recognises(
        &self,
        cookie: &TokenHandle,
        user: &User,
        totp_since: Timestamp,
        lifetime: Seconds,
        now: Timestamp,
    ) -> bool {
        let Ok(value) = base64url::decode(cookie.expose()) else { return false };
        let Some((first, mac)) = value.split_at_checked(HALF) else { return false };
        let Ok(issued_at) = first[RANDOM..].try_into().map(i64::from_be_bytes) else {
            return false;
        };
        let is_ours: bool = self.mac(first, user, totp_since).ct_eq(mac).into();
        let age = now.since(Timestamp::from_seconds(issued_at));
        is_ours && (0..i64::from(lifetime)).contains(&age)
    }

    fn mac(&self, first: &[u8], user: &User, totp_since: Timestamp) -> [u8; HALF] {
        // Both numbers have a fixed length, and no sub has a zero byte: so the parts can't be
        // shifted into each other.
        let since = totp_since.seconds().to_be_bytes();
        let password = user.password_hash.as_ref().map_or("", |hash| hash.as_str()).as_bytes();
        let message = [first, &since, user.sub.as_bytes(), &[0], password].concat();
        let mut half = [0; HALF];
        half.copy_from_slice(&hmac::sign(&self.0, &message).as_ref()[..HALF]);
        half
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::ids::Sub;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{password::PasswordHash, time::SystemEntropy};

    fn user(sub: &str, password: &str, role: Value) -> User {
        let mut user = User {
            sub: Sub::parse(sub).unwrap(),
            username: sub.to_owned(),
            password_hash: PasswordHash::stored(format!("$argon2id${password}")).ok(),
            enabled: true,
            claims: std::sync::Arc::default(),
            groups: std::sync::Arc::default(),
            mapped: std::sync::Arc::default(),
        };
        user.claims_mut().insert("role".to_owned(), role);
        user
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_role_admin_makes_an_admin() {
        for (role, expected) in [
            (json!("admin"), true),
            (json!(["user", "admin"]), true),
            (json!(["user", "administrator"]), false),
            (json!("user"), false),
            (json!(7), false),
        ] {
            let user = user("alice", "1", role.clone());
            assert_eq!(RequireSecondFactor::Admins.applies_to(&user), expected, "{role}");
            assert!(RequireSecondFactor::Always.applies_to(&user));
            assert!(!RequireSecondFactor::Never.applies_to(&user));
        }
    }

    #[test]
    fn the_second_step_depends_on_what_there_is_and_what_is_required() {
        let with_app = FactorSummary { totp_since: Some(at(1)), ..FactorSummary::default() };
        let with_passkey = FactorSummary { passkeys: 1, ..FactorSummary::default() };
        let without = FactorSummary::default();
        let no = Required::default();
        let setting = Required { by_setting: true, ..no };
        let request = Required { by_request: true, ..no };
        for (factors, required, remembered, expected) in [
            (without, no, false, SecondStep::None),
            (without, setting, false, SecondStep::SetUp),
            (without, request, true, SecondStep::SetUp),
            (with_app, no, false, SecondStep::Show),
            (with_app, no, true, SecondStep::None),
            (with_app, setting, true, SecondStep::None),
            (with_app, request, true, SecondStep::Show),
            (with_passkey, no, false, SecondStep::None),
            (with_passkey, setting, true, SecondStep::Show),
        ] {
            let step = SecondStep::decide(factors, required, remembered);
            assert_eq!(step, expected, "{factors:?} {required:?} {remembered}");
        }
    }

    #[test]
    fn a_browser_is_remembered_for_one_user_password_and_app_for_some_time() {
        let browsers = RememberedBrowsers::new(hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]));
        let others = RememberedBrowsers::new(hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]));
        let alice = user("alice", "1", json!("user"));
        let cookie = browsers.issue(&alice, at(7), at(1000), &SystemEntropy);
        assert_eq!(cookie.expose().len(), 43);
        let known = |user: &User, app, now| {
            browsers.recognises(&cookie, user, at(app), Seconds::new(100), at(now))
        };
        assert!(known(&alice, 7, 1000) && known(&alice, 7, 1099));
        assert!(!known(&alice, 7, 1100), "too old");
        assert!(!known(&alice, 7, 999), "from the future");
        assert!(!known(&alice, 8, 1000), "another app");
        assert!(!known(&user("alice", "2", json!("user")), 7, 1000), "another password");
        assert!(!known(&user("bob", "1", json!("user")), 7, 1000));
        assert!(!others.recognises(&cookie, &alice, at(7), Seconds::new(100), at(1000)));
        for forged in ["", "A", "AAAAAAAAAAAAAAAAAAAAAA", "not base64url!"] {
            let forged = TokenHandle::parse(forged);
            assert!(!browsers.recognises(&forged, &alice, at(7), Seconds::new(100), at(1000)));
        }
    }
}
