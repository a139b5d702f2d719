//! The gateway over a socket, with a runtime of a few lines behind it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use axum::Router;
use lambda_wasm_emulator::event_source::{self, AllowedHosts};
use lambda_wasm_emulator::{RuntimeApi, Template};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, Response};

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);

const TEMPLATE: &str = r#"
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Handler: echo
      Timeout: 1
      Events:
        Any: { Type: Api, Properties: { Path: "/{proxy+}", Method: any } }
        Http: { Type: HttpApi, Properties: { Path: "/http/{proxy+}", Method: any } }
"#;

/// A gateway whose function does what the path says.
struct Door {
    address: String,
    agent: Agent,
    _runtime: tokio::runtime::Runtime,
    api: Arc<RuntimeApi>,
    /// The records of destinations that the function was invoked with.
    told: Receiver<Value>,
}

impl Door {
    fn open() -> Self {
        Self::of(TEMPLATE)
    }

    /// With binary media types.
    fn binary(types: &str) -> Self {
        let globals = format!("Globals: {{ Api: {{ BinaryMediaTypes: {types} }} }}");
        Self::of(&format!("{TEMPLATE}{globals}"))
    }

    fn of(template: &str) -> Self {
        let api = Arc::new(RuntimeApi::start("127.0.0.1:0").unwrap());
        let base = format!("http://{}/2018-06-01/runtime/invocation", api.address());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || serve(&base, &tell));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let template = Template::parse(template).unwrap();
        runtime.spawn(event_source::serve(
            listener,
            template,
            api.clone(),
            AllowedHosts::default(),
            Router::new(),
            None,
        ));
        Self {
            address,
            agent: agent(),
            _runtime: runtime,
            api,
            told,
        }
    }

    fn ask(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("{}{}", self.address, parts.uri).parse().unwrap();
        let mut response = self.agent.run(Request::from_parts(parts, body)).unwrap();
        let bytes = response.body_mut().read_to_vec().unwrap();
        Response::from_parts(response.into_parts().0, bytes)
    }

    fn get(&self, path: &str) -> (u16, String) {
        let response = self.ask(Request::get(path).body(Vec::new()).unwrap());
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body()).unwrap())
    }

    fn invoke(&self, event: Value, headers: &[(&str, &str)]) -> Response<Vec<u8>> {
        let mut request = Request::post("/2015-03-31/functions/Echo/invocations");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(event.to_string().into_bytes()).unwrap())
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false);
    config.build().into()
}

/// The runtime: takes events until the Runtime API is gone.
fn serve(base: &str, tell: &Sender<Value>) {
    let agent = agent();
    while let Ok(mut next) = agent.get(format!("{base}/next")).call() {
        let event: Value = serde_json::from_slice(&next.body_mut().read_to_vec().unwrap()).unwrap();
        if event.get("responseContext").is_some() {
            let _ = tell.send(event.clone());
        }
        let header = |name: &str| {
            let value = next.headers().get(name)?.as_bytes();
            Some(std::str::from_utf8(value).unwrap())
        };
        let id = header("lambda-runtime-aws-request-id").unwrap();
        let context = header("lambda-runtime-client-context");
        let what = event["pathParameters"]["proxy"].as_str();
        let (path, answer) = match what.or(event["do"].as_str()) {
            Some("echo") => {
                let body = event.to_string();
                ("response", json!({ "statusCode": 201, "body": body }))
            }
            Some("binary") => {
                let headers = json!({ "Set-Cookie": ["a=1", "b=2"] });
                let answer = json!({
                    "statusCode": 200,
                    "headers": { "Content-Type": "image/png" },
                    "multiValueHeaders": headers,
                    "body": "/wA=",
                    "isBase64Encoded": true,
                });
                ("response", answer)
            }
            Some("text") => ("response", json!({ "statusCode": 200, "body": "text" })),
            Some("large") => {
                let answer = json!({ "statusCode": 200, "body": "x".repeat(7_000_000) });
                ("response", answer)
            }
            Some("malformed") => ("response", json!("no response")),
            Some("error") => ("error", json!({ "errorType": "E", "errorMessage": "m" })),
            Some("sleep") => continue,
            _ => ("response", json!({ "event": event, "context": context })),
        };
        let _ = agent
            .post(format!("{base}/{id}/{path}"))
            .send(answer.to_string());
    }
}

#[test]
fn a_request_becomes_an_event_and_the_answer_a_response() {
    let door = Door::open();
    let request = Request::patch("/echo?a=1&a=2").header("x-h", "v");
    let response = door.ask(request.body(vec![0xff]).unwrap());
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    let event: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(event["httpMethod"], "PATCH");
    assert_eq!(
        event["multiValueQueryStringParameters"]["a"],
        json!(["1", "2"])
    );
    assert_eq!(event["headers"]["X-H"], "v");
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
}

