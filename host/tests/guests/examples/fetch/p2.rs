//! Sends a request by WASI 0.2.

use std::io::Write;

use guests::{Fetch, Fetched, case};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

/// Sends it, and reads the answer to its end.
pub fn fetch(asked: &Fetch) -> Fetched {
    let mut fetched = Fetched::default();
    let result = send(asked, &mut fetched.written).and_then(|response| {
        fetched.status = Some(response.status());
        fetched.headers = response.headers().entries();
        read(response, &mut fetched)
    });
    fetched.error = result.err().map(|error| case(&error));
    fetched
}

/// Sends it this often, and waits for nothing.
pub fn leave(asked: &Fetch, times: u64) {
    for _ in 0..times {
        let response = outgoing_handler::handle(request(asked), None);
        std::mem::forget(response);
    }
}

/// Sends it this often at once, then reads the answers. Returns how many were good.
pub fn at_once(asked: &Fetch, times: u64) -> usize {
    let send = |_| outgoing_handler::handle(request(asked), None);
    let sent: Vec<_> = (0..times).map(send).collect();
    let is_good = |sent: Result<FutureIncomingResponse, ErrorCode>| {
        let Ok(response) = sent else { return false };
        response.subscribe().block();
        let response = response.get().unwrap().unwrap();
        response.is_ok_and(|response| read(response, &mut Fetched::default()).is_ok())
    };
    sent.into_iter()
        .filter_map(|sent| is_good(sent).then_some(()))
        .count()
}

fn send(asked: &Fetch, is_written: &mut bool) -> Result<IncomingResponse, ErrorCode> {
    let request = request(asked);
    let options = RequestOptions::new();
    options
        .set_connect_timeout(asked.time("connect_ms"))
        .unwrap();
    options
        .set_first_byte_timeout(asked.time("first_ms"))
        .unwrap();
    options
        .set_between_bytes_timeout(asked.time("between_ms"))
        .unwrap();
    let body = request.body().unwrap();
    let mut pieces = asked.pieces().peekable();
    if pieces.peek().is_none() {
        let response = outgoing_handler::handle(request, Some(options))?;
        OutgoingBody::finish(body, None)?;
        *is_written = true;
        response.subscribe().block();
        return response.get().unwrap().unwrap();
    }
    let response = outgoing_handler::handle(request, Some(options))?;
    if let Some(late) = asked.time("body_ms") {
        subscribe_duration(late).block();
    }
    let mut stream = body.write().unwrap();
    let written = pieces.try_for_each(|piece| stream.write_all(&piece));
    drop(stream);
    if written.is_ok() {
        OutgoingBody::finish(body, None)?;
        *is_written = true;
    }
    response.subscribe().block();
    response.get().unwrap().unwrap()
}

fn request(asked: &Fetch) -> OutgoingRequest {
    let (https, authority, path) = asked.url();
    let scheme = if https { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(Fields::from_list(&asked.headers()).unwrap());
    request.set_method(&Method::Other(asked.method())).unwrap();
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(path)).unwrap();
    request
}

fn read(response: IncomingResponse, fetched: &mut Fetched) -> Result<(), ErrorCode> {
    let body = response.consume().unwrap();
    let stream = body.stream().unwrap();
    let result = loop {
        match stream.blocking_read(64 * 1024) {
            Ok(piece) => fetched.take(&piece),
            Err(StreamError::Closed) => break Ok(()),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                break Err(code.unwrap_or(ErrorCode::InternalError(Some(error.to_debug_string()))));
            }
        }
    };
    drop(stream);
    drop(IncomingBody::finish(body));
    result
}
