//! Steps of the build that cargo does not have. The scripts in `script/` call it.
//!
//! - `xtask site WASM ADMIN_WASM FOLDER [--optimize]` makes the application's site from its wasm,
//!   with the pages for administrators from theirs.
//! - `xtask bindgen WASM FOLDER` makes what a plain page needs to load a wasm.

mod compress;
mod optimize;
mod program;
mod site;

use std::{error::Error, path::Path, process::ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["site", wasm, admin, folder] => {
            site::make(Path::new(wasm), Path::new(admin), Path::new(folder), false)
        }
        ["site", wasm, admin, folder, "--optimize"] => {
            site::make(Path::new(wasm), Path::new(admin), Path::new(folder), true)
        }
        ["bindgen", wasm, folder] => program::plain(Path::new(wasm), Path::new(folder)),
        _ => {
            Err("usage: xtask site WASM ADMIN_WASM FOLDER [--optimize] | xtask bindgen WASM FOLDER"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
