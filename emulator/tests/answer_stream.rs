//! Answers in the response mode `streaming`, through the Runtime API alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use lambda_wasm_emulator::runtime_api::split_prelude;
use lambda_wasm_emulator::{AnswerStream, End, Invocation, Outcome, RuntimeApi, Violation};
use support::{Answer, next};

const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";

/// An API, an answer that has begun, and its stream.
fn begin() -> (RuntimeApi, Answer, AnswerStream) {
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let (answer, stream) = begin_at(&api, Invocation::new("{}"));
    (api, answer, stream)
}

fn begin_at(api: &RuntimeApi, invocation: Invocation) -> (Answer, AnswerStream) {
    let pending = api.submit(invocation);
    let (id, _) = next(api);
    let answer = Answer::http(api, &id);
    (answer, pending.wait().streamed())
}

#[test]
fn each_chunk_is_there_before_the_next_is_sent() {
    let (api, mut answer, mut stream) = begin();
    let content_type = "application/vnd.awslambda.http-integration-response";
    assert_eq!(stream.header("content-type"), Some(content_type));
    let started = Instant::now();
    let mut times = Vec::new();
    for text in ["one", "two", "three"] {
        answer.chunk(text);
        let chunk = stream.wait_next().unwrap();
        assert_eq!(chunk.bytes, text);
        times.push(chunk.at);
    }
    assert!(started <= times[0] && times.is_sorted());
    assert_eq!(answer.finish(&[]), 202);
    let (rest, end) = stream.wait();
    assert!(rest.is_empty());
    assert!(matches!(end, End::Complete), "{end:?}");
    assert_eq!(api.violations(), []);
}

#[test]
fn an_error_comes_in_the_trailers() {
    let (api, mut answer, stream) = begin();
    answer.chunk("some");
    // {"errorType":"E","errorMessage":"ü"}
    let body = "eyJlcnJvclR5cGUiOiJFIiwiZXJyb3JNZXNzYWdlIjoiw7wifQ==";
    let trailers = [(ERROR_TYPE, "Function.Trap"), (ERROR_BODY, body)];
    assert_eq!(answer.finish(&trailers), 202);
    let (chunks, end) = stream.wait();
    assert_eq!(chunks[0].bytes, "some");
    let End::Failed(error) = end else {
        panic!("{end:?}")
    };
    assert_eq!(error.header(ERROR_TYPE), Some("Function.Trap"));
    assert_eq!(error.error_message(), "ü");
    assert_eq!(api.violations(), []);
}

#[test]
fn a_connection_that_ends_before_the_last_chunk_is_a_cut() {
    let (api, mut answer, stream) = begin();
    answer.chunk("some");
    answer.cut();
    let (chunks, end) = stream.wait();
    assert_eq!(chunks.len(), 1);
    assert!(matches!(end, End::Cut), "{end:?}");

    let (mut answer, stream) = begin_at(&api, Invocation::new("{}"));
    answer.stream.write_all(b"5\r\nab").unwrap();
    answer.cut();
    let (chunks, end) = stream.wait();
    assert_eq!(chunks[0].bytes, "ab");
    assert!(matches!(end, End::Cut), "{end:?}");
    assert_eq!(api.violations(), []);
}

