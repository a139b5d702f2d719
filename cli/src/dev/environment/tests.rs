use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use lambda_wasm_emulator::{End, Invocation, Template};
use tempfile::TempDir;

use super::*;
use crate::dev::history::History;

/// A folder whose bootstrap is a shell script, and the environment that runs it.
fn environment(script: &str) -> (TempDir, Arc<ExecutionEnvironment>) {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("bootstrap");
    fs::write(&bootstrap, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&bootstrap, Permissions::from_mode(0o755)).unwrap();
    let template = "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: f}}}";
    let function = Template::parse(template).unwrap().functions.remove(0);
    let environment = ExecutionEnvironment::new(
        function,
        Code::in_directory(folder.path()),
        Limits::default(),
    );
    (folder, Arc::new(environment))
}

async fn invoke(environment: &Arc<ExecutionEnvironment>) -> Outcome {
    let claim = environment.claim(None).await;
    let invocation = Invocation::new("{}");
    let record = Arc::new(History::default()).begin("F", &invocation);
    environment.invoke(claim, record, invocation, None).await
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
        let outcome = block_on(invoke(&environment));
        let Outcome::Lost(why) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(why, "Runtime exited with error: exit status 3");
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
    let outcome = block_on(invoke(&environment));
    let Outcome::Lost(why) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.starts_with(&format!("cannot start {}", bootstrap.display())),
        "{why}"
    );
}

/// Streams an answer for each event: a piece, and when the file `go` comes, the end.
const STREAMING: &str = r#"exec bash -c '
    connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
    url=/2018-06-01/runtime/invocation
    while :; do
        connect
        printf "GET $url/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3
        id=$(tr -d "\r" <&3 | sed -n "s/^lambda-runtime-aws-request-id: //p")
        connect
        mode="Lambda-Runtime-Function-Response-Mode: streaming"
        printf "POST $url/$id/response HTTP/1.1\r\nHost: x\r\n$mode\r\n" >&3
        printf "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n" >&3
        until [ -e go ]; do sleep 0.01; done
        [ -e die ] && exit 7
        printf "0\r\n\r\n" >&3
        read -r _ <&3
    done'"#;

