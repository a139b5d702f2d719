//! A function URL and an HTTP API over sockets, with a runtime that does what the test says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use axum::Router;
use lambda_wasm_emulator::event_source::{self, AllowedHosts};
use lambda_wasm_emulator::{Function, InvokeMode, RuntimeApi, Template};
use serde_json::{Value, json};
use support::{Answer, connect, head, next, value};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const TEMPLATE: &str = r#"
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      Timeout: 1
      Events:
        One: { Type: HttpApi, Properties: { Path: "/one/{name}", Method: get } }
"#;

const REST_TEMPLATE: &str = r#"
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      Events:
        One: { Type: Api, Properties: { Path: /one, Method: get, ResponseTransferMode: RESPONSE_STREAM } }
        Two: { Type: Api, Properties: { Path: /two, Method: any } }
"#;

/// An event source, and the Runtime API behind it.
struct Door {
    address: SocketAddr,
    api: Arc<RuntimeApi>,
    _runtime: Runtime,
}

impl Door {
    fn url(mode: InvokeMode) -> Self {
        let function = Function::new("Web", "web");
        Self::open(|listener, api| {
            event_source::serve_url(listener, function, mode, api, AllowedHosts::default())
        })
    }

    fn http_api() -> Self {
        Self::of(TEMPLATE)
    }

    fn of(template: &str) -> Self {
        let template = Template::parse(template).unwrap();
        Self::open(|listener, api| {
            event_source::serve(
                listener,
                template,
                api,
                AllowedHosts::default(),
                Router::new(),
                None,
            )
        })
    }

    fn open<S>(serve: impl FnOnce(TcpListener, Arc<RuntimeApi>) -> S) -> Self
    where
        S: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let api = Arc::new(RuntimeApi::start("127.0.0.1:0").unwrap());
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, api.clone()));
        Self {
            address,
            api,
            _runtime: runtime,
        }
    }

    /// Sends a request, and takes the event that it becomes.
    fn ask(&self, request: &str) -> (Client, String, Value) {
        let mut stream = connect(self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let (id, event) = next(&self.api);
        let event = serde_json::from_str(&event).unwrap();
        (Client(BufReader::new(stream)), id, event)
    }

    fn get(&self, path: &str) -> (Client, String) {
        let (client, id, _) = self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        (client, id)
    }

    /// Answers the event as a whole.
    fn post(&self, id: &str, kind: &str, body: &str) {
        let url = format!(
            "http://{}/2018-06-01/runtime/invocation",
            self.api.address()
        );
        let agent = ureq::Agent::config_builder().proxy(None).build();
        let request = ureq::Agent::from(agent).post(format!("{url}/{id}/{kind}"));
        request.send(body).unwrap();
    }
}

/// A client that reads its response piece by piece.
struct Client(BufReader<TcpStream>);

impl Client {
    fn head(&mut self) -> String {
        head(&mut self.0)
    }

