//! The inputs that are kept under `fuzz/seeds`, each run as the fuzzer runs it: examples of the
//! RFCs, ours, and whatever the fuzzer found. Those named `good…` must succeed, all others must be
//! refused.

use std::{fs, path::Path};

use super::Fuzzed;

#[track_caller]
fn replay(target: &str, run: impl Fn(&Fuzzed, &[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let fuzzed = Fuzzed::new();
    let (mut good, mut refused) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let succeeded = run(&fuzzed, &fs::read(entry.path()).unwrap());
        assert_eq!(succeeded, name.starts_with("good"), "{target}/{name}");
        *if succeeded { &mut good } else { &mut refused } += 1;
    }
    assert!(good > 0 && refused > 0, "{target}: seeds of both kinds");
}

#[test]
fn authorization_requests() {
    replay("authorize", Fuzzed::authorize);
}

#[test]
fn token_requests() {
    replay("token", Fuzzed::token);
}

#[test]
fn pushed_requests() {
    replay("par", Fuzzed::par);
}

#[test]
fn forms_and_links_of_accounts() {
    replay("account", Fuzzed::account);
}

#[test]
fn answers_of_passkeys() {
    replay("passkey", Fuzzed::passkey);
}

#[test]
fn request_objects() {
    replay("request_object", Fuzzed::request_object);
}

#[test]
fn proofs() {
    replay("dpop", Fuzzed::dpop);
}
