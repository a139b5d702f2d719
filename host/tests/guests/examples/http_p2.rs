//! A component of `wasi:http/proxy@0.2` that does what its path says: one of [`guests::steps`], or one of those below.

mod fetch {
    pub mod p2;
}
mod output;
mod p2;

use std::io::{Read, Write};

use guests::{
    FORBIDDEN, Fetch, HEADERS, LATIN1, Target, case, millis, panics, run_forever, steps, url_parts,
};
use output::{End, pause};
use p2::{Reader, answer, begin, fields, finish, json_fields, seen, write_whole};
use serde_json::{Map, Value, json};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};

struct Http;
wasip2::http::proxy::export!(Http);

impl wasip2::exports::http::incoming_handler::Guest for Http {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let target = Target::parse(&request.path_with_query().unwrap_or_default());
        if let Some(steps) = steps(&target) {
            return stepwise(outparam, steps);
        }
        match target.path() {
            "echo" => answer(outparam, json_fields(), &seen(request).json()),
            "echo-body" => echo_body(request, outparam),
            // How many bytes the body has; it is read piece by piece.
            "count" => {
                let count = Reader::of(&request).for_each_piece(|_| ());
                answer(outparam, Fields::new(), count.to_string().as_bytes());
            }
            "headers" => answer(outparam, fields(&HEADERS), b"headers\n"),
            "latin1" => answer(outparam, fields(&[LATIN1]), b"latin1\n"),
            // What the host says to each forbidden header; those that it takes are in the answer.
            "forbidden" => {
                let fields = Fields::new();
                let tried = FORBIDDEN.map(|(name, value)| {
                    let result = match fields.append(name, value) {
                        Ok(()) => "accepted".to_owned(),
                        Err(error) => case(&error),
                    };
                    (name.to_owned(), Value::from(result))
                });
                let body = Value::Object(Map::from_iter(tried)).to_string();
                answer(outparam, fields, body.as_bytes());
            }
            // ?says=N&bytes=M: a content-length, and a body of another length perhaps.
            "length" => {
                let says = target.number("says", 0).to_string();
                let body = vec![b'x'; target.number("bytes", 0) as usize];
                answer(
                    outparam,
                    fields(&[("content-length", says.as_bytes())]),
                    &body,
                );
            }
            "trailers" => {
                let body = begin(outparam, 200, Fields::new());
                write_whole(&body, b"trailers\n");
                finish(body, Some(fields(&[("x-trailer", b"last")])));
            }
            // The resource of the body is never asked for.
            "no-body" => ResponseOutparam::set(outparam, Ok(OutgoingResponse::new(Fields::new()))),
            "no-response" => {}
            "error-code" => {
                let error = ErrorCode::InternalError(Some("as it says".to_owned()));
                ResponseOutparam::set(outparam, Err(error));
            }
            "trap" => panics(),
            "loop" => run_forever(),
            "sleep" => {
                pause(millis(target.millis()));
                answer(outparam, Fields::new(), b"woke\n");
            }
            "env" => {
                let value = std::env::var(target.text("name").unwrap_or_default());
                let value = value.unwrap_or_else(|_| "absent".to_owned());
                answer(outparam, Fields::new(), value.as_bytes());
            }
            "visits" => answer(outparam, Fields::new(), guests::visits().as_bytes()),
            // ?text=T: a line on stdout.
            "print" => {
                println!("{}", target.text("text").unwrap_or_default());
                answer(outparam, Fields::new(), b"printed\n");
            }
            // ?url=URL
            "outbound" => {
                let result = outbound(target.text("url").unwrap_or_default());
                let result = match result {
                    Ok(status) => json!({ "status": status }),
                    Err(error) => json!({ "error": case(&error) }),
                };
                answer(outparam, json_fields(), result.to_string().as_bytes());
            }
            // The request is in the body.
            "fetch" => {
                let fetched = fetch::p2::fetch(&asked(&request));
                answer(outparam, json_fields(), &fetched.json());
            }
            // ?times=N: sends the request in the body, and crashes.
            "leave" => {
                fetch::p2::leave(&asked(&request), target.number("times", 1));
                panics()
            }
            // ?times=N: how many of these requests, which are sent at once, had an answer.
            "at-once" => {
                let good = fetch::p2::at_once(&asked(&request), target.number("times", 1));
                answer(outparam, Fields::new(), good.to_string().as_bytes());
            }
            path => {
                // ?body=TEXT
                let (status, body) = match path.strip_prefix("status/") {
                    Some(status) => (status.parse().unwrap(), target.text("body").unwrap_or("")),
                    None => (404, "no such path\n"),
                };
                let response = begin(outparam, status, Fields::new());
                write_whole(&response, body.as_bytes());
                finish(response, None);
            }
        }
    }
}

/// An answer whose body is made step by step.
/// The request that is asked for, in this one's body.
fn asked(request: &IncomingRequest) -> Fetch {
    let mut body = Vec::new();
    Reader::of(request).for_each_piece(|piece| body.extend_from_slice(piece));
    Fetch::parse(&body)
}

fn stepwise(outparam: ResponseOutparam, mut steps: impl Iterator<Item = guests::Step>) {
    let body = begin(outparam, 200, fields(&[("content-type", b"text/plain")]));
    match output::write(body.write().unwrap(), &mut steps) {
        End::Finished => finish(body, None),
        End::Failed => drop(body),
    }
    steps.for_each(output::work);
}

/// The request's body as it comes, with its type.
fn echo_body(request: IncomingRequest, outparam: ResponseOutparam) {
    let content_type = request.headers().get("content-type");
    let headers = Fields::new();
    headers.set("content-type", &content_type).unwrap();
    let body = begin(outparam, 200, headers);
    let mut stream = body.write().unwrap();
    Reader::of(&request).for_each_piece(|piece| stream.write_all(piece).unwrap());
    drop(stream);
    finish(body, None);
}

impl Reader {
    /// Returns how many bytes there were.
    fn for_each_piece(mut self, mut act: impl FnMut(&[u8])) -> u64 {
        let (mut piece, mut count) = (vec![0; 64 * 1024], 0);
        loop {
            match Read::read(&mut self.stream, &mut piece).unwrap() {
                0 => return count,
                length => {
                    act(&piece[..length]);
                    count += length as u64;
                }
            }
        }
    }
}

/// The status that a GET of the URL is answered with.
fn outbound(url: &str) -> Result<u16, ErrorCode> {
    let (https, authority, path) = url_parts(url);
    let scheme = if https { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(path)).unwrap();
    let body = request.body().unwrap();
    let response = outgoing_handler::handle(request, None)?;
    OutgoingBody::finish(body, None)?;
    response.subscribe().block();
    Ok(response.get().unwrap().unwrap()?.status())
}
