//! Sends a request by WASI 0.3.

use guests::{Fetch, Fetched, case};
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_bindgen::spawn_local;
use wasip3::{wit_future, wit_stream};

/// Sends it, and reads the answer to its end.
pub async fn fetch(asked: &Fetch) -> Fetched {
    let mut fetched = Fetched::default();
    let result = match client::send(request(asked)).await {
        Ok(response) => {
            fetched.status = Some(response.get_status_code());
            fetched.headers = response.get_headers().copy_all();
            read(response, &mut fetched).await
        }
        Err(error) => Err(error),
    };
    fetched.error = result.err().map(|error| case(&error));
    fetched
}

pub fn request(asked: &Fetch) -> Request {
    let (https, authority, path) = asked.url();
    let scheme = if https { Scheme::Https } else { Scheme::Http };
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
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    drop(trailers);
    let mut pieces = asked.pieces().peekable();
    let contents = pieces.peek().is_some().then(|| {
        let (mut stream, contents) = wit_stream::new();
        let late = asked.time("body_ms");
        spawn_local(async move {
            if let Some(late) = late {
                wait_for(late).await;
            }
            for piece in pieces {
                if !stream.write_all(piece).await.is_empty() {
                    break;
                }
            }
        });
        contents
    });
    let headers = Fields::from_list(&asked.headers()).unwrap();
    let (request, _) = Request::new(headers, contents, trailers_reader, Some(options));
    request.set_method(&Method::Other(asked.method())).unwrap();
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(path)).unwrap();
    request
}

async fn read(response: Response, fetched: &mut Fetched) -> Result<(), ErrorCode> {
    let (result, result_reader) = wit_future::new(|| Ok(()));
    drop(result);
    let (mut stream, trailers) = Response::consume_body(response, result_reader);
    loop {
        let (_, piece) = stream.read(Vec::with_capacity(64 * 1024)).await;
        if piece.is_empty() {
            break;
        }
        fetched.take(&piece);
    }
    drop(stream);
    trailers.await.map(|_| ())
}
