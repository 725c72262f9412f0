//! The device cookie: it shows that a browser has signed an account in before, so that guesses from
//! elsewhere do not lock the owner out (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies").
//!
//! Its value is 16 random bytes and 16 bytes of a MAC over them, the user and the password hash,
//! under a key derived from the master key. So nothing is stored, every process knows every cookie,
//! and a new password ends all earlier ones: with a thief's password go the thief's cookies. It is
//! no credential: with it, guesses are counted for this browser and not for the account or its
//! address.

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, time::Seconds};
use subtle::ConstantTimeEq as _;

use crate::model::{
    password::PasswordHash, throttle::ThrottleKey, time::Entropy, token_handle::TokenHandle,
    user::User,
};

/// Bytes of the random part, and of the MAC.
const HALF: usize = 16;

/// How long a browser keeps the cookie, counted from the last sign-in: a year.
pub const LIFETIME: Seconds = Seconds::new(365 * 86_400);

/// What follows the password in the message of a cookie that was given for a link.
const BY_LINK: &[u8] = b"\0set by a link";

/// A browser that is known for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownBrowser {
    /// What failures in it are counted for.
    pub(crate) key: ThrottleKey,
    /// Whether the user has signed in with it. Otherwise a password was set in it by a link.
    pub(crate) has_signed_in: bool,
}

/// Makes and recognises device cookies.
#[derive(Debug)]
pub(crate) struct DeviceCookies(hmac::Key);

impl DeviceCookies {
    /// Takes a key that serves nothing else.
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// A new cookie for a browser in which this user has just signed in.
    pub(crate) fn issue(&self, user: &User, entropy: &dyn Entropy) -> TokenHandle {
        self.issue_for(user, &[], entropy)
    }

    /// A new cookie for a browser in which a password of this user was set by a link. It is known
    /// to the throttle, and nobody has signed in with it.
    pub(crate) fn issue_by_link(&self, user: &User, entropy: &dyn Entropy) -> TokenHandle {
        self.issue_for(user, BY_LINK, entropy)
    }

    fn issue_for(&self, user: &User, how: &[u8], entropy: &dyn Entropy) -> TokenHandle {
        let bytes = entropy.bytes();
        let random = &bytes[..HALF];
        let value = [random, &self.mac(random, user, how)].concat();
        TokenHandle::parse(&base64url::encode(value))
    }

    /// The browser of this cookie; `None` if the cookie is not one for this user.
    pub(crate) fn recognise(&self, cookie: &TokenHandle, user: &User) -> Option<KnownBrowser> {
        let value = base64url::decode(cookie.expose()).ok()?;
        let (random, mac) = value.split_at_checked(HALF)?;
        let is = |how: &[u8]| bool::from(self.mac(random, user, how).ct_eq(mac));
        let (has_signed_in, by_link) = (is(&[]), is(BY_LINK));
        let key = ThrottleKey::device(random);
        (has_signed_in || by_link).then_some(KnownBrowser { key, has_signed_in })
    }

    fn mac(&self, random: &[u8], user: &User, how: &[u8]) -> [u8; HALF] {
        // The random part has a fixed length, and neither a sub nor a hash has a zero byte: so the
        // parts can't be shifted into each other.
        let password = user.password_hash.as_ref().map_or("", PasswordHash::as_str);
        let message = [random, user.sub.as_bytes(), &[0], password.as_bytes(), how].concat();
        let mut half = [0; HALF];
        half.copy_from_slice(&hmac::sign(&self.0, &message).as_ref()[..HALF]);
        half
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::time::SystemEntropy;

    fn cookies(key: u8) -> DeviceCookies {
        DeviceCookies::new(hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]))
    }

    fn user(sub: &str, password: &str) -> User {
        User {
            sub: sub.parse().unwrap(),
            username: sub.to_owned(),
            password_hash: Some(PasswordHash::stored(format!("$argon2id${password}")).unwrap()),
            enabled: true,
            claims: std::sync::Arc::default(),
            groups: std::sync::Arc::default(),
            mapped: std::sync::Arc::default(),
        }
    }

    #[test]
    fn a_cookie_is_recognised_for_its_user_password_and_key_only() {
        let alice = user("alice", "1");
        let cookie = cookies(1).issue(&alice, &SystemEntropy);
        assert_eq!(cookie.expose().len(), 43);
        assert!(cookies(1).recognise(&cookie, &alice).is_some());
        assert_eq!(cookies(1).recognise(&cookie, &user("bob", "1")), None);
        assert_eq!(cookies(1).recognise(&cookie, &user("alice", "2")), None);
        assert_eq!(cookies(2).recognise(&cookie, &alice), None);
        for forged in ["", "A", "AAAAAAAAAAAAAAAAAAAAAA", "not base64url!"] {
            assert_eq!(cookies(1).recognise(&TokenHandle::parse(forged), &alice), None);
        }
    }

    #[test]
    fn a_cookie_for_a_link_shows_no_sign_in() {
        let alice = user("alice", "1");
        let of = |cookie: &TokenHandle| cookies(1).recognise(cookie, &alice).unwrap();
        assert!(of(&cookies(1).issue(&alice, &SystemEntropy)).has_signed_in);
        let by_link = cookies(1).issue_by_link(&alice, &SystemEntropy);
        assert!(!of(&by_link).has_signed_in);
        assert_eq!(cookies(1).recognise(&by_link, &user("alice", "2")), None);
    }

    #[test]
    fn each_browser_is_counted_by_itself() {
        let alice = user("alice", "1");
        let [one, other] = [(); 2].map(|()| cookies(1).issue(&alice, &SystemEntropy));
        let key = |cookie| cookies(1).recognise(cookie, &alice);
        assert_ne!(key(&one), key(&other));
    }
}
