//! Files that are no artifact, or no whole one.

use std::fs;

use lambda_wasm_test_support::{Deployment, full_bootstrap, guest};

use super::{good, good_parts, refuse, refuse_in, run};
use crate::refusal::refusal;

#[test]
fn no_such_file() {
    let refusal = refuse_in(&Deployment::empty());
    assert_eq!(refusal.error_type, "Runtime.ComponentNotFound");
    assert!(
        refusal.message.contains("Handler"),
        "it says how the file's name comes about: {}",
        refusal.message
    );
}

#[test]
fn a_folder() {
    let deployment = Deployment::empty();
    fs::create_dir(deployment.artifact()).unwrap();
    let refusal = refuse_in(&deployment);
    assert_eq!(refusal.error_type, "Runtime.ComponentUnreadable");
    assert!(
        refusal.message.contains("not a regular file"),
        "{refusal:?}"
    );
}

#[test]
fn a_file_that_cannot_be_opened() {
    let deployment = Deployment::empty();
    let file = deployment.artifact();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let refusal = refuse_in(&deployment);
    assert_eq!(refusal.error_type, "Runtime.ComponentUnreadable");
    assert!(
        refusal.message.contains("os error 40") && refusal.message.contains("chmod a+r"),
        "{refusal:?}"
    );
}

#[test]
fn a_pipe_without_a_writer() {
    let deployment = Deployment::empty();
    let pipe = deployment.artifact();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let refusal = refuse_in(&deployment);
    assert_eq!(refusal.error_type, "Runtime.ComponentUnreadable");
    assert!(
        refusal.message.contains("not a regular file"),
        "{refusal:?}"
    );
}

#[test]
fn no_bytes() {
    refuse(b"", "Runtime.ComponentEmpty", &["lambda-wasm compile"]);
}

#[test]
fn cut_off_anywhere() {
    let artifact = good();
    let (length, samples) = (artifact.len(), 200);
    let evenly = (0..samples).map(|sample| length * sample / samples);
    // The first bytes, which tell what a file is, and the last ones, which are the trailer's.
    for cut in evenly.chain(1..16).chain(length - 40..length) {
        let error_type = match cut {
            0 => "Runtime.ComponentEmpty",
            1..4 => "Runtime.ComponentNotRecognized",
            _ => "Runtime.TrailerMissing",
        };
        refuse(&artifact[..cut], error_type, &["lambda-wasm compile"]);
    }
}

#[test]
fn without_its_trailer() {
    let (elf, _) = good_parts();
    refuse(
        &elf,
        "Runtime.TrailerMissing",
        &["cut off", "lambda-wasm compile"],
    );
}

#[test]
fn an_executable() {
    let executable = fs::read(full_bootstrap()).unwrap();
    refuse(
        &executable,
        "Runtime.TrailerMissing",
        &["lambda-wasm compile"],
    );
}

/// Bytes without any order, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn noise_of_any_size() {
    for length in [1, 7, 8, 11, 12, 13, 4096, 8192, 100_000] {
        refuse(
            &noise(length),
            "Runtime.ComponentNotRecognized",
            &["lambda-wasm compile"],
        );
    }
}

#[test]
fn noise_with_a_trailer_that_fits() {
    let (elf, trailer) = good_parts();
    let mut artifact = noise(elf.len());
    artifact.extend(trailer.to_bytes().unwrap());
    refuse(
        &artifact,
        "Runtime.ComponentDamaged",
        &["lambda-wasm", "again"],
    );
}

#[test]
fn a_component_that_is_not_compiled() {
    let component = fs::read(guest("handler")).unwrap();
    refuse(
        &component,
        "Runtime.ComponentNotCompiled",
        &["not compiled", "lambda-wasm compile"],
    );
}

#[test]
fn a_core_module() {
    let module = wat::parse_str("(module)").unwrap();
    refuse(
        &module,
        "Runtime.CoreModule",
        &[
            "core WebAssembly module",
            "wasm32-wasip2",
            "lambda-wasm compile",
        ],
    );
}

#[test]
fn damage_is_found_where_it_is_looked_for() {
    let mut artifact = good();
    let middle = artifact.len() / 2;
    artifact[middle] ^= 1;
    let deployment = Deployment::of_artifact(&artifact).env("LAMBDA_WASM_VERIFY", "1");
    let refusal = refusal(&deployment);
    assert_eq!(refusal.error_type, "Runtime.ComponentDamaged");
    for word in ["hello.cwasm", "SHA-256", "again", &good_parts().1.sha256] {
        assert!(refusal.message.contains(word), "{}", refusal.message);
    }
    run(&good(), &[("LAMBDA_WASM_VERIFY", "1")]);
}
