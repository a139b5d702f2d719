//! `GET /hello/{name}` and an echo of bodies on `lambda_http`, in the shape of its README.

use lambda_http::{
    Body, Error, Request, Response,
    http::{HeaderValue, header::CONTENT_TYPE},
};

/// Greets, or echoes the body.
pub async fn answer(request: Request) -> Result<Response<Body>, Error> {
    let path = request.uri().path();
    let mut content_type = HeaderValue::from_static("text/plain");
    let (status, body) = match path.strip_prefix("/hello/") {
        Some(name) => (200, format!("Hello, {name}!\n").into()),
        None if path == "/echo-body" => {
            let (head, body) = request.into_parts();
            content_type = head
                .headers
                .get(CONTENT_TYPE)
                .cloned()
                .unwrap_or(content_type);
            (200, body)
        }
        None => (404, "no such path\n".into()),
    };
    let response = Response::builder().status(status);
    Ok(response.header(CONTENT_TYPE, content_type).body(body)?)
}
