//! Runs the tests of a crate in a browser: cargo calls it for each test program. It is the runner
//! of `wasm-bindgen-cli`, built from here with what xtask is built from: that takes a quarter of
//! the time of an installation.

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    Ok(wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(env::args_os())?)
}
