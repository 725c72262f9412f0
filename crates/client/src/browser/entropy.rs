//! `crypto.getRandomValues` (Web Cryptography section 10.1.1). It does not need a secure context.

use rand::{TryRng as _, rngs::SysRng};

use crate::ports::{Entropy, EntropyError};

/// The browser's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(buffer).map_err(|_| EntropyError)
    }
}
