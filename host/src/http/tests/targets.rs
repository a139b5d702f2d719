//! The target of a request: its path and its query, percent-encoded.

use serde_json::{Value, json};

use super::*;

fn target(event: &Value) -> String {
    request(event.to_string().as_bytes())
        .unwrap()
        .path_and_query()
}

pub(super) fn rest(path: &str, query: Value) -> Value {
    json!({ "httpMethod": "GET", "path": path, "multiValueQueryStringParameters": query })
}

pub(super) fn alb(path: &str, query: Value) -> Value {
    json!({ "httpMethod": "GET", "path": path, "queryStringParameters": query, "requestContext": { "elb": {} } })
}

pub(super) fn payload_2(domain: &str, path: &str, query: &str) -> Value {
    json!({ "version": "2.0", "rawPath": path, "rawQueryString": query,
        "requestContext": { "http": { "method": "GET" }, "domainName": domain, "apiId": "a1b2c3d4e5", "stage": "prod" } })
}

pub(super) fn lattice(path: &str, query: Value) -> Value {
    json!({ "version": "2.0", "method": "GET", "path": path, "queryStringParameters": query,
        "requestContext": { "serviceNetworkArn": "arn" } })
}

pub(super) const FUNCTION_URL: &str = "id.lambda-url.eu-central-1.on.aws";
const HTTP_API: &str = "id.execute-api.eu-central-1.amazonaws.com";

#[test]
fn a_path_that_came_encoded_stays_so() {
    for path in [
        "/a%2Fb",
        "/%e2%82%AC",
        "/a+b%20c",
        "//a/./../b;c=d",
        "/[a]|{b}^'",
        "/%00%ff",
        "/a%252Fb",
    ] {
        assert_eq!(target(&rest(path, json!(null))), path);
        assert_eq!(target(&alb(path, json!({}))), path);
        assert_eq!(target(&lattice(path, json!({}))), path);
        assert_eq!(target(&payload_2(FUNCTION_URL, path, "")), path);
    }
}

#[test]
fn characters_that_paths_cannot_have_are_encoded() {
    let paths = [
        ("", "/"),
        ("a", "/a"),
        ("*", "/*"),
        ("/a b", "/a%20b"),
        ("/ä€", "/%C3%A4%E2%82%AC"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("/100%", "/100%"),
        ("/%2g%2", "/%2g%2"),
        ("/\"<>`\u{7f}\n", "/%22%3C%3E%60%7F%0A"),
    ];
    for (path, expected) in paths {
        assert_eq!(target(&rest(path, json!(null))), expected);
    }
}

/// Also one of an HTTP API with payload 1.0, which says that it is.
#[test]
fn an_http_apis_path_is_decoded_and_is_encoded_again() {
    for (path, expected) in [
        ("/a/b", "/a/b"),
        ("/a b", "/a%20b"),
        ("/100%", "/100%25"),
        ("/a%2Fb", "/a%252Fb"),
        ("/a?b#c[d]", "/a%3Fb%23c%5Bd%5D"),
        ("/a+b@c:d;e=f,g", "/a+b@c:d;e=f,g"),
        ("/ä", "/%C3%A4"),
    ] {
        assert_eq!(target(&payload_2(HTTP_API, path, "")), expected);
        let mut version_1 = rest(path, json!(null));
        version_1["version"] = "1.0".into();
        assert_eq!(target(&version_1), expected);
    }
}

#[test]
fn a_stage_and_a_base_path_stay_where_they_are() {
    let event = payload_2(HTTP_API, "/prod/a", "");
    assert_eq!(target(&event), "/prod/a");
    assert_eq!(
        request(event.to_string().as_bytes()).unwrap().record.path,
        "/prod/a"
    );
    let mut event = rest("/base/a", json!(null));
    event["requestContext"] = json!({ "stage": "prod", "path": "/base/a" });
    assert_eq!(target(&event), "/base/a");
}

#[test]
fn a_raw_query_stays_what_it_is() {
    for query in [
        "a=&b",
        "a=1&b=2&a=3",
        "a=b%20c+d&&=&%zz",
        "%C3%A4=%ff",
        "a;b,c[]=[1]&q=a=b?c/d",
        "a=%26",
    ] {
        for domain in [FUNCTION_URL, HTTP_API] {
            assert_eq!(target(&payload_2(domain, "/", query)), format!("/?{query}"));
        }
    }
    assert_eq!(
        target(&payload_2(HTTP_API, "/", "a=b c#d\"ä")),
        "/?a=b%20c%23d%22%C3%A4"
    );
}

#[test]
fn a_decoded_query_is_encoded() {
    let query = json!({ "a": ["", "b c", "1+1", "x&y=z", "100%", "ä", "~-._"], "b/[]": ["#?"] });
    assert_eq!(
        target(&rest("/", query)),
        "/?a=&a=b%20c&a=1%2B1&a=x%26y%3Dz&a=100%25&a=%C3%A4&a=~-._&b%2F%5B%5D=%23%3F"
    );
    // By hand: AWS would have the raw query too.
    let mut event = payload_2(HTTP_API, "/", "");
    event["rawQueryString"] = json!(null);
    event["queryStringParameters"] = json!({ "a": "b c" });
    assert_eq!(target(&event), "/?a=b%20c");
}

#[test]
fn an_encoded_query_stays_so_and_is_decoded_in_the_record() {
    let query =
        json!({ "a%5B%5D": "b%20c+d%2B", "e": "", "f": "g=h", "i%": "%zz%", "%ff": "%C3%A4" });
    for event in [alb("/", query.clone()), lattice("/", query)] {
        let text = event.to_string();
        let request = request(text.as_bytes()).unwrap();
        // serde_json's map has sorted the names.
        assert_eq!(
            request.path_and_query(),
            "/?%ff=%C3%A4&a%5B%5D=b%20c+d%2B&e=&f=g=h&i%=%zz%"
        );
        let pairs = [
            ("\u{fffd}", "ä"),
            ("a[]", "b c d+"),
            ("e", ""),
            ("f", "g=h"),
            ("i%", "%zz%"),
        ];
        let decoded = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(request.record.query_parameters, decoded);
    }
}
