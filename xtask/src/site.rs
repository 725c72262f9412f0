//! The application's site: a folder of files, and `site.rs` in it, a list that the binary includes
//! (`server/src/main.rs`).
//!
//! The program and the style sheet are in `pkg/HASH`, where HASH depends on all of them. Browsers
//! may keep them for ever, and their references to each other need no rewriting. What the pages for
//! administrators need is in `admin/files/HASH` in the same way.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
};

use sha2::{Digest as _, Sha256};

use crate::{
    Result,
    compress::{self, Effort},
    optimize, program,
};

/// Name of the application's glue and wasm, as in the workspace's metadata for cargo-leptos.
const OUTPUT_NAME: &str = "doorward";
/// The same of the pages for administrators.
const ADMIN_NAME: &str = "admin";
const STYLE: &str = "style/main.css";
const ADMIN_STYLE: &str = "style/admin.css";
const ASSETS: &str = "style/assets";
/// What the document of the pages for administrators loads beside program and style sheet.
const ADMIN_FILES: [&str; 3] =
    ["crates/admin-pages/start.js", "style/assets/fallback.js", "style/assets/favicon.svg"];

/// Makes the site in `folder`, in place of one that is there.
pub fn make(wasm: &Path, admin: &Path, folder: &Path, optimized: bool) -> Result<()> {
    let new = folder.with_extension("new");
    remove(&new)?;
    let package = thread::scope(|scope| {
        let admin = scope.spawn(|| {
            let style = fs::read_to_string(STYLE)? + &fs::read_to_string(ADMIN_STYLE)?;
            package(&new, "admin/files", admin, ADMIN_NAME, &style, &ADMIN_FILES, optimized)
        });
        let style = fs::read_to_string(STYLE)?;
        let page = package(&new, "pkg", wasm, OUTPUT_NAME, &style, &[], optimized)?;
        admin.join().unwrap_or_else(|_| Err("a thread has panicked".into()))?;
        Result::Ok(page)
    })?;
    for asset in fs::read_dir(ASSETS)? {
        let asset = asset?;
        fs::copy(asset.path(), new.join(asset.file_name()))?;
    }
    let files = files_in(&new, &new)?;
    compress_all(&new, &files, if optimized { Effort::Best } else { Effort::Quick })?;
    fs::write(new.join("site.rs"), list(&new, &package, &files)?)?;
    remove(folder)?;
    Ok(fs::rename(&new, folder)?)
}

/// Makes `PLACE/HASH` below the root: the program, its style sheet and further files. Returns the
/// path of that folder.
fn package(
    root: &Path,
    place: &str,
    wasm: &Path,
    name: &str,
    style: &str,
    files: &[&str],
    optimized: bool,
) -> Result<String> {
    let package = root.join(place).join("new");
    fs::create_dir_all(&package)?;
    program::split(wasm, &package, name, optimized)?;
    fs::write(package.join(name).with_extension("css"), style)?;
    for file in files.iter().map(Path::new) {
        fs::copy(file, package.join(file.file_name().unwrap_or_default()))?;
    }
    if optimized {
        optimize::folder(&package)?;
    }
    let hash = hash_of(&package)?;
    fs::rename(&package, package.with_file_name(&hash))?;
    Ok(format!("{place}/{hash}"))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// The files below a folder by their paths from `root`, sorted.
fn files_in(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(root, &path)?);
        } else {
            files.push(path.strip_prefix(root)?.to_owned());
        }
    }
    files.sort();
    Ok(files)
}

/// A hash of the names and the content of all files.
fn hash_of(folder: &Path) -> Result<String> {
    let mut whole = Sha256::new();
    for file in files_in(folder, folder)? {
        whole.update(file.to_string_lossy().as_bytes());
        whole.update([0]);
        whole.update(Sha256::digest(fs::read(folder.join(file))?));
    }
    Ok(hexadecimal(&whole.finalize()))
}

/// Sixteen digits: enough to tell builds apart.
fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes `FILE.br` and `FILE.gz` beside each file.
fn compress_all(root: &Path, files: &[PathBuf], effort: Effort) -> Result<()> {
    let one = |file: &Path| -> Result<()> {
        let path = root.join(file);
        let bytes = fs::read(&path)?;
        fs::write(with_suffix(&path, ".br"), compress::brotli(&bytes, effort)?)?;
        Ok(fs::write(with_suffix(&path, ".gz"), compress::gzip(&bytes, effort)?)?)
    };
    thread::scope(|scope| {
        let running: Vec<_> = files.iter().map(|file| scope.spawn(move || one(file))).collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err("a thread of the compressor panicked".into()))
        })
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The text of `site.rs`: a `doorward::EmbeddedSite`.
fn list(root: &Path, package: &str, files: &[PathBuf]) -> Result<String> {
    let mut text = format!("doorward::EmbeddedSite {{\n    package: {package:?},\n    files: &[\n");
    for file in files {
        let etag = format!("\"{}\"", hexadecimal(&Sha256::digest(fs::read(root.join(file))?)));
        let content_type = content_type(file)?;
        let file = file.to_string_lossy();
        write!(
            text,
            "        doorward::EmbeddedFile {{
            path: {path:?},
            content_type: {content_type:?},
            etag: {etag:?},
            plain: include_bytes!({file:?}),
            brotli: include_bytes!({brotli:?}),
            gzip: include_bytes!({gzip:?}),
        }},\n",
            path = format!("/{file}"),
            brotli = format!("{file}.br"),
            gzip = format!("{file}.gz"),
        )?;
    }
    text.push_str("    ],\n}\n");
    Ok(text)
}

fn content_type(file: &Path) -> Result<&'static str> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    Ok(match extension.unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => {
            let file = file.display();
            return Err(format!("xtask/src/site.rs has no content type for {file}").into());
        }
    })
}
