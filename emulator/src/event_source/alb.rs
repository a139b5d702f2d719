//! An Application Load Balancer whose target is a function:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arrival::{Arrival, text};
use super::rest_event::last_of_each;
use super::{Answer, Door, Functions, answer, run, set, status};
use crate::account::ACCOUNT;
use crate::{Function, Invocation, Outcome};

/// The largest body of a request, and the largest response in JSON, in bytes: "Limits" of the page above.
const MAX: usize = 1024 * 1024;

pub(super) struct LoadBalancer<F> {
    pub function: Function,
    pub functions: Arc<F>,
}

/// A function's response. Other fields are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfFunction {
    status_code: Value,
    headers: Option<BTreeMap<String, Value>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

impl<F: Functions> Door for LoadBalancer<F> {
    type Functions = F;

    fn functions(&self) -> &F {
        &self.functions
    }

    async fn answer(&self, arrival: &Arrival, parts: &Parts, body: Option<&Bytes>) -> Answer {
        let response = match body.filter(|body| body.len() <= MAX) {
            Some(body) => self.respond(arrival, parts, body).await,
            None => page(StatusCode::PAYLOAD_TOO_LARGE),
        };
        Answer {
            function: Some(self.function.name.clone()),
            is_invoke: false,
            response,
        }
    }
}

impl<F: Functions> LoadBalancer<F> {
    async fn respond(&self, arrival: &Arrival, parts: &Parts, body: &Bytes) -> Response<Body> {
        let is_multi = self.function.has_multi_value_target;
        let event = event(parts, body, arrival, &self.function.region, is_multi);
        let invocation = Invocation::new(event.to_string());
        let bad_gateway = || page(StatusCode::BAD_GATEWAY);
        let outcome = run(&*self.functions, &self.function, invocation, arrival).await;
        // Errors, timeouts and all other outcomes are the same to the client: "HTTP 502" in
        // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>.
        let post = match outcome {
            Some(outcome) => match outcome.collect().await {
                Outcome::Response(post) => post,
                _ => return bad_gateway(),
            },
            None => return bad_gateway(),
        };
        if post.body.len() > MAX {
            let why = format!(
                "a load balancer takes a response of at most {MAX} bytes, and it has {}",
                post.body.len()
            );
            self.functions
                .malformed(&self.function.name, &arrival.request_id, &why);
            return bad_gateway();
        }
        response(&post.body, is_multi).unwrap_or_else(|why| {
            self.functions
                .malformed(&self.function.name, &arrival.request_id, &why);
            bad_gateway()
        })
    }
}

/// Returns the event of a request: "Receive events from the load balancer" on the page above.
fn event(parts: &Parts, body: &Bytes, arrival: &Arrival, region: &str, is_multi: bool) -> Value {
    let headers = arrival.headers(&parts.headers);
    // As the client sent them: "If the query parameters are URL-encoded, the load balancer does not decode them."
    let mut query = BTreeMap::<_, Vec<_>>::new();
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let values = query.entry(name.to_owned()).or_default();
        values.push(value.to_owned());
    }
    let (body, is_base64) = encode(parts, body);
    let group = format!(
        "arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/local/0123456789abcdef"
    );
    let mut event = json!({
        "requestContext": { "elb": { "targetGroupArn": group } },
        "httpMethod": parts.method.as_str(),
        "path": parts.uri.path(),
        "body": body,
        "isBase64Encoded": is_base64,
    });
    if is_multi {
        event["multiValueHeaders"] = json!(headers);
        event["multiValueQueryStringParameters"] = json!(query);
    } else {
        // "The load balancer uses the last value sent by the client": "Multi-value headers" on the page above.
        event["headers"] = json!(last_of_each(&headers));
        event["queryStringParameters"] = json!(last_of_each(&query));
    }
    event
}

