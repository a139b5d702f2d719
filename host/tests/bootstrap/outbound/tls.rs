//! Servers over TLS, by HTTP/1.1 and HTTP/2.

use serde_json::Value;

use super::servers::{Authority, Server};
use super::{BOTH, Function};

#[test]
fn both_versions_of_http_on_one_connection() {
    for name in BOTH {
        for (protocols, version) in [
            (&[b"h2".as_slice(), b"http/1.1"][..], "HTTP/2.0"),
            (&[b"http/1.1"], "HTTP/1.1"),
            (&[], "HTTP/1.1"),
        ] {
            let authority = Authority::new("localhost", protocols);
            let server = Server::tls(&authority);
            let origin = server.origin("https");
            let sender = Function::allowed(name, &[&origin]).trusting(&authority.file());
            for _ in 0..3 {
                let fetched = sender.get(&origin);
                assert_eq!(fetched["error"], Value::Null, "{name}, {version}");
                let headers = fetched["headers"].to_string();
                assert!(headers.contains(version), "{name}: {headers}");
            }
            assert_eq!(server.connections(), 1, "{name}, {version}");
            sender.finish();
        }
    }
}

#[test]
fn a_certificate_that_is_not_trusted() {
    for name in BOTH {
        let (authority, other) = (
            Authority::new("localhost", &[]),
            Authority::new("elsewhere.example", &[]),
        );
        let servers = [Server::tls(&authority), Server::tls(&other)];
        let origins = servers.each_ref().map(|server| server.origin("https"));
        let listed = origins.each_ref().map(String::as_str);
        // By an authority that is not known, and for another name.
        let sender = Function::allowed(name, &listed).start();
        sender.fails(&origins[0], "TlsCertificateError");
        assert!(
            sender
                .finish()
                .stderr
                .contains("its certificate is not trusted")
        );
        let sender = Function::allowed(name, &listed).trusting(&other.file());
        sender.fails(&origins[1], "TlsCertificateError");
        sender.finish();
    }
}

#[test]
fn one_that_does_not_speak_it() {
    let server = Server::plain();
    let origin = server.origin("https");
    let sender = Function::allowed("http_p2", &[&origin]).start();
    sender.fails(&origin, "TlsProtocolError");
    sender.finish();
}
