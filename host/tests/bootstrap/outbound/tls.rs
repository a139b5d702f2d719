//! Servers over TLS, by HTTP/1.1 and HTTP/2.

use std::fs;

use rustls::version::{TLS12, TLS13};
use serde_json::Value;

use super::servers::{Authority, Server};
use super::{BOTH, Sender as _, allowed};

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
            let sender = allowed(name, &[&origin])
                .trusting(&authority.file())
                .start();
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
        let sender = allowed(name, &listed).start();
        sender.fails(&origins[0], "TlsCertificateError");
        assert!(
            sender
                .finish()
                .stderr
                .contains("its certificate is not trusted")
        );
        let sender = allowed(name, &listed).trusting(&other.file()).start();
        sender.fails(&origins[1], "TlsCertificateError");
        sender.finish();
    }
}

#[test]
fn a_server_without_tls_is_reported() {
    let server = Server::plain();
    let origin = server.origin("https");
    let sender = allowed("http_p2", &[&origin]).start();
    sender.fails(&origin, "TlsProtocolError");
    sender.finish();
}

/// Bundles of real machines have certificates that no library of TLS takes.
#[test]
fn a_certificate_that_cannot_be_parsed_is_skipped() {
    let authority = Authority::new("localhost", &[]);
    let server = Server::tls(&authority);
    let origin = server.origin("https");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.pem");
    let good = fs::read_to_string(authority.file()).unwrap();
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_base64 = "-----BEGIN CERTIFICATE-----\n?!\n-----END CERTIFICATE-----\n";
    for (bundle, skipped) in [
        (format!("{no_certificate}{good}"), 1),
        (format!("{good}{no_certificate}"), 1),
        (format!("{no_base64}{good}{no_certificate}"), 2),
    ] {
        fs::write(&file, &bundle).unwrap();
        let sender = allowed("http_p2", &[&origin]).trusting(&file).start();
        for _ in 0..2 {
            assert_eq!(sender.get(&origin)["error"], Value::Null, "{bundle}");
        }
        let stderr = sender.finish().stderr;
        let line = format!(
            "{skipped} of the certificates in {} cannot be parsed and are skipped: ",
            file.display()
        );
        assert_eq!(stderr.matches(&line).count(), 1, "{stderr}");
    }
    fs::write(&file, no_certificate).unwrap();
    let sender = allowed("http_p2", &[&origin]).trusting(&file).start();
    sender.fails(&origin, "ConfigurationError");
    let stderr = sender.finish().stderr;
    assert!(
        stderr.contains("the certificates to trust cannot be read: "),
        "{stderr}"
    );
}

/// Without a word about it, TLS 1.3 lets the client think that the handshake went well.
#[test]
fn a_server_that_wants_a_client_certificate() {
    for protocols in [&[b"http/1.1".as_slice()][..], &[b"h2"]] {
        for name in BOTH {
            let authority = Authority::new("localhost", protocols).demanding(&TLS13);
            let server = Server::tls(&authority);
            let origin = server.origin("https");
            let sender = allowed(name, &[&origin])
                .trusting(&authority.file())
                .start();
            sender.fails(&origin, "TlsAlertReceived");
            let stderr = sender.finish().stderr;
            let line = format!(
                "a request to {origin} could not be sent: it ended TLS with the alert CertificateRequired: it requires a client certificate"
            );
            assert!(stderr.contains(&line), "{protocols:?}: {stderr}");
        }
    }
    let authority = Authority::new("localhost", &[]).demanding(&TLS12);
    let server = Server::tls(&authority);
    let origin = server.origin("https");
    let sender = allowed("http_p2", &[&origin])
        .trusting(&authority.file())
        .start();
    sender.fails(&origin, "TlsAlertReceived");
    let stderr = sender.finish().stderr;
    assert!(stderr.contains("it ended TLS with the alert "), "{stderr}");
}