/// Returns the body as text if its type is one of those that the page above lists and it is not encoded, and otherwise in base64.
fn encode(parts: &Parts, body: &Bytes) -> (String, bool) {
    let content_type = text(&parts.headers, header::CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let types = [
        "application/json",
        "application/javascript",
        "application/xml",
    ];
    let is_text = essence.starts_with("text/") || types.contains(&&*essence);
    let is_encoded = parts.headers.contains_key(header::CONTENT_ENCODING);
    match std::str::from_utf8(body) {
        Ok("") => (String::new(), false),
        Ok(text) if is_text && !is_encoded => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

/// Returns the HTTP response, or the reason why the function's response is malformed: "Respond to the load balancer" on the page
/// above.
pub(super) fn response(bytes: &[u8], is_multi: bool) -> Result<Response<Body>, String> {
    let of_function: OfFunction =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let body = answer::body(of_function.body, of_function.is_base64_encoded)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = answer::status(&of_function.status_code)?;
    let pairs: Vec<_> = match is_multi {
        true => {
            let headers = of_function.multi_value_headers.unwrap_or_default();
            let each = |(name, values): (String, Vec<Value>)| {
                values.into_iter().map(move |value| (name.clone(), value))
            };
            headers.into_iter().flat_map(each).collect()
        }
        false => of_function
            .headers
            .unwrap_or_default()
            .into_iter()
            .collect(),
    };
    answer::append(
        response.headers_mut(),
        pairs.into_iter(),
        "application/octet-stream",
    )?;
    Ok(response)
}

/// Returns the load balancer's own page for a status.
fn page(code: StatusCode) -> Response<Body> {
    let title = format!(
        "{} {}",
        code.as_u16(),
        code.canonical_reason().unwrap_or_default()
    );
    let mut response = status(code);
    *response.body_mut() = Body::from(format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    ));
    set(&mut response, "server", "awselb/2.0");
    set(&mut response, "content-type", "text/html");
    response
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::Request;

    use super::*;

    fn made(request: Request<&[u8]>, is_multi: bool) -> Value {
        let (parts, body) = request.into_parts();
        let arrival = Arrival {
            source_ip: IpAddr::from([192, 0, 2, 1]),
            time: "2026-04-09T12:34:56.789Z".parse().unwrap(),
            request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef".to_owned(),
            trace_id: "Root=1-1-1".to_owned(),
        };
        let body = Bytes::copy_from_slice(body);
        event(&parts, &body, &arrival, "eu-west-1", is_multi)
    }

    #[test]
    fn an_event_has_the_last_of_each_value_as_it_was_sent() {
        let request = Request::post("/a%20b?x=1&x=%32&y&=z")
            .header("Host", "shop.example")
            .header("X-Many", "1")
            .header("X-Many", "2")
            .header("Content-Type", "application/json; charset=utf-8");
        let event = made(request.body(&b"{}"[..]).unwrap(), false);
        let expected = json!({
            "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/local/0123456789abcdef" } },
            "httpMethod": "POST",
            "path": "/a%20b",
            "queryStringParameters": { "x": "%32", "y": "", "": "z" },
            "headers": {
                "content-type": "application/json; charset=utf-8",
                "host": "shop.example",
                "x-amzn-trace-id": "Root=1-1-1",
                "x-forwarded-for": "192.0.2.1",
                "x-forwarded-port": "80",
                "x-forwarded-proto": "http",
                "x-many": "2",
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn with_multi_value_headers_all_values_are_there() {
        let request = Request::get("/?x=1&x=2")
            .header("X-Many", "1")
            .header("X-Many", "2");
        let event = made(request.body(&b""[..]).unwrap(), true);
        assert_eq!(
            event["multiValueQueryStringParameters"],
            json!({ "x": ["1", "2"] })
        );
        assert_eq!(event["multiValueHeaders"]["x-many"], json!(["1", "2"]));
        assert!(event.get("headers").is_none() && event.get("queryStringParameters").is_none());
        assert_eq!(event["body"], "");
    }

    #[test]
    fn a_body_is_text_by_its_type_unless_it_is_encoded() {
        let body = |headers: &[(&str, &str)], bytes: &[u8]| {
            let mut request = Request::post("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let event = made(request.body(bytes).unwrap(), false);
            (event["body"].clone(), event["isBase64Encoded"] == true)
        };
        let text = ("Content-Type", "text/plain");
        assert_eq!(body(&[text], b"a"), (json!("a"), false));
        assert_eq!(
            body(&[text, ("Content-Encoding", "gzip")], b"a"),
            (json!("YQ=="), true)
        );
        assert_eq!(
            body(&[("Content-Type", "application/xml")], b"a"),
            (json!("a"), false)
        );
        assert_eq!(
            body(&[("Content-Type", "image/png")], b"a"),
            (json!("YQ=="), true)
        );
        assert_eq!(body(&[], b"a"), (json!("YQ=="), true));
        assert_eq!(body(&[text], b"\xff"), (json!("/w=="), true));
    }

    #[test]
    fn a_response_has_the_headers_of_its_kind() {
        let bytes = br#"{"statusCode":201,"statusDescription":"201 Created","headers":{"A":"1"},"multiValueHeaders":{"B":["2","3"]},"body":"YQ==","isBase64Encoded":true}"#;
        let single = response(bytes, false).unwrap();
        assert_eq!(
            (single.status().as_u16(), &single.headers()["a"]),
            (201, &"1".parse().unwrap())
        );
        assert!(!single.headers().contains_key("b"));
        let multi = response(bytes, true).unwrap();
        assert_eq!(multi.headers().get_all("b").iter().count(), 2);
        assert!(!multi.headers().contains_key("a"));
        assert!(response(b"\"text\"", false).is_err());
        assert!(response(br#"{"body":"no status"}"#, false).is_err());
    }
}
