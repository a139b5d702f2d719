use std::process::Command;

use lambda_wasm_emulator::Post;

use super::*;
use crate::dev::history::Response as Kept;
use crate::invoke::sample;

const GATEWAY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);

fn details(event: &Value) -> Details {
    Details::new(event.to_string().into())
}

fn curl_of(event: &Value) -> String {
    curl("F", &details(event), GATEWAY, None)
}

/// Returns the words of a command, as a shell reads them.
fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap()
}

#[test]
fn a_request_of_each_event_source_is_a_curl_command() {
    let v2 = json!({
        "version": "2.0",
        "rawPath": "/orders/a b",
        "rawQueryString": "x=1&x=%32",
        "headers": { "host": "localhost:3000", "content-type": "text/plain", "content-length": "4" },
        "cookies": ["a=1", "b=2"],
        "requestContext": { "domainName": "x.execute-api", "http": { "method": "PUT" } },
        "body": "it's",
        "isBase64Encoded": false,
    });
    assert_eq!(
        words(&curl_of(&v2)),
        [
            "curl",
            "-g",
            "-X",
            "PUT",
            "http://localhost:3000/orders/a%20b?x=1&x=%32",
            "-H",
            "content-type: text/plain",
            "-H",
            "cookie: a=1; b=2",
            "--data-raw",
            "it's",
        ]
    );
    let rest = json!({
        "httpMethod": "GET",
        "path": "/hello",
        "multiValueHeaders": { "Host": ["127.0.0.1:3000"], "Accept": ["a", "b"] },
        "multiValueQueryStringParameters": { "q": ["a&b", "c"] },
        "requestContext": { "stage": "Prod" },
    });
    assert_eq!(
        words(&curl_of(&rest)),
        [
            "curl",
            "-g",
            "http://127.0.0.1:3000/hello?q=a%26b&q=c",
            "-H",
            "accept: a",
            "-H",
            "accept: b"
        ]
    );
    let binary = json!({
        "httpMethod": "POST", "path": "/", "headers": { "host": "127.0.0.1:3100" },
        "queryStringParameters": { "q": "%41" }, "requestContext": { "elb": {} },
        "body": "AP8=", "isBase64Encoded": true,
    });
    assert_eq!(
        curl_of(&binary),
        "printf %s AP8= | base64 -d | curl -g 'http://127.0.0.1:3100/?q=%41' --data-binary @-"
    );
}

#[test]
fn curl_takes_the_query_and_the_body_as_they_are() {
    let event = json!({
        "rawPath": "/", "rawQueryString": "a[]=1&b={x}", "headers": { "host": "localhost:3000" },
        "requestContext": { "http": { "method": "POST" } }, "body": "@/etc/passwd",
    });
    let expected = [
        "curl",
        "-g",
        "http://localhost:3000/?a[]=1&b={x}",
        "--data-raw",
        "@/etc/passwd",
    ];
    assert_eq!(words(&curl_of(&event)), expected);
}

#[test]
fn a_request_from_elsewhere_goes_to_the_same_event_source_here() {
    let command = |name: &str, url| curl("F", &details(&sample::find(name).unwrap()), GATEWAY, url);
    let url = SocketAddr::new(GATEWAY.ip(), 3001);
    let http_api = command("http-api", None);
    assert_eq!(words(&http_api)[2], "http://127.0.0.1:3000/hello/developer");
    assert!(command("function-url", Some(url)).contains("http://127.0.0.1:3001/"));
    let invoke = "curl http://127.0.0.1:3000/2015-03-31/functions/F/invocations --data-raw ";
    for name in ["alb", "sqs", "s3", "schedule"] {
        let event = sample::find(name).unwrap();
        let command = command(name, None);
        assert!(command.starts_with(invoke), "{command}");
        assert_eq!(words(&command)[3], event.to_string());
    }
}

#[test]
fn a_shell_passes_the_event_on_unchanged() {
    let event = "{\"a\": \"it's $HOME `x` \\\\ \\n %s\"}";
    let command = invoke("My Function", &Details::new(event.into()));
    let (printf, tool) = command.split_once(" | ").unwrap();
    let output = Command::new("sh").args(["-c", printf]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), event);
    assert_eq!(
        words(tool),
        ["lambda-wasm", "invoke", "My Function", "--event", "-"]
    );
}

#[test]
fn a_test_expects_the_outcome() {
    let post = |body: &str| Post {
        headers: Default::default(),
        body: body.as_bytes().to_vec().into(),
    };
    let test = |response: Option<&str>, failure: Option<&Failure>| -> Value {
        let mut details = details(&json!({ "a": null }));
        details.response = response.map(|body| Kept::whole(&post(body)));
        let text = test("F", &details, failure).unwrap();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        let mut case = file["test"][0].take();
        assert_eq!(case["event"], json!({ "a": null }));
        for key in ["event", "name", "function"] {
            case.as_object_mut().unwrap().remove(key);
        }
        case
    };
    let http = r#"{"statusCode":201,"body":"{\"b\":1}"}"#;
    assert_eq!(
        test(Some(http), None),
        json!({ "status": 201, "body": { "b": 1 } })
    );
    assert_eq!(test(Some("[1]"), None), json!({ "response": [1] }));
    let failure = Failure {
        kind: "Function.Trap".to_owned(),
        message: "unreachable".to_owned(),
        trace: Vec::new(),
    };
    assert_eq!(
        test(None, Some(&failure)),
        json!({ "error": { "type": "Function.Trap" } })
    );
    assert_eq!(super::test("F", &Details::new("x".into()), None), None);
}
