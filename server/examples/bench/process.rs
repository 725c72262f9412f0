//! What the operating system tells about a process.

use std::fs;

use crate::Failure;

/// A process by its number.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Processor time that it took so far, in microseconds, by a clock of 100 ticks a second.
    pub fn processor_microseconds(self) -> Result<u64, Failure> {
        const MICROSECONDS_A_TICK: u64 = 10_000;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name of the process, the second field, may have spaces in it but ends with the last
        // parenthesis.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let [user, system] = [fields.get(11), fields.get(12)]
            .map(|field| field.and_then(|ticks| ticks.parse::<u64>().ok()));
        Ok((user.ok_or("no utime")? + system.ok_or("no stime")?) * MICROSECONDS_A_TICK)
    }

    /// Resident memory now.
    pub fn resident_megabytes(self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }
}
