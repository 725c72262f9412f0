//! The master key: from the setting, or from its file. The first start makes the file; only this
//! user may read it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use doorward_protocol::{base64url, secret::Secret};
use doorward_provider::{
    keys::MasterKey,
    model::{signing_key::StoredKey, time::Entropy},
};

use crate::{
    config::MasterKeySource,
    private_file::{self, readable_by_everyone},
};

/// The master key can't be used.
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
    /// The content is not a key.
    #[error("{}: not a master key: it must be 32 bytes as 43 base64url characters", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// An earlier change of the key was interrupted, and now another key is given.
    #[error(
        "{}: another new master key is there from a change that was interrupted: run the command \
         without a key file to go on, or remove the file", path.display()
    )]
    OtherPrepared {
        /// The file.
        path: PathBuf,
    },
    /// The file is gone, but the database has keys that it encrypted.
    #[error(
        "{}: the master key is missing, but the database has signing keys that it encrypted: put \
         the file back, or copy it from another process on this database", path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
}

/// Gets the key that opens these signing keys. A missing file is made only if there are no signing
/// keys, since they need the lost one. If a change of the master key was interrupted after the
/// database had changed, it is finished.
pub fn obtain(
    source: &MasterKeySource,
    keys: &[StoredKey],
    entropy: &dyn Entropy,
) -> Result<MasterKey, MasterKeyError> {
    let path = match source {
        MasterKeySource::Setting(key) => return parse(key, Path::new("store.master_key")),
        MasterKeySource::File(path) => path,
    };
    let keys_exist = !keys.is_empty();
    if keys_exist
        && obtain_from(&next(path)).is_ok_and(|next| keys.iter().all(|key| key.opens_with(&next)))
    {
        take_over(path)?;
    }
    let failed = |reason| MasterKeyError::Io { path: path.clone(), reason };
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && keys_exist => {
            Err(MasterKeyError::Lost { path: path.clone() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("{}\n", base64url::encode(entropy.bytes()));
            private_file::create(path, &text, &base64url::encode(&entropy.bytes()[..8]))
                .map_err(failed)?;
            // Another process may have been faster, so the file is read again.
            obtain_from(path)
        }
        Err(error) => Err(failed(error)),
        Ok(_) => obtain_from(path),
    }
}

/// The key that opens these signing keys, as it lies there: nothing is made or moved.
pub fn look(source: &MasterKeySource, keys: &[StoredKey]) -> Result<MasterKey, MasterKeyError> {
    let path = match source {
        MasterKeySource::Setting(key) => return parse(key, Path::new("store.master_key")),
        MasterKeySource::File(path) => path,
    };
    if let Ok(next) = obtain_from(&next(path))
        && keys.iter().all(|key| key.opens_with(&next))
    {
        return Ok(next);
    }
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(MasterKeyError::Lost { path: path.clone() })
        }
        _ => obtain_from(path),
    }
}

/// Makes the next key in a file beside the present one's, with this text if one is given. A key
/// that was prepared before and not taken over is used again, so two commands at the same time
/// can't encrypt with two keys.
pub fn prepare(
    path: &Path,
    given: Option<&Secret>,
    entropy: &dyn Entropy,
) -> Result<MasterKey, MasterKeyError> {
    let path = next(path);
    let generated = Secret::new(base64url::encode(entropy.bytes()));
    let wanted = given.unwrap_or(&generated);
    parse(wanted, &path)?;
    let line = format!("{}\n", wanted.expose().trim());
    private_file::create(&path, &line, &base64url::encode(&entropy.bytes()[..8]))
        .map_err(|reason| MasterKeyError::Io { path: path.clone(), reason })?;
    let prepared =
        read(&path).map_err(|reason| MasterKeyError::Io { path: path.clone(), reason })?;
    if given.is_some_and(|given| given.expose().trim() != prepared.expose().trim()) {
        return Err(MasterKeyError::OtherPrepared { path });
    }
    obtain_from(&path)
}

/// Replaces the present key by the prepared one, and keeps the old one beside it; returns where. At
/// any time one of the files holds the key that the database needs.
pub fn take_over(path: &Path) -> Result<PathBuf, MasterKeyError> {
    let failed = |reason| MasterKeyError::Io { path: path.to_owned(), reason };
    let old =
        (1..1000).map(|number| beside(path, &format!("old-{number}"))).find(|old| !old.exists());
    let old = old.unwrap_or_else(|| beside(path, "old"));
    match fs::hard_link(path, &old).and_then(|()| fs::rename(next(path), path)) {
        // Another process has done it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.exists() => {}
        outcome => outcome.map_err(failed)?,
    }
    private_file::sync_folder(path).map_err(failed)?;
    Ok(old)
}

