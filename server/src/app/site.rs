//! The application's files: embedded in the binary, or in a folder during development.
//!
//! `script/build` embeds them. `cargo leptos watch` names its folder by `LEPTOS_…` variables, which
//! take precedence.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use leptos::config::{Env, LeptosOptions};

/// Name of the wasm, glue and style files, as in the workspace's metadata for cargo-leptos.
const OUTPUT_NAME: &str = "doorward";
/// The folder of these files under the root of a site in a folder.
const PACKAGE_FOLDER: &str = "pkg";

/// The path of the folder of the pages for administrators, up to its hash.
const ADMIN_FOLDER: &str = "/admin/files/";

/// A site that is part of the binary.
#[derive(Debug)]
pub struct EmbeddedSite {
    /// The folder of the program, such as `pkg/5f3a…`: it carries a hash of what is in it.
    pub package: &'static str,
    /// Every file, with those of the pages for administrators; none if no site was built.
    pub files: &'static [EmbeddedFile],
}

/// A file, in each encoding in which it is sent.
#[derive(Debug)]
pub struct EmbeddedFile {
    /// Its path from `/` on.
    pub path: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// A hash of its content, in the quotes that `ETag` wants.
    pub etag: &'static str,
    /// The file as it is.
    pub plain: &'static [u8],
    /// The file compressed for `Content-Encoding: br`.
    pub brotli: &'static [u8],
    /// The file compressed for `Content-Encoding: gzip`.
    pub gzip: &'static [u8],
}

impl EmbeddedSite {
    /// No site.
    pub const EMPTY: Self = Self { package: PACKAGE_FOLDER, files: &[] };

    /// The files of the application.
    pub fn app_files(&self) -> impl Iterator<Item = &'static EmbeddedFile> + use<> {
        self.files.iter().filter(|file| !file.path.starts_with(ADMIN_FOLDER))
    }

    /// The files of the pages for administrators, all in one folder.
    pub fn admin_files(&self) -> impl Iterator<Item = &'static EmbeddedFile> + use<> {
        self.files.iter().filter(|file| file.path.starts_with(ADMIN_FOLDER))
    }
}

/// Where the files are.
#[derive(Debug)]
pub enum Files {
    /// In the binary.
    Embedded(&'static EmbeddedSite),
    /// In this folder.
    Folder(PathBuf),
}

/// The application's files, and how pages refer to them.
#[derive(Debug)]
pub struct Site {
    /// The options that leptos renders the page with.
    pub options: LeptosOptions,
    /// The files.
    pub files: Files,
    /// Under `cargo leptos watch`: where the page is notified of a new build.
    pub watched_at: Option<String>,
}

impl Site {
    /// The folder that `LEPTOS_SITE_ROOT` names, or else what is embedded.
    pub fn find(embedded: &'static EmbeddedSite) -> Self {
        let folder = env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from);
        Self::new(folder.map_or(Files::Embedded(embedded), Files::Folder))
    }

    /// The site with these files.
    pub fn new(files: Files) -> Self {
        let (root, package) = match &files {
            // Nothing is read from this folder: leptos looks in it only for the manifest of lazy
            // routes, which the application does not have.
            Files::Embedded(site) => (Path::new("embedded"), site.package),
            Files::Folder(root) => (root.as_path(), PACKAGE_FOLDER),
        };
        let watched = env::var_os("LEPTOS_WATCH").is_some();
        let reload_port = number("LEPTOS_RELOAD_PORT", 3001);
        let address = env::var("LEPTOS_SITE_ADDR").ok().and_then(|text| text.parse().ok());
        let options = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_string_lossy())
            .site_pkg_dir(package)
            .env(if watched { Env::DEV } else { Env::PROD })
            .site_addr(address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 5001))))
            .reload_port(reload_port)
            .hash_files(false)
            .build();
        Self {
            options,
            files,
            watched_at: watched
                .then(|| format!("ws://localhost:{reload_port} ws://127.0.0.1:{reload_port}")),
        }
    }

    /// Whether the wasm is there.
    pub fn is_built(&self) -> bool {
        match &self.files {
            Files::Embedded(site) => !site.files.is_empty(),
            Files::Folder(root) => {
                root.join(PACKAGE_FOLDER).join(format!("{OUTPUT_NAME}.wasm")).is_file()
            }
        }
    }
}

fn number(name: &str, default: u32) -> u32 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_is_a_site_once_the_wasm_is_in_it() {
        let folder = TempDir::new().unwrap();
        let site = || Site::new(Files::Folder(folder.path().to_owned()));
        assert!(!site().is_built());
        let package = folder.path().join(PACKAGE_FOLDER);
        fs::create_dir(&package).unwrap();
        fs::write(package.join("doorward.wasm"), "").unwrap();
        assert!(site().is_built());
        assert_eq!(&*site().options.site_pkg_dir, "pkg");
    }

    #[test]
    fn pages_refer_to_the_embedded_folder_with_the_hash() {
        static FILE: EmbeddedFile = EmbeddedFile {
            path: "/pkg/one/doorward_bg.wasm",
            content_type: "application/wasm",
            etag: "\"1\"",
            plain: b"",
            brotli: b"",
            gzip: b"",
        };
        static SITE: EmbeddedSite =
            EmbeddedSite { package: "pkg/one", files: std::slice::from_ref(&FILE) };
        let site = Site::new(Files::Embedded(&SITE));
        assert!(site.is_built());
        assert_eq!(&*site.options.site_pkg_dir, "pkg/one");
        assert!(!Site::new(Files::Embedded(&EmbeddedSite::EMPTY)).is_built());
    }
}