#[test]
fn while_an_answer_streams_the_next_event_waits() {
    let (folder, environment) = environment(STREAMING);
    block_on(async {
        let first = invoke(&environment).await;
        let mut first = first.streamed();
        assert_eq!(first.next().await.unwrap().bytes, "one");
        let second = environment.clone();
        let second = tokio::spawn(async move { invoke(&second).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!second.is_finished());
        fs::write(folder.path().join("go"), "").unwrap();
        assert!(matches!(first.whole().await.1, End::Complete));
        let (chunks, end) = second.await.unwrap().streamed().whole().await;
        assert_eq!(chunks[0].bytes, "one");
        assert!(matches!(end, End::Complete), "{end:?}");
    });
}

#[test]
fn a_bootstrap_that_ends_within_an_answer_is_started_again() {
    let (folder, environment) = environment(STREAMING);
    let file = |name: &str| folder.path().join(name);
    block_on(async {
        fs::write(file("die"), "").unwrap();
        let outcome = invoke(&environment).await;
        fs::write(file("go"), "").unwrap();
        let (chunks, end) = outcome.streamed().whole().await;
        assert_eq!(chunks[0].bytes, "one");
        assert!(matches!(end, End::Cut | End::Lost(_)), "{end:?}");
        fs::remove_file(file("die")).unwrap();
        let outcome = invoke(&environment).await;
        assert!(matches!(outcome.streamed().whole().await.1, End::Complete));
    });
}

#[test]
fn an_error_is_shown_without_what_the_bootstrap_has_logged() {
    let json = r#"{"errorType":"Function.Trap","errorMessage":"unreachable\nat f","stackTrace":["f","g"]}"#;
    let post = |body: &'static str| Post {
        headers: Default::default(),
        body: body.as_bytes().into(),
    };
    let text = |json| error_text("the invocation", &post(json));
    let first = text(json);
    let line = "the invocation failed: Function.Trap";
    // The next step, once.
    let hint = "\nhint: Read the stack trace and the end of stderr in the message.";
    assert!(first.starts_with(&format!("{line}{hint}")), "{first}");
    assert_eq!(text(json), line);
    assert_eq!(text(r#"{"errorType":""}"#), "the invocation failed");
    assert_eq!(text("oh no"), "the invocation failed: oh no");
}

#[test]
fn an_environment_without_events_ends_and_the_next_event_starts_another() {
    let wait = r#"exec bash -c 'echo start >> log
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n" >&3
        read -r line <&3'"#;
    let (folder, environment) = environment(wait);
    block_on(async {
        environment.start().await;
        environment.end_if_idle(Duration::from_secs(60)).await;
        assert!(environment.state.lock().await.process.is_some());
        environment.end_if_idle(Duration::ZERO).await;
        assert!(environment.state.lock().await.process.is_none());
        // It has not failed: the event does not wait.
        let outcome = invoke(&environment).await;
        assert!(matches!(outcome, Outcome::Lost(_)), "{outcome:?}");
    });
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log, "start\n".repeat(2));
}

/// A bootstrap that answers each event with the log of its extension.
const ANSWERING: &str = r#"exec bash -c '
    connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
    url=/2018-06-01/runtime/invocation
    while :; do
        connect
        printf "GET $url/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3
        id=$(tr -d "\r" <&3 | sed -n "s/^lambda-runtime-aws-request-id: //p")
        connect
        printf "POST $url/$id/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" >&3
        printf "Content-Length: 2\r\n\r\n{}" >&3
        cat <&3 >/dev/null
    done'"#;

/// An extension that writes its name, its handler and its events to the file `events`. It crashes
/// when the file `crash` exists.
const EXTENSION: &str = r#"#!/bin/bash
    connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
    url=/2020-01-01/extension
    name=${0##*/}
    echo "$name ${_HANDLER-none}" >> events
    connect
    printf "POST $url/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" >&3
    printf "Lambda-Extension-Name: $name\r\nContent-Length: 32\r\n\r\n" >&3
    printf '{"events":["INVOKE","SHUTDOWN"]}' >&3
    id=$(tr -d "\r" <&3 | sed -n "s/^lambda-extension-identifier: //p")
    while :; do
        connect
        printf "GET $url/event/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" >&3
        printf "Lambda-Extension-Identifier: $id\r\n\r\n" >&3
        event=$(tr -d "\r" <&3)
        [[ $event =~ \"eventType\":\"([A-Z]*)\" ]]
        echo "${BASH_REMATCH[1]}" >> events
        [ -e crash ] && exit 3
        if [[ $event =~ \"shutdownReason\":\"([a-z]*)\" ]]; then
            echo "${BASH_REMATCH[1]}" >> events
            exit 0
        fi
    done
"#;

/// Adds an extension to an environment.
fn add_extension(folder: &TempDir, name: &str, script: &str) {
    let extensions = folder.path().join("extensions");
    fs::create_dir_all(&extensions).unwrap();
    // A file that cannot be run is not an extension.
    fs::write(extensions.join("README"), "").unwrap();
    let path = extensions.join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_extension_sees_all_phases_of_its_environment() {
    let (folder, environment) = environment(ANSWERING);
    add_extension(&folder, "observer", EXTENSION);
    block_on(async {
        for _ in 0..2 {
            assert_eq!(invoke(&environment).await.response().text(), "{}");
        }
        environment.end().await;
    });
    let events = fs::read_to_string(folder.path().join("events")).unwrap();
    let expected = "observer none\nINVOKE\nINVOKE\nSHUTDOWN\nspindown\n";
    assert_eq!(events, expected);
}

#[test]
fn an_extension_that_crashes_ends_its_environment_and_is_started_again() {
    let (folder, environment) = environment(ANSWERING);
    add_extension(&folder, "observer", EXTENSION);
    let crash = folder.path().join("crash");
    block_on(async {
        environment.start().await;
        fs::write(&crash, "").unwrap();
        // The response may arrive before the crash.
        drop(invoke(&environment).await);
        if let Some(process) = &environment.state.lock().await.process {
            while process.extension_failure().is_none() {
                process.rest().await;
            }
        }
        fs::remove_file(&crash).unwrap();
        assert_eq!(invoke(&environment).await.response().text(), "{}");
        environment.end().await;
    });
    let events = fs::read_to_string(folder.path().join("events")).unwrap();
    assert_eq!(events.matches("observer none\n").count(), 2, "{events}");
}

#[test]
fn an_extension_that_does_not_start_is_the_outcome() {
    let (folder, environment) = environment(ANSWERING);
    for (script, kind) in [
        ("#!/bin/sh\nexit 4\n", "Extension.Crash"),
        ("#!/nowhere/sh\n", "Extension.LaunchError"),
    ] {
        add_extension(&folder, "broken", script);
        let Outcome::ExtensionFailed(failure) = block_on(invoke(&environment)) else {
            panic!("it has started")
        };
        assert_eq!(
            (failure.kind.as_str(), failure.extension.as_str()),
            (kind, "broken")
        );
        if kind == "Extension.Crash" {
            assert_eq!(failure.message, "exit status 4");
        }
    }
}

#[test]
fn what_a_bootstrap_has_started_ends_with_it() {
    let (folder, environment) = environment(
        r#"exec bash -c 'sleep 1000 & echo $! > child
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n" >&3
        read -r line <&3'"#,
    );
    block_on(async {
        environment.start().await;
        environment.end().await;
    });
    let child = fs::read_to_string(folder.path().join("child")).unwrap();
    let child: u32 = child.trim().parse().unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while lambda_wasm_test_support::program::is_running(child) {
        assert!(std::time::Instant::now() < until, "it still runs");
        std::thread::yield_now();
    }
}
