//! Bodies, both ways and of any size.

use serde_json::json;

use super::servers::Server;
use super::{BOTH, Function};

#[test]
fn a_request_arrives_as_it_was_made() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = Function::allowed(name, &[&origin]).start();
        let fetched = sender.fetch(&json!({
            "url": format!("{origin}/a%20b?c=d"),
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
        let sender = Function::allowed(name, &[&origin]).start();
        let asked =
            json!({"url": origin, "method": "POST", "body": "x".repeat(64 * 1024), "times": 64});
        let fetched = sender.fetch(&asked);
        assert_eq!(fetched["error"], serde_json::Value::Null, "{name}");
        assert_eq!(fetched["length"], 4 * 1024 * 1024, "{name}");
        sender.finish();
    }
}
