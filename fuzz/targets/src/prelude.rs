//! A streamed response: its prelude, eight zero bytes, and its body. The host writes it, and the emulator reads it.

use arbitrary::Unstructured;
use http_body_util::BodyExt;
use lambda_wasm_emulator::event_source::fuzzing as readers;
use lambda_wasm_emulator::runtime_api::split_prelude;
use lambda_wasm_host::http::prelude;

use crate::response::{at_once, expected, is_valid, response, same};

/// Bytes that start with a brace are a function's response, which the emulator reads. Others make a response that the host writes.
pub fn run(data: &[u8]) {
    if data.first() == Some(&b'{') {
        return read(data);
    }
    let Ok(response) = response(&mut Unstructured::new(data)) else {
        return;
    };
    let (is_valid, mut expected) = (is_valid(&response), expected(&response));
    // The length of a stream is not known, and the event source sends chunks.
    expected.remove("content-length");
    let (status, body) = (response.status_code, response.body.clone());
    let Ok(head) = prelude(response) else {
        return assert!(!is_valid, "it is refused");
    };
    assert!(is_valid, "it is taken");
    assert!(!head.contains(&0), "a zero byte would end it");
    let whole = [&head[..], &[0; 8], &body].concat();
    assert_eq!(split_prelude(&whole), Some((&head[..], &body[..])));
    let sent = readers::payload_2(&whole, true).unwrap_or_else(|why| panic!("{why}"));
    same(&sent, status, &expected);
    let received = at_once(sent.into_body().collect())
        .expect("it is whole")
        .to_bytes();
    assert_eq!(received, body);
}

/// A response that a function wrote by hand is read or refused.
fn read(data: &[u8]) {
    for is_streamed in [true, false] {
        if let Ok(sent) = readers::payload_2(data, is_streamed) {
            assert!((200..600).contains(&sent.status().as_u16()));
        }
    }
    for flag in [true, false] {
        let _ = (readers::rest_api(data, flag), readers::alb(data, flag));
    }
}
