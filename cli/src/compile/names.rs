//! Hides the names of functions from the compiler, which would keep them for stack traces.

use wasmparser::{Parser, Payload};

/// The custom section of a module with names: <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.
const NAMES: &str = "name";

/// A name of the same length, which no compiler looks for.
const HIDDEN: &str = "----";

/// Renames the sections with names. The component is as long as before, so that the place of each instruction is the same.
///
/// # Errors
///
/// Returns an error if the component is invalid.
pub fn hide(component: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut hidden = component.to_owned();
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == NAMES
        {
            // The content follows the name.
            let start = section.data_offset() - NAMES.len();
            hidden[start..][..HIDDEN.len()].copy_from_slice(HIDDEN.as_bytes());
        }
    }
    Ok(hidden)
}
