//! A component of `wasi:http/service@0.3` that does what its path says: one of [`guests::steps`], or one of those below.

mod fetch {
    pub mod p3;
}

use std::time::Duration;

use guests::{
    FORBIDDEN, Fetch, HEADERS, LATIN1, Seen, Step, Target, case, millis, panics, run_forever, spin,
    steps, url_parts,
};
use serde_json::{Map, Value, json};
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamWriter, spawn_local};
use wasip3::{wit_future, wit_stream};

struct Http;
wasip3::http::service::export!(Http);

type Trailers = Result<Option<Fields>, ErrorCode>;

impl wasip3::exports::http::handler::Guest for Http {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = Target::parse(&request.get_path_with_query().unwrap_or_default());
        if let Some(steps) = steps(&target) {
            return Ok(stepwise(steps));
        }
        Ok(match target.path() {
            "echo" => answer(json_fields(), seen(request).await.json()),
            "echo-body" => echo_body(request),
            // How many bytes the body has; it is read piece by piece.
            "count" => {
                let (mut stream, _) = consume(request);
                let mut count = 0;
                while let Some(piece) = next_piece(&mut stream).await {
                    count += piece.len();
                }
                answer(Fields::new(), count.to_string())
            }
            "headers" => answer(fields(&HEADERS), "headers\n"),
            "latin1" => answer(fields(&[LATIN1]), "latin1\n"),
            // What the host says to each forbidden header; those that it takes are in the answer.
            "forbidden" => {
                let fields = Fields::new();
                let tried = FORBIDDEN.map(|(name, value)| {
                    let result = match fields.append(name, value) {
                        Ok(()) => "accepted".to_owned(),
                        Err(error) => case(&error),
                    };
                    (name.to_owned(), Value::from(result))
                });
                answer(fields, Value::Object(Map::from_iter(tried)).to_string())
            }
            // ?says=N&bytes=M: a content-length, and a body of another length perhaps.
            "length" => {
                let says = target.number("says", 0).to_string();
                let body = vec![b'x'; target.number("bytes", 0) as usize];
                answer(fields(&[("content-length", says.as_bytes())]), body)
            }
            "trailers" => {
                let (response, body) = begin(200, Fields::new());
                let trailers = fields(&[("x-trailer", b"last")]);
                spawn_local(body.whole(b"trailers\n".to_vec(), Some(trailers)));
                response
            }
            // There is no stream for the body.
            "no-body" => {
                let (trailers, reader) = wit_future::new(|| Ok(None));
                drop(trailers);
                Response::new(Fields::new(), None, reader).0
            }
            "error-code" => return Err(ErrorCode::InternalError(Some("as it says".to_owned()))),
            "trap" => panics(),
            "loop" => run_forever(),
            // Waits for a timer that another task calls something beside.
            "sleep-and-call" => {
                spawn_local(async { drop(Fields::new()) });
                pause(millis(60_000)).await;
                answer(Fields::new(), "woke\n")
            }
            "sleep" => {
                pause(millis(target.millis())).await;
                answer(Fields::new(), "woke\n")
            }
            "env" => {
                let value = std::env::var(target.text("name").unwrap_or_default());
                answer(Fields::new(), value.unwrap_or_else(|_| "absent".to_owned()))
            }
            "visits" => answer(Fields::new(), guests::visits()),
            // ?text=T: a line on stdout.
            "print" => {
                println!("{}", target.text("text").unwrap_or_default());
                answer(Fields::new(), "printed\n")
            }
            // ?url=URL
            "outbound" => {
                let result = outbound(target.text("url").unwrap_or_default()).await;
                let result = match result {
                    Ok(status) => json!({ "status": status }),
                    Err(error) => json!({ "error": case(&error) }),
                };
                answer(json_fields(), result.to_string())
            }
            // The request is in the body.
            "fetch" => {
                let body = consume(request).0.collect().await;
                let fetched = fetch::p3::fetch(&Fetch::parse(&body)).await;
                answer(json_fields(), fetched.json())
            }
            // The response to the request in the body, as it is.
            "pass" => {
                let body = consume(request).0.collect().await;
                return client::send(fetch::p3::request(&Fetch::parse(&body))).await;
            }
            path => {
                // ?body=TEXT
                let (status, text) = match path.strip_prefix("status/") {
                    Some(status) => (status.parse().unwrap(), target.text("body").unwrap_or("")),
                    None => (404, "no such path\n"),
                };
                let (response, body) = begin(status, Fields::new());
                spawn_local(body.whole(text.as_bytes().to_vec(), None));
                response
            }
        })
    }
}

/// The writing ends of an answer's body.
struct Body {
    stream: StreamWriter<u8>,
    trailers: FutureWriter<Trailers>,
}

impl Body {
    /// Writes all of a body.
    async fn whole(self, bytes: Vec<u8>, trailers: Option<Fields>) {
        let Self {
            mut stream,
            trailers: end,
        } = self;
        if !stream.write_all(bytes).await.is_empty() {
            println!("the body is closed");
        }
        drop(stream);
        finish(end, Ok(trailers)).await;
    }

