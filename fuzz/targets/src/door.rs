//! A request goes through an event source of the emulator and through the host, and its response back: the function sees the
//! request, and the client the response.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arbitrary::{Result, Unstructured};
use http::Request;
use lambda_wasm_emulator::event_source::fuzzing::{Address, answer};
use lambda_wasm_emulator::{Functions, Invocation, LogTail, Outcome, Post, Template};
use lambda_wasm_host::fuzzing::api;
use lambda_wasm_host::http as events;
use percent_encoding::percent_decode_str;

use crate::response::{copy, is_valid, response};
use crate::words::{header_value, list, text};

const TEMPLATE: &str = r#"
Resources:
  Rest:
    Type: AWS::Serverless::Api
    Properties: { StageName: dev, BinaryMediaTypes: ["*~1*"] }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Runtime: provided.al2023
      CodeUri: f/
      FunctionUrlConfig: { AuthType: NONE }
      Events:
        Rest: { Type: Api, Properties: { Path: "/rest/{proxy+}", Method: any, RestApiId: !Ref Rest } }
        Http: { Type: HttpApi, Properties: { Path: "/http/{proxy+}", Method: any } }
"#;

/// Sends a request.
pub fn run(data: &[u8]) {
    let _ = request(&mut Unstructured::new(data));
}

/// A request as the function sees it.
struct Seen {
    source: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A function whose response is known.
struct Function {
    response: api::Response,
    seen: Mutex<Option<Seen>>,
}

impl Functions for Function {
    async fn invoke(&self, _: &str, invocation: Invocation, _: Option<LogTail>) -> Outcome {
        let event = invocation.event().to_vec();
        let post = |body: Vec<u8>| Post {
            headers: Default::default(),
            body: body.into(),
        };
        let Ok(request) = events::request(&event) else {
            return Outcome::Response(post(b"{}".to_vec()));
        };
        let source = request.source;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen {
            source: format!("{source:?}"),
            method: request.record.method,
            path: request.record.path,
            headers: request.record.headers,
            body: request.record.body,
        });
        match source.answer(copy(&self.response)) {
            Ok(json) => Outcome::Response(post(json)),
            Err(failure) => Outcome::Error(post(failure.to_json())),
        }
    }

    fn malformed(&self, _: &str, request: &str, why: &str) {
        panic!("the response of the host to {request} is malformed: {why}");
    }
}

fn request(u: &mut Unstructured<'_>) -> Result<()> {
    static READ: OnceLock<Template> = OnceLock::new();
    let template = READ.get_or_init(|| Template::parse(TEMPLATE).expect("it is valid"));
    let address = *u.choose(&[
        Address::Gateway,
        Address::Gateway,
        Address::FunctionUrl,
        Address::LoadBalancer,
    ])?;
    let start = *u.choose(&[
        "/rest/",
        "/http/",
        "/2015-03-31/functions/F/invocations",
        "/",
        "",
    ])?;
    let (path, query) = (path(u)?, query(u)?);
    let (method, body) = (
        *u.choose(&["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"])?,
        u.arbitrary::<Vec<u8>>()?,
    );
    let mut built = Request::builder()
        .method(method)
        .uri(format!("{start}{path}{query}"));
    for name in list(u, 5, |u| u.choose(HEADERS).copied())? {
        built = built.header(name, header_value(u)?.trim());
    }
    let Ok(request) = built.body(body.clone().into()) else {
        return Ok(());
    };
    let response = response(u)?;
    let sent = request.uri().path().to_owned();
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.to_string()).or_default().push(value);
    }
    let function = Arc::new(Function {
        response,
        seen: Mutex::default(),
    });
    // Asynchronous invocations end with it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("there are threads");
    let answered = runtime.block_on(answer(address, template, function.clone(), request));
    let seen = function
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(seen) = seen else {
        return Ok(());
    };
    assert_eq!(seen.method, method);
    let decoded = |path: &str| percent_decode_str(path).decode_utf8_lossy().into_owned();
    match &*seen.source {
        "HttpApi" => assert_eq!(seen.path, decoded(&sent)),
        // A REST API's event has the path that it matched, in which slashes may be escaped.
        _ => assert_eq!(decoded(&seen.path), decoded(&sent)),
    }
    // Compressed bodies are for the event source.
    if !headers.contains_key("content-encoding") {
        assert_eq!(seen.body, body, "by {}", seen.source);
    }
    check_headers(&seen, &headers);
    check_response(&answered, &function.response);
    Ok(())
}

/// The headers that no event source changes.
const PLAIN: [&str; 3] = ["x-a", "x-b", "accept"];

const HEADERS: &[&str] = &[
    "x-a",
    "x-b",
    "accept",
    "accept",
    "content-type",
    "content-encoding",
    "cookie",
    "connection",
    "host",
    "x-forwarded-for",
    "origin",
    "x-amz-invocation-type",
    "authorization",
    "transfer-encoding",
    "x-amzn-trace-id",
];

fn check_headers(seen: &Seen, sent: &BTreeMap<String, Vec<String>>) {
    for name in PLAIN {
        // A REST API's event may have them in other capitals.
        let values = seen
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let values: Vec<_> = values.map(|(_, value)| value.clone()).collect();
        let expected = sent.get(name).cloned().unwrap_or_default();
        match &*seen.source {
            // One value for each name: joined, or the last.
            "HttpApi" | "FunctionUrl" => assert_eq!(values.join(","), expected.join(",")),
            "Alb" => assert_eq!(values.last(), expected.last()),
            _ => assert_eq!(values, expected),
        }
    }
}

/// The client gets the function's response, or an error if HTTP or the event source cannot carry it.
fn check_response<B>(answered: &http::Response<B>, response: &api::Response) {
    let status = answered.status().as_u16();
    let (is_valid, size) = (is_valid(response), response.body.len());
    if is_valid && status == response.status_code {
        return;
    }
    let said = response.status_code;
    assert!([500, 502].contains(&status), "{status} for {said}");
    // A load balancer takes 1 MiB, in JSON that writes a byte as up to six.
    let may_be_too_large = size * 6 > 1024 * 1024;
    assert!(
        !is_valid || may_be_too_large,
        "{said} is refused: {:?}",
        response.headers
    );
}

fn path(u: &mut Unstructured<'_>) -> Result<String> {
    text(
        u,
        &[
            "a", "b", "/", "%2F", "%20", "%C3%A4", "%", ".", "..", "~", "+", ":", "@", "{proxy+}",
        ],
    )
}

fn query(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.arbitrary()? {
        true => format!(
            "?{}",
            text(u, &["a", "b", "=", "&", "%26", "+", "%", "%FF"])?
        ),
        false => String::new(),
    })
}
