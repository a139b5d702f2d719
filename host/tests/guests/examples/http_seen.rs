//! A component of `wasi:http/proxy@0.2` that answers with what it saw, whatever the path. If the request has the header
//! `x-echo: response`, or is an event with the member `"x-echo": "response"`, it answers with what the request's body describes,
//! as [`Said`] reads it.

mod p2;

use guests::{Said, case};
use wasip2::http::types::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

struct Http;
wasip2::http::proxy::export!(Http);

impl wasip2::exports::http::incoming_handler::Guest for Http {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let seen = p2::seen(request);
        let has = |name: &str, value: &[u8]| seen.headers.contains(&(name.into(), value.into()));
        let is_event = seen.body.starts_with(br#"{"x-echo":"response","#);
        if !is_event && !has("x-echo", b"response") {
            return p2::answer(outparam, p2::json_fields(), &seen.json());
        }
        let said = Said::parse(&seen.body);
        match head(&said) {
            Ok(response) => {
                let body = response.body().unwrap();
                ResponseOutparam::set(outparam, Ok(response));
                p2::write_whole(&body, &said.body);
                p2::finish(body, None);
            }
            // What the host does not let a component say.
            Err(refused) => {
                let body = p2::begin(outparam, 500, Fields::new());
                p2::write_whole(&body, refused.as_bytes());
                p2::finish(body, None);
            }
        }
    }
}

fn head(said: &Said) -> Result<OutgoingResponse, String> {
    let headers = Fields::new();
    for (name, value) in &said.headers {
        let appended = headers.append(name, value);
        appended.map_err(|error| format!("the host takes no header {name}: {}", case(&error)))?;
    }
    let response = OutgoingResponse::new(headers);
    let taken = response.set_status_code(said.status);
    taken.map_err(|()| format!("the host takes no status {}", said.status))?;
    Ok(response)
}
