//! How much a browser loads at its first visit: the release build, compressed by brotli at level 11.

use std::{fs, path::Path};

/// Where the release build puts the files.
const PACKAGE: &str = "target/site/pkg";

/// Prints the sizes of the compressed files.
pub fn print() {
    println!("\nThe application, brotli 11 ({PACKAGE})");
    let mut program = 0;
    for extension in ["wasm", "js", "css"] {
        let Some(size) = compressed_size(Path::new(PACKAGE), extension) else {
            println!("  no compressed .{extension} there: run script/build");
            continue;
        };
        println!("  {extension:<32}{size:>11} bytes");
        program += if extension == "css" { 0 } else { size };
    }
    println!("  {:<32}{program:>11} bytes", "wasm and glue");
}

fn compressed_size(folder: &Path, extension: &str) -> Option<u64> {
    let suffix = format!(".{extension}.br");
    let files = fs::read_dir(folder).ok()?.flatten();
    let sizes = files
        .filter(|file| file.file_name().to_string_lossy().ends_with(&suffix))
        .filter_map(|file| file.metadata().ok())
        .map(|metadata| metadata.len());
    let total: u64 = sizes.sum();
    (total > 0).then_some(total)
}
