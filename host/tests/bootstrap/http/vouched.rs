//! Headers that event sources set: a client cannot have them removed.

use serde_json::{Value, json};

use super::seen::Seen;
use super::start;

/// Set by event sources, or looked at by them.
const HEADERS: [&str; 16] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-host",
    "forwarded",
    "via",
    "x-amzn-trace-id",
    "x-amzn-oidc-identity",
    "x-amzn-oidc-data",
    "x-amzn-oidc-accesstoken",
    "x-amzn-mtls-clientcert-subject",
    "x-amzn-tls-version",
    "x-amzn-lattice-identity",
    "x-amz-cf-id",
    "cloudfront-viewer-address",
    "x-api-key",
];

/// The event of a request with these headers, from each of the sources.
pub fn events(headers: &[(&str, &str)]) -> Vec<Value> {
    let single: Value = headers.iter().map(|(n, v)| (*n, json!(v))).collect();
    let lists: Value = headers.iter().map(|(n, v)| (*n, json!([v]))).collect();
    let http = json!({ "method": "POST", "path": "/" });
    let elb = json!({ "elb": {} });
    let url = json!({ "http": http, "domainName": "id.lambda-url.eu-west-1.on.aws" });
    vec![
        json!({ "httpMethod": "POST", "path": "/", "headers": single, "multiValueHeaders": lists }),
        json!({ "version": "1.0", "httpMethod": "POST", "path": "/", "headers": single }),
        json!({ "requestContext": { "apiId": "a", "http": http }, "rawPath": "/", "headers": single }),
        json!({ "requestContext": url, "rawPath": "/", "headers": single }),
        json!({ "requestContext": elb, "httpMethod": "POST", "path": "/", "headers": single }),
        json!({ "requestContext": elb, "httpMethod": "POST", "path": "/", "multiValueHeaders": lists }),
        json!({ "requestContext": { "serviceNetworkArn": "a" }, "method": "POST", "path": "/", "headers": lists }),
        json!({ "method": "POST", "raw_path": "/", "headers": single }),
    ]
}

#[test]
fn a_client_cannot_have_them_removed() {
    let host = start("http_seen");
    // In other capitals, as a client may write them.
    let names = HEADERS.map(str::to_ascii_uppercase).join(" ,\t");
    let connection = format!("close, {names}, x-own");
    let mut headers: Vec<_> = HEADERS.map(|name| (name, "set")).to_vec();
    headers.extend([
        ("Connection", &*connection),
        ("X-Own", "1"),
        ("x-kept", "1"),
    ]);
    for event in events(&headers) {
        let mut seen = Seen::of_event(&host, &event);
        for name in HEADERS {
            assert_eq!(seen.take(name), ["set"], "{name} of {event}");
        }
        assert_eq!(seen.headers, [("x-kept".into(), "1".into())], "{event}");
    }
    host.finish();
}
