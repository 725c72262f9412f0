//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, steps of 30 seconds, and one step of
//! tolerance to either side. Every app knows these values, and many no others.

use std::fmt;

use totp_rs::{Builder, Secret, Totp};
use url::form_urlencoded::byte_serialize;

use crate::model::time::{Entropy, Timestamp};

/// Bytes of the shared secret: 160 bits, as RFC 4226 section 4 recommends.
const LENGTH: usize = 20;

/// The secret that the provider and an app share. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; LENGTH]);

impl TotpSecret {
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut secret = [0; LENGTH];
        secret.copy_from_slice(&entropy.bytes()[..LENGTH]);
        Self(secret)
    }

    /// Takes one out of the store; `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, to be encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The time step of a code that is right now, or was a step ago, or will be; `None` if the code
    /// is wrong. Each step must be accepted once only.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let is_code = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit());
        let seconds = u64::try_from(now.seconds()).ok()?;
        let step = is_code.then(|| self.totp()?.check(&digits, seconds)).flatten()?;
        i64::try_from(step).ok()
    }

    /// The code of this moment.
    pub fn code_at(&self, now: Timestamp) -> Option<String> {
        let seconds = u64::try_from(now.seconds()).ok()?;
        self.totp().map(|totp| totp.generate(seconds).to_string())
    }

    /// In the form in which people type it into an app: base32 in groups of four.
    pub fn shown(&self) -> String {
        let base32 = self.base32();
        let groups: Vec<&str> = base32
            .as_bytes()
            .chunks(4)
            .filter_map(|group| std::str::from_utf8(group).ok())
            .collect();
        groups.join(" ")
    }

    /// The address that an app reads from a QR code (the de-facto standard `otpauth:`). A colon
    /// parts issuer and account, so neither has one.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let encoded = |text: &str| {
            // Some apps show a plus sign as it is.
            byte_serialize(text.replace(':', " ").as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let (issuer, account) = (encoded(issuer), encoded(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    fn base32(&self) -> String {
        Secret::new_stack(self.0).to_base32()
    }

    fn totp(&self) -> Option<Totp> {
        // The defaults are those of the module's documentation; the tests hold them.
        Builder::new().with_secret(Secret::new_stack(self.0)).build().ok()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rfc_secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// RFC 6238 appendix B, the last six of its eight digits.
    #[test]
    fn the_codes_of_the_rfc_are_right() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc_secret().code_at(at(seconds)).as_deref(), Some(code));
            assert_eq!(rfc_secret().step_of(code, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn one_step_to_either_side_is_tolerated() {
        let (secret, now) = (rfc_secret(), 1_800_000_015);
        let code = |steps: i64| secret.code_at(at(now + 30 * steps)).unwrap();
        for (steps, is_right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = secret.step_of(&code(steps), at(now));
            assert_eq!(step, is_right.then_some(now / 30 + steps), "{steps}");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let (secret, now) = (rfc_secret(), at(59));
        assert_eq!(secret.step_of(" 287 082 ", now), Some(1));
        for wrong in ["", "287083", "28708", "2870820", "０87082", "-28708", "+28708", "28708\u{0}"]
        {
            assert_eq!(secret.step_of(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_gets_the_secret_in_base32() {
        assert_eq!(rfc_secret().shown(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            rfc_secret().uri("op.example:8443", "zoë@example.com"),
            "otpauth://totp/op.example%208443:zo%C3%AB%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=op.example%208443"
        );
        assert_eq!(format!("{:?}", rfc_secret()), "TotpSecret(redacted)");
    }
}
