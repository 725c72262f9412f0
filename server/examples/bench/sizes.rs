//! How much a browser loads at its first visit, and later: the release build, compressed by brotli
//! at level 11.

use std::{fs, path::Path};

/// Where `script/build --release` puts the files, in a folder that is named by their hash.
const PACKAGES: &str = "target/site-release/pkg";

/// What is loaded, and how its files begin and end.
const PARTS: [(&str, &str, &str); 7] = [
    ("wasm", "doorward_bg", ".wasm.br"),
    ("glue", "doorward.", ".js.br"),
    ("loader of what is on demand", "__wasm_split", ".js.br"),
    ("css", "doorward.", ".css.br"),
    ("on demand: client", "split_sign_in", ".wasm.br"),
    ("on demand: inspector", "split_inspector", ".wasm.br"),
    ("on demand: shared by both", "chunk_", ".wasm.br"),
];
/// How many of the parts make the program of the first visit.
const PROGRAM: usize = 3;

/// Prints the sizes of the compressed files.
pub fn print() {
    println!("\nThe application, brotli 11 ({PACKAGES})");
    let mut folders = fs::read_dir(PACKAGES).into_iter().flatten().flatten();
    let package = folders.next().map_or_else(|| PACKAGES.into(), |folder| folder.path());
    let sizes = PARTS.map(|(_, start, end)| compressed_size(&package, start, end));
    for ((name, ..), size) in PARTS.iter().zip(sizes) {
        match size {
            0 => println!("  no compressed {name} there: run script/build --release"),
            _ => println!("  {name:<32}{size:>11} bytes"),
        }
    }
    println!("  {:<32}{:>11} bytes", "wasm, glue and loader", sizes[..PROGRAM].iter().sum::<u64>());
}

fn compressed_size(folder: &Path, start: &str, end: &str) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = files
        .filter(|file| {
            let name = file.file_name();
            name.to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(end))
        })
        .filter_map(|file| file.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}
