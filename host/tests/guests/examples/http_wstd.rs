//! An HTTP component as crate `wstd` makes them: it answers with the request's body, of the request's type, as it comes.

use wstd::http::{Body, Error, Request, Response};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let mut response = Response::builder();
    if let Some(content_type) = request.headers().get("content-type") {
        response = response.header("content-type", content_type);
    }
    Ok(response.body(request.into_body())?)
}
