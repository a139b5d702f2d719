//! The server that stands in for all origins in a test of a function.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::{BOTH, Sender as _, allowed};

const VARIABLE: &str = "LAMBDA_WASM_TEST_ORIGINS";

/// Serves one request, and returns its bytes.
fn serve(listener: TcpListener) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.extend(byte);
        }
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        stream.write_all(response).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

#[test]
fn it_reads_the_origin_and_then_the_request() {
    for name in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = serve(listener);
        let origin = "https://api.example.com:8443";
        let sender = allowed(name, &[origin]).env(VARIABLE, &address).start();
        // The policy decides before.
        sender.fails("https://other.example.com/", "HttpRequestDenied");
        assert_eq!(sender.get("https://API.example.com:8443/a?b")["body"], "hi");
        let bytes = served.join().unwrap();
        let start = format!("{origin}\r\nGET /a?b HTTP/1.1\r\n");
        assert!(bytes.starts_with(&start), "{bytes}");
        assert!(
            bytes.contains("\r\nhost: api.example.com:8443\r\n"),
            "{bytes}"
        );
        // Nobody is there any more.
        sender.fails(origin, "ConnectionTerminated");
        let stderr = sender.finish().stderr;
        let line = format!("{VARIABLE} sends it to {address}: Connection refused");
        assert!(stderr.contains(&line), "{stderr}");
    }
}

#[test]
fn it_is_not_the_runtime_api() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let origin = "https://api.example.com";
    let sender = allowed("http_p2", &[origin]).env(VARIABLE, &address);
    let sender = sender.start_at(&address);
    sender.fails(origin, "DestinationIpProhibited");
    sender.finish();
}