/// The file of the next key.
fn next(path: &Path) -> PathBuf {
    beside(path, "new")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    path.with_file_name(name)
}

/// Reads a key that an operator made.
pub fn read_given(path: &Path) -> Result<Secret, MasterKeyError> {
    let text = read(path).map_err(|reason| MasterKeyError::Io { path: path.to_owned(), reason })?;
    parse(&text, path).map(|_| text)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::jose::SigningAlgorithm;
    use doorward_provider::model::time::{SystemEntropy, Timestamp};
    use tempfile::TempDir;

    use super::*;

    fn other_key() -> MasterKey {
        MasterKey::from_bytes(&[7; 32]).unwrap()
    }

    /// A signing key that this master key encrypted.
    fn key_of(master: &MasterKey) -> StoredKey {
        StoredKey {
            kid: "kid".to_owned(),
            algorithm: SigningAlgorithm::Es256,
            activates_at: Timestamp::from_seconds(0),
            sealed: master.seal("kid", b"private").unwrap(),
        }
    }

    /// A change of the key may end at any point: before and after the database took it over there
    /// is a key for it.
    #[test]
    fn an_interrupted_change_of_the_key_is_usable_at_each_point() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        let source = MasterKeySource::File(path.clone());
        let old = obtain(&source, &[], &SystemEntropy).unwrap();
        let before = key_of(&old);
        let new = prepare(&path, None, &SystemEntropy).unwrap();
        // Interrupted before the database took it over: the old key counts, and the prepared one is
        // used again.
        assert!(
            before.opens_with(
                &obtain(&source, std::slice::from_ref(&before), &SystemEntropy).unwrap()
            )
        );
        let after = before.resealed(&old, &new).unwrap();
        assert!(after.opens_with(&prepare(&path, None, &SystemEntropy).unwrap()));
        assert!(!before.opens_with(&new) && !after.opens_with(&old));
        // Interrupted after that: the next start finishes it.
        assert!(
            after.opens_with(
                &obtain(&source, std::slice::from_ref(&after), &SystemEntropy).unwrap()
            )
        );
        assert!(!next(&path).exists());
        assert!(
            after.opens_with(
                &obtain(&source, std::slice::from_ref(&after), &SystemEntropy).unwrap()
            )
        );
        let kept = obtain_from(&beside(&path, "old-1")).unwrap();
        assert!(before.opens_with(&kept), "for older copies of the database");
    }

    #[test]
    fn a_given_key_is_taken_unless_another_one_waits() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        obtain(&MasterKeySource::File(path.clone()), &[], &SystemEntropy).unwrap();
        let given = Secret::new(base64url::encode([7; 32]));
        assert!(matches!(
            prepare(&path, Some(&Secret::new("hunter2")), &SystemEntropy),
            Err(MasterKeyError::Malformed { .. })
        ));
        let prepared = prepare(&path, Some(&given), &SystemEntropy).unwrap();
        assert!(key_of(&other_key()).opens_with(&prepared));
        let another = Secret::new(base64url::encode([8; 32]));
        let refused = prepare(&path, Some(&another), &SystemEntropy).unwrap_err();
        assert!(matches!(refused, MasterKeyError::OtherPrepared { .. }), "{refused}");
    }

    #[test]
    fn a_missing_file_is_made_once_and_for_this_user_only() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        let source = MasterKeySource::File(path.clone());
        let first = obtain(&source, &[], &SystemEntropy).unwrap();
        let sealed = first.seal("kid", b"private").unwrap();
        let second = obtain(&source, &[key_of(&first)], &SystemEntropy).unwrap();
        assert_eq!(second.unseal("kid", &sealed).unwrap(), b"private");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside the key"
        );
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
        assert!(matches!(
            obtain(&source, &[key_of(&other_key())], &SystemEntropy),
            Err(MasterKeyError::Lost { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("doorward.key");
        private_file::create(&path, "hunter2", "a").unwrap();
        let error = obtain(&MasterKeySource::File(path), &[], &SystemEntropy).unwrap_err();
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
        obtain(&source, &[], &SystemEntropy).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(obtain(&source, &[], &SystemEntropy), Err(MasterKeyError::Public { .. })));
    }
}
