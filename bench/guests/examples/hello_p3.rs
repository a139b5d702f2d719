//! `GET /hello/{name}` by `wasi:http/service@0.3`.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::spawn_local;
use wasip3::{wit_future, wit_stream};

struct Hello;
wasip3::http::service::export!(Hello);

impl Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (status, text) = bench_guests::hello(request.get_path_with_query().as_deref());
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").unwrap();
        let (mut body, body_reader) = wit_stream::new();
        let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
        let (response, _) = Response::new(headers, Some(body_reader), trailers_reader);
        response.set_status_code(status).unwrap();
        spawn_local(async move {
            body.write_all(text.into_bytes()).await;
            drop(body);
            drop(trailers); // It writes what it was made with.
        });
        Ok(response)
    }
}
