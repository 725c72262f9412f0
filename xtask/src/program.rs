//! From rustc's wasm to what a browser loads: wasm-bindgen's glue, and the part that is loaded on
//! demand in a file of its own.

use std::{fs, path::Path};

use wasm_bindgen_cli_support::Bindgen;

use crate::Result;

/// Writes a program to a folder, with this name of the glue and the wasm. `wasm` was linked with
/// `--emit-relocs`, which is how the splitter finds who calls whom. `with_names` keeps the
/// functions' names for wasm-opt.
pub fn split(wasm: &Path, folder: &Path, name: &str, with_names: bool) -> Result<()> {
    let input = fs::read(wasm)?;
    let main_part = wasm.with_file_name(format!("{name}_main_part.wasm"));
    let main_module = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = folder;
    options.main_out_path = &main_part;
    options.main_module = &main_module;
    wasm_split_cli_support::transform(options)?;
    // The parts refer to each other by the linker's exports.
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&main_part)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .keep_lld_exports(true)
        .demangle(false)
        .remove_name_section(!with_names)
        .remove_producers_section(true);
    Ok(bindgen.generate(folder)?)
}

/// Writes a program that is in one part.
pub fn plain(wasm: &Path, folder: &Path) -> Result<()> {
    Ok(Bindgen::new().input_path(wasm).web(true)?.typescript(false).generate(folder)?)
}
