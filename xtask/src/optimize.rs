//! Smaller files by wasm-opt and esbuild, which npm installs.

use std::{fs, path::Path, process::Command, thread};

use crate::Result;

/// Chosen by the size after brotli: -Os beats -Oz; functions with one caller are not inlined (5 %),
/// and those with similar names are neighbours (1 %). The flags before -Os, and --converge, save
/// another 0.4 %; so does keeping repeated computations.
const WASM_OPT: [&str; 10] = [
    "--strip-producers",
    "--strip-target-features",
    "--generate-global-effects",
    "-Os",
    "--skip-pass=local-cse",
    "--one-caller-inline-max-function-size=20",
    "--reorder-functions-by-name",
    "--converge",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
];

/// Rewrites each wasm, script and style sheet of the folder.
pub fn folder(folder: &Path) -> Result<()> {
    let files: Vec<_> = fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
    thread::scope(|scope| {
        let running: Vec<_> = files.iter().map(|file| scope.spawn(|| one(&file.path()))).collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err("a thread of the optimizer panicked".into()))
        })
    })
}

fn one(file: &Path) -> Result<()> {
    let mut command = match file.extension().and_then(|extension| extension.to_str()) {
        Some("wasm") => {
            let mut command = Command::new("wasm-opt");
            command.args(WASM_OPT).arg(file).arg("-o").arg(file);
            command
        }
        Some("js" | "css") => {
            let mut command = Command::new("esbuild");
            command.args(["--minify", "--log-level=warning", "--allow-overwrite"]).arg(file);
            // wasm-bindgen imports the loader of the parts once for each of them.
            command.arg("--log-override:duplicate-object-key=silent");
            command.arg(format!("--outfile={}", file.display()));
            command
        }
        _ => return Ok(()),
    };
    let status = command
        .status()
        .map_err(|error| format!("{} can't be run: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}
