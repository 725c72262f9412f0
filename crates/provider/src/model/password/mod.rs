//! Password hashes: Argon2id (RFC 9106), and until their owner signs in those of other systems.

mod foreign;

use std::fmt;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use doorward_protocol::secret::Secret;
use unicode_normalization::UnicodeNormalization as _;

pub use self::foreign::{FirebaseHashes, Pbkdf2Digest};

/// A hash in PHC string form, with its salt and parameters. It is Argon2id, or what another system
/// made by PBKDF2, scrypt, bcrypt or as Firebase does. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password could not be hashed or a hash not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The text is not a hash that can be verified here.
    #[error("not a hash that is known: $argon2id$…, $2b$…, $pbkdf2-sha256$… or $scrypt$…")]
    NotAHash,
    /// More than 1,024 bytes.
    #[error("a password must have 1 to 1024 bytes")]
    Length,
    /// More work than the server does for one sign-in.
    #[error(
        "the hash needs more work than one sign-in may take (Argon2id: {MAX_MEMORY} KiB of memory, \
         {MAX_PASSES} passes, {MAX_LANES} lanes; PBKDF2: 2000000 iterations; scrypt: 128 MiB, 8 \
         passes; bcrypt: cost 14)"
    )]
    TooCostly,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hashing,
}

/// The most memory of a hash that is imported, in KiB.
pub const MAX_MEMORY: u32 = 131_072;
/// The most passes of a hash that is imported.
pub const MAX_PASSES: u32 = 10;
/// The most lanes of a hash that is imported.
pub const MAX_LANES: u32 = 8;
/// How the hashes begin that are made here.
const OURS: &str = "$argon2id$";
/// The cost of the hashes that are made here.
const DEFAULT_COST: &str = "$argon2id$v=19$m=19456,t=2,p=1";

/// The longest password in bytes. Longer ones are refused before they are hashed.
pub const LONGEST_PASSWORD: usize = 1024;

impl PasswordHash {
    /// Hashes a password with a fresh salt: Argon2id, 19 MiB, 2 passes, 1 lane (the OWASP
    /// baseline). Takes about 20 ms.
    pub fn compute(password: &Secret) -> Result<Self, PasswordError> {
        let prepared = prepared(password);
        let bytes = prepared.expose().as_bytes();
        if bytes.is_empty() || password.expose().len().max(bytes.len()) > LONGEST_PASSWORD {
            return Err(PasswordError::Length);
        }
        let hash: phc::PasswordHash =
            Argon2::default().hash_password(bytes).map_err(|_| PasswordError::Hashing)?;
        Ok(Self(hash.to_string()))
    }

    /// Reads a hash in PHC form, or bcrypt's. Argon2id is accepted within [`MAX_MEMORY`],
    /// [`MAX_PASSES`] and [`MAX_LANES`], the others within bounds of their own: whoever signs in
    /// makes the server compute it.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if !text.starts_with(OURS) {
            return foreign::parse(text).map(Self);
        }
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?;
        let bounded =
            |name: &str, most: u32| hash.params.get_decimal(name).is_none_or(|value| value <= most);
        if bounded("m", MAX_MEMORY) && bounded("t", MAX_PASSES) && bounded("p", MAX_LANES) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordError::TooCostly)
        }
    }

    /// The part of the hash that says how much work it is: algorithm, version and parameters.
    pub fn cost(&self) -> &str {
        // $ALGORITHM$v=…$COST$SALT$HASH
        let cost = self.0.rsplitn(3, '$').nth(2);
        cost.unwrap_or_default()
    }

    /// Whether the hash was made with other parameters than [`PasswordHash::compute`] uses.
    pub fn is_outdated(&self) -> bool {
        self.cost() != DEFAULT_COST
    }

    /// A hash of no password that is as much work as those that are made here.
    pub(crate) fn usual_decoy() -> Self {
        Self(foreign::decoy(DEFAULT_COST))
    }

    /// A hash of no password that is as much work as this one.
    #[must_use]
    pub fn decoy(&self) -> Self {
        Self(foreign::decoy(self.cost()))
    }

    /// A hash that the store kept and that was read with care before it went there; it is looked at
    /// here by its beginning only.
    pub fn stored(text: String) -> Result<Self, PasswordError> {
        let is_known = text.starts_with(OURS) || foreign::is_known(&text);
        if is_known { Ok(Self(text)) } else { Err(PasswordError::NotAHash) }
    }

    /// The PHC string, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the password is the one that was hashed, however its accents are written. As typed
    /// it counts, too: hashes from before passwords were prepared are of that form.
    pub fn verify(&self, password: &Secret) -> bool {
        let prepared = prepared(password);
        self.verify_bytes(&prepared) || (prepared != *password && self.verify_bytes(password))
    }

    fn verify_bytes(&self, password: &Secret) -> bool {
        let bytes = password.expose().as_bytes();
        if bytes.len() > LONGEST_PASSWORD {
            return false;
        }
        if !self.0.starts_with(OURS) {
            return foreign::verify(&self.0, password);
        }
        phc::PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok())
    }
}

