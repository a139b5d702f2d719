//! A SAM template: it is read or refused, in bounded time, memory and stack.

use lambda_wasm_emulator::Template;

use crate::within;

/// The memory that a template of any size may take.
const MOST: usize = 256 * 1024 * 1024;

/// Reads a template.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let read = within(MOST, || Template::parse(text));
    match read {
        Ok(template) => {
            assert!(!template.functions.is_empty());
            for function in &template.functions {
                assert!(template.function(&function.name).is_some());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
