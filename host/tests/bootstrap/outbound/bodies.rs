//! Bodies, both ways and of any size.

use std::thread;
use std::time::Duration;

use lambda_wasm_emulator::{End, Invocation};
use lambda_wasm_test_support::{Deployment, ScriptedApi};
use serde_json::json;

use super::servers::Server;
use super::{BOTH, Sender as _, allowed};
use crate::http::event;
use crate::http::streamed::whole;

#[test]
fn a_request_arrives_as_it_was_made() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        let fetched = sender.fetch(&json!({
            // The port as nobody else writes it.
            "url": format!("http://LocalHost.:0{}/a%20b?c=d", server.address.port()),
            "method": "PUT",
            "body": "hello ",
            "times": 2,
        }));
        assert_eq!(fetched["status"], 200, "{name}: {fetched}");
        assert_eq!(fetched["body"], "hello hello ");
        let headers = fetched["headers"].to_string();
        for seen in [
            r#"["x-method","PUT"]"#.to_owned(),
            r#"["x-target","/a%20b?c=d"]"#.to_owned(),
            r#"["x-version","HTTP/1.1"]"#.to_owned(),
            format!(r#"["x-host","localhost:{}"]"#, server.address.port()),
        ] {
            assert!(headers.contains(&seen), "{name}: no {seen} in {headers}");
        }
        sender.finish();
    }
}

/// More than the function has memory for, so that it is nowhere held as a whole.
#[test]
fn a_body_streams_both_ways_at_once() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        let asked =
            json!({"url": origin, "method": "POST", "body": "x".repeat(64 * 1024), "times": 64});
        let fetched = sender.fetch(&asked);
        assert_eq!(fetched["error"], serde_json::Value::Null, "{name}");
        assert_eq!(fetched["length"], 4 * 1024 * 1024, "{name}");
        sender.finish();
    }
}

/// A GET may have a body, though few do, and others may have none, though most do.
#[test]
fn a_body_arrives_whatever_the_method() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        for (method, body, framing) in [
            ("GET", "query", "chunked"),
            ("GET", "", "none"),
            ("DELETE", "", "none"),
            ("POST", "", "0"),
            ("PUT", "", "0"),
        ] {
            let times = u64::from(!body.is_empty());
            let asked = json!({"url": origin, "method": method, "body": body, "times": times});
            let fetched = sender.fetch(&asked);
            assert_eq!(fetched["body"], body, "{name} {method}: {fetched}");
            let seen = format!(r#"["x-framing","{framing}"]"#);
            let headers = fetched["headers"].to_string();
            assert!(headers.contains(&seen), "{name} {method}: {headers}");
        }
        sender.finish();
    }
}

/// Whether a GET has a body shows when it begins, and some never do.
#[test]
fn the_body_of_a_get_may_begin_late_but_not_too_late() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        for (late, body) in [(30, "query"), (400, "")] {
            let asked = json!({"url": origin, "body": "query", "body_ms": late});
            let fetched = sender.fetch(&asked);
            assert_eq!(fetched["body"], body, "{name} {late}: {fetched}");
        }
        sender.finish();
    }
}

/// In WASI 0.3 a function may answer with a stream that others write, and be done before it ends.
#[test]
fn a_response_is_passed_on_as_it_comes() {
    for policy in ["", "stream = true\n"] {
        let server = ScriptedApi::start();
        let origin = format!("http://{}", server.address());
        let policy = format!("{policy}[http]\nallow = [\"{origin}\"]\n");
        let sender = Deployment::of("http_p3").policy(&policy).start();
        let serving = thread::spawn(move || {
            let mut connection = server.accept();
            for rest in ["rest", ""] {
                connection.request();
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npart");
                thread::sleep(Duration::from_millis(200));
                connection.write(rest);
            }
            connection.close();
        });
        let pass = || {
            let asked = json!({"url": origin}).to_string();
            let event = event("POST", "/pass", &asked);
            sender.api.invoke(Invocation::new(event))
        };
        if policy.starts_with("stream") {
            assert_eq!(whole(pass().streamed()).body, b"partrest");
            let cut = whole(pass().streamed());
            assert_eq!(cut.body, b"part");
            assert!(matches!(cut.end, End::Failed(_)), "{:?}", cut.end);
        } else {
            assert_eq!(pass().response().json()["body"], "partrest");
            let error = pass().error();
            assert_eq!(error.error_type(), "Function.UnfinishedResponse");
        }
        serving.join().unwrap();
        sender.finish();
    }
}