/// The form in which passwords are hashed (RFC 8265 section 4.2, OpaqueString): other spaces are
/// the ASCII space, and characters are in Unicode's composed form (NFC).
pub(crate) fn prepared(password: &Secret) -> Secret {
    let with_ascii_spaces =
        password.expose().chars().map(|letter| if is_other_space(letter) { ' ' } else { letter });
    Secret::new(with_ascii_spaces.nfc().collect::<String>())
}

/// Whether this is a space (general category Zs) beside the ASCII one.
fn is_other_space(letter: char) -> bool {
    matches!(
        letter,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hashes_verify_and_differ_by_salt() {
        let password = Secret::new("correct horse");
        let (one, two) =
            (PasswordHash::compute(&password).unwrap(), PasswordHash::compute(&password).unwrap());
        assert_ne!(one, two);
        assert!(one.verify(&password) && two.verify(&password));
        assert!(!one.verify(&Secret::new("wrong horse")));
        assert_eq!(PasswordHash::parse(one.as_str()).unwrap(), one);
        assert!(!format!("{one:?}").contains("argon2"));
    }

    #[test]
    fn verifies_however_accents_and_spaces_are_written() {
        let (composed, decomposed) =
            (Secret::new("caf\u{e9} au lait"), Secret::new("cafe\u{301}\u{a0}au lait"));
        for set in [&composed, &decomposed] {
            let hash = PasswordHash::compute(set).unwrap();
            assert!(hash.verify(&composed) && hash.verify(&decomposed));
            assert!(!hash.verify(&Secret::new("cafe au lait")));
        }
        // A hash of the bytes as they were typed, as earlier versions made it.
        let bytes = decomposed.expose().as_bytes();
        let earlier: phc::PasswordHash = Argon2::default().hash_password(bytes).unwrap();
        let earlier = PasswordHash::parse(&earlier.to_string()).unwrap();
        assert!(earlier.verify(&decomposed));
    }

    #[test]
    fn hashes_that_cost_too_much_are_refused() {
        let hash = |cost: &str| {
            let text = format!("$argon2id$v=19${cost}${}${}", "A".repeat(22), "A".repeat(43));
            PasswordHash::parse(&text).map(|hash| hash.is_outdated())
        };
        assert_eq!(hash("m=19456,t=2,p=1"), Ok(false));
        assert_eq!(hash("m=4096,t=1,p=1"), Ok(true));
        assert_eq!(hash("m=131072,t=10,p=8"), Ok(true));
        for cost in ["m=131073,t=1,p=1", "m=4096,t=11,p=1", "m=4096,t=1,p=9"] {
            assert_eq!(hash(cost), Err(PasswordError::TooCostly), "{cost}");
        }
    }

    #[test]
    fn hashes_made_here_are_not_outdated_and_a_decoy_costs_what_its_model_costs() {
        let made = PasswordHash::compute(&Secret::new("a")).unwrap();
        assert!(!made.is_outdated());
        assert_eq!(PasswordHash::usual_decoy(), made.decoy());
        let text = format!("$argon2id$v=19$m=4096,t=1,p=1${}${}", "A".repeat(22), "E".repeat(43));
        let imported = PasswordHash::parse(&text).unwrap();
        assert_eq!(imported.decoy().cost(), imported.cost());
        assert!(PasswordHash::parse(imported.decoy().as_str()).is_ok());
    }

    #[test]
    fn refuses_other_hashes_and_lengths() {
        for text in ["plain", "", "$", "$argon2i$v=19$m=4096,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"]
        {
            assert_eq!(PasswordHash::parse(text), Err(PasswordError::NotAHash), "{text}");
        }
        assert_eq!(PasswordHash::compute(&Secret::new("")), Err(PasswordError::Length));
        assert_eq!(
            PasswordHash::compute(&Secret::new("x".repeat(1025))),
            Err(PasswordError::Length)
        );
    }
}