    fn status(&mut self) -> u16 {
        self.head().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The next chunk; empty at the end, and nothing if the connection ends without it.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.0.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).unwrap();
        chunk.truncate(size);
        Some(chunk)
    }

    /// A response that comes as a whole.
    fn whole(mut self) -> (String, String) {
        let head = self.head();
        let mut body = vec![0; value(&head, "content-length").unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

/// A response whose prelude has come through, and that has a chunk.
fn streaming(door: &Door) -> (Client, Answer) {
    let (mut client, id) = door.get("/");
    let mut answer = Answer::http(&door.api, &id);
    answer.chunk("{\"statusCode\":200}\0\0\0\0\0\0\0\0one");
    assert_eq!(client.status(), 200);
    assert_eq!(client.chunk().unwrap(), b"one");
    (client, answer)
}

#[test]
fn chunks_reach_the_client_before_the_next_is_sent() {
    let door = Door::url(InvokeMode::ResponseStream);
    let (mut client, id) = door.get("/a%20b");
    let mut answer = Answer::http(&door.api, &id);
    answer.chunk("{\"statusCode\":206,\"headers\":{\"Content-Type\":\"text/plain\",");
    answer.chunk("\"X-A\":\"1\"},\"cookies\":[\"a=1\",\"b=2\"]}\0\0\0\0\0");
    answer.chunk("\0\0\0one");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 206 "), "{head}");
    assert_eq!(value(&head, "content-type").unwrap(), "text/plain");
    assert_eq!(value(&head, "transfer-encoding").unwrap(), "chunked");
    assert_eq!(value(&head, "x-a").unwrap(), "1");
    assert!(
        head.contains("set-cookie: a=1\r\nset-cookie: b=2\r\n"),
        "{head}"
    );
    assert_eq!(client.chunk().unwrap(), b"one");
    for text in ["two", "three"] {
        answer.chunk(text);
        assert_eq!(client.chunk().unwrap(), text.as_bytes());
    }
    assert_eq!(answer.finish(&[]), 202);
    assert_eq!(client.chunk().unwrap(), b"");
    assert_eq!(door.api.violations(), []);
}

/// With `ResponseTransferMode: RESPONSE_STREAM`, and as a whole without.
#[test]
fn a_rest_api_streams_where_the_template_says_so() {
    let door = Door::of(REST_TEMPLATE);
    let (mut client, id) = door.get("/one");
    let mut answer = Answer::http(&door.api, &id);
    answer.chunk("{\"statusCode\":200}\0\0\0\0\0\0\0\0one");
    assert_eq!(client.status(), 200);
    for text in ["two", "three"] {
        answer.chunk(text);
    }
    for text in ["one", "two", "three"] {
        assert_eq!(client.chunk().unwrap(), text.as_bytes());
    }
    assert_eq!(answer.finish(&[]), 202);
    assert_eq!(client.chunk().unwrap(), b"");

    let (client, id) = door.get("/two");
    let mut answer = Answer::http(&door.api, &id);
    answer.chunk("{\"statusCode\":200}\0\0\0\0\0\0\0\0one");
    answer.chunk("two");
    assert_eq!(answer.finish(&[]), 202);
    assert_eq!(client.whole().1, "onetwo");
}

#[test]
fn a_stream_that_does_not_end_well_has_no_last_chunk() {
    let door = Door::url(InvokeMode::ResponseStream);
    let (mut client, answer) = streaming(&door);
    let error = [
        ("Lambda-Runtime-Function-Error-Type", "Function.Trap"),
        ("Lambda-Runtime-Function-Error-Body", "e30="),
    ];
    assert_eq!(answer.finish(&error), 202);
    assert_eq!(client.chunk(), None);

    let (mut client, answer) = streaming(&door);
    answer.cut();
    assert_eq!(client.chunk(), None);
    assert_eq!(door.api.violations(), []);
}

#[test]
fn chunks_before_a_failure_reach_the_client() {
    let door = Door::url(InvokeMode::ResponseStream);
    for _ in 0..20 {
        let (mut client, id) = door.get("/");
        let mut answer = Answer::http(&door.api, &id);
        answer.chunk("{\"statusCode\":200}\0\0\0\0\0\0\0\0one");
        answer.finish(&[("Lambda-Runtime-Function-Error-Type", "Function.Trap")]);
        assert_eq!(client.status(), 200);
        assert_eq!(client.chunk().unwrap(), b"one");
        assert_eq!(client.chunk(), None);
    }
}

/// RFC 9110, 8.6.
#[test]
fn nothing_says_how_long_no_content_is() {
    let doors = [
        (Door::url(InvokeMode::Buffered), "/"),
        (Door::http_api(), "/one/a"),
    ];
    for (door, path) in doors {
        let (mut client, id) = door.get(path);
        door.post(&id, "response", r#"{"statusCode":204,"body":"text"}"#);
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
        assert_eq!(value(&head, "content-length"), None);
        assert_eq!(value(&head, "transfer-encoding"), None);
    }
}

/// RFC 9110, 8.6: the body that it stands for is seldom empty.
#[test]
fn nothing_says_how_long_an_empty_answer_to_head_is() {
    for (door, path) in [
        (Door::url(InvokeMode::Buffered), "/"),
        (Door::of(REST_TEMPLATE), "/two"),
    ] {
        let asked = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let (mut client, id, _) = door.ask(&asked);
        door.post(&id, "response", r#"{"statusCode":200,"body":""}"#);
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(value(&head, "content-length"), None);
    }
}

#[test]
fn a_stream_that_is_no_response_is_a_200_of_bytes() {
    let door = Door::url(InvokeMode::ResponseStream);
    let (mut client, id) = door.get("/");
    let mut answer = Answer::begin(&door.api, &id, &[]);
    answer.chunk("one");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(
        value(&head, "content-type").unwrap(),
        "application/octet-stream"
    );
    assert_eq!(client.chunk().unwrap(), b"one");
    answer.finish(&[]);
    assert_eq!(client.chunk().unwrap(), b"");
}

#[test]
fn a_failure_before_the_head_is_a_502() {
    let door = Door::url(InvokeMode::ResponseStream);
    for start in ["", "{\"statusCode\":200}", "no JSON\0\0\0\0\0\0\0\0one"] {
        let (client, id) = door.get("/");
        let mut answer = Answer::http(&door.api, &id);
        if !start.is_empty() {
            answer.chunk(start);
        }
        answer.finish(&[]);
        let (head, body) = client.whole();
        assert!(head.starts_with("HTTP/1.1 502 "), "{start}: {head}");
        assert_eq!(body, "Internal Server Error");
    }
}

#[test]
fn an_answer_that_comes_as_a_whole_is_one_in_either_mode() {
    for mode in [InvokeMode::Buffered, InvokeMode::ResponseStream] {
        let door = Door::url(mode);
        let (client, id) = door.get("/");
        door.post(&id, "response", r#"{"statusCode":201,"body":"text"}"#);
        let (head, body) = client.whole();
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
        assert_eq!(body, "text");
        assert!(value(&head, "x-amzn-requestid").is_some_and(|sent| sent == id));

        let (client, id) = door.get("/");
        door.post(&id, "error", "{}");
        let (head, body) = client.whole();
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        assert_eq!(body, "Internal Server Error");
    }
}

#[test]
fn an_answer_that_streams_is_collected_for_those_who_take_no_streams() {
    let doors = [
        (Door::url(InvokeMode::Buffered), "/"),
        (Door::http_api(), "/one/a"),
    ];
    for (door, path) in doors {
        let (client, id) = door.get(path);
        let mut answer = Answer::http(&door.api, &id);
        answer.chunk("{\"statusCode\":201,\"cookies\":[\"a=1\"]}\0\0\0\0\0\0\0\0one");
        answer.chunk("two");
        answer.finish(&[]);
        let (head, body) = client.whole();
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
        assert_eq!(value(&head, "set-cookie").unwrap(), "a=1");
        assert_eq!(body, "onetwo");

        // What a handler streams that knows nothing of HTTP.
        let (client, id) = door.get(path);
        let mut answer = Answer::begin(&door.api, &id, &[]);
        answer.chunk("{\"statusCode\":202}");
        answer.finish(&[]);
        let (head, _) = client.whole();
        assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
    }
}

#[test]
fn an_http_api_has_its_own_events_and_errors() {
    let door = Door::http_api();
    let request = "GET /one/a%20b?x=1&x=2 HTTP/1.1\r\nHost: localhost\r\nCookie: a=1\r\n\r\n";
    let (client, id, event) = door.ask(request);
    assert_eq!(event["routeKey"], "GET /one/{name}");
    assert_eq!(event["rawPath"], "/one/a b");
    assert_eq!(event["pathParameters"], json!({ "name": "a b" }));
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2" }));
    assert_eq!(event["cookies"], json!(["a=1"]));
    door.post(&id, "response", r#""Hello!""#);
    let (head, body) = client.whole();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(value(&head, "content-type").unwrap(), "application/json");
    assert_eq!(body, "Hello!");

    for (kind, body) in [("error", "{}"), ("response", r#"{"statusCode":1}"#)] {
        let (client, id) = door.get("/one/a");
        door.post(&id, kind, body);
        let (head, body) = client.whole();
        assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
        assert_eq!(body, r#"{"message":"Internal Server Error"}"#);
    }

    for (path, status, message) in [
        ("/elsewhere", 404, "Not Found"),
        ("/one/100%25", 400, "Bad Request"),
    ] {
        let mut stream = connect(door.address);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let (head, body) = Client(BufReader::new(stream)).whole();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(body, format!("{{\"message\":\"{message}\"}}"));
    }
    let (client, _) = door.get("/one/a");
    let (head, body) = client.whole();
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    assert_eq!(body, r#"{"message":"Internal Server Error"}"#);
    assert_eq!(door.api.violations(), []);
}

#[test]
fn an_event_over_lambdas_limit_is_refused() {
    let door = Door::url(InvokeMode::Buffered);
    for length in [4_800_000, 11_000_000] {
        let head =
            format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        let mut stream = connect(door.address);
        stream.write_all(head.as_bytes()).unwrap();
        // The door stops reading a body that is over its own limit.
        let _ = stream.write_all(&vec![0; length]);
        let (head, body) = Client(BufReader::new(stream)).whole();
        assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
        assert_eq!(body, r#"{"Message":null}"#);
    }
}

#[test]
fn the_time_limit_of_a_route_covers_the_head_of_a_stream() {
    let mode = "ResponseTransferMode: RESPONSE_STREAM";
    let template = REST_TEMPLATE.replace(mode, &format!("{mode}, TimeoutInMillis: 300"));
    let template = template.replace("Handler: web", "Handler: web\n      Timeout: 20");
    let door = Door::of(&template);
    let (mut client, id) = door.get("/one");
    let mut answer = Answer::http(&door.api, &id);
    answer.chunk("{");
    assert_eq!(client.status(), 504);
    // The invocation continues.
    answer.chunk("}\0\0\0\0\0\0\0\0");
    assert_eq!(answer.finish(&[]), 202);
}