    /// Does the steps until the body ends; those that are left are for [`work`].
    async fn write(self, steps: &mut impl Iterator<Item = Step>) {
        let Self {
            mut stream,
            trailers,
        } = self;
        let mut end = Ok(None);
        for step in steps {
            match step {
                Step::Finish => break,
                Step::Fail => {
                    end = Err(ErrorCode::InternalError(Some("as it says".to_owned())));
                    break;
                }
                // There is no asking for room in WASI 0.3: a write that finds none waits.
                Step::Write(bytes) | Step::Push(bytes) => {
                    if !stream.write_all(bytes).await.is_empty() {
                        println!("the body is closed");
                        break;
                    }
                }
                // A write is over when its bytes have been read.
                Step::Flush => {}
                other => work(other).await,
            }
        }
        drop(stream);
        finish(trailers, end).await;
    }
}

async fn finish(trailers: FutureWriter<Trailers>, end: Trailers) {
    if trailers.write(end).await.is_err() {
        println!("nobody asks how the body ended");
    }
}

/// Does a step that needs no body.
async fn work(step: Step) {
    match step {
        Step::Pause(duration) => pause(duration).await,
        Step::Spin(duration) => spin(duration),
        Step::RunForever => run_forever(),
        Step::Trap => panics(),
        Step::Print(line) => println!("{line}"),
        Step::Write(_) | Step::Push(_) | Step::Flush | Step::Fail | Step::Finish => {
            unreachable!("the body has ended")
        }
    }
}

async fn pause(duration: Duration) {
    wait_for(duration.as_nanos() as u64).await;
}

/// An answer whose body is made step by step, after it was returned.
fn stepwise(mut steps: impl Iterator<Item = Step> + 'static) -> Response {
    let (response, body) = begin(200, fields(&[("content-type", b"text/plain")]));
    spawn_local(async move {
        body.write(&mut steps).await;
        for step in steps {
            work(step).await;
        }
    });
    response
}

/// An answer with status 200 that is there as a whole.
fn answer(headers: Fields, bytes: impl Into<Vec<u8>>) -> Response {
    let (response, body) = begin(200, headers);
    spawn_local(body.whole(bytes.into(), None));
    response
}

fn begin(status: u16, headers: Fields) -> (Response, Body) {
    let (stream, stream_reader) = wit_stream::new();
    let unfinished = || Err(ErrorCode::InternalError(Some("unfinished".to_owned())));
    let (trailers, trailers_reader) = wit_future::new(unfinished);
    let (response, _) = Response::new(headers, Some(stream_reader), trailers_reader);
    if response.set_status_code(status).is_err() {
        println!("the host takes no status {status}");
    }
    (response, Body { stream, trailers })
}

fn fields(entries: &[(&str, &[u8])]) -> Fields {
    let entry = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
    Fields::from_list(&entries.iter().map(entry).collect::<Vec<_>>()).unwrap()
}

fn json_fields() -> Fields {
    fields(&[("content-type", b"application/json")])
}

/// The request's body, and the trailers behind it.
fn consume(request: Request) -> (StreamReader<u8>, FutureReader<Trailers>) {
    let (result, reader) = wit_future::new(|| Ok(()));
    drop(result);
    Request::consume_body(request, reader)
}

async fn next_piece(stream: &mut StreamReader<u8>) -> Option<Vec<u8>> {
    let (_, piece) = stream.read(Vec::with_capacity(64 * 1024)).await;
    (!piece.is_empty()).then_some(piece)
}

async fn seen(request: Request) -> Seen {
    let mut seen = Seen {
        method: match request.get_method() {
            Method::Other(name) => name,
            method => case(&method).to_uppercase(),
        },
        scheme: request.get_scheme().map(|scheme| match scheme {
            Scheme::Http => "http".to_owned(),
            Scheme::Https => "https".to_owned(),
            Scheme::Other(name) => name,
        }),
        authority: request.get_authority(),
        path_with_query: request.get_path_with_query(),
        headers: request.get_headers().copy_all(),
        trailers: vec![],
        body: vec![],
    };
    let (stream, trailers) = consume(request);
    seen.body = stream.collect().await;
    let trailers = trailers.await.unwrap();
    seen.trailers = trailers.map_or_else(Vec::new, |trailers| trailers.copy_all());
    seen
}

/// The request's body as it comes, with its type.
fn echo_body(request: Request) -> Response {
    let headers = Fields::new();
    let content_type = request.get_headers().get("content-type");
    headers.set("content-type", &content_type).unwrap();
    let (response, mut body) = begin(200, headers);
    let (mut stream, _) = consume(request);
    spawn_local(async move {
        while let Some(piece) = next_piece(&mut stream).await {
            assert!(body.stream.write_all(piece).await.is_empty());
        }
        body.whole(vec![], None).await;
    });
    response
}

/// The status that a GET of the URL is answered with.
async fn outbound(url: &str) -> Result<u16, ErrorCode> {
    let (https, authority, path) = url_parts(url);
    let scheme = if https { Scheme::Https } else { Scheme::Http };
    let (trailers, reader) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (request, _) = Request::new(Fields::new(), None, reader, None);
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(path)).unwrap();
    Ok(client::send(request).await?.get_status_code())
}
