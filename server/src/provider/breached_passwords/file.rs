//! A file of SHA-1 hashes, one a line and sorted, as haveibeenpwned.com offers it: 40 hexadecimal
//! digits, and perhaps a colon and a number. The file may have 40 GB, so it is searched where it
//! lies: some 35 reads for a password.

use std::{
    cmp::Ordering,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use doorward_provider::use_case::new_password::{BreachedPasswords, Sha1};

use super::hex;

/// Characters of a hash.
const HASH_LENGTH: usize = 40;
/// The longest line in bytes; longer ones are no lines of such a file.
const LONGEST_LINE: u64 = 128;

/// A sorted file of hashes.
#[derive(Debug, Clone)]
pub struct BreachedPasswordsFile(PathBuf);

impl BreachedPasswordsFile {
    /// The file at this path. It is opened for each search, so that it can be replaced by a newer
    /// one while the server runs.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Looks at the first and the last lines. The text says what is wrong.
    pub fn check(path: &Path) -> Result<(), String> {
        let unreadable = |error: io::Error| format!("the file can't be read: {error}");
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut first = None;
        let samples = [0, length / 4, length / 2, length / 4 * 3];
        for sample in samples.into_iter().filter(|sample| *sample < length) {
            let Some((_, hash)) = line_from(&mut file, sample, length).map_err(unreadable)? else {
                continue;
            };
            let is_hash = hash.len() == HASH_LENGTH && hash.bytes().all(|c| c.is_ascii_hexdigit());
            if !is_hash {
                return Err("a line is not a SHA-1 hash of 40 hexadecimal digits: take the list \
                            \"SHA-1, ordered by hash\" of haveibeenpwned.com"
                    .to_owned());
            }
            if first.as_ref().is_some_and(|first| *first > hash) {
                return Err("the lines are not in the order of their hashes: sort them".to_owned());
            }
            first = Some(hash);
        }
        first.map(|_| ()).ok_or_else(|| "the file has no lines".to_owned())
    }

    fn search(&self, wanted: &str) -> io::Result<bool> {
        let mut file = File::open(&self.0)?;
        let length = file.metadata()?.len();
        // What is sought is on a line that begins at `low` or later and before `high`.
        let (mut low, mut high) = (0, length);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((next, hash)) = line_from(&mut file, middle, length)? else {
                high = middle;
                continue;
            };
            match hash.as_str().cmp(wanted) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => low = next,
                Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }
}

/// The hash on the first line that begins at `from` or later, in upper case, and where the next
/// line begins; `None` if no line begins there.
fn line_from(file: &mut File, from: u64, length: u64) -> io::Result<Option<(u64, String)>> {
    // One byte before: if that is the end of a line, a line begins at `from` itself.
    let start = from.saturating_sub(1);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.by_ref().take(2 * LONGEST_LINE).read_to_end(&mut bytes)?;
    let begin = if from == 0 {
        0
    } else {
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None => return Ok(None),
        }
    };
    if start + begin as u64 >= length {
        return Ok(None);
    }
    let line = &bytes[begin..];
    let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len());
    let next = start + (begin + end) as u64 + 1;
    let text = String::from_utf8_lossy(&line[..end]);
    let hash = text.split(':').next().unwrap_or_default().trim().to_ascii_uppercase();
    Ok(Some((next, hash)))
}

#[async_trait]
impl BreachedPasswords for BreachedPasswordsFile {
    async fn contains(&self, sha1: &Sha1) -> bool {
        let (list, wanted) = (self.clone(), hex(sha1));
        let searched = tokio::task::spawn_blocking(move || list.search(&wanted)).await;
        match searched.map_err(io::Error::other).and_then(|found| found) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(
                    path = %self.0.display(), %error,
                    "the list of published passwords can't be read; a password was not looked up"
                );
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{collections::BTreeSet, fs};

    use super::*;

    /// A list of hashes that can be told from their numbers, with this end of the line.
    fn list(numbers: impl IntoIterator<Item = u32>, end: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        let lines: BTreeSet<String> = numbers.into_iter().map(|n| hex(&hash(n))).collect();
        let counts = (0..9).cycle().map(|power| 10_u64.pow(power));
        let lines = lines.iter().zip(counts).map(|(line, count)| format!("{line}:{count}{end}"));
        fs::write(&path, lines.collect::<Vec<_>>().concat()).unwrap();
        (folder, path)
    }

    fn hash(number: u32) -> Sha1 {
        let mut hash = [0x5a; 20];
        hash[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        hash
    }

    #[tokio::test]
    async fn every_hash_is_found_and_no_other_one() {
        for (count, end) in [(1, "\n"), (2, "\r\n"), (500, "\r\n"), (501, "\n")] {
            let (_folder, path) = list((0..count).map(|n| n * 2), end);
            BreachedPasswordsFile::check(&path).unwrap();
            let file = BreachedPasswordsFile::new(path);
            for number in 0..count {
                assert!(file.contains(&hash(number * 2)).await, "{number} of {count}");
                assert!(!file.contains(&hash(number * 2 + 1)).await, "{number} of {count}");
            }
            assert!(!file.contains(&[0; 20]).await);
            assert!(!file.contains(&[0xff; 20]).await);
        }
    }

    #[tokio::test]
    async fn lower_case_without_numbers_and_without_a_last_line_end_do() {
        let (_folder, path) = list([1, 2, 3], "\n");
        let text = fs::read_to_string(&path).unwrap();
        let bare: Vec<String> =
            text.lines().map(|line| line.split(':').next().unwrap().to_ascii_lowercase()).collect();
        fs::write(&path, bare.join("\n")).unwrap();
        BreachedPasswordsFile::check(&path).unwrap();
        let file = BreachedPasswordsFile::new(path);
        for number in [1, 2, 3] {
            assert!(file.contains(&hash(number)).await);
        }
        assert!(!file.contains(&hash(4)).await);
    }

    #[tokio::test]
    async fn what_is_no_list_is_refused_at_the_start_and_finds_nothing_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            BreachedPasswordsFile::check(&path).unwrap_err()
        };
        assert!(refused("").contains("no lines"));
        assert!(refused("password\nletmein\n").contains("SHA-1"));
        let (high, low) = (hex(&[0xff; 20]), hex(&[0x00; 20]));
        assert!(refused(&format!("{high}:1\n{low}:1\n")).contains("order"));
        let missing = folder.path().join("missing");
        assert!(BreachedPasswordsFile::check(&missing).unwrap_err().contains("can't be read"));
        assert!(!BreachedPasswordsFile::new(missing).contains(&[0; 20]).await);
    }
}
