//! Files and folders that only this user may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Gives a file the owner of another file or folder. This matters only for root, whose commands
/// would otherwise leave files that the server's user can't open. Failure is no error: other users
/// may not give files away, and need not.
pub fn adopt_owner(path: &Path, like: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, lchown};
        // The folder's owner may put a link in the file's place: then the link alone is given away.
        let (Ok(own), Ok(other)) = (fs::symlink_metadata(path), fs::metadata(like)) else { return };
        if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
            let _ = lchown(path, Some(other.uid()), Some(other.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, like);
}

/// The folder of a file.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder, and those above it, for this user only, or for the owner of the folder above.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    adopt_owner(folder, folder_of(folder));
    Ok(())
}

/// Writes a temporary file and links it to `path`, so that the file is never seen half-written and
/// never replaced. `unique` separates processes that do this at the same time; the first one's file
/// stays.
pub fn create(path: &Path, text: &str, unique: &str) -> io::Result<()> {
    let (beside, written) = write_beside(path, text, unique)?;
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    fs::remove_file(&beside)?;
    linked?;
    sync_folder(path)
}

/// Writes a temporary file and puts it in the place of `path`, so that the file is never seen
/// half-written. `unique` is drawn at random: it separates processes that do this at the same time,
/// the last one's file stays, and nobody can put a link in the way.
pub fn replace(path: &Path, text: &str, unique: &str) -> io::Result<()> {
    let (beside, written) = write_beside(path, text, unique)?;
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_folder(path)
}

/// Writes a temporary file for this user only, or for the owner of the folder. Whatever became of
/// the text, the file is there.
fn write_beside(path: &Path, text: &str, unique: &str) -> io::Result<(PathBuf, io::Result<()>)> {
    let beside = path.with_extension(format!("{unique}.tmp"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    adopt_owner(&beside, folder_of(path));
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    Ok((beside, written))
}

/// Syncs the file's folder, so that the names in it survive a power failure.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// Whether the file is a file, no link, that its owner alone may read and change.
#[cfg(unix)]
pub fn is_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::symlink_metadata(path)?;
    Ok(metadata.is_file() && metadata.permissions().mode().trailing_zeros() >= 6)
}

/// Whether the file is a file, no link. Who may read it is unknown on this system.
#[cfg(not(unix))]
pub fn is_private(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_file())
}

/// Whether any user of this machine may read the file.
#[cfg(unix)]
pub fn readable_by_everyone(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

/// Whether any user of this machine may read the file: unknown on this system.
#[cfg(not(unix))]
pub fn readable_by_everyone(_path: &Path) -> bool {
    false
}

/// The owner of a file that belongs neither to root nor to the user of this process, nor to the
/// user who called it by `sudo`. `None` also where the system does not tell.
#[cfg(unix)]
pub fn owner_of_another(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = fs::metadata(path).ok()?.uid();
    let own = fs::metadata("/proc/self").ok()?.uid();
    let caller = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    is_of_another(owner, own, caller).then_some(owner)
}

/// Who owns a file is not known on this system.
#[cfg(not(unix))]
pub fn owner_of_another(_path: &Path) -> Option<u32> {
    None
}

/// `caller` is who called by `sudo`; only root can be told so.
#[cfg(unix)]
fn is_of_another(owner: u32, own: u32, caller: Option<u32>) -> bool {
    const ROOT: u32 = 0;
    let is_callers = own == ROOT && caller == Some(owner);
    owner != ROOT && owner != own && !is_callers
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_trusted_if_its_owner_is_root_oneself_or_who_called_sudo() {
        assert!(!is_of_another(0, 1000, None));
        assert!(!is_of_another(1000, 1000, None));
        assert!(!is_of_another(1000, 0, Some(1000)));
        assert!(is_of_another(1000, 0, None));
        assert!(is_of_another(1001, 0, Some(1000)));
        assert!(is_of_another(1001, 1000, Some(1001)), "anybody can set the variable");
    }

    #[test]
    fn a_file_in_the_way_is_not_written_to_and_a_file_for_others_is_not_private() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("a.json"), folder.path().join("target"));
        symlink(&target, folder.path().join("a.known.tmp")).unwrap();
        assert!(replace(&path, "secret", "known").is_err());
        assert!(!target.exists(), "nothing is written through the link");
        replace(&path, "secret", "other").unwrap();
        replace(&path, "newer", "third").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert!(is_private(&path).unwrap());
        for mode in [0o640, 0o602, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(!is_private(&path).unwrap(), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, &target).unwrap();
        assert!(!is_private(&target).unwrap());
    }
}
