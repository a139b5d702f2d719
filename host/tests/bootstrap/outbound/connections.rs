//! Connections outlive the instances that used them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::ScriptedApi;
use serde_json::json;

use super::faults::tcp_connections;
use super::servers::{Authority, Server};
use super::{BOTH, Sender as _, allowed};
use crate::http::event;

#[test]
fn a_fresh_instance_finds_a_warm_connection() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        for _ in 0..4 {
            assert_eq!(sender.get(&origin)["status"], 200);
        }
        assert_eq!(server.connections(), 1, "{name}");
        sender.finish();
    }
}

/// Serves a request on each connection, and closes it: with an answer, and then without another word.
fn closes(server: ScriptedApi, connections: usize) -> thread::JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let serve = |_| {
            let mut connection = server.accept();
            let request = connection.request();
            connection.answer("200 OK", "", "once");
            connection.close();
            request.line
        };
        (0..connections).map(serve).collect()
    })
}

#[test]
fn a_connection_closed_while_idle_is_replaced() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = allowed(name, &[&origin]).start();
        let served = closes(server, 3);
        for method in ["GET", "POST", "GET"] {
            let fetched = sender.fetch(&json!({"url": origin, "method": method, "body": "b"}));
            assert_eq!(fetched["body"], "once", "{name}: {fetched}");
        }
        assert_eq!(served.join().unwrap().len(), 3);
        sender.finish();
    }
}

/// A request that comes while the other side closes is sent once more, if it is safe to.
#[test]
fn a_connection_closed_during_a_safe_request_is_replaced() {
    for name in BOTH {
        for (method, outcome) in [("GET", "again"), ("DELETE", "")] {
            let server = ScriptedApi::start();
            let origin = format!("http://{}", server.address());
            let sender = allowed(name, &[&origin]).start();
            let serving = thread::spawn(move || {
                let mut connection = server.accept();
                connection.request();
                connection.answer("200 OK", "", "first");
                // It reads the second, and ends.
                connection.request();
                connection.close();
                if method == "GET" {
                    let mut connection = server.accept();
                    connection.request();
                    connection.answer("200 OK", "", "again");
                }
            });
            assert_eq!(sender.get(&origin)["body"], "first");
            let fetched = sender.fetch(&json!({"url": origin, "method": method}));
            assert_eq!(fetched["body"], outcome, "{name}: {fetched}");
            if method != "GET" {
                assert_eq!(fetched["error"], "HttpResponseIncomplete");
            }
            serving.join().unwrap();
            sender.finish();
        }
    }
}

/// Or the answer to one invocation would be what another had asked for.
#[test]
fn a_connection_with_an_unrequested_response_is_replaced() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = allowed(name, &[&origin]).start();
        let (planting, planted) = mpsc::channel();
        let serving = thread::spawn(move || {
            let mut first = server.accept();
            first.request();
            first.answer("200 OK", "", "first");
            thread::sleep(Duration::from_millis(100));
            first.answer("408 Request Timeout", "", "nobody's");
            planting.send(()).unwrap();
            let mut second = server.accept();
            second.request();
            second.answer("200 OK", "", "second");
            first
        });
        assert_eq!(sender.get(&origin)["body"], "first", "{name}");
        planted.recv().unwrap();
        thread::sleep(Duration::from_millis(50));
        assert_eq!(sender.get(&origin)["body"], "second", "{name}");
        drop(serving.join().unwrap());
        sender.finish();
    }
}

/// Or all further requests would wait where nothing comes any more: HTTP/2 has them on one connection.
#[test]
fn a_connection_silent_during_a_request_is_replaced() {
    for name in BOTH {
        let authority = Authority::new("localhost", &[b"h2"]);
        let server = Server::tls(&authority);
        let origin = server.origin("https");
        let sender = allowed(name, &[&origin])
            .trusting(&authority.file())
            .start();
        let silent = format!("{origin}/silent");
        let good = |connections| {
            for _ in 0..2 {
                assert_eq!(sender.get(&origin)["status"], 200, "{name}");
            }
            assert_eq!(server.connections(), connections, "{name}");
        };
        good(1);
        // Given up by the function, and with it.
        let fetched = sender.fetch(&json!({"url": silent, "first_ms": 200}));
        assert_eq!(fetched["error"], "ConnectionReadTimeout", "{name}");
        good(2);
        let asked = json!({ "url": silent }).to_string();
        let event = Invocation::new(event("POST", "/fetch", &asked));
        let invoked = sender.api.invoke(event.timeout(Duration::from_millis(500)));
        assert_eq!(invoked.error().error_type(), "Function.Timeout");
        good(3);
        sender.finish();
    }
}

/// They are not sent in another's time, nor do they take its place.
#[test]
fn requests_end_with_their_invocation() {
    let server = ScriptedApi::start();
    let origin = format!("http://{}", server.address());
    let sender = allowed("http_p2", &[&origin]).start();
    let serving = thread::spawn(move || {
        let mut connection = server.accept();
        let mut lines = Vec::new();
        for _ in 0..4 {
            lines.push(connection.request().line);
            connection.answer("200 OK", "", "good");
        }
        assert_eq!(server.count_connections(Duration::from_millis(200)), 0);
        lines
    });
    assert_eq!(sender.get(&format!("{origin}/good"))["status"], 200);
    for _ in 0..3 {
        let left = json!({"url": format!("{origin}/left"), "method": "POST"}).to_string();
        let event = event("POST", "/leave?times=100", &left);
        let error = sender.api.invoke(Invocation::new(event)).error();
        assert_eq!(error.error_type(), "Function.Trap");
        let good = sender.get(&format!("{origin}/good"));
        assert_eq!(good["status"], 200, "{good}");
    }
    assert_eq!(serving.join().unwrap(), ["GET /good HTTP/1.1"; 4]);
    sender.finish();
}

#[test]
fn more_requests_than_may_be_in_flight_wait() {
    let server = Server::plain();
    let origin = server.origin("http");
    let sender = allowed("http_p2", &[&origin]).start();
    let asked = json!({"url": origin}).to_string();
    let event = event("POST", "/at-once?times=200", &asked);
    let answer = sender.api.invoke(Invocation::new(event)).response();
    assert_eq!(answer.json()["body"], "200");
    sender.finish();
}

/// Lambda allows a process 1,024 descriptors.
#[test]
fn those_that_are_idle_do_not_grow_without_end() {
    for name in BOTH {
        let server = Server::everywhere();
        let port = server.address.port();
        let origins: Vec<_> = (1..=200)
            .map(|last| format!("http://127.0.0.{last}:{port}"))
            .collect();
        let origins: Vec<_> = origins.iter().map(String::as_str).collect();
        let sender = allowed(name, &origins).start();
        for origin in &origins {
            assert_eq!(sender.get(origin)["status"], 200, "{name} {origin}");
        }
        assert_eq!(server.connections(), 200);
        let open = tcp_connections(sender.pid());
        assert!((2..=130).contains(&open), "{name}: {open}");
        sender.finish();
    }
}
