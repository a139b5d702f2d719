//! The common parts of the components of `wasi:http/proxy@0.2`.

use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

/// A response, and then its body.
pub fn respond(
    outparam: ResponseOutparam,
    status: u16,
    content_type: &[Vec<u8>],
    write: impl FnOnce(OutputStream),
) {
    let headers = Fields::new();
    headers.set("content-type", content_type).unwrap();
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(outparam, Ok(response));
    write(body.write().unwrap());
    OutgoingBody::finish(body, None).unwrap();
}
