//! `lockdown = true`: what a function may do works as before, and machine code in the process finds nothing.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, Outcome};
use lambda_wasm_test_support::program::{children, is_running};
use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{Deployment, Host, PATIENCE, Process, ScriptedApi, root};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value};

use crate::http::{BOTH, ask, event};
use crate::outbound::Sender;
use crate::outbound::servers::Server;

const POLICY: &str = "lockdown = true\n";

/// The errors of refused calls: of the filter, and of Landlock.
const REFUSED: [i64; 2] = [-38, -13];

/// Has each thread of the process try what machine code of a guest would try, and returns what came of it.
fn escapes(host: &Host, port: u16, writable: &Path) -> Vec<Map<String, Value>> {
    let script = root().join("host/tests/bootstrap/policy/lockdown/escape.py");
    let output = Command::new("python3")
        .arg(script)
        .args([host.pid().to_string(), port.to_string()])
        .arg(host.api.address().port().to_string())
        .arg(writable)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let threads: Vec<Map<String, Value>> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(threads.len() >= 2, "{lines}");
    threads
}

/// Returns whether the kernel has a Landlock with which files can be moved between directories, as since Linux 5.19.
fn kernel_has_landlock() -> bool {
    let version = "import ctypes; print(ctypes.CDLL(None).syscall(444, 0, 0, 1))";
    let output = Command::new("python3").args(["-c", version]).output();
    let version = String::from_utf8(output.unwrap().stdout).unwrap();
    version.trim().parse::<i32>().unwrap() >= 2
}

#[cfg(target_arch = "x86_64")]
#[test]
fn machine_code_in_the_process_finds_nothing() {
    if !kernel_has_landlock() {
        return skip(
            "machine code behind the second wall",
            "the kernel has no Landlock, or one before Linux 5.19",
        );
    }
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let elsewhere = tempfile::tempdir().unwrap();
    let writable = elsewhere.path().join("new");
    let policies = [
        // Whether it has no sockets.
        ("", true),
        ("[files]\n\"/var/task/data\" = \"read-write\"\n", true),
        ("[http]\nallow = [\"https://example.com\"]\n", false),
    ];
    for (policy, is_alone) in policies {
        for workers in ["1", "3"] {
            let deployment = Deployment::of("handler").policy(format!("{POLICY}{policy}"));
            fs::create_dir(deployment.path().join("data")).unwrap();
            let host = deployment
                .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
                .start();
            assert!(host.api.wait_workers(workers.parse().unwrap(), PATIENCE));
            assert_eq!(host.ask("count"), "1");
            let mut workers_seen = 0;
            for mut result in escapes(&host, port, &writable) {
                let about = format!("{policy}: {result:?}");
                let mut is_refused = |what: &str| {
                    let error = result.remove(what).unwrap().as_i64().unwrap();
                    REFUSED.contains(&error)
                };
                for what in [
                    "passwords",
                    "other process",
                    "new file",
                    "program",
                    "fork",
                    "signal",
                ] {
                    assert!(is_refused(what), "{what}, {about}");
                }
                for what in ["datagram", "connection", "runtime api"] {
                    assert_eq!(is_refused(what), is_alone, "{what}, {about}");
                }
                // The watchdog has to see the other threads.
                workers_seen += usize::from(is_refused("environment"));
            }
            assert!(workers_seen >= workers.parse().unwrap(), "{policy}");
            assert!(!writable.exists());
            host.finish();
        }
    }
}

/// Returns whether each thread of the process has a filter: `Seccomp: 2` in
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
fn all_threads_are_restricted(host: &Host) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
    let mut states = threads.map(|thread| {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        status.lines().any(|line| line == "Seccomp:\t2")
    });
    states.all(|is_restricted| is_restricted)
}

fn error_type(outcome: Outcome) -> String {
    outcome.error().error_type()
}

#[test]
fn functions_work_and_fail_as_without_it() {
    for deployment in [Deployment::of("handler"), Deployment::of("handler").small()] {
        for workers in ["1", "4"] {
            let host = deployment
                .clone()
                .policy(POLICY)
                .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
                .start();
            assert!(host.api.wait_workers(workers.parse().unwrap(), PATIENCE));
            for _ in 0..2 {
                assert_eq!(host.ask("count"), "1");
                assert_eq!(host.ask("sleep:5"), "woke");
                assert_eq!(host.ask("stdout:text\\n"), "printed");
                assert_eq!(host.ask("random:1000"), "1000");
                assert_eq!(error_type(host.command("panic:x")), "Function.Trap");
                assert_eq!(error_type(host.command("allocate")), "Function.OutOfMemory");
                assert_eq!(
                    error_type(host.command("recurse")),
                    "Function.StackOverflow"
                );
                let runaway = Invocation::new("\"loop\"").timeout(Duration::from_millis(500));
                assert_eq!(error_type(host.api.invoke(runaway)), "Function.Timeout");
            }
            assert!(all_threads_are_restricted(&host));
            host.finish();
        }
    }
}

