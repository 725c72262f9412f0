//! A bounded share of the processors for a process, by a control group of Linux (either version;
//! needs the rights of root).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Failure;

/// The share is given in turns of this length, in microseconds.
const TURN: u32 = 10_000;

/// A control group, removed when dropped; its processes must have ended by then.
pub struct Share(PathBuf);

impl Share {
    /// A group of this name whose processes have this many hundredths of a core together.
    pub fn of_core(name: &str, hundredths: u32) -> Result<Self, Failure> {
        let quota = TURN / 100 * hundredths;
        let root = Path::new("/sys/fs/cgroup");
        let version_1 = root.join("cpu");
        let parent = if version_1.is_dir() { &version_1 } else { root };
        let group = Self(parent.join(format!("doorward-bench-{}-{name}", std::process::id())));
        fs::create_dir(&group.0)?;
        if version_1.is_dir() {
            fs::write(group.0.join("cpu.cfs_period_us"), TURN.to_string())?;
            fs::write(group.0.join("cpu.cfs_quota_us"), quota.to_string())?;
        } else {
            fs::write(group.0.join("cpu.max"), format!("{quota} {TURN}"))?;
        }
        Ok(group)
    }

    /// Puts a process into the group.
    pub fn hold(&self, process: u32) -> Result<(), Failure> {
        Ok(fs::write(self.0.join("cgroup.procs"), process.to_string())?)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
