//! Models of the event sources, by AWS's pages and by observation: the event of a request, and the response that a client sees. The
//! files of the event sources name the pages.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Pairs, Sent, decoded, grouped, joined};

/// An event source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// An API Gateway REST API.
    RestApi,
    /// An API Gateway HTTP API with payload 1.0.
    HttpApiPayload1,
    /// An API Gateway HTTP API with payload 2.0.
    HttpApi,
    /// A function URL.
    FunctionUrl,
    /// An Application Load Balancer.
    Alb {
        /// Whether multi-value headers are on.
        multi_value: bool,
    },
    /// A VPC Lattice service.
    Lattice,
}

/// The authority of the requests.
pub const HOST: &str = "api.example:8443";

/// The headers that they add.
pub const ADDED: [(&str, &str); 3] = [
    ("host", HOST),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-proto", "https"),
];

/// The event that a request becomes.
pub fn event(model: Model, sent: &Sent) -> Value {
    let mut headers = sent.headers.clone();
    headers.extend(ADDED.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let has_cookies = !sent.cookies.is_empty();
    let is_payload_2 = matches!(model, Model::HttpApi | Model::FunctionUrl);
    if has_cookies && !is_payload_2 {
        headers.push(("cookie".to_owned(), sent.cookies.join("; ")));
    }
    let mut event = match model {
        Model::RestApi | Model::HttpApiPayload1 => {
            let query = decoded(&sent.query);
            let is_decoded = model == Model::HttpApiPayload1;
            json!({
                "version": if is_decoded { json!("1.0") } else { json!(null) },
                "resource": "/{proxy+}",
                "httpMethod": sent.method,
                "path": if is_decoded { decoded_path(&sent.path) } else { sent.path.clone() },
                "headers": single(&headers),
                "multiValueHeaders": grouped(headers),
                "queryStringParameters": single(&query),
                "multiValueQueryStringParameters": grouped(query),
                "requestContext": { "stage": "prod" },
            })
        }
        Model::HttpApi => payload_2(
            sent,
            headers,
            &decoded_path(&sent.path),
            "id.execute-api.aws",
        ),
        Model::FunctionUrl => payload_2(sent, headers, &sent.path, "id.lambda-url.aws"),
        Model::Alb { multi_value: true } => json!({
            "httpMethod": sent.method,
            "path": sent.path,
            "multiValueHeaders": grouped(headers),
            "multiValueQueryStringParameters": grouped(sent.query.clone()),
            "requestContext": { "elb": { "targetGroupArn": "arn" } },
        }),
        Model::Alb { multi_value: false } => json!({
            "httpMethod": sent.method,
            "path": sent.path,
            "headers": single(&headers),
            "queryStringParameters": single(&sent.query),
            "requestContext": { "elb": { "targetGroupArn": "arn" } },
        }),
        Model::Lattice => json!({
            "version": "2.0",
            "method": sent.method,
            "path": sent.path,
            "headers": grouped(headers),
            "queryStringParameters": grouped(sent.query.clone()),
            "requestContext": { "serviceNetworkArn": "arn" },
        }),
    };
    let (body, is_base64) = match String::from_utf8(sent.body.clone()) {
        Ok(text) => (text, false),
        Err(_) => (STANDARD.encode(&sent.body), true),
    };
    event["body"] = body.into();
    event["isBase64Encoded"] = is_base64.into();
    event
}

fn payload_2(sent: &Sent, headers: Pairs, path: &str, domain: &str) -> Value {
    let query = sent
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let headers = joined(grouped(headers)).into_iter();
    let headers: BTreeMap<_, _> = headers
        .map(|(name, values)| (name, values.concat()))
        .collect();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query.collect::<Vec<_>>().join("&"),
        "cookies": sent.cookies,
        "headers": headers,
        "requestContext": { "apiId": "a1b2c3d4e5", "domainName": domain, "http": { "method": sent.method, "path": path } },
    })
}

fn decoded_path(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn single(pairs: &Pairs) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}

/// The last value of each name.
pub fn last_of_each(pairs: &Pairs) -> Pairs {
    single(pairs).into_iter().collect()
}

/// A response, as clients see it.
pub struct Seen {
    pub status: u16,
    /// By their names in lower case.
    pub headers: BTreeMap<String, Vec<String>>,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

/// The response that an answer becomes.
pub fn seen(model: Model, answer: &Value) -> Seen {
    let (takes_single, takes_multiple) = match model {
        Model::RestApi | Model::HttpApiPayload1 => (true, true),
        Model::Alb { multi_value } => (!multi_value, multi_value),
        Model::HttpApi | Model::FunctionUrl | Model::Lattice => (true, false),
    };
    assert!(takes_single || answer.get("headers").is_none());
    assert!(takes_multiple || answer.get("multiValueHeaders").is_none());
    let mut headers = Pairs::new();
    for field in ["headers", "multiValueHeaders"] {
        for (name, values) in answer[field].as_object().into_iter().flatten() {
            let values = values
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![values.clone()]);
            let values = values
                .iter()
                .map(|value| value.as_str().unwrap().to_owned());
            headers.extend(values.map(|value| (name.to_ascii_lowercase(), value)));
        }
    }
    let mut headers = grouped(headers);
    let mut cookies = headers.remove("set-cookie").unwrap_or_default();
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        assert!(matches!(model, Model::HttpApi | Model::FunctionUrl));
        cookies.push(cookie.as_str().unwrap().to_owned());
    }
    let body = answer["body"].as_str().unwrap();
    Seen {
        status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
        headers: joined(headers),
        cookies,
        body: match answer["isBase64Encoded"].as_bool().unwrap() {
            true => STANDARD.decode(body).unwrap(),
            false => body.as_bytes().to_vec(),
        },
    }
}
