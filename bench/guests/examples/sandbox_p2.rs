//! Work that never ends, work that does, and a request to a server, by `wasi:http/proxy@0.2`.

mod p2;

use std::hint::black_box;
use std::io::{Read, Write};

use p2::respond;
use serde_json::Value;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingRequest, ResponseOutparam, Scheme,
};

/// The repeated part of the JSON that is parsed, its size in bytes, and the number of times it is parsed.
const RECORD: &str =
    r#"{"id":4711,"name":"developer","tags":["a","b"],"note":"Hello, developer!"}"#;
const BYTES: usize = 1_000_000;
const TIMES: usize = 3;

/// How far is counted.
const COUNT: u64 = 20_000_000;

/// Longer than any invocation, in nanoseconds.
const A_DAY: u64 = 86_400_000_000_000;

struct Sandbox;
wasip2::http::proxy::export!(Sandbox);

impl Guest for Sandbox {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let text = match request.path_with_query().as_deref() {
            Some("/compute") => loop {
                count();
            },
            Some("/wait") => {
                subscribe_duration(A_DAY).block();
                "It is another day.\n".to_owned()
            }
            Some("/parse") => format!("parsed {} records\n", parse()),
            Some("/count") => format!("counted to {COUNT}: {}\n", count()),
            Some("/get") => get(&std::env::var("URL").unwrap()),
            _ => "no such path\n".to_owned(),
        };
        let content_type = b"text/plain".to_vec();
        respond(outparam, 200, &[content_type], |mut body| {
            body.write_all(text.as_bytes()).unwrap();
        });
    }
}

/// How many records there were in all.
fn parse() -> usize {
    let records = vec![RECORD; BYTES / RECORD.len()].join(",");
    let json = format!("[{records}]");
    let parsed = (0..TIMES).map(|_| {
        let json: Value = serde_json::from_str(black_box(&json)).unwrap();
        json.as_array().unwrap().len()
    });
    parsed.sum()
}

/// A loop that is as short as one can be without being computed by the compiler.
fn count() -> u64 {
    (0..black_box(COUNT)).fold(0, |sum: u64, number| (sum ^ number).wrapping_add(number))
}

/// Returns the response to a GET of the URL.
fn get(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let scheme = match scheme {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(rest)).unwrap();
    request.set_path_with_query(Some("/")).unwrap();
    let body = request.body().unwrap();
    let response = outgoing_handler::handle(request, None).unwrap();
    OutgoingBody::finish(body, None).unwrap();
    response.subscribe().block();
    let response = response.get().unwrap().unwrap().unwrap();
    let body = response.consume().unwrap();
    let mut text = String::new();
    body.stream().unwrap().read_to_string(&mut text).unwrap();
    text
}
