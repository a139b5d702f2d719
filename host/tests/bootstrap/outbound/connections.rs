//! Connections outlive the instances that used them.

use std::thread;

use serde_json::json;

use super::servers::Server;
use super::{BOTH, Function};
use crate::support::ScriptedApi;

#[test]
fn a_fresh_instance_finds_a_warm_connection() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = Function::allowed(name, &[&origin]).start();
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
fn one_that_was_closed_while_it_was_idle_is_replaced() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let sender = Function::allowed(name, &[&origin]).start();
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
fn one_that_ends_under_a_request_is_replaced_if_that_is_safe() {
    for name in BOTH {
        for (method, outcome) in [("GET", "again"), ("DELETE", "")] {
            let server = ScriptedApi::start();
            let origin = format!("http://{}", server.address());
            let sender = Function::allowed(name, &[&origin]).start();
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
