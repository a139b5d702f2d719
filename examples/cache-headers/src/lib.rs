//! Middleware for components of `wasi:http` 0.3: responses to GET and HEAD that say nothing about caches get
//! `cache-control`, for as many seconds as the variable `MAX_AGE` has. Other responses are left as they are.

mod upstream {
    wit_bindgen::generate!({
        path: "wit",
        world: "middleware",
        with: {
            "wasi:http/handler@0.3.2": generate,
            "wasi:clocks/types@0.3.2": wasip3::clocks::types,
            "wasi:http/types@0.3.2": wasip3::http::types,
        },
    });
    pub use wasi::http::handler::handle;
}

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::wit_future;

struct Middleware;
wasip3::http::service::export!(Middleware);

impl Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let is_read = matches!(request.get_method(), Method::Get | Method::Head);
        let response = upstream::handle(request).await?;
        let headers = response.get_headers();
        if !is_read || response.get_status_code() != 200 || headers.has("cache-control") {
            return Ok(response);
        }
        let max_age = std::env::var("MAX_AGE").unwrap_or_else(|_| "60".to_owned());
        let new = Fields::from_list(&headers.copy_all()).expect("they were valid");
        let value = format!("max-age={max_age}").into_bytes();
        if new.set("cache-control", &[value]).is_err() {
            return Ok(response);
        }
        // The headers of a response cannot be changed: another response gets its body.
        let (result, consumed) = wit_future::new(|| Ok(()));
        drop(result);
        let (body, trailers) = Response::consume_body(response, consumed);
        Ok(Response::new(new, Some(body), trailers).0)
    }
}
