use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use lambda_wasm_emulator::Template;
use tempfile::TempDir;

use super::*;

/// A folder whose bootstrap is a shell script, and the environment that runs it.
fn environment(script: &str) -> (TempDir, Arc<Environment>) {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("bootstrap");
    fs::write(&bootstrap, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&bootstrap, Permissions::from_mode(0o755)).unwrap();
    let template = "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: f}}}";
    let function = Template::parse(template).unwrap().functions.remove(0);
    let environment = Environment::new(function, folder.path().to_owned());
    (folder, Arc::new(environment))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_bootstrap_that_ends_is_told_with_its_status_and_started_again_after_a_pause() {
    let (folder, environment) = environment("echo start >> log; exit 3");
    let started = std::time::Instant::now();
    for _ in 0..3 {
        let outcome = block_on(environment.invoke(Invocation::new("{}")));
        let Outcome::Lost(why) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(why, "Runtime exited with error: exit status: 3");
    }
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log, "start\n".repeat(3));
    // 100 ms before the second start and 200 ms before the third.
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_bootstrap_that_cannot_be_run_is_named() {
    let (folder, environment) = environment("");
    let bootstrap = folder.path().join("bootstrap");
    fs::set_permissions(&bootstrap, Permissions::from_mode(0o644)).unwrap();
    let outcome = block_on(environment.invoke(Invocation::new("{}")));
    let Outcome::Lost(why) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.starts_with(&format!("cannot start {}", bootstrap.display())),
        "{why}"
    );
}

#[test]
fn an_error_is_shown_with_its_stack() {
    let json =
        r#"{"errorType":"Function.Trap","errorMessage":"unreachable","stackTrace":["f","g"]}"#;
    let post = |body: &'static str| Post {
        headers: Default::default(),
        body: body.as_bytes().into(),
    };
    let text = error_text(&post(json));
    assert_eq!(text, "Function.Trap: unreachable\n  f\n  g");
    assert_eq!(error_text(&post("oh no")), "oh no");
}