/// Without it, machine code finds what it looks for, and the checks of the other tests fail.
#[test]
fn it_is_off_by_default() {
    let host = Deployment::of("handler").start();
    assert_eq!(host.ask("count"), "1");
    assert!(!all_threads_are_restricted(&host));
    if cfg!(target_arch = "x86_64") {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        for mut result in escapes(&host, port, &directory.path().join("new")) {
            result.remove("thread");
            assert!(
                result.len() >= 8 && result.values().all(|error| *error == 0),
                "{result:?}"
            );
        }
    }
    host.finish();
}

#[test]
fn responses_are_streamed() {
    for guest in BOTH {
        let host = Deployment::of(guest)
            .policy(format!("{POLICY}stream = true\n"))
            .start();
        for _ in 0..3 {
            let event = event("GET", "/chunks?n=3&size=2&pause=5", "");
            let answer = host.api.invoke(Invocation::new(event)).streamed();
            let (chunks, _) = answer.wait();
            let body: Vec<u8> = chunks
                .iter()
                .flat_map(|chunk| chunk.bytes.to_vec())
                .collect();
            assert!(body.ends_with(b"\0aabbcc"), "{guest}");
        }
        assert!(all_threads_are_restricted(&host));
        host.finish();
    }
}

#[test]
fn requests_are_sent() {
    let server = Server::plain();
    let origin = server.origin("http");
    for guest in BOTH {
        let host = Deployment::of(guest)
            .policy(format!("{POLICY}[http]\nallow = [{origin:?}]\n"))
            .start();
        for _ in 0..2 {
            let answer = host.get(&format!("{origin}/hello"));
            assert_eq!(answer["status"], 200, "{guest}: {answer}");
        }
        assert!(all_threads_are_restricted(&host));
        host.finish();
    }
}

#[test]
fn granted_directories_are_there() {
    let deployment = Deployment::of("policy").policy(format!(
        "{POLICY}[files]\n\"/var/task/data\" = \"read-write\"\n"
    ));
    let data = deployment.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("file"), "text").unwrap();
    let host = deployment.start();
    assert_eq!(host.ask("read:/var/task/data/file"), "text");
    assert!(host.ask("list:/var/task/data").contains("file"));
    for name in ["new", "newer"] {
        host.ask(&format!("create:/var/task/data/{name}"));
        assert_eq!(fs::read(data.join(name)).unwrap(), b"new");
    }
    host.ask("rename:/var/task/data/new /var/task/data/renamed");
    host.ask("make-folder:/var/task/data/folder");
    host.ask("remove:/var/task/data/newer");
    let mut names: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["file", "folder", "renamed"]);
    assert!(all_threads_are_restricted(&host));
    host.finish();
}

#[test]
fn a_worker_that_is_stuck_ends_the_process_after_its_neighbours() {
    for workers in ["1", "2"] {
        let (api, mut process) = Deployment::of("handler")
            .policy(POLICY)
            .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
            .start_unread();
        assert!(api.wait_workers(workers.parse().unwrap(), PATIENCE));
        let neighbour = Invocation::new("\"sleep:1500\"").timeout(PATIENCE);
        let neighbour = (workers == "2").then(|| api.submit(neighbour));
        let stuck = Invocation::new("\"long-line:1000000\"").timeout(Duration::from_secs(1));
        assert_eq!(error_type(api.invoke(stuck)), "Function.Timeout");
        if let Some(neighbour) = neighbour {
            assert_eq!(neighbour.wait().response().text(), "\"woke\"");
        }
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::yield_now();
        };
        assert_eq!(status.code(), Some(1));
    }
}

#[test]
fn a_large_response_is_compressed_and_sent() {
    let host = Deployment::of("http_p2")
        .policy(format!("{POLICY}compress = true\n"))
        .start();
    let answer = ask(&host, "GET", "/big?bytes=3000000", "")
        .response()
        .json();
    assert_eq!(answer["statusCode"], 200);
    assert!(all_threads_are_restricted(&host));
    host.finish();
}