#[test]
fn bodies_headers_and_head_come_through() {
    let door = Door::binary(r#"["*/*"]"#);
    let response = door.ask(Request::get("/binary").body(Vec::new()).unwrap());
    assert_eq!(response.headers()["content-type"], "image/png");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(*response.body(), [0xff, 0x00]);

    let response = door.ask(Request::head("/binary").body(Vec::new()).unwrap());
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "2");
    assert!(response.body().is_empty());
}

#[test]
fn a_request_is_in_base64_if_its_type_is_a_binary_media_type() {
    let sent = |types: &str, content_type: &str| {
        let request = Request::post("/echo").header("content-type", content_type);
        let response = Door::binary(types).ask(request.body(vec![b'a', 0xff]).unwrap());
        let event: Value = serde_json::from_slice(response.body()).unwrap();
        (event["body"].clone(), event["isBase64Encoded"].clone())
    };
    let text = (json!("a\u{fffd}"), json!(false));
    let bytes = (json!("Yf8="), json!(true));
    assert_eq!(sent("[image~1png]", "image/png"), bytes);
    assert_eq!(sent("[image/*]", "image/png"), bytes);
    assert_eq!(sent("['*~1*']", "text/plain"), bytes);
    assert_eq!(sent("[image/png]", "image/jpeg"), text);
    assert_eq!(sent("[]", "application/octet-stream"), text);
}

#[test]
fn a_response_in_base64_is_decoded_for_clients_that_accept_a_binary_media_type_first() {
    let body = |types: &str, accept: Option<&str>| {
        let mut request = Request::get("/binary");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let response = Door::binary(types).ask(request.body(Vec::new()).unwrap());
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/png");
        response.into_body()
    };
    assert_eq!(body("[image/png]", Some("image/png, */*")), [0xff, 0x00]);
    assert_eq!(body("[image/png]", Some("*/*, image/png")), b"/wA=");
    assert_eq!(body("[]", Some("image/png")), b"/wA=");
    assert_eq!(body("['*/*']", None), [0xff, 0x00]);
}

#[test]
fn a_request_that_lambda_or_the_api_does_not_take_is_refused() {
    let status = |path: &str, length: usize| {
        let request = Request::post(path).header("content-type", "text/plain");
        let door = Door::of(&TEMPLATE.replace("Timeout: 1", "Timeout: 20"));
        let response = door.ask(request.body(vec![b'a'; length]).unwrap());
        let body = String::from_utf8(response.body().clone()).unwrap();
        (response.status().as_u16(), body)
    };
    let refused = |why: &str| (413, format!("{{\"message\":\"{why}\"}}"));
    assert_eq!(status("/text", 6_200_000).0, 200);
    assert_eq!(status("/text", 6_291_000), refused("Request Too Long"));
    assert_eq!(
        status("/text", 10_485_761),
        refused("HTTP content length exceeded 10485760 bytes.")
    );
    let too_large = refused("Request Entity Too Large");
    assert_eq!(status("/http/text", 6_200_000).0, 200);
    assert_eq!(status("/http/text", 6_291_000), too_large);
    assert_eq!(status("/http/text", 10_485_761), too_large);
    // In base64, a third is added.
    let request = Request::post("/http/text").header("content-type", "image/png");
    let response = Door::open().ask(request.body(vec![0; 4_800_000]).unwrap());
    assert_eq!(response.status(), 413);
}

#[test]
fn a_response_over_lambdas_limit_is_an_error() {
    let door = Door::of(&TEMPLATE.replace("Timeout: 1", "Timeout: 20"));
    let (status, body) = door.get("/large");
    assert_eq!(status, 502);
    assert_eq!(body, r#"{"message":"Internal server error"}"#);
    assert_eq!(door.get("/http/large").0, 500);
}

#[test]
fn failures_look_as_they_do_on_aws() {
    let door = Door::open();
    let wrong = |status: u16, message: &str| (status, format!("{{\"message\":\"{message}\"}}"));
    assert_eq!(door.get("/"), wrong(403, "Missing Authentication Token"));
    assert_eq!(door.get("/malformed"), wrong(502, "Internal server error"));
    assert_eq!(door.get("/error"), wrong(502, "Internal server error"));
    // Its own timeout, which is shorter than the limit of the API.
    assert_eq!(door.get("/sleep"), wrong(502, "Internal server error"));
    assert_eq!(door.api.violations(), []);
    let asleep = Door::open().get("/http/sleep");
    assert_eq!(asleep, wrong(500, "Internal Server Error"));
}

#[test]
fn a_function_is_invoked_by_its_name() {
    let door = Door::open();
    // {"k":"ü"}
    let response = door.invoke(
        json!({ "n": 1 }),
        &[("X-Amz-Client-Context", "eyJrIjoiw7wifQ==")],
    );
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("x-amz-function-error"));
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["event"], json!({ "n": 1 }));
    assert_eq!(answer["context"], "{\"k\":\"ü\"}");

    let response = door.invoke(json!({ "do": "error" }), &[]);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
    assert_eq!(*response.body(), br#"{"errorMessage":"m","errorType":"E"}"#);

    let response = door.invoke(json!({ "do": "sleep" }), &[]);
    let id = response.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    let error: Value = serde_json::from_slice(response.body()).unwrap();
    let message = format!("RequestId: {id} Error: Task timed out after 1.00 seconds");
    assert_eq!(error["errorMessage"], message);

    let response = door.invoke(json!({}), &[("X-Amz-Invocation-Type", "Event")]);
    assert_eq!(response.status(), 202);
    let response = door.invoke(json!({}), &[("X-Amz-Invocation-Type", "event")]);
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "ValidationException"
    );
    let request = Request::post("/2015-03-31/functions/Nobody/invocations");
    assert_eq!(door.ask(request.body(Vec::new()).unwrap()).status(), 404);
}

