#![no_main]

use doorward_fuzz::fuzzed::Fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| doorward_fuzz::run(Fuzzed::account, input));
