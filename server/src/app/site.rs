//! The application's build: where its files are, and whether their names carry hashes of their
//! content.
//!
//! `cargo leptos` and its `watch` tell through `LEPTOS_…` variables; by hand the usual places are
//! tried.

use std::{
    collections::HashSet,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use leptos::config::{Env, LeptosOptions};

/// Name of the wasm, glue and style files, as in the workspace's metadata for cargo-leptos.
const OUTPUT_NAME: &str = "doorward";
/// Their folder under the site's root.
pub const PACKAGE_FOLDER: &str = "pkg";
/// Where cargo-leptos puts the site, from the workspace's root.
const BUILD_FOLDER: &str = "target/site";

/// The build.
#[derive(Debug)]
pub struct Site {
    /// What leptos renders the page with.
    pub options: LeptosOptions,
    /// Names of files whose content never changes, since its hash is in the name.
    pub hashed: HashSet<String>,
    /// Under `cargo leptos watch`: where the page hears of a new build.
    pub watched_at: Option<String>,
}

impl Site {
    /// Looks for the build.
    pub fn find() -> Self {
        let executable = env::current_exe().ok();
        let beside = executable.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let root =
            env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| usual_root(beside), PathBuf::from);
        let hash_file =
            beside.join(env::var_os("LEPTOS_HASH_FILE_NAME").unwrap_or_else(|| "hash.txt".into()));
        Self::at(&root, &hash_file)
    }

    /// The build in this folder. Hashed names are used if the hash file tells them and the files
    /// are there.
    pub fn at(root: &Path, hash_file: &Path) -> Self {
        let package = root.join(PACKAGE_FOLDER);
        let listed =
            std::fs::read_to_string(hash_file).map(|text| hashed_names(&text)).unwrap_or_default();
        let complete = !listed.is_empty() && listed.iter().all(|name| package.join(name).is_file());
        let watched = env::var_os("LEPTOS_WATCH").is_some();
        let reload_port = number("LEPTOS_RELOAD_PORT", 3001);
        let address = env::var("LEPTOS_SITE_ADDR").ok().and_then(|text| text.parse().ok());
        let options = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_string_lossy())
            .site_pkg_dir(PACKAGE_FOLDER)
            .env(if watched { Env::DEV } else { Env::PROD })
            .site_addr(address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 5001))))
            .reload_port(reload_port)
            .hash_files(complete)
            // An absolute path stands for itself; leptos would look beside the executable
            // otherwise.
            .hash_file(absolute(hash_file).to_string_lossy().into())
            .build();
        Self {
            options,
            hashed: if complete { listed } else { HashSet::new() },
            watched_at: watched
                .then(|| format!("ws://localhost:{reload_port} ws://127.0.0.1:{reload_port}")),
        }
    }

    /// Whether the wasm is there.
    pub fn is_built(&self) -> bool {
        let package = Path::new(&*self.options.site_root).join(PACKAGE_FOLDER);
        !self.hashed.is_empty() || package.join(format!("{OUTPUT_NAME}.wasm")).is_file()
    }
}

/// Beside the executable, as an installation has it, or where the workspace builds it.
fn usual_root(beside: &Path) -> PathBuf {
    let installed = beside.join("site");
    if installed.is_dir() { installed } else { BUILD_FOLDER.into() }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn number(name: &str, default: u32) -> u32 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The names that a hash file stands for: its lines are `js: HASH`, `wasm: HASH` and `css: HASH`.
fn hashed_names(text: &str) -> HashSet<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(kind, hash)| (kind.trim(), hash.trim()))
        .filter(|(kind, hash)| matches!(*kind, "js" | "wasm" | "css") && !hash.is_empty())
        .map(|(kind, hash)| format!("{OUTPUT_NAME}.{hash}.{kind}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn hashed_names_are_used_when_all_files_are_there() {
        let folder = TempDir::new().unwrap();
        let package = folder.path().join(PACKAGE_FOLDER);
        fs::create_dir(&package).unwrap();
        let hash_file = folder.path().join("hash.txt");
        fs::write(&hash_file, "js: one\nwasm: two\ncss: three\n").unwrap();
        fs::write(package.join("doorward.one.js"), "").unwrap();
        fs::write(package.join("doorward.two.wasm"), "").unwrap();
        let site = Site::at(folder.path(), &hash_file);
        assert!(!site.options.hash_files && site.hashed.is_empty(), "the style sheet is missing");
        fs::write(package.join("doorward.three.css"), "").unwrap();
        let site = Site::at(folder.path(), &hash_file);
        assert!(site.options.hash_files && site.is_built());
        assert_eq!(site.hashed.len(), 3);
        assert!(Path::new(&*site.options.hash_file).is_absolute());
    }

    #[test]
    fn plain_names_are_used_without_a_hash_file() {
        let folder = TempDir::new().unwrap();
        let site = Site::at(folder.path(), &folder.path().join("hash.txt"));
        assert!(!site.options.hash_files && !site.is_built());
    }
}
