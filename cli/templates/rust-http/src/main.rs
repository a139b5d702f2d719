use wstd::http::{Body, Error, Request, Response, StatusCode};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (status, text) = match request.uri().path().split('/').collect::<Vec<_>>()[..] {
        ["", ""] => (StatusCode::OK, "Hello, world!\n".to_owned()),
        ["", "hello", name] => (StatusCode::OK, format!("Hello, {name}!\n")),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    };
    let response = Response::builder().status(status);
    Ok(response.header("content-type", "text/plain").body(text.into())?)
}
