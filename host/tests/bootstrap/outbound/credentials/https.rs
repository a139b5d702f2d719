//! Endpoints over TLS, which may be any host. Without TLS, only this machine, ECS and EKS are asked, as AWS's SDKs do:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.

use std::net::UdpSocket;

use lambda_wasm_test_support::tools::skip;

use super::super::servers::{Authority, Server};
use super::*;

impl Rotating {
    /// Puts a server with a certificate in front of the endpoint, at an IP address of this machine, under this name.
    fn behind_tls(mut self, ip: &str, name: &str, authority: &Authority) -> (Self, Server) {
        let behind = self.uri.trim_start_matches("http://");
        let behind = behind.trim_end_matches("/credentials");
        let server = Server::in_front_of(behind, ip, authority);
        self.uri = format!("https://{name}:{}/credentials", server.address.port());
        (self, server)
    }
}

/// Returns an address of this machine that is not a loopback address.
fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent to this address of RFC 5737.
    socket.connect("198.51.100.1:9").ok()?;
    let ip = socket.local_addr().unwrap().ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| ip.to_string())
}

#[test]
fn each_request_is_signed_with_valid_ones_while_they_rotate() {
    let authority = Authority::new("localhost", &[]);
    let rotating = Rotating::start(Duration::from_secs(2));
    let (rotating, server) = rotating.behind_tls("127.0.0.1", "localhost", &authority);
    let endpoint = service(&rotating);
    let function = function(BOTH[0], &endpoint, &rotating, "the token");
    rotate_under_load(function.trusting(&authority.file()), &endpoint, &rotating);
    assert_eq!(server.connections(), rotating.given());
}

#[test]
fn another_machine_is_asked_over_tls_only() {
    let Some(ip) = own_address() else {
        skip("an endpoint on another machine", "only loopback is up");
        return;
    };
    let authority = Authority::new(&ip, &[]);
    for name in BOTH {
        let rotating = Rotating::start(Duration::from_secs(3600));
        let (mut rotating, server) = rotating.behind_tls(&ip, &ip, &authority);
        let endpoint = service(&rotating);
        let start = |rotating: &Rotating| {
            let function = function(name, &endpoint, rotating, "the token");
            function.trusting(&authority.file()).start()
        };
        let host = start(&rotating);
        assert_eq!(host.fetch(&json!({"url": endpoint}))["body"], "valid");
        assert_eq!((rotating.given(), server.connections()), (1, 1));
        assert_eq!(host.finish().stderr, "");

        rotating.uri = rotating.uri.replace("https:", "http:");
        let host = start(&rotating);
        let error = host.fetch(&json!({"url": endpoint}))["error"].to_string();
        let why = "AWS_CONTAINER_CREDENTIALS_FULL_URI has to be https, or lead to this machine or to the address of ECS or EKS";
        assert!(error.contains(why), "{error}");
        assert_eq!((rotating.given(), server.connections()), (1, 1));
        host.finish();
    }
}

/// Whoever takes the place of the endpoint does not get the token.
#[test]
fn an_endpoint_that_is_not_trusted_is_not_asked() {
    for (certificate, is_trusted) in [("localhost", false), ("elsewhere.example", true)] {
        let authority = Authority::new(certificate, &[]);
        let rotating = Rotating::start(Duration::from_secs(3600));
        let (rotating, server) = rotating.behind_tls("127.0.0.1", "localhost", &authority);
        let endpoint = service(&rotating);
        let mut function = function(BOTH[0], &endpoint, &rotating, "the token");
        if is_trusted {
            function = function.trusting(&authority.file());
        }
        let host = function.start();
        let error = host.fetch(&json!({"url": endpoint}))["error"].to_string();
        assert!(error.contains("certificate"), "{error}");
        assert_eq!((rotating.given(), server.connections()), (0, 3));
        let log = host.finish().stderr;
        let origin = rotating.uri.trim_end_matches("/credentials");
        let line = format!("the credentials cannot be fetched from {origin}: ");
        assert!(log.contains(&line) && log.contains("certificate"), "{log}");
    }
}