/// A host behind the wall, and the process that connects to the Runtime API for it.
fn spawn(api: &ScriptedApi) -> (Process, u32) {
    let process = Deployment::of("handler")
        .policy(POLICY)
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .spawn();
    let mut connection = api.accept();
    connection.expect_next();
    let children = children(process.id());
    assert_eq!(children.len(), 1);
    connection.close();
    (process, children[0])
}

fn descriptors(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    // One of the test's own may be gone by now.
    let opened = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    opened.map(|path| path.display().to_string()).collect()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn lost_connections_are_replaced() {
    let api = ScriptedApi::start();
    let (mut process, _) = spawn(&api);
    for number in 0..3 {
        // While it waits for an event.
        let mut connection = api.accept();
        connection.expect_next();
        connection.close();
        // Before the reply to a response.
        let mut connection = api.accept();
        connection.expect_next();
        let id = format!("id-{number}");
        connection.event(&id, "\"count\"");
        connection.request();
        connection.close();
        let mut connection = api.accept();
        assert_eq!(connection.take_response(&id).body, b"\"1\"");
        connection.close();
    }
    let mut connection = api.accept();
    connection.expect_next();
    connection.answer("403 Forbidden", "", "");
    assert_eq!(process.wait().status.code(), Some(1));
}

#[test]
fn an_api_that_is_gone_is_reported_as_without_it() {
    let api = ScriptedApi::start();
    let (mut process, _) = spawn(&api);
    drop(api);
    let output = process.wait();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output.stderr.contains("Connection refused"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_process_that_connects_knows_nothing_and_ends_with_the_first() {
    let api = ScriptedApi::start();
    let (process, other) = spawn(&api);
    // It has started when it waits for the first byte.
    let path = |file: &str| format!("/proc/{other}/{file}");
    wait_for("it does not start", || {
        fs::read_to_string(path("cmdline")).is_ok_and(|line| line.contains("--connect-to"))
    });
    assert_eq!(fs::read(path("environ")).unwrap(), b"");
    // It may have what the tests themselves were started with, and nothing of the host's.
    let inherited = descriptors("/proc/self/fd");
    let mut descriptors = descriptors(&path("fd"));
    descriptors.retain(|opened| opened != "/dev/null" && !inherited.contains(opened));
    assert_eq!(descriptors.len(), 1, "{descriptors:?}");
    assert!(descriptors[0].starts_with("socket:"), "{descriptors:?}");
    drop(process);
    wait_for("it does not end", || !is_running(other));
}

#[test]
fn sigterm_leaves_the_process_that_connects_until_the_last_response() {
    let api = ScriptedApi::start();
    let (mut process, other) = spawn(&api);
    let mut connection = api.accept();
    connection.expect_next();
    connection.event("id-1", "\"sleep:300\"");
    for id in [process.id(), other] {
        let id = Pid::from_raw(id.cast_signed()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
    }
    connection.request();
    connection.close();
    let mut connection = api.accept();
    assert_eq!(connection.take_response("id-1").body, b"\"woke\"");
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn without_the_process_that_connects_the_process_ends_and_says_why() {
    let api = ScriptedApi::start();
    let (mut process, other) = spawn(&api);
    let mut connection = api.accept();
    connection.expect_next();
    kill_process(Pid::from_raw(other.cast_signed()).unwrap(), Signal::KILL).unwrap();
    wait_for("it does not end", || !is_running(other));
    connection.close();
    let output = process.wait();
    assert_eq!(output.status.code(), Some(1));
    let why = "the process that connects to the Runtime API has ended";
    assert!(output.stderr.contains(why), "{}", output.stderr);
}

#[test]
fn a_process_is_restored_from_a_snapshot() {
    for workers in ["1", "2"] {
        let api = ScriptedApi::start();
        let _process = Deployment::of("handler")
            .policy(POLICY)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address())
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
            .spawn();
        let restore = "GET /2018-06-01/runtime/restore/next HTTP/1.1";
        let mut snapshot = api.accept();
        assert_eq!(snapshot.request().line, restore);
        snapshot.close();
        let mut copy = api.accept();
        assert_eq!(copy.request().line, restore);
        copy.answer("200 OK", "", "");
        let mut connection = api.accept();
        connection.expect_next();
        connection.event("id-1", "\"count\"");
        assert_eq!(connection.take_response("id-1").body, b"\"1\"");
    }
}
