//! Core dumps of guests that trapped, for the functions whose policies ask for them.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use wasmtime::{Store, WasmCoreDump};

use crate::sandbox::State;

/// Writes the core dump of an error, if it has one, and says where it is.
#[must_use]
pub fn write(store: &mut Store<State>, error: &wasmtime::Error) -> Option<String> {
    let dump: &WasmCoreDump = error.downcast_ref()?;
    let (used, limit) = store.data().memory.usage();
    // The dump is made in memory, beside the guest's own.
    if used > limit / 2 {
        return Some(format!(
            "It has no core dump, which would take as much memory again as the {} KiB that the function has: raise its MemorySize",
            used / 1024
        ));
    }
    let id = store.data().id();
    let dump = dump.serialize(&mut *store, "function");
    Some(match save(&id, &dump) {
        Ok(path) => format!("Its core dump is {}", path.display()),
        Err(error) => format!("Its core dump cannot be written to /tmp: {error}"),
    })
}

/// Writes a new file: what is there already may be a symbolic link of the function's.
fn save(id: &str, dump: &[u8]) -> io::Result<PathBuf> {
    let id = id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
    let path = PathBuf::from(format!("/tmp/{id}.coredump"));
    File::create_new(&path)?.write_all(dump)?;
    Ok(path)
}