#[test]
fn a_payload_that_lambda_does_not_take_is_refused() {
    let door = Door::of(&TEMPLATE.replace("Timeout: 1", "Timeout: 20"));
    let invoke = |payload: Vec<u8>, kind: &str| {
        let request = Request::post("/2015-03-31/functions/Echo/invocations");
        let request = request.header("X-Amz-Invocation-Type", kind);
        let response = door.ask(request.body(payload).unwrap());
        let kind = response.headers().get("x-amzn-errortype");
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.unwrap_or_default())
    };
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
    let malformed = (400, "InvalidRequestContentException".to_owned());
    let too_large = (413, "RequestTooLargeException".to_owned());
    for kind in ["RequestResponse", "Event"] {
        assert_eq!(invoke(b"{bad".to_vec(), kind), malformed);
        assert_eq!(invoke(vec![b'"', 0xff, b'"'], kind), malformed);
    }
    assert_eq!(invoke(text(6_400_000), "RequestResponse"), too_large);
    assert_eq!(invoke(text(1_100_000), "Event"), too_large);
    assert_eq!(invoke(text(1024 * 1024), "Event").0, 202);
    assert_eq!(invoke(Vec::new(), "RequestResponse").0, 200);
    assert_eq!(door.api.violations(), []);
}

/// A page whose name leads to this machine, and a page of another site.
#[test]
fn a_web_page_reaches_no_function() {
    let door = Door::open();
    let status = |request: ureq::http::request::Builder| {
        let response = door.ask(request.body(Vec::new()).unwrap());
        (response.status().as_u16(), response.into_body())
    };
    let (refused, body) = status(Request::get("/text").header("host", "evil.example:3000"));
    assert_eq!(refused, 403);
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("it is for the host evil.example"), "{body}");
    assert_eq!(
        status(Request::get("/text").header("host", "api.localhost:80")).0,
        200
    );
    // A page of another site may send it, as on AWS.
    let foreign = ("sec-fetch-site", "cross-site");
    assert_eq!(
        status(Request::get("/text").header(foreign.0, foreign.1)).0,
        200
    );

    let response = door.invoke(json!({}), &[foreign]);
    assert_eq!(response.status(), 403);
    let response = door.invoke(json!({}), &[("origin", "http://evil.example")]);
    assert_eq!(response.status(), 403);
    let response = door.invoke(json!({}), &[("host", "evil.example")]);
    assert_eq!(response.status(), 403);
    assert_eq!(
        door.invoke(json!({}), &[("origin", &door.address)])
            .status(),
        200
    );
}

#[test]
fn a_route_of_an_http_api_may_ask_for_payload_1() {
    let template = TEMPLATE.replace(
        "/http/{proxy+}\"",
        "/http/{proxy+}\", PayloadFormatVersion: \"1.0\"",
    );
    let door = Door::of(&template);
    let (status, body) = door.get("/http/echo?a=1&a=2");
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &event["version"]), (201, &json!("1.0")));
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "a": ["1", "2"] })
    );
    // A REST API would pass the base64 on, without a binary media type.
    let response = door.ask(Request::get("/http/binary").body(Vec::new()).unwrap());
    assert_eq!(*response.body(), [0xff, 0x00]);
}

/// The second attempt is a second after the first.
#[test]
fn an_asynchronous_invocation_that_fails_is_repeated_and_its_destination_gets_a_record() {
    let template = r#"
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Handler: echo
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: { OnFailure: { Type: Lambda, Destination: !GetAtt Failed.Arn } }
  Failed: { Type: AWS::Serverless::Function, Properties: { Handler: failed } }
"#;
    let door = Door::of(template);
    let response = door.invoke(
        json!({ "do": "error" }),
        &[("X-Amz-Invocation-Type", "Event")],
    );
    let id = response.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.status(), 202);
    let record = door.told.recv_timeout(SOON).unwrap();
    let context = &record["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
    assert_eq!(context["requestId"], id);
    assert_eq!(
        context["functionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:Echo:$LATEST"
    );
    assert_eq!(record["requestPayload"]["do"], "error");
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(
        record["responsePayload"],
        json!({ "errorType": "E", "errorMessage": "m" })
    );
}
