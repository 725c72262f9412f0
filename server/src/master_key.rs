//! The master key: from the setting or from its file, which is made at the first start and which only this user may read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use doorward_protocol::{base64url, secret::Secret};
use doorward_provider::{keys::MasterKey, time::Entropy};

use crate::{config::MasterKeySource, private_file};

/// The master key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file can't be read or made.
    #[error("{}: the master key can't be read or made there: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Others may read the file.
    #[error("{}: every user of this machine may read the master key: chmod 600 it", path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// The content is no key.
    #[error("{}: not a master key: it must be 32 bytes as 43 base64url characters", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The database has keys that another master key encrypted.
    #[error(
        "{}: the master key is missing, but the database has signing keys that it encrypted: put the file back, or copy it from another process on this database", path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
}

/// Gets the key. A missing file is made unless `keys_exist`: then the signing keys in the database need the lost one.
pub fn obtain(source: &MasterKeySource, keys_exist: bool, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyError> {
    let path = match source {
        MasterKeySource::Setting(key) => return parse(key, Path::new("store.master_key")),
        MasterKeySource::File(path) => path,
    };
    let failed = |reason| MasterKeyError::Io { path: path.clone(), reason };
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && keys_exist => {
            Err(MasterKeyError::Lost { path: path.clone() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("{}\n", base64url::encode(entropy.bytes()));
            private_file::create(path, &text, &base64url::encode(&entropy.bytes()[..8])).map_err(failed)?;
            // Another process may have been faster: what counts is what is in the file now.
            obtain_from(path)
        }
        Err(error) => Err(failed(error)),
        Ok(_) => obtain_from(path),
    }
}

fn obtain_from(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let text = read(path).map_err(|reason| MasterKeyError::Io { path: path.to_owned(), reason })?;
    if readable_by_everyone(path) {
        return Err(MasterKeyError::Public { path: path.to_owned() });
    }
    parse(&text, path)
}

fn parse(text: &Secret, path: &Path) -> Result<MasterKey, MasterKeyError> {
    MasterKey::parse(text.expose()).map_err(|_| MasterKeyError::Malformed { path: path.to_owned() })
}

fn read(path: &Path) -> io::Result<Secret> {
    fs::read_to_string(path).map(Secret::new)
}

#[cfg(unix)]
fn readable_by_everyone(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn readable_by_everyone(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_provider::time::SystemEntropy;

    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_missing_file_is_made_once_and_for_this_user_only() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        let source = MasterKeySource::File(path.clone());
        let first = obtain(&source, false, &SystemEntropy).unwrap();
        let sealed = first.seal("kid", b"private").unwrap();
        let second = obtain(&source, true, &SystemEntropy).unwrap();
        assert_eq!(second.unseal("kid", &sealed).unwrap(), b"private");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_that_is_needed_is_not_made_anew() {
        let folder = TempDir::new().unwrap();
        let source = MasterKeySource::File(folder.path().join("doorward.key"));
        assert!(matches!(obtain(&source, true, &SystemEntropy), Err(MasterKeyError::Lost { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        private_file::create(&path, "hunter2", "a").unwrap();
        let error = obtain(&MasterKeySource::File(path), false, &SystemEntropy).unwrap_err();
        assert!(matches!(error, MasterKeyError::Malformed { .. }));
        assert!(!error.to_string().contains("hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everyone_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        let source = MasterKeySource::File(path.clone());
        obtain(&source, false, &SystemEntropy).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(obtain(&source, false, &SystemEntropy), Err(MasterKeyError::Public { .. })));
    }
}
