//! Finds the components that the template does not name as a handler.

use std::collections::BTreeSet;
use std::fs;

use lambda_wasm_emulator::{Function, InvokeMode};

use super::Located;
use super::shell::Variables;

/// Returns a function for each component in the directories of the known functions that none of them
/// runs. The function has Lambda's defaults and a function URL. The URL streams, since a buffered
/// response passes through it too.
pub(super) fn find(known: &[Located], more: &Variables) -> Vec<Located> {
    let mut found: Vec<Located> = Vec::new();
    let roots: BTreeSet<_> = known.iter().map(|(_, root)| root).collect();
    for root in roots {
        // A directory that cannot be read is reported when a function needs it.
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let handlers = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".cwasm").map(str::to_owned)
        });
        let handlers: BTreeSet<_> = handlers.collect();
        for handler in handlers {
            let runs = |(function, of): &Located| function.handler == handler && of == root;
            if known.iter().any(runs) {
                continue;
            }
            let mut name = handler.clone();
            while known
                .iter()
                .chain(&found)
                .any(|(function, _)| function.name == name)
            {
                name.push_str(".cwasm");
            }
            let mut function = Function::new(&name, &handler);
            function.region = known[0].0.region.clone();
            function.variables.clone_from(more);
            function.url = Some(InvokeMode::ResponseStream);
            found.push((function, root.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_components_that_no_function_runs_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        for root in [&one, &two] {
            fs::create_dir(root).unwrap();
        }
        for name in [
            "bootstrap",
            "a.cwasm",
            "b.cwasm",
            "b.toml",
            "c.cwasm",
            "d.cwasm.new",
        ] {
            fs::write(one.join(name), "").unwrap();
        }
        fs::write(two.join("b.cwasm"), "").unwrap();
        let known = [
            (Function::new("a", "b"), one.clone()),
            (Function::new("other", "x"), two.clone()),
        ];
        let found = find(&known, &Variables::new());
        let found: Vec<_> = found
            .iter()
            .map(|(function, root)| (function.name.as_str(), function.handler.as_str(), root))
            .collect();
        assert_eq!(
            found,
            [("a.cwasm", "a", &one), ("c", "c", &one), ("b", "b", &two)]
        );
    }
}
