//! Servers that do not do what they should.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{PATIENCE, ScriptedApi};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use super::servers::{Authority, Server};
use super::{BOTH, Sender as _, allowed};
use crate::http::event;

#[test]
fn a_stalled_server_fails_its_invocation_only() {
    for name in BOTH {
        let stalls = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = Server::plain();
        let (stalled, origin) = (
            format!("http://{}", stalls.local_addr().unwrap()),
            good.origin("http"),
        );
        let sender = allowed(name, &[&stalled, &origin]).start();
        for _ in 0..3 {
            let asked = json!({"url": stalled}).to_string();
            let invocation = Invocation::new(event("POST", "/fetch", &asked));
            let error = sender
                .api
                .invoke(invocation.timeout(Duration::from_millis(500)))
                .error();
            assert_eq!(error.error_type(), "Function.Timeout", "{name}");
            assert_eq!(sender.get(&origin)["status"], 200);
        }
        // The Runtime API's and the good server's.
        let open = tcp_connections(sender.pid());
        assert_eq!(open, 2, "{name}: connections are left");
        sender.finish();
    }
}

/// How a component sees an error in a body: wasmtime tells those of WASI 0.2 no code, but only its words.
fn in_body(component: &str, code: &str, words: &str) -> String {
    match component {
        "http_p2" => format!("InternalError(Some({words:?}))"),
        _ => code.to_owned(),
    }
}

/// How many connections a process has.
pub fn tcp_connections(pid: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let target = |file: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(file.ok()?.path()).ok()?;
        Some(
            target
                .to_string_lossy()
                .strip_prefix("socket:[")?
                .trim_end_matches(']')
                .to_owned(),
        )
    };
    let sockets: Vec<String> = files.filter_map(target).collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let inode = |line: &str| line.split_whitespace().nth(9).map(str::to_owned);
    let lines = table.lines().filter_map(inode);
    lines.filter(|inode| sockets.contains(inode)).count()
}

#[test]
fn the_functions_own_limits_are_kept() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = allowed(name, &[&origin]).start();
        let serving = thread::spawn(move || {
            let mut connection = server.accept();
            connection.request();
            let mut second = server.accept();
            second.request();
            second.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
            // Both stay open until the function has given up.
            (connection, second)
        });
        let fetched = sender.fetch(&json!({"url": origin, "first_ms": 100}));
        assert_eq!(fetched["error"], "ConnectionReadTimeout", "{name}");
        let fetched = sender.fetch(&json!({"url": origin, "between_ms": 100}));
        assert_eq!(
            (&fetched["body"], &fetched["status"]),
            (&"part".into(), &200.into())
        );
        assert_eq!(
            fetched["error"],
            in_body(name, "ConnectionReadTimeout", "connection read timeout")
        );
        drop(serving.join().unwrap());
        sender.finish();
    }
}

#[test]
fn connection_refused_is_reported() {
    for name in BOTH {
        let origin = {
            let closed = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", closed.local_addr().unwrap())
        };
        let unknown = "https://no-such-host.invalid";
        let sender = allowed(name, &[&origin, unknown]).start();
        sender.fails(&origin, "ConnectionRefused");
        sender.fails(unknown, "DnsError");
        sender.finish();
    }
}

#[test]
fn an_incomplete_response_is_reported() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = allowed(name, &[&origin]).start();
        let serving = thread::spawn(move || {
            let mut connection = server.accept();
            connection.request();
            connection.close();
            let mut connection = server.accept();
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
            connection.close();
            let mut connection = server.accept();
            connection.request();
            connection.write("what is this\r\n\r\n");
            connection.close();
        });
        sender.fails(&origin, "HttpResponseIncomplete");
        let fetched = sender.get(&origin);
        assert_eq!(fetched["body"], "part", "{name}");
        assert_eq!(
            fetched["error"],
            in_body(name, "HttpResponseIncomplete", "incomplete HTTP response")
        );
        sender.fails(&origin, "HttpProtocolError");
        serving.join().unwrap();
        sender.finish();
    }
}

