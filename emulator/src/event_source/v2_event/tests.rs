use std::net::IpAddr;

use axum::http::Request;

use super::*;
use crate::event_source::routing;
use crate::{Api, Function, Route};

/// The function behind `POST /capture/{part}` and `$default`.
fn function() -> Function {
    let mut function = Function::new("F", "f");
    function.routes = [("POST", "/capture/{part}"), ("ANY", Route::DEFAULT)]
        .map(|(method, path)| Route::new(Api::Http, method, path))
        .to_vec();
    function
}

fn arrival() -> Arrival {
    Arrival {
        source_ip: IpAddr::from([192, 0, 2, 1]),
        time: "2026-07-10T19:19:05.766Z".parse().unwrap(),
        request_id: "d16a6b55-dea9-4b23-8499-eb85c3d2d904".to_owned(),
        trace_id: "Root=1-6a5145aa-290a323a5de9a2e0636377d4".to_owned(),
    }
}

fn through_api(request: Request<Vec<u8>>) -> Option<Value> {
    let functions = [function()];
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let found = routing::find(&functions, Api::Http, method, path).unwrap();
    let sender = Sender::http_api(&found, http_api_path(path)?);
    Some(event(&sender, &parts, &body.into(), &arrival()))
}

fn through_url(request: Request<Vec<u8>>) -> Value {
    let (parts, body) = request.into_parts();
    let sender = Sender::function_url(parts.uri.path());
    event(&sender, &parts, &body.into(), &arrival())
}

/// The requests that were sent to AWS for the events below.
fn request() -> Request<Vec<u8>> {
    let query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=";
    let request = Request::post(format!("/capture/space%20value?{query}"))
        .header("Host", "localhost:3001")
        .header("User-Agent", "curl/8.7.1")
        .header("Accept", "*/*")
        .header("X-Probe", "first")
        .header("x-probe", "second")
        .header("Cookie", "session=abc123; theme=dark")
        .header("Content-Type", "application/json");
    request.body("{\"unicode\":\"λ\"}".into()).unwrap()
}

/// The event for that request, as HTTP APIs and function URLs were seen to make it, with the names
/// and addresses of this machine.
fn expected() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/capture/space%20value",
        "rawQueryString": "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=",
        "cookies": ["session=abc123", "theme=dark"],
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "cookie": "session=abc123; theme=dark",
            "host": "localhost:3001",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-6a5145aa-290a323a5de9a2e0636377d4",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "3001",
            "x-forwarded-proto": "http",
            "x-probe": "first,second",
        },
        "queryStringParameters": {
            "empty": "",
            "encodedPlus": "a+b",
            "literalPlus": "a b",
            "redirect": "https://example.com/a/b",
            "repeat": "one,two",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local00000url",
            "domainName": "local00000url.lambda-url.us-east-1.on.aws",
            "domainPrefix": "local00000url",
            "http": {
                "method": "POST",
                "path": "/capture/space value",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "d16a6b55-dea9-4b23-8499-eb85c3d2d904",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1783711145766_u64,
        },
        "body": "{\"unicode\":\"λ\"}",
        "isBase64Encoded": false,
    })
}

#[test]
fn a_function_url_sends_this() {
    assert_eq!(through_url(request()), expected());
}

#[test]
fn an_http_api_sends_the_same_but_for_this() {
    let mut expected = expected();
    expected["rawPath"] = "/capture/space value".into();
    expected["routeKey"] = "POST /capture/{part}".into();
    expected["pathParameters"] = json!({ "part": "space value" });
    expected["headers"]
        .as_object_mut()
        .unwrap()
        .remove("cookie");
    let context = &mut expected["requestContext"];
    context["accountId"] = "123456789012".into();
    context["apiId"] = "local00000".into();
    context["domainPrefix"] = "local00000".into();
    context["domainName"] = "localhost:3001".into();
    context["routeKey"] = "POST /capture/{part}".into();
    assert_eq!(through_api(request()).unwrap(), expected);
}

#[test]
fn absent_fields_are_left_out() {
    let get = || Request::get("/").body(Vec::new()).unwrap();
    for made in [through_url(get()), through_api(get()).unwrap()] {
        let fields: Vec<_> = made.as_object().unwrap().keys().collect();
        let expected = [
            "headers",
            "isBase64Encoded",
            "rawPath",
            "rawQueryString",
            "requestContext",
            "routeKey",
            "version",
        ];
        assert_eq!(fields, expected);
        assert_eq!(
            (&made["rawQueryString"], &made["routeKey"]),
            (&json!(""), &json!("$default"))
        );
    }
}

#[test]
fn an_http_api_decodes_the_path_twice() {
    let path = |sent: &str| {
        let request = Request::get(format!("/capture/{sent}?q")).body(Vec::new());
        let event = through_api(request.unwrap());
        event.map(|event| event["rawPath"].as_str().unwrap().to_owned())
    };
    for (sent, given) in [
        ("plain", Some("plain")),
        ("space%20value", Some("space value")),
        ("question%3Fvalue", Some("question")),
        ("percent%25done", None),
        ("hash%23value", Some("hash#value")),
        ("slash%2Fvalue", Some("slash/value")),
        ("unicode-%CE%BB-%E4%B8%96%E7%95%8C", Some("unicode-λ-世界")),
        ("literal%252Fvalue", Some("literal/value")),
        ("literal%253Fvalue", Some("literal?value")),
        ("literal%2525value", Some("literal%value")),
    ] {
        let given = given.map(|given| format!("/capture/{given}"));
        assert_eq!(path(sent), given, "{sent}");
    }
}

#[test]
fn a_body_is_text_if_its_type_is() {
    let encoded = |content_type: Option<&str>, body: &[u8]| {
        let (body, is_base64) = encode(content_type, &Bytes::copy_from_slice(body));
        format!("{is_base64} {}", body.as_str().unwrap_or_default())
    };
    for text in [
        "text/csv",
        "application/json; charset=utf-8",
        "Application/XML",
        "application/javascript",
    ] {
        assert_eq!(encoded(Some(text), b"a=1"), "false a=1", "{text}");
    }
    for other in [
        None,
        Some("application/x-www-form-urlencoded"),
        Some("application/octet-stream"),
        Some("image/png"),
    ] {
        assert_eq!(encoded(other, b"a=1"), "true YT0x", "{other:?}");
    }
    assert_eq!(encoded(Some("text/plain"), &[0xff, 0]), "true /wA=");
    assert_eq!(encoded(None, b""), "false ");
}
