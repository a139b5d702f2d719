//! What the policy does not list is denied, and the log says what would allow it.

use std::net::TcpListener;

use serde_json::json;

use super::servers::Server;
use super::{BOTH, Sender as _, allowed};

#[test]
fn an_origin_that_is_not_listed() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &["https://api.example.com", "http://127.0.0.1:1"]).start();
        for _ in 0..2 {
            sender.fails(&origin, "HttpRequestDenied");
        }
        sender.fails("https://user@api.example.com/", "HttpRequestUriInvalid");
        assert_eq!(server.connections(), 0);
        let stderr = sender.finish().stderr;
        let line = format!(
            "a request to {origin} was denied: to allow it, add \"{origin}\" to `allow` under [http] in "
        );
        assert_eq!(stderr.matches(&line).count(), 2, "{stderr}");
        assert!(
            stderr.contains("hello.toml") && stderr.contains("[WARN] RequestId: "),
            "{stderr}"
        );
    }
}

#[test]
fn a_listed_name_that_leads_to_this_machine() {
    for name in BOTH {
        let server = Server::plain();
        // Resolvers answer such names with the loopback address: RFC 6761.
        let origin = format!("http://named.localhost:{}", server.address.port());
        let sender = allowed(name, &[&origin]).start();
        sender.fails(&origin, "DestinationIpProhibited");
        assert_eq!(server.connections(), 0);
        let stderr = sender.finish().stderr;
        assert!(
            stderr.contains("which is refused unless the policy lists that address itself"),
            "{stderr}"
        );
    }
}

/// Whatever the policy says.
#[test]
fn the_runtime_api() {
    for name in BOTH {
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let origins = [
            "127.0.0.1",
            "localhost",
            "127.0.0.2",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ]
        .map(|host| format!("http://{host}:{port}"));
        let function = allowed(name, &origins.each_ref().map(String::as_str));
        let sender = function.start_at(&format!("127.0.0.1:{port}"));
        for origin in &origins {
            sender.fails(
                &format!("{origin}/2018-06-01/runtime/invocation/next"),
                "DestinationIpProhibited",
            );
        }
        assert!(
            sender
                .finish()
                .stderr
                .contains("the Runtime API or the credentials are there")
        );
    }
}

/// The guest writes its body first, and looks at the response then: it reads why, and not that its body was dropped.
#[test]
fn a_body_does_not_hide_why_nothing_is_sent() {
    for name in BOTH {
        let server = Server::plain();
        let (named, closed) = (
            format!("http://named.localhost:{}", server.address.port()),
            "http://127.0.0.1:1",
        );
        let origin = server.origin("http");
        for (policy, url, method, code) in [
            ("", origin.as_str(), "POST", "HttpRequestDenied"),
            ("", &origin, "GET", "HttpRequestDenied"),
            ("", &origin, "CONNECT", "HttpRequestMethodInvalid"),
            (
                "",
                "http://user@localhost:1/",
                "POST",
                "HttpRequestUriInvalid",
            ),
            (&named, &named, "PUT", "DestinationIpProhibited"),
            (closed, closed, "POST", "ConnectionRefused"),
        ] {
            let listed: &[&str] = if policy.is_empty() { &[] } else { &[policy] };
            let sender = allowed(name, listed).start();
            for asked in [
                json!({"url": url, "method": method, "body": "x".repeat(64 * 1024), "times": 16}),
                json!({"url": url, "method": method, "body": "", "times": 1}),
                json!({"url": url, "method": method, "body": "late", "body_ms": 50}),
                json!({"url": url, "method": method}),
            ] {
                let told = sender.fetch(&asked);
                // WASI 0.3 tells a guest only that nobody reads any more.
                let is_written = name == "http_p3" || told["written"] == true;
                assert!(is_written, "{name}: {method} {url}: {told}");
                let error = told["error"].as_str().unwrap();
                assert!(error.starts_with(code), "{name}: {method} {url}: {error}");
            }
            sender.finish();
        }
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn tunnels() {
    let server = Server::plain();
    let origin = server.origin("http");
    let sender = allowed("http_p2", &[&origin]).start();
    let fetched = sender.fetch(&json!({"url": origin, "method": "CONNECT"}));
    assert_eq!(fetched["error"], "HttpRequestMethodInvalid");
    sender.finish();
}

#[test]
fn an_invalid_origin_fails_the_start() {
    let function = allowed("http_p2", &["https://a.example/path"]);
    let refusal = crate::refusal::refusal(&function);
    assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
    assert!(
        refusal.message.contains(
            ", column 10: cannot read `http.allow`: the origin \"https://a.example/path\" has a path, but an origin has none"
        ),
        "{}",
        refusal.message
    );
}
