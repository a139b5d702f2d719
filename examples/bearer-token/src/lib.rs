//! Middleware for components of `wasi:http` 0.2: a request whose `Authorization` is not `Bearer TOKEN` gets 401, and never
//! reaches the component. The token is in the variable `TOKEN`.

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package example:bearer-token;
        world middleware {
            import wasi:http/incoming-handler@0.2.12;
            export wasi:http/incoming-handler@0.2.12;
        }",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::incoming_handler;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Middleware;
export!(Middleware);

impl Guest for Middleware {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        if is_allowed(&request) {
            return incoming_handler::handle(request, response_out);
        }
        let headers = [
            ("content-type".to_owned(), b"text/plain".to_vec()),
            ("www-authenticate".to_owned(), b"Bearer".to_vec()),
        ];
        let headers = Fields::from_list(&headers).expect("valid headers");
        let response = OutgoingResponse::new(headers);
        response.set_status_code(401).expect("a valid status");
        let body = response.body().expect("the first body");
        ResponseOutparam::set(response_out, Ok(response));
        let stream = body.write().expect("the first stream");
        // A client that is gone needs no body.
        let _ = stream.blocking_write_and_flush(b"a token is needed\n");
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Without a token in the environment, nothing is allowed.
fn is_allowed(request: &IncomingRequest) -> bool {
    let Ok(token) = std::env::var("TOKEN") else {
        return false;
    };
    let values = request.headers().get("authorization");
    let sent = match values.as_slice() {
        [value] => value.as_slice(),
        _ => return false,
    };
    let expected = format!("Bearer {token}");
    // Takes the same time wherever the two differ.
    let difference = expected
        .bytes()
        .zip(sent)
        .fold(0, |all, (a, b)| all | (a ^ b));
    !token.is_empty() && sent.len() == expected.len() && difference == 0
}
