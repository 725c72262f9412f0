//! Password hashes that other systems made. They are verified here until their owner signs in, and
//! are then replaced by a hash of ours.
//!
//! The store keeps each in PHC form, so that all hashes have the same five parts:
//!
//! ```text
//! $pbkdf2-sha512$v=1$i=210000,l=64$SALT$HASH     also -sha1 and -sha256 (RFC 8018); l in bytes
//! $scrypt$v=1$ln=15,r=8,p=1$SALT$HASH            RFC 7914; ln is the logarithm of N
//! $firebase-scrypt$v=1$ln=14,r=8,p=1$SALT$HASH   Firebase's form of it
//! $bcrypt$v=98$r=12$SALT$HASH                    salt and hash in bcrypt's own alphabet
//! ```

mod firebase;

use std::num::NonZeroU32;

use argon2::password_hash::phc;
use aws_lc_rs::pbkdf2;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use doorward_protocol::secret::Secret;
use subtle::ConstantTimeEq as _;

pub use self::firebase::FirebaseHashes;
use super::{PasswordError, PasswordHash};

/// The most iterations of a PBKDF2 hash: some 0.5 s of work.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The most memory of a scrypt hash, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 128 << 20;
/// The highest logarithm of N; with it, r is 1.
const MAX_SCRYPT_LOG_N: u32 = 20;
/// The most passes of a scrypt hash.
const MAX_SCRYPT_PASSES: u32 = 8;
/// The highest cost of a bcrypt hash: some 1 s of work.
const MAX_BCRYPT_COST: u32 = 14;
/// Characters of salt and hash of bcrypt.
const BCRYPT_SALT: usize = 22;
const BCRYPT_HASH: usize = 31;

/// The hash function below PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pbkdf2Digest {
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Pbkdf2Digest {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The algorithm in PHC form.
    fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "pbkdf2-sha1",
            Self::Sha256 => "pbkdf2-sha256",
            Self::Sha512 => "pbkdf2-sha512",
        }
    }

    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name() == name)
    }
}

impl PasswordHash {
    /// A PBKDF2 hash (RFC 8018 section 5.2) of 10 to 64 bytes, with a salt of 8 to 48 bytes.
    pub fn pbkdf2(
        digest: Pbkdf2Digest,
        iterations: u32,
        salt: &[u8],
        hash: &[u8],
    ) -> Result<Self, PasswordError> {
        let cost = format!("{}$v=1$i={iterations},l={}", digest.name(), hash.len());
        Self::of_parts(&cost, salt, hash)
    }

    /// A hash of Argon2id version 1.3 (RFC 9106): memory in KiB, passes, lanes.
    pub fn argon2id(
        (memory, passes, lanes): (u32, u32, u32),
        salt: &[u8],
        hash: &[u8],
    ) -> Result<Self, PasswordError> {
        Self::of_parts(&format!("argon2id$v=19$m={memory},t={passes},p={lanes}"), salt, hash)
    }

    fn of_parts(cost: &str, salt: &[u8], hash: &[u8]) -> Result<Self, PasswordError> {
        let salt = phc::Salt::new(salt).map_err(|_| PasswordError::NotAHash)?.to_salt_string();
        let hash = phc::Output::new(hash).map_err(|_| PasswordError::NotAHash)?;
        Self::parse(&format!("${cost}${salt}${hash}"))
    }

    /// Reads a hash as another system wrote it: ours, bcrypt (`$2b$…`), Django's forms, or the
    /// base64 of ASP.NET Core Identity (versions 2 and 3).
    pub fn parse_foreign(text: &str) -> Result<Self, PasswordError> {
        let text = text.trim();
        match text.split_once('$') {
            None => aspnet_identity(text),
            Some(("", _)) => Self::parse(text),
            Some((algorithm, rest)) => django(algorithm, rest),
        }
    }
}

/// Reads a foreign hash in PHC form, or in bcrypt's, and checks its cost. Returns what the store
/// keeps.
pub(super) fn parse(text: &str) -> Result<String, PasswordError> {
    let algorithm = text.split('$').nth(1).unwrap_or_default();
    match algorithm {
        "2a" | "2b" | "2x" | "2y" => modular_bcrypt(text),
        "bcrypt" => Bcrypt::read(text).map(|_| text.to_owned()),
        "scrypt" | "firebase-scrypt" => Scrypt::read(text).map(|_| text.to_owned()),
        _ => Pbkdf2::read(text).map(|_| text.to_owned()),
    }
}

/// Whether the store may hold a hash that begins like this.
pub(super) fn is_known(text: &str) -> bool {
    let algorithm = text.split('$').nth(1).unwrap_or_default();
    matches!(algorithm, "bcrypt" | "scrypt" | "firebase-scrypt")
        || Pbkdf2Digest::parse(algorithm).is_some()
}

