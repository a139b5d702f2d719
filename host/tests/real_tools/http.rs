//! An HTTP client that takes answers as they are.

use std::io::Read;
use std::net::TcpListener;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::PATIENCE;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: Option<String>,
    /// The log of an invocation, if it was asked for.
    pub log: Option<String>,
    pub body: String,
}

fn agent() -> Agent {
    // The variables for proxies are for other programs, and a failure is an answer.
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}

pub fn get(url: &str) -> Answer {
    answer(agent().get(url).call().unwrap())
}

/// The bytes at a URL.
pub fn get_bytes(url: &str, authorization: &str) -> Vec<u8> {
    let request = agent().get(url).header("authorization", authorization);
    let mut response = request.call().unwrap();
    assert_eq!(response.status(), 200);
    let body = response.body_mut().with_config().limit(u64::MAX);
    body.read_to_vec().unwrap()
}

/// Puts nothing there, which makes a bucket of S3.
pub fn put(url: &str) -> Answer {
    answer(agent().put(url).send_empty().unwrap())
}

/// Gets with these headers.
pub fn get_with(url: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = agent().get(url);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    answer(request.call().unwrap())
}

pub fn post(url: &str, body: &str) -> Answer {
    answer(agent().post(url).send(body).unwrap())
}

/// Deletes what is there, if it can be.
pub fn delete(url: &str) {
    let _ = agent().delete(url).call();
}

/// Posts a body with these headers.
pub fn post_with(url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = agent().post(url);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    answer(request.send(body).unwrap())
}

/// The pieces in which an answer comes, and when.
pub fn get_in_chunks(url: &str) -> Vec<(String, Instant)> {
    let mut reader = agent().get(url).call().unwrap().into_body().into_reader();
    let (mut chunks, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match reader.read(&mut piece).unwrap() {
            0 => return chunks,
            length => {
                let text = String::from_utf8(piece[..length].to_vec()).unwrap();
                chunks.push((text, Instant::now()));
            }
        }
    }
}

/// Calls a function by the Invoke API of an emulator.
pub fn invoke(port: u16, function: &str, event: &str) -> Answer {
    let path = format!("2015-03-31/functions/{function}/invocations");
    post(&format!("http://127.0.0.1:{port}/{path}"), event)
}

fn answer(mut response: Response<ureq::Body>) -> Answer {
    let content_type = response.headers().get("content-type");
    let log = response.headers().get("x-amz-log-result");
    let log = log.map(|log| String::from_utf8(STANDARD.decode(log).unwrap()).unwrap());
    Answer {
        log,
        status: response.status(),
        content_type: content_type.map(|value| value.to_str().unwrap().to_owned()),
        body: response.body_mut().read_to_string().unwrap(),
    }
}

/// A port that nobody listens on at this moment, for programs that cannot choose one by themselves.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
