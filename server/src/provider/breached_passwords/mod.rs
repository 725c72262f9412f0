//! Lists of passwords that were published in data breaches.

mod file;
mod range;

use std::{fmt::Write as _, sync::Arc};

use doorward_provider::use_case::new_password::{BreachedPasswords, NoBreachedPasswords};

pub use self::file::BreachedPasswordsFile;
use self::range::BreachedPasswordsRange;
use crate::config::BreachedPasswordsConfig;

/// The list of the configuration. `trusted` are certification authorities (DER) beside the
/// machine's.
pub fn open(
    config: &BreachedPasswordsConfig,
    trusted: &[Vec<u8>],
) -> Result<Arc<dyn BreachedPasswords>, reqwest::Error> {
    Ok(match config {
        BreachedPasswordsConfig::None => Arc::new(NoBreachedPasswords),
        BreachedPasswordsConfig::File(path) => Arc::new(BreachedPasswordsFile::new(path.clone())),
        BreachedPasswordsConfig::Url(url) => {
            Arc::new(BreachedPasswordsRange::new(url.clone(), trusted)?)
        }
    })
}

/// A hash as the lists write it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
