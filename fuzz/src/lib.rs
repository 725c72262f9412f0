//! What the targets share: the code of the tests that replay the seeds, here compiled once more for
//! the fuzzer.

use std::cell::RefCell;

#[path = "../../crates/client/tests/fuzzed/callback.rs"]
pub mod callback;
#[path = "../../crates/provider-http/tests/http/fuzzed/mod.rs"]
pub mod fuzzed;
#[allow(dead_code, unused_imports)]
#[path = "../../crates/provider-http/tests/http/support/mod.rs"]
mod support;

use fuzzed::Fuzzed;

/// This many inputs see one provider, which keeps its database small.
const INPUTS: u32 = 20_000;

/// Runs one input at a provider of this process.
pub fn run(target: impl Fn(&Fuzzed, &[u8]) -> bool, input: &[u8]) {
    thread_local! {
        static FUZZED: RefCell<Option<(Fuzzed, u32)>> = const { RefCell::new(None) };
    }
    FUZZED.with_borrow_mut(|kept| {
        let (fuzzed, left) = kept.get_or_insert_with(|| (Fuzzed::new(), INPUTS));
        target(fuzzed, input);
        *left -= 1;
        if *left == 0 {
            *kept = None;
        }
    });
}
