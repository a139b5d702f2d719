//! `GET /hello/{name}`, and an echo of bodies, by `wasi:http/proxy@0.2`.

mod p2;

use std::io::Write;

use bench_guests::{Answer, PIECE};
use p2::respond;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::io::streams::OutputStream;

struct Hello;
wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        match Answer::to(request.path_with_query().as_deref()) {
            Answer::Text(status, text) => {
                let content_type = b"text/plain".to_vec();
                respond(outparam, status, &[content_type], |mut body| {
                    body.write_all(text.as_bytes()).unwrap();
                });
            }
            Answer::Echo => {
                let content_type = request.headers().get("content-type");
                respond(outparam, 200, &content_type, |body| echo(&request, body));
            }
        }
    }
}

fn echo(request: &IncomingRequest, mut to: OutputStream) {
    let body = request.consume().unwrap();
    let from = body.stream().unwrap();
    while let Ok(piece) = from.blocking_read(PIECE as u64) {
        to.write_all(&piece).unwrap();
    }
}
