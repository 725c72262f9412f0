#![no_main]

use doorward_fuzz::callback;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    callback::run(input);
});
