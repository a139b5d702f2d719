//! Events as event sources send them, with texts of the fuzzer's.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

use crate::words::{header_name, header_value, list, text};

/// Returns an event of any event source.
pub fn event(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut event = match u.int_in_range(0..=6)? {
        0 => payload_1(u, json!("1.0"))?,
        1 => payload_1(u, Value::Null)?,
        2 => payload_2(u, "d-1.execute-api.eu-west-1.amazonaws.com")?,
        3 => payload_2(u, "a.lambda-url.eu-west-1.on.aws")?,
        4 => load_balancer(u, true)?,
        5 => load_balancer(u, false)?,
        _ => lattice(u)?,
    };
    if u.ratio(2, 3)? {
        event["body"] = body(u)?.into();
    }
    event["isBase64Encoded"] = u.ratio(1, 3)?.into();
    Ok(event)
}

fn payload_1(u: &mut Unstructured<'_>, version: Value) -> Result<Value> {
    let stage = u.choose(&["dev", "a", "$default", ""])?;
    let path = path(u)?;
    let mut event = json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method(u)?,
        "headers": single(u)?,
        "pathParameters": parameters(u)?,
        "stageVariables": parameters(u)?,
        "queryStringParameters": parameters(u)?,
        "requestContext": {
            "accountId": "1",
            "apiId": "d-1",
            "httpMethod": "GET",
            "path": format!("/{stage}{path}"),
            "resourceId": if version.is_null() { json!("r") } else { Value::Null },
            "stage": stage,
            "identity": { "sourceIp": "192.0.2.1", "userAgent": header_value(u)? },
        },
    });
    if !version.is_null() {
        event["version"] = version;
    }
    if u.arbitrary()? {
        event["multiValueHeaders"] = multiple(u)?;
        event["multiValueQueryStringParameters"] = many_parameters(u)?;
    }
    Ok(event)
}

fn payload_2(u: &mut Unstructured<'_>, domain: &str) -> Result<Value> {
    let path = path(u)?;
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query(u)?,
        "headers": single(u)?,
        "pathParameters": parameters(u)?,
        "stageVariables": parameters(u)?,
        "requestContext": {
            "accountId": "1",
            "apiId": "d-1",
            "domainName": domain,
            "stage": "$default",
            "http": { "method": method(u)?, "path": path, "sourceIp": "192.0.2.1" },
        },
    });
    if u.arbitrary()? {
        event["cookies"] = list(u, 3, header_value)?.into();
    }
    Ok(event)
}

fn load_balancer(u: &mut Unstructured<'_>, is_multi: bool) -> Result<Value> {
    let mut event = json!({
        "requestContext": { "elb": { "targetGroupArn": "arn" } },
        "httpMethod": method(u)?,
        "path": path(u)?,
        "body": "",
    });
    match is_multi {
        true => {
            event["multiValueHeaders"] = multiple(u)?;
            event["multiValueQueryStringParameters"] = many_parameters(u)?;
        }
        false => {
            event["headers"] = single(u)?;
            event["queryStringParameters"] = parameters(u)?;
        }
    }
    Ok(event)
}

fn lattice(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(json!({
        "version": "2.0",
        "path": path(u)?,
        "method": method(u)?,
        "headers": multiple(u)?,
        "queryStringParameters": many_parameters(u)?,
        "requestContext": {
            "serviceNetworkArn": "arn",
            "serviceArn": "arn",
            "targetGroupArn": "arn",
            "region": "eu-west-1",
            "timeEpoch": "1",
        },
    }))
}

fn method(u: &mut Unstructured<'_>) -> Result<String> {
    match u.int_in_range(0..=7)? {
        0 => text(u, &["GET", " ", "\r\n", "a"]),
        _ => Ok((*u.choose(&["GET", "HEAD", "POST", "DELETE", "get", "PROPFIND"])?).to_owned()),
    }
}

fn path(u: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: &[&str] = &[
        "/", "/", "a", "b", "/a", "/b", "%2F", "%2f", "%61", "%", "%zz", "%00", "%C3%A4", "\u{e4}",
        ".", "..", "?", "#", " ", "\\", "|", "[", "\r\n", "//", "dev", "{stage}", ";", "&", "=",
        "+",
    ];
    Ok(format!("/{}", text(u, PIECES)?))
}

const QUERY: &[&str] = &[
    "a", "b", "=", "&", "+", "%20", "%26", "%3D", "%", "%zz", "%FF", "[", " ", "#", "\u{e4}", ",",
    "\r\n",
];

fn query(u: &mut Unstructured<'_>) -> Result<String> {
    text(u, QUERY)
}

fn single(u: &mut Unstructured<'_>) -> Result<Value> {
    let pairs = list(u, 5, |u| Ok((header_name(u)?, header_value(u)?.into())))?;
    Ok(Value::Object(pairs.into_iter().collect()))
}

fn multiple(u: &mut Unstructured<'_>) -> Result<Value> {
    let pairs = list(u, 5, |u| {
        Ok((header_name(u)?, list(u, 3, header_value)?.into()))
    })?;
    Ok(Value::Object(pairs.into_iter().collect()))
}

fn parameters(u: &mut Unstructured<'_>) -> Result<Value> {
    let pairs = list(u, 3, |u| Ok((query(u)?, query(u)?.into())))?;
    let pairs: Map<String, Value> = pairs.into_iter().collect();
    Ok(if pairs.is_empty() {
        Value::Null
    } else {
        pairs.into()
    })
}

fn many_parameters(u: &mut Unstructured<'_>) -> Result<Value> {
    let pairs = list(u, 3, |u| Ok((query(u)?, list(u, 3, query)?.into())))?;
    Ok(Value::Object(pairs.into_iter().collect()))
}

fn body(u: &mut Unstructured<'_>) -> Result<String> {
    text(
        u,
        &[
            "{}", "a", "YQ==", "H4sI", "=", "\0", "eJw=", "\u{e4}", "\"", "\\",
        ],
    )
}
