//! `GET /hello/{name}`, and an echo of bodies, by `wasi:http/service@0.3`.

use bench_guests::{Answer, PIECE};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::{StreamWriter, spawn_local};
use wasip3::{wit_future, wit_stream};

struct Hello;
wasip3::http::service::export!(Hello);

impl Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let answer = Answer::to(request.get_path_with_query().as_deref());
        Ok(match answer {
            Answer::Text(status, text) => {
                let content_type = b"text/plain".to_vec();
                respond(status, &[content_type], async |body| {
                    body.write_all(text.into_bytes()).await;
                })
            }
            Answer::Echo => {
                let content_type = request.get_headers().get("content-type");
                respond(200, &content_type, async |body| echo(request, body).await)
            }
        })
    }
}

/// A response whose body is written after it was returned.
fn respond(
    status: u16,
    content_type: &[Vec<u8>],
    write: impl AsyncFnOnce(&mut StreamWriter<u8>) + 'static,
) -> Response {
    let headers = Fields::new();
    headers.set("content-type", content_type).unwrap();
    let (mut body, body_reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(headers, Some(body_reader), trailers_reader);
    response.set_status_code(status).unwrap();
    spawn_local(async move {
        write(&mut body).await;
        drop(body);
        drop(trailers); // It writes what it was made with.
    });
    response
}

async fn echo(request: Request, to: &mut StreamWriter<u8>) {
    let (taken, taken_reader) = wit_future::new(|| Ok(()));
    drop(taken);
    let (mut from, _) = Request::consume_body(request, taken_reader);
    loop {
        let (_, piece) = from.read(Vec::with_capacity(PIECE)).await;
        if piece.is_empty() {
            return;
        }
        to.write_all(piece).await;
    }
}
