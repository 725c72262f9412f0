//! Nonces for proofs (RFC 9449 section 8): they show that a proof was made lately, whatever the
//! client's clock says.
//!
//! A nonce is a MAC over the number of the present stretch of time, under a key derived from the
//! master key. So nothing is stored, every process makes and knows the same nonces, and nobody else
//! can make one beforehand.

use aws_lc_rs::hmac;
use doorward_protocol::base64url;
use subtle::ConstantTimeEq as _;

use crate::model::time::Timestamp;

/// How long a nonce is handed out, in seconds. It is accepted as long again, so that a client can
/// use what it just got.
const STRETCH: i64 = 120;

/// Makes and recognises nonces.
#[derive(Debug)]
pub(crate) struct Nonces(hmac::Key);

impl Nonces {
    /// Under this key, which serves nothing else.
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The nonce to hand out now.
    pub(crate) fn current(&self, now: Timestamp) -> String {
        self.of(stretch(now))
    }

    /// Whether a nonce is that of now or of just before; or of just after, from a process whose
    /// clock is ahead.
    pub(crate) fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let present = stretch(now);
        (-1..=1).fold(false, |accepted, offset| {
            let known = self.of(present.saturating_add(offset));
            accepted | bool::from(known.as_bytes().ct_eq(nonce.as_bytes()))
        })
    }

    fn of(&self, stretch: i64) -> String {
        base64url::encode(hmac::sign(&self.0, &stretch.to_be_bytes()))
    }
}

fn stretch(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STRETCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces(key: u8) -> Nonces {
        Nonces::new(hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]))
    }

    #[test]
    fn a_nonce_counts_for_two_stretches_of_time() {
        let (at, own) = (|seconds| Timestamp::from_seconds(seconds), nonces(1));
        let nonce = own.current(at(1200));
        for seconds in [1200, 1319, 1320, 1439, 1199, 1080] {
            assert!(own.accepts(&nonce, at(seconds)), "{seconds}");
        }
        for seconds in [1440, 1079, 0] {
            assert!(!own.accepts(&nonce, at(seconds)), "{seconds}");
        }
        assert_eq!(nonce, nonces(1).current(at(1319)), "every process makes the same");
    }

    #[test]
    fn another_keys_nonce_counts_nothing() {
        let now = Timestamp::from_seconds(1200);
        assert!(!nonces(1).accepts(&nonces(2).current(now), now));
        assert!(!nonces(1).accepts("", now));
    }
}
