//! Files under a component's name that cannot be run: each has its own error type, and a message that says what to do.

use std::fs;
use std::path::Path;

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{HostBuilder, functions};
use tempfile::TempDir;

use crate::refusal::{Refusal, refusal};

mod files;
mod trailers;

/// An artifact that can be run.
fn good() -> Vec<u8> {
    fs::read(functions().join("handler.cwasm")).unwrap()
}

/// The trailer of [`good`], and the ELF before it.
fn good_parts() -> (Vec<u8>, Trailer) {
    let trailer = Trailer::inspect(&functions().join("handler.cwasm")).unwrap();
    let mut elf = good();
    elf.truncate(trailer.length.try_into().unwrap());
    (elf, trailer)
}

fn folder_with(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.cwasm"), bytes).unwrap();
    folder
}

/// Starts the function `hello` of a folder that has no good one.
#[track_caller]
fn refuse_in(folder: &Path) -> Refusal {
    let refusal = refusal(HostBuilder::new(folder, "hello"));
    let file = folder.join("hello.cwasm").display().to_string();
    assert!(refusal.message.contains(&file), "{}", refusal.message);
    assert!(refusal.stack_trace.is_empty(), "{refusal:?}");
    refusal
}

/// Starts the function `hello` with these bytes, and checks its error's type and words of its message: what is wrong, and
/// what to run.
#[track_caller]
fn refuse(bytes: &[u8], error_type: &str, words: &[&str]) {
    let refusal = refuse_in(folder_with(bytes).path());
    assert_eq!(refusal.error_type, error_type, "{}", refusal.message);
    for word in words {
        assert!(
            refusal.message.contains(word),
            "no {word:?} in: {}",
            refusal.message
        );
    }
}

/// Starts the function `hello` with these bytes and has it handle an event.
#[track_caller]
fn run(bytes: &[u8], environment: &[(&str, &str)]) {
    let folder = folder_with(bytes);
    let builder = HostBuilder::new(folder.path(), "hello");
    let host = environment
        .iter()
        .fold(builder, |builder, (name, value)| builder.env(name, value))
        .start();
    assert_eq!(host.ask("count"), "1");
    host.finish();
}
