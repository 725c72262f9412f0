//! Nonces for proofs (RFC 9449 sections 8 and 9): they show that a proof was made lately, whatever
//! the client's clock says. It needs the feature `verify`.
//!
//! A nonce is a MAC over the number of the present period, under a secret of the server.
//! So nothing is stored, every process with the secret makes and knows the same nonces, and nobody
//! else can make one beforehand.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;

use crate::base64url;

/// How long a nonce is handed out, in seconds. It is accepted as long again, so that a client can
/// use what it just got.
const STRETCH: i64 = 120;

/// Makes and recognises the nonces of one server. Times are seconds since 1970 (UTC).
///
/// ```
/// use doorward_protocol::dpop::Nonces;
///
/// let nonces = Nonces::new(b"thirty-two bytes or more of chance");
/// let nonce = nonces.current(1_200);
/// assert!(nonces.accepts(&nonce, 1_300));
/// assert!(!nonces.accepts(&nonce, 1_500));
/// ```
#[derive(Debug, Clone)]
pub struct Nonces(hmac::Key);

impl Nonces {
    /// Under this secret, which serves nothing else: 32 bytes or more that nobody can guess.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The nonce to hand out now.
    pub fn current(&self, now: i64) -> String {
        self.of(stretch(now))
    }

    /// Whether a nonce is that of now or of just before; or of just after, from a process whose
    /// clock is ahead.
    pub fn accepts(&self, nonce: &str, now: i64) -> bool {
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

fn stretch(now: i64) -> i64 {
    now.div_euclid(STRETCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces(secret: u8) -> Nonces {
        Nonces::new(&[secret; 32])
    }

    #[test]
    fn a_nonce_counts_for_two_stretches_of_time() {
        let own = nonces(1);
        let nonce = own.current(1200);
        for seconds in [1200, 1319, 1320, 1439, 1199, 1080] {
            assert!(own.accepts(&nonce, seconds), "{seconds}");
        }
        for seconds in [1440, 1079, 0] {
            assert!(!own.accepts(&nonce, seconds), "{seconds}");
        }
        assert_eq!(nonce, nonces(1).current(1319), "every process makes the same");
    }

    #[test]
    fn another_secrets_nonce_counts_nothing() {
        assert!(!nonces(1).accepts(&nonces(2).current(1200), 1200));
        assert!(!nonces(1).accepts("", 1200));
    }
}
