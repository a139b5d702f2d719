//! A component of `wasi:http/proxy@0.2` that answers in ways that it should not, by its path.

mod p2;

use std::io::Write;

use guests::Target;
use p2::{answer, begin, fields, finish, write_whole};
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam,
};
use wasip2::io::streams::OutputStream;

struct Http;
wasip2::http::proxy::export!(Http);

/// Traps when it is dropped.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        panic!("in a destructor")
    }
}

impl wasip2::exports::http::incoming_handler::Guest for Http {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let target = Target::parse(&request.path_with_query().unwrap_or_default());
        let number = target.number("n", 0) as usize;
        match target.path() {
            "good" => answer(outparam, Fields::new(), b"good"),
            "answer-twice" => {
                let handle = outparam.handle();
                answer(outparam, Fields::new(), b"first");
                // SAFETY: there is none: the handle is another one's by now.
                let again = unsafe { ResponseOutparam::from_handle(handle) };
                answer(again, Fields::new(), b"second");
            }
            "exit-in-body" => {
                let body = begin(outparam, 200, Fields::new());
                write_whole(&body, b"first\n");
                std::process::exit(0);
            }
            "drop-in-body" => {
                let body = begin(outparam, 200, Fields::new());
                write_whole(&body, b"first\n");
                drop(Mine);
                finish(body, None);
            }
            "finish-before-stream" => {
                let body = begin(outparam, 200, Fields::new());
                let stream = body.write().unwrap();
                finish(body, None);
                stream.blocking_write_and_flush(b"late").unwrap();
            }
            "write-after-finish" => {
                let body = begin(outparam, 200, Fields::new());
                let stream = body.write().unwrap();
                let handle = stream.handle();
                drop(stream);
                finish(body, None);
                // SAFETY: there is none: the handle is gone.
                let stream = unsafe { OutputStream::from_handle(handle) };
                stream.blocking_write_and_flush(b"late").unwrap();
            }
            "two-bodies" => {
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().unwrap();
                assert!(response.body().is_err());
                ResponseOutparam::set(outparam, Ok(response));
                write_whole(&body, b"one\n");
                assert!(body.write().is_err());
                finish(body, None);
            }
            // ?n=N: a header with a value of so many bytes.
            "long-header" => {
                let fields = Fields::new();
                let taken = fields.append("x-long", &vec![b'x'; number]);
                answer(outparam, fields, format!("{taken:?}").as_bytes());
            }
            // ?n=N: so many headers.
            "headers" => {
                let fields = Fields::new();
                let taken =
                    (0..number).take_while(|i| fields.append(&format!("x-{i}"), b"").is_ok());
                let taken = taken.count();
                answer(outparam, fields, taken.to_string().as_bytes());
            }
            // ?n=N: so many times the same header.
            "header" => {
                let fields = Fields::new();
                let taken = (0..number).take_while(|_| fields.append("x", b"").is_ok());
                let taken = taken.count();
                answer(outparam, fields, taken.to_string().as_bytes());
            }
            // ?n=N: so many headers at once.
            "list" => {
                let list: Vec<_> = (0..number).map(|i| (format!("x-{i}"), vec![])).collect();
                let taken = Fields::from_list(&list);
                let fields = Fields::new();
                answer(
                    outparam,
                    fields,
                    format!("{:?}", taken.map(|_| ())).as_bytes(),
                );
            }
            // ?name=N&value=V: a header, twice if ?twice.
            "says" => {
                let (name, value) = (target.text("name").unwrap(), target.text("value").unwrap());
                let entries =
                    vec![(name, value.as_bytes()); if target.has("twice") { 2 } else { 1 }];
                answer(outparam, fields(&entries), b"says");
            }
            // A body without end.
            "endless" => {
                let body = begin(outparam, 200, Fields::new());
                let mut stream = body.write().unwrap();
                while stream.write_all(&[b'x'; 65536]).is_ok() {}
                panic!("nobody reads any more");
            }
            // The same, without waiting for room.
            "pushed" => {
                let body = begin(outparam, 200, Fields::new());
                let stream = body.write().unwrap();
                loop {
                    stream.write(&[b'x'; 65536]).unwrap();
                }
            }
            "zeroes" => {
                let body = begin(outparam, 200, Fields::new());
                let stream = body.write().unwrap();
                stream.write_zeroes(u64::MAX).unwrap();
            }
            // A body that nobody ends, while the component goes on for ever.
            "held" => {
                let body = begin(outparam, 200, Fields::new());
                write_whole(&body, b"first\n");
                wasip2::clocks::monotonic_clock::subscribe_duration(u64::MAX).block();
                finish(body, None);
            }
            // ?n=N: so many responses that nobody gets.
            "responses" => {
                let kept: Vec<(OutgoingResponse, OutgoingBody)> = (0..number)
                    .map(|_| {
                        let response = OutgoingResponse::new(Fields::new());
                        let body = response.body().unwrap();
                        (response, body)
                    })
                    .collect();
                answer(outparam, Fields::new(), kept.len().to_string().as_bytes());
            }
            // What the host holds, more and more of it.
            "hold-fields" => loop {
                let fields = Fields::new();
                fields.append("x", &[b'x'; 100_000]).unwrap();
                std::mem::forget(fields);
            },
            // In small pieces.
            "hold-small" => {
                let list: Vec<_> = (0..200)
                    .map(|i| (format!("x-{i}"), vec![b'x'; 40]))
                    .collect();
                loop {
                    std::mem::forget(Fields::from_list(&list).unwrap());
                }
            }
            "hold-methods" => {
                let method = Method::Other("X".repeat(1_000_000));
                loop {
                    let request = OutgoingRequest::new(Fields::new());
                    request.set_method(&method).unwrap();
                    std::mem::forget(request);
                }
            }
            "hold-bodies" => loop {
                let request = OutgoingRequest::new(Fields::new());
                let body = request.body().unwrap();
                let stream = body.write().unwrap();
                stream.write(&[b'x'; 65536]).unwrap();
                std::mem::forget((request, body, stream));
            },
            // The same up to ?n=N, within what there may be.
            "hold" => {
                let held: Vec<Fields> = (0..number)
                    .map(|_| {
                        let fields = Fields::new();
                        fields.append("x", &[b'x'; 100_000]).unwrap();
                        fields
                    })
                    .collect();
                answer(outparam, Fields::new(), held.len().to_string().as_bytes());
            }
            // Half of the one and half of the other.
            "hold-and-grow" => {
                let own = vec![b'x'; 60_000_000];
                loop {
                    let fields = Fields::new();
                    fields.append("x", &own[..100_000]).unwrap();
                    std::mem::forget(fields);
                }
            }
            _ => panic!("no such path"),
        }
    }
}