#[test]
fn redirects_are_not_followed() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = allowed(name, &[&origin]).start();
        let serving = thread::spawn(move || {
            let mut connection = server.accept();
            connection.request();
            connection.answer("302 Found", "Location: http://elsewhere.example/\r\n", "");
        });
        let fetched = sender.get(&origin);
        assert_eq!(fetched["status"], 302, "{name}");
        assert!(fetched["headers"].to_string().contains("elsewhere.example"));
        serving.join().unwrap();
        sender.finish();
    }
}

/// The process goes on: a deadline does not wait for what a server sends to end.
#[test]
fn endless_heads_fail_the_invocation_at_its_deadline() {
    for name in BOTH {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (flooding, good) = (
            format!("http://{}", server.local_addr().unwrap()),
            Server::plain(),
        );
        thread::spawn(move || {
            let heads = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
            for connection in server.incoming() {
                let mut connection = connection.unwrap();
                let heads = heads.clone();
                thread::spawn(move || {
                    // A server that speaks first is an error of its own.
                    let _ = connection.read(&mut [0; 1024]);
                    // Until the other side closes it.
                    while connection.write_all(heads.as_bytes()).is_ok() {}
                });
            }
        });
        let origin = good.origin("http");
        let sender = allowed(name, &[&flooding, &origin]).start();
        for _ in 0..3 {
            let asked = json!({"url": flooding}).to_string();
            let invocation = Invocation::new(event("POST", "/fetch", &asked));
            let error = sender
                .api
                .invoke(invocation.timeout(Duration::from_millis(500)))
                .error();
            assert_eq!(error.error_type(), "Function.Timeout", "{name}");
            let message = error.error_message();
            assert!(!message.contains("did not return"), "{name}: {message}");
            assert_eq!(sender.get(&origin)["status"], 200);
        }
        sender.finish();
    }
}

/// What the host makes once for a process is made again if it could not be made.
#[test]
fn a_failure_that_passes_is_not_kept() {
    // Names are resolved by files of the machine.
    let sender = allowed("http_p2", &["http://named.localhost:9"]).start();
    assert!(sender.api.wait_idle(PATIENCE));
    let pid = sender.pid();
    let limit = |files: u64| {
        let pid = Pid::from_raw(pid.try_into().unwrap());
        let limit = Rlimit {
            current: Some(files),
            ..getrlimit(Resource::Nofile)
        };
        prlimit(pid, Resource::Nofile, limit).unwrap();
    };
    // Those that are open stay so, and there is no other.
    limit(3);
    sender.fails("http://named.localhost:9", "DnsError");
    limit(1024);
    sender.fails("http://named.localhost:9", "DestinationIpProhibited");
    sender.finish();

    let authority = Authority::new("localhost", &[]);
    let server = Server::tls(&authority);
    let origin = server.origin("https");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let sender = allowed("http_p2", &[&origin]).trusting(&file).start();
    sender.fails(&origin, "ConfigurationError");
    fs::copy(authority.file(), &file).unwrap();
    assert_eq!(sender.get(&origin)["error"], Value::Null);
    sender.finish();
}

/// Each request is checked by the address that it goes to, which a proxy would hide.
#[test]
fn a_proxy_is_ignored_and_the_log_says_so_once() {
    let server = Server::plain();
    let origin = server.origin("http");
    for variable in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
        let function = allowed("http_p2", &[&origin]);
        let sender = function
            .envs(&[(variable, "http://127.0.0.1:1"), ("NO_PROXY", "a")])
            .start();
        for _ in 0..2 {
            assert_eq!(sender.get(&origin)["error"], Value::Null);
        }
        let stderr = sender.finish().stderr;
        let line = format!("the variable {variable} is ignored: requests go straight to");
        assert_eq!(stderr.matches(&line).count(), 1, "{stderr}");
    }
}