#[test]
fn a_slow_reader_holds_up_the_runtime() {
    const CHUNK: usize = 1 << 20;
    // The sockets of the system hold a few MiB, and nothing else holds more.
    const LIMIT: usize = 40 * CHUNK;
    let (_api, mut answer, mut stream) = begin();
    let pause = Some(Duration::from_millis(300));
    answer.stream.set_write_timeout(pause).unwrap();
    let mut chunk = format!("{CHUNK:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + CHUNK, b'x');
    chunk.extend_from_slice(b"\r\n");
    let (mut sent, mut at) = (0, 0);
    let stalled = loop {
        match answer.stream.write(&chunk[at..]) {
            Ok(written) => (sent, at) = (sent + written, (at + written) % chunk.len()),
            Err(error) => break error,
        }
        assert!(sent < LIMIT, "{sent} bytes went somewhere");
    };
    assert!(
        matches!(stalled.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{stalled}"
    );
    let reader = std::thread::spawn(move || {
        let mut size = 0;
        while let Some(chunk) = stream.wait_next() {
            size += chunk.bytes.len();
        }
        size
    });
    answer.stream.set_write_timeout(None).unwrap();
    answer.stream.write_all(&chunk[at..]).unwrap();
    let chunks = (sent - at) / chunk.len() + 1;
    assert_eq!(answer.finish(&[]), 202);
    assert_eq!(reader.join().unwrap(), chunks * CHUNK);
}

#[test]
fn a_reader_that_leaves_is_no_business_of_the_runtime() {
    let (_api, mut answer, stream) = begin();
    let end = stream.end();
    drop(stream);
    for _ in 0..100 {
        answer.chunk(vec![0; 100_000]);
    }
    assert_eq!(answer.finish(&[]), 202);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let end = runtime.unwrap().block_on(end);
    assert!(matches!(end, End::Complete), "{end:?}");
}

#[test]
fn the_deadline_and_the_end_of_the_process_end_it() {
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let short = Invocation::new("{}").timeout(Duration::from_millis(100));
    let (answer, stream) = begin_at(&api, short);
    assert!(matches!(stream.wait().1, End::TimedOut));
    drop(answer);

    let (mut answer, mut stream) = begin_at(&api, Invocation::new("{}"));
    answer.chunk("some");
    assert_eq!(stream.wait_next().unwrap().bytes, "some");
    api.runtime_exited("killed");
    let (_, end) = stream.wait();
    assert!(matches!(&end, End::Lost(why) if why == "killed"), "{end:?}");
    assert_eq!(api.violations(), []);
}

#[test]
fn violations_of_a_stream_are_noted() {
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let invocation = Invocation::new("{}").request_id("r").invocation_id("i");
    let pending = api.submit(invocation);
    next(&api);
    let mut answer = Answer::begin(&api, "r", &[]);
    let stream = pending.wait().streamed();
    answer.chunk("1");
    // A second answer, while the first is under way.
    assert_eq!(Answer::begin(&api, "r", &[]).finish(&[]), 400);
    assert_eq!(answer.finish(&[(ERROR_BODY, "?")]), 202);
    let End::Failed(error) = stream.wait().1 else {
        panic!("no error")
    };
    assert_eq!(error.text(), "?");
    let id = || "r".to_owned();
    let expected = [
        Violation::InvocationIdMissing(id()),
        Violation::AnsweredTwice(id()),
        Violation::TrailersNotDeclared(id()),
        Violation::ErrorNotBase64(id()),
    ];
    assert_eq!(api.violations(), expected);
}

/// What becomes of an answer of these chunks for those who take only whole ones.
fn collected(chunks: Vec<Vec<u8>>) -> Outcome {
    let (_api, mut answer, stream) = begin();
    let writer = std::thread::spawn(move || {
        for chunk in chunks {
            answer.chunk(chunk);
        }
        answer.finish(&[]);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let outcome = Outcome::Streamed(stream).collect();
    let outcome = runtime.unwrap().block_on(outcome);
    writer.join().unwrap();
    outcome
}

#[test]
fn those_who_take_only_whole_answers_get_one() {
    let chunks = [
        "{\"statusCode\":200}\0\0\0\0",
        "\0\0\0\0body\0\0\0\0\0\0\0\0",
    ];
    let whole = collected(chunks.map(|chunk| chunk.as_bytes().to_vec()).to_vec());
    let whole = whole.response();
    let (prelude, body) = split_prelude(&whole.body).unwrap();
    assert_eq!(prelude, b"{\"statusCode\":200}");
    assert_eq!(body, b"body\0\0\0\0\0\0\0\0");

    let outcome = collected(vec![vec![0; 1 << 20]; 7]);
    assert!(matches!(outcome, Outcome::TooLarge { size } if size == 7 << 20));
}