/// Whether the hash is of this password.
pub(super) fn verify(text: &str, password: &Secret) -> bool {
    let bytes = password.expose().as_bytes();
    match text.split('$').nth(1) {
        Some("bcrypt") => Bcrypt::read(text).is_ok_and(|hash| hash.verify(password)),
        Some("scrypt") => Scrypt::read(text).is_ok_and(|hash| hash.verify(bytes)),
        Some("firebase-scrypt") => Scrypt::read(text).is_ok_and(|hash| hash.verify_firebase(bytes)),
        _ => Pbkdf2::read(text).is_ok_and(|hash| hash.verify(bytes)),
    }
}

/// A hash of no password, of this cost (`$ALGORITHM$v=…$COST`).
pub(super) fn decoy(cost: &str) -> String {
    if cost.starts_with("$bcrypt$") {
        return format!("{cost}${}${}", ".".repeat(BCRYPT_SALT), ".".repeat(BCRYPT_HASH));
    }
    let length = cost.rsplit_once(",l=").and_then(|(_, length)| length.parse().ok()).unwrap_or(32);
    let hash = phc::Output::new(&vec![0; length]).map(|hash| hash.to_string());
    format!("{cost}${}${}", "A".repeat(22), hash.unwrap_or_default())
}

/// `$2b$12$` and 53 characters, as bcrypt's own functions write it.
fn modular_bcrypt(text: &str) -> Result<String, PasswordError> {
    let mut parts = text.split('$').skip(2);
    let (cost, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (salt, hash) = rest.split_at_checked(BCRYPT_SALT).ok_or(PasswordError::NotAHash)?;
    let cost: u32 = cost.parse().map_err(|_| PasswordError::NotAHash)?;
    let text = format!("$bcrypt$v=98$r={cost}${salt}${hash}");
    if parts.next().is_some() {
        return Err(PasswordError::NotAHash);
    }
    Bcrypt::read(&text).map(|_| text.clone())
}

/// The forms of Django's hashers: `pbkdf2_sha256$ITERATIONS$SALT$BASE64`, `argon2$` or `bcrypt$`
/// before the hash of that algorithm.
fn django(algorithm: &str, rest: &str) -> Result<PasswordHash, PasswordError> {
    let digest = match algorithm {
        "argon2" | "bcrypt" => {
            return PasswordHash::parse(&format!("${}", rest.trim_start_matches('$')));
        }
        "pbkdf2_sha256" => Pbkdf2Digest::Sha256,
        "pbkdf2_sha1" => Pbkdf2Digest::Sha1,
        _ => return Err(PasswordError::NotAHash),
    };
    let mut parts = rest.split('$');
    let (Some(iterations), Some(salt), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(PasswordError::NotAHash);
    };
    let iterations = iterations.parse().map_err(|_| PasswordError::NotAHash)?;
    let hash = BASE64.decode(hash).map_err(|_| PasswordError::NotAHash)?;
    PasswordHash::pbkdf2(digest, iterations, salt.as_bytes(), &hash)
}

/// Base64 of a byte that names the version, and what it is followed by. Version 2: a salt of 16
/// bytes and 32 bytes of PBKDF2 with SHA-1 after 1,000 iterations. Version 3: three numbers of four
/// bytes, big-endian (function, iterations, length of the salt), salt and hash.
fn aspnet_identity(text: &str) -> Result<PasswordHash, PasswordError> {
    const V2_SALT: usize = 16;
    let bytes = BASE64.decode(text).map_err(|_| PasswordError::NotAHash)?;
    let (version, rest) = bytes.split_first().ok_or(PasswordError::NotAHash)?;
    if *version == 0 {
        let (salt, hash) = rest.split_at_checked(V2_SALT).ok_or(PasswordError::NotAHash)?;
        return PasswordHash::pbkdf2(Pbkdf2Digest::Sha1, 1000, salt, hash);
    }
    let number = |index: usize| {
        let bytes = rest.get(index * 4..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let (1, Some(function), Some(iterations), Some(length)) =
        (*version, number(0), number(1), number(2))
    else {
        return Err(PasswordError::NotAHash);
    };
    let digest = usize::try_from(function).ok().and_then(|index| Pbkdf2Digest::ALL.get(index));
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let parts = rest.get(12..).and_then(|rest| rest.split_at_checked(length));
    let (Some(digest), Some((salt, hash))) = (digest, parts) else {
        return Err(PasswordError::NotAHash);
    };
    PasswordHash::pbkdf2(*digest, iterations, salt, hash)
}

struct Pbkdf2 {
    digest: Pbkdf2Digest,
    iterations: NonZeroU32,
    salt: phc::Salt,
    hash: phc::Output,
}

impl Pbkdf2 {
    fn read(text: &str) -> Result<Self, PasswordError> {
        let (read, salt, hash) = phc_parts(text)?;
        let digest = Pbkdf2Digest::parse(read.algorithm.as_str()).ok_or(PasswordError::NotAHash)?;
        let length = usize::try_from(parameter(&read, "l")?).unwrap_or_default();
        let iterations = NonZeroU32::new(parameter(&read, "i")?).ok_or(PasswordError::NotAHash)?;
        if length != hash.len() {
            return Err(PasswordError::NotAHash);
        }
        if iterations.get() > MAX_ITERATIONS {
            return Err(PasswordError::TooCostly);
        }
        Ok(Self { digest, iterations, salt, hash })
    }

    fn verify(&self, password: &[u8]) -> bool {
        let (algorithm, hash) = (self.digest.algorithm(), self.hash.as_bytes());
        pbkdf2::verify(algorithm, self.iterations, &self.salt, password, hash).is_ok()
    }
}

struct Scrypt {
    params: scrypt::Params,
    salt: phc::Salt,
    hash: phc::Output,
}

impl Scrypt {
    fn read(text: &str) -> Result<Self, PasswordError> {
        let (read, salt, hash) = phc_parts(text)?;
        let (log_n, r, p) =
            (parameter(&read, "ln")?, parameter(&read, "r")?, parameter(&read, "p")?);
        // 128 · r · N bytes (RFC 7914 section 2).
        let is_small = log_n <= MAX_SCRYPT_LOG_N
            && (128 * u64::from(r)) << log_n <= MAX_SCRYPT_MEMORY
            && p <= MAX_SCRYPT_PASSES;
        if !is_small {
            return Err(PasswordError::TooCostly);
        }
        let log_n = u8::try_from(log_n).map_err(|_| PasswordError::TooCostly)?;
        let params = scrypt::Params::new(log_n, r, p).map_err(|_| PasswordError::NotAHash)?;
        Ok(Self { params, salt, hash })
    }

    fn verify(&self, password: &[u8]) -> bool {
        let mut computed = vec![0; self.hash.len()];
        scrypt::scrypt(password, &self.salt, &self.params, &mut computed).is_ok()
            && bool::from(computed.ct_eq(self.hash.as_bytes()))
    }
}

impl Scrypt {
    /// Whether the hash is the stream of the password's key.
    fn verify_firebase(&self, password: &[u8]) -> bool {
        let mut key = [0; 32];
        scrypt::scrypt(password, &self.salt, &self.params, &mut key).is_ok()
            && firebase::key_stream(&key, self.hash.len())
                .is_some_and(|stream| stream.ct_eq(self.hash.as_bytes()).into())
    }
}

/// The hash as bcrypt's own functions write it.
struct Bcrypt(String);

impl Bcrypt {
    fn read(text: &str) -> Result<Self, PasswordError> {
        let rest = text.strip_prefix("$bcrypt$v=98$r=").ok_or(PasswordError::NotAHash)?;
        let mut parts = rest.split('$');
        let (Some(cost), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PasswordError::NotAHash);
        };
        let is_of_the_alphabet = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
        };
        if salt.len() != BCRYPT_SALT || hash.len() != BCRYPT_HASH {
            return Err(PasswordError::NotAHash);
        }
        if !is_of_the_alphabet(salt) || !is_of_the_alphabet(hash) {
            return Err(PasswordError::NotAHash);
        }
        match cost.parse::<u32>() {
            Ok(4..=MAX_BCRYPT_COST) => {}
            Ok(15..=31) => return Err(PasswordError::TooCostly),
            _ => return Err(PasswordError::NotAHash),
        }
        Ok(Self(format!("$2b${cost:0>2}${salt}{hash}")))
    }

    /// bcrypt itself takes the first 72 bytes of a password.
    fn verify(&self, password: &Secret) -> bool {
        bcrypt::verify(password.expose(), &self.0).unwrap_or(false)
    }
}

fn phc_parts(text: &str) -> Result<(phc::PasswordHash, phc::Salt, phc::Output), PasswordError> {
    let read = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?;
    match (read.version, read.salt, read.hash) {
        (Some(1), Some(salt), Some(hash)) => Ok((read, salt, hash)),
        _ => Err(PasswordError::NotAHash),
    }
}

fn parameter(read: &phc::PasswordHash, name: &str) -> Result<u32, PasswordError> {
    read.params.get_decimal(name).ok_or(PasswordError::NotAHash)
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
