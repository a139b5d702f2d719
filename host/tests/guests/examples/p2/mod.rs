//! Requests and answers of `wasi:http` 0.2: what its components here have in common.

#![allow(dead_code, reason = "each component uses a part of it")]

use std::io::{Read, Write};

use guests::{Seen, case};
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasip2::io::streams::InputStream;

/// An answer with status 200 that is there as a whole.
pub fn answer(outparam: ResponseOutparam, headers: Fields, bytes: &[u8]) {
    let body = begin(outparam, 200, headers);
    write_whole(&body, bytes);
    finish(body, None);
}

/// Sets the answer: what follows is its body.
pub fn begin(outparam: ResponseOutparam, status: u16, headers: Fields) -> OutgoingBody {
    let response = OutgoingResponse::new(headers);
    if response.set_status_code(status).is_err() {
        println!("the host takes no status {status}");
    }
    let body = response.body().unwrap();
    ResponseOutparam::set(outparam, Ok(response));
    body
}

/// Writes all that the body has.
pub fn write_whole(body: &OutgoingBody, bytes: &[u8]) {
    let mut stream = body.write().unwrap();
    if let Err(error) = stream
        .write_all(bytes)
        .and_then(|()| Write::flush(&mut stream))
    {
        println!("the body was not written: {error}");
    }
}

/// Ends the body.
pub fn finish(body: OutgoingBody, trailers: Option<Fields>) {
    if let Err(error) = OutgoingBody::finish(body, trailers) {
        println!("the body was not finished: {}", case(&error));
    }
}

/// Headers, each of which the host takes.
pub fn fields(entries: &[(&str, &[u8])]) -> Fields {
    let fields = Fields::new();
    for (name, value) in entries {
        fields.append(name, value).unwrap();
    }
    fields
}

/// The headers of JSON.
pub fn json_fields() -> Fields {
    fields(&[("content-type", b"application/json")])
}

/// All of a request.
pub fn seen(request: IncomingRequest) -> Seen {
    let mut reader = Reader::of(&request);
    let mut body = Vec::new();
    reader.stream.read_to_end(&mut body).unwrap();
    Seen {
        method: match request.method() {
            Method::Other(name) => name,
            method => case(&method).to_uppercase(),
        },
        scheme: request.scheme().map(|scheme| match scheme {
            Scheme::Http => "http".to_owned(),
            Scheme::Https => "https".to_owned(),
            Scheme::Other(name) => name,
        }),
        authority: request.authority(),
        path_with_query: request.path_with_query(),
        headers: request.headers().entries(),
        trailers: reader.trailers(),
        body,
    }
}

/// A request's body. The stream has to go before the body that it is of.
pub struct Reader {
    pub stream: InputStream,
    body: IncomingBody,
}

impl Reader {
    pub fn of(request: &IncomingRequest) -> Self {
        let body = request.consume().unwrap();
        let stream = body.stream().unwrap();
        Self { stream, body }
    }

    fn trailers(self) -> Vec<(String, Vec<u8>)> {
        drop(self.stream);
        let trailers = IncomingBody::finish(self.body);
        trailers.subscribe().block();
        let trailers = trailers.get().unwrap().unwrap().unwrap();
        trailers.map_or_else(Vec::new, |trailers| trailers.entries())
    }
}
