//! Tools that a machine may lack, and the list of what was skipped for that.

use std::io::Write;
use std::path::PathBuf;

use crate::root;

/// A tool that `scripts/install-tools.sh` installs; nothing, and a line in the list, if it is not there.
pub fn tool(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LAMBDA_WASM_TOOLS");
    let folder = folder.map_or_else(|| root().join("target/tools"), PathBuf::from);
    let path = folder.join("bin").join(name);
    if path.is_file() {
        return Some(path);
    }
    skip(name, &format!("there is no {}", path.display()));
    None
}

/// Says that a test did not run, and why: in the file that `LAMBDA_WASM_SKIPS` names, else on stderr.
pub fn skip(name: &str, why: &str) {
    let line = format!("{name} ({why})\n");
    match std::env::var_os("LAMBDA_WASM_SKIPS") {
        Some(path) => {
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            // One write, since other tests add lines at the same time.
            file.unwrap().write_all(line.as_bytes()).unwrap();
        }
        None => eprint!("skipped: {line}"),
    }
}
