//! Files under a component's name that cannot be run: each has its own error type, and a message that says what to do.

use std::fs;

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{Deployment, artifact};

use crate::refusal::{Refusal, refusal};

mod files;
mod signed;
mod trailers;

/// An artifact that can be run.
fn good() -> Vec<u8> {
    fs::read(artifact("handler")).unwrap()
}

/// The trailer of [`good`], and the ELF before it.
fn good_parts() -> (Vec<u8>, Trailer) {
    let trailer = Trailer::inspect(&artifact("handler")).unwrap();
    let mut elf = good();
    elf.truncate(trailer.length.try_into().unwrap());
    (elf, trailer)
}

/// Starts a deployment that has no good artifact.
#[track_caller]
fn refuse_in(deployment: &Deployment) -> Refusal {
    let refusal = refusal(deployment);
    let file = deployment.artifact().display().to_string();
    assert!(refusal.message.contains(&file), "{}", refusal.message);
    assert!(refusal.stack_trace.is_empty(), "{refusal:?}");
    refusal
}

/// Starts the function `hello` with these bytes, and checks its error's type and words of its message: what is wrong, and
/// what to run.
#[track_caller]
fn refuse(bytes: &[u8], error_type: &str, words: &[&str]) {
    let refusal = refuse_in(&Deployment::of_artifact(bytes));
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
    let host = Deployment::of_artifact(bytes).envs(environment).start();
    assert_eq!(host.ask("count"), "1");
    host.finish();
}
