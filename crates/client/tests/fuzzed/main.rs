//! Runs the inputs in `fuzz/seeds/callback` like the fuzzer does. Those named `good…` must sign the
//! user in, all others must be refused.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)]

mod callback;

use std::{fs, path::Path};

#[test]
fn callbacks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/callback");
    let (mut good, mut refused) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let succeeded = callback::run(&fs::read(entry.path()).unwrap());
        assert_eq!(succeeded, name.starts_with("good"), "{name}");
        *if succeeded { &mut good } else { &mut refused } += 1;
    }
    assert!(good > 0 && refused > 0, "seeds of both kinds");
}
