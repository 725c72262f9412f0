//! A whole and consistent copy of the database, while others read and write it.
//!
//! The pages are copied as they are, in one read transaction: quicker than to write the database
//! anew (`VACUUM INTO`), so that the log, which can't be cut while anybody reads, grows less. The
//! copy has another name until it is complete and on the disk.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::open::{self, OpenError};

/// How long the copy waits for another process's lock, each time.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it then tries again.
const ATTEMPTS: u32 = 12;

/// Copies the database into a file that must not be there.
pub(super) fn copy(path: &Path, target: &Path) -> Result<(), OpenError> {
    let refuse = |reason: String| OpenError::Inaccessible { path: target.to_owned(), reason };
    let source = open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, BUSY_TIMEOUT)?;
    open::refuse_what_is_not_ours(path, &source)?;
    if target.symlink_metadata().is_ok() {
        return Err(refuse("there is a file already".to_owned()));
    }
    let partial = partial_name(target);
    // What an interrupted backup left behind.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(refuse(error.to_string()));
        }
        _ => {}
    }
    open::create_file(&partial)?;
    let copied = copy_pages(&source, &partial, target)
        .and_then(|()| put_in_place(&partial, target).map_err(|error| refuse(error.to_string())));
    if copied.is_err() {
        // The first failure is the one to report.
        let _ = fs::remove_file(&partial);
    }
    copied
}

/// The target's name and `.partial`, as bytes: the name need not be UTF-8.
fn partial_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(target);
    name.push(".partial");
    name.into()
}

fn copy_pages(source: &Connection, partial: &Path, target: &Path) -> Result<(), OpenError> {
    let mut copy = open::connect(partial, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY_TIMEOUT)?;
    // An interrupted copy is thrown away, so it needs no journal of its own.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        .map_err(open::cause(target))?;
    let backup = Backup::new(source, &mut copy).map_err(open::cause(target))?;
    for _ in 0..ATTEMPTS {
        match backup.step(-1).map_err(open::cause(target))? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(BUSY_TIMEOUT / ATTEMPTS),
        }
    }
    Err(OpenError::Locked { path: target.to_owned() })
}

/// Gives the complete copy its name, once its content is on the disk.
fn put_in_place(partial: &Path, target: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, target)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) { File::open(folder.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}
