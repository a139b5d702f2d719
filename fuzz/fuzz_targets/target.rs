//! Runs the target that the variable `LAMBDA_WASM_FUZZ_TARGET` names.

#![no_main]

use std::sync::OnceLock;

use lambda_wasm_fuzz_targets::{Run, TARGETS};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<Run> = OnceLock::new();
    let run = TARGET.get_or_init(|| {
        let name = std::env::var("LAMBDA_WASM_FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(known, _)| *known == name);
        found
            .unwrap_or_else(|| panic!("LAMBDA_WASM_FUZZ_TARGET has to name a target"))
            .1
    });
    run(data);
});
