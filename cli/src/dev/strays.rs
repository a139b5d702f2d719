//! The components in `dist/` that no function of the template has as its handler.

use std::fs;
use std::path::Path;

use lambda_wasm_emulator::{Function, InvokeMode};

/// A function for each component that none of the known functions runs, with Lambda's defaults and
/// a function URL. That is one for streams, since whole answers pass through it all the same.
pub(super) fn functions(dist: &Path, known: &[Function]) -> Vec<Function> {
    // A folder that cannot be read has none; whatever needs it says what is wrong.
    let entries = fs::read_dir(dist).into_iter().flatten().flatten();
    let handlers = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".cwasm").map(str::to_owned)
    });
    let mut handlers: Vec<_> = handlers
        .filter(|handler| known.iter().all(|function| function.handler != *handler))
        .collect();
    handlers.sort();
    let make = |handler: String| {
        let is_taken = known.iter().any(|function| function.name == handler);
        let name = match is_taken {
            true => format!("{handler}.cwasm"),
            false => handler.clone(),
        };
        let mut function = Function::new(&name, &handler);
        function.url = Some(InvokeMode::ResponseStream);
        function
    };
    handlers.into_iter().map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_components_that_nobody_runs_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "bootstrap",
            "a.cwasm",
            "b.cwasm",
            "b.toml",
            "c.cwasm",
            "d.cwasm.new",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let known = [Function::new("a", "b")];
        let found = functions(folder.path(), &known);
        let found: Vec<_> = found
            .iter()
            .map(|function| (function.name.as_str(), function.handler.as_str()))
            .collect();
        assert_eq!(found, [("a.cwasm", "a"), ("c", "c")]);
    }
}
