//! Finds the components that the template does not name as a handler.

use std::collections::BTreeSet;
use std::fs;

use lambda_wasm_emulator::{Function, InvokeMode};

use super::setup::{Code, Functions, Located};
use super::shell::{self, Variables};

/// Returns a function for each component in the directories of the known functions that none of them
/// runs. The function has Lambda's defaults and a function URL. The URL streams, since a buffered
/// response passes through it too.
pub(super) fn find(known: &[Located], codes: &[Code], more: &Variables) -> Vec<Located> {
    let mut found: Vec<Located> = Vec::new();
    for code in codes {
        // A directory that cannot be read is reported when a function needs it.
        let entries = fs::read_dir(&code.root).into_iter().flatten().flatten();
        let handlers = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".cwasm").map(str::to_owned)
        });
        let handlers: BTreeSet<_> = handlers.collect();
        for handler in handlers {
            let runs = |(function, of): &Located| function.handler == handler && of == code;
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
            function.region = shell::region();
            function.variables.clone_from(more);
            function.url = Some(InvokeMode::ResponseStream);
            found.push((function, code.clone()));
        }
    }
    found
}

/// Returns the functions of the template, and those of artifacts that it does not name.
pub fn with_discovered(functions: &Functions) -> Vec<Located> {
    let discovered = find(&functions.located, &functions.codes, &functions.variables);
    functions
        .located
        .iter()
        .cloned()
        .chain(discovered)
        .collect()
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
        let codes = [&one, &two].map(|root| Code::in_directory(root));
        let known = [
            (Function::new("a", "b"), codes[0].clone()),
            (Function::new("other", "x"), codes[1].clone()),
        ];
        let found = find(&known, &codes, &Variables::new());
        let found: Vec<_> = found
            .iter()
            .map(|(function, code)| {
                let root = &code.root;
                (function.name.as_str(), function.handler.as_str(), root)
            })
            .collect();
        assert_eq!(
            found,
            [("a.cwasm", "a", &one), ("c", "c", &one), ("b", "b", &two)]
        );
    }
}
