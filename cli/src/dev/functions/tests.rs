use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;

/// Answers each event with its process id, once as many processes run as the file `wanted` says.
const MEETING: &str = r#"#!/bin/bash
    touch "here.$$"
    connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
    url=/2018-06-01/runtime/invocation
    while :; do
        connect
        printf "GET $url/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3
        id=$(tr -d "\r" <&3 | sed -n "s/^lambda-runtime-aws-request-id: //p")
        until [ "$(ls here.* | wc -l)" -ge "$(cat wanted)" ]; do sleep 0.01; done
        connect
        printf "POST $url/$id/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" >&3
        printf "Content-Length: ${#BASHPID}\r\n\r\n$BASHPID" >&3
        cat <&3 >/dev/null
    done
"#;

/// Has as many workers as events at the same time. Each answers with the id of the process, once all
/// have an event.
const WORKERS: &str = r#"#!/bin/bash
    connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
    url=/2018-06-01/runtime/invocation
    worker() {
        while :; do
            connect || exit
            printf "GET $url/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3
            id=$(tr -d "\r" <&3 | sed -n "s/^lambda-runtime-aws-request-id: //p")
            touch "here.$1"
            until [ "$(ls here.* | wc -l)" = "$AWS_LAMBDA_MAX_CONCURRENCY" ]; do sleep 0.01; done
            body="$$ $AWS_LAMBDA_INITIALIZATION_TYPE"
            connect || exit
            printf "POST $url/$id/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" >&3
            printf "Content-Length: ${#body}\r\n\r\n$body" >&3
            cat <&3 >/dev/null
        done
    }
    for ((n = 1; n < AWS_LAMBDA_MAX_CONCURRENCY; n++)); do worker $n & done
    worker 0
"#;

#[test]
fn an_environment_serves_as_many_events_at_the_same_time_as_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let code = Code::in_directory(folder.path());
    fs::write(&code.bootstrap, WORKERS).unwrap();
    fs::set_permissions(&code.bootstrap, Permissions::from_mode(0o755)).unwrap();
    let limits = Limits {
        environments: 1,
        events: 3,
        ..Limits::default()
    };
    let functions = Arc::new(LocalFunctions::new(Arc::default(), limits));
    functions.add(Function::new("F", "f"), &code, None);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let mut all = JoinSet::new();
        for _ in 0..6 {
            let functions = functions.clone();
            all.spawn(async move {
                let invocation = Invocation::new("{}").timeout(Duration::from_secs(30));
                let outcome = functions.invoke("F", invocation, None).await;
                outcome.response().text()
            });
        }
        let mut answers = all.join_all().await;
        assert!(
            answers[0].ends_with(" lambda-managed-instances"),
            "{answers:?}"
        );
        answers.sort();
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        // The next event has another process if the files have changed.
        fs::write(folder.path().join("f.toml"), "").unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("here.")
            {
                fs::remove_file(path).unwrap();
            }
        }
        let mut all = JoinSet::new();
        for _ in 0..3 {
            let functions = functions.clone();
            all.spawn(async move { functions.invoke("F", Invocation::new("{}"), None).await });
        }
        for outcome in all.join_all().await {
            assert_ne!(outcome.response().text(), answers[0]);
        }
        functions.end().await;
    });
}

#[test]
fn events_at_the_same_time_are_served_by_as_many_environments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootstrap");
    fs::write(&path, MEETING).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("wanted"), "5").unwrap();
    let functions = Arc::new(LocalFunctions::default());
    functions.add(
        Function::new("F", "f"),
        &Code::in_directory(folder.path()),
        None,
    );
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        // Each answers only when all five run.
        let invoke = |functions: Arc<LocalFunctions>| async move {
            let timeout = Duration::from_secs(30);
            let outcome = functions
                .invoke("F", Invocation::new("{}").timeout(timeout), None)
                .await;
            outcome.response().text()
        };
        let mut all = JoinSet::new();
        for _ in 0..5 {
            all.spawn(invoke(functions.clone()));
        }
        let mut processes = all.join_all().await;
        processes.sort();
        processes.dedup();
        assert_eq!(processes.len(), 5, "{processes:?}");
        // One after the other, one is enough.
        let again = invoke(functions.clone()).await;
        assert_eq!(invoke(functions.clone()).await, again);
        assert!(processes.contains(&again));
    });
}
