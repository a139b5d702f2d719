//! Events of REST APIs that are legal and rare.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

/// The smallest event, with these fields added.
pub(super) fn with(fields: Value) -> String {
    let mut event = json!({ "httpMethod": "GET", "path": "/" });
    let event_fields = event.as_object_mut().unwrap();
    event_fields.extend(fields.as_object().unwrap().clone());
    event.to_string()
}

fn made(fields: Value) -> api::Request {
    request(with(fields).as_bytes()).unwrap().record
}

fn authorizer(found: Value) -> Option<api::Authorizer> {
    made(json!({ "requestContext": { "authorizer": found } })).authorizer
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_method_and_a_path_are_enough() {
    assert_snapshot!(shown(&with(json!({}))), @r#"
    RestApi: GET https://(nobody)/
    path: /
    body: ""
    "#);
    let all_null = r#"{"httpMethod":"GET","path":"/","resource":null,"headers":null,"multiValueHeaders":null,
        "queryStringParameters":null,"multiValueQueryStringParameters":null,"pathParameters":null,
        "stageVariables":null,"requestContext":null,"body":null,"isBase64Encoded":null}"#;
    assert_eq!(shown(all_null), shown(&with(json!({}))));
    let nulls_within = json!({ "requestContext": { "identity": null, "authorizer": null, "stage": null },
        "headers": { "A": null }, "multiValueHeaders": { "A": null }, "pathParameters": { "a": null } });
    assert_eq!(shown(&with(nulls_within)), shown(&with(json!({}))));
}

#[test]
fn parameters_and_variables_are_in_the_order_of_their_names() {
    // As text: the order counts here.
    let request = request(
        br#"{"httpMethod":"GET","path":"/","pathParameters":{"z":"1","a":"2","m":"3"},"stageVariables":{"b":"1","a":"2"}}"#,
    )
    .unwrap()
    .record;
    assert_eq!(
        request.path_parameters,
        [pair("a", "2"), pair("m", "3"), pair("z", "1")]
    );
    assert_eq!(request.stage_variables, [pair("a", "2"), pair("b", "1")]);
}

#[test]
fn headers_and_query_keep_their_order_and_all_values() {
    let request = request(
        br#"{"httpMethod":"GET","path":"/","headers":{"X":"3","A":"1"},"multiValueHeaders":{"X":["1","","3"],"A":["1"]},
            "queryStringParameters":{"q":"2"},"multiValueQueryStringParameters":{"q":["1","2"],"p":["a=b&c"]}}"#,
    )
    .unwrap()
    .record;
    assert_eq!(
        request.headers,
        [
            pair("X", "1"),
            pair("X", ""),
            pair("X", "3"),
            pair("A", "1")
        ]
    );
    assert_eq!(
        request.query_parameters,
        [pair("q", "1"), pair("q", "2"), pair("p", "a=b&c")]
    );
}

#[test]
fn where_there_are_no_multiple_values_single_ones_count() {
    for multiple in [json!({}), json!(null)] {
        let request = made(json!({
            "headers": { "A": "1" }, "multiValueHeaders": multiple,
            "queryStringParameters": { "q": "1" }, "multiValueQueryStringParameters": multiple,
        }));
        assert_eq!(request.headers, [pair("A", "1")]);
        assert_eq!(request.query_parameters, [pair("q", "1")]);
    }
}

#[test]
fn cookies_are_taken_apart_and_are_no_header() {
    let request = made(json!({
        "multiValueHeaders": { "cookie": ["a=1; b=\"x y\";c=", " d=4 ;;\t f=\u{a0} "], "Cookie": ["e=5"], "X-Cookie": ["f=6"] },
    }));
    // serde_json's map has sorted the names.
    assert_eq!(
        request.cookies,
        ["e=5", "a=1", "b=\"x y\"", "c=", "d=4", "f=\u{a0}"]
    );
    assert_eq!(request.headers, [pair("X-Cookie", "f=6")]);
}

#[test]
fn the_user_agent_is_the_headers_where_the_context_has_none() {
    let user_agent = |context: Value| {
        made(json!({ "headers": { "user-agent": "curl" }, "requestContext": context })).user_agent
    };
    assert_eq!(user_agent(json!({})).as_deref(), Some("curl"));
    let seen = json!({ "identity": { "userAgent": "seen" } });
    assert_eq!(user_agent(seen).as_deref(), Some("seen"));
}

#[test]
fn an_address_alone_is_no_identity() {
    let identity =
        |identity: Value| made(json!({ "requestContext": { "identity": identity } })).identity;
    assert!(
        identity(json!({ "sourceIp": "1.2.3.4", "userAgent": "curl", "user": "", "new": 1 }))
            .is_none()
    );
    let known = identity(json!({ "vpcId": "vpc-1", "principalOrgId": "o-1" })).unwrap();
    assert_eq!(known.source_vpc.as_deref(), Some("vpc-1"));
    assert_eq!(known.principal_org_id.as_deref(), Some("o-1"));
}

#[test]
fn a_client_certificate_is_an_identity() {
    let request = made(json!({ "requestContext": { "identity": { "clientCert": {
        "clientCertPem": "CERT_CONTENT", "subjectDN": "www.example.com", "issuerDN": "Example issuer",
        "serialNumber": "a1:a1", "validity": { "notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug 5 09:36:04 2021 GMT" },
    }}}}));
    let certificate = request.identity.unwrap().client_certificate.unwrap();
    assert_snapshot!(format!("{certificate:?}"), @r#"Certificate { pem: Some("CERT_CONTENT"), subject: Some("www.example.com"), issuer: Some("Example issuer"), serial-number: Some("a1:a1"), not-before: Some("May 28 12:30:02 2019 GMT"), not-after: Some("Aug 5 09:36:04 2021 GMT") }"#);
}

#[test]
fn a_lambda_authorizers_context_is_text_or_json() {
    let found = authorizer(json!({
        "principalId": "admin", "integrationLatency": 123, "isAdmin": true, "roles": ["a", "b"], "none": null, "name": "ü",
    }));
    assert_snapshot!(format!("{found:?}"), @r#"Some(Authorizer { principal-id: Some("admin"), claims: [], scopes: [], context: [("integrationLatency", "123"), ("isAdmin", "true"), ("name", "ü"), ("none", "null"), ("roles", "[\"a\",\"b\"]")] })"#);
}

#[test]
fn a_cognito_authorizers_claims_are_claims() {
    let found =
        authorizer(json!({ "claims": { "sub": "1", "cognito:groups": "a,b", "exp": 1700000000 } }));
    assert_snapshot!(format!("{found:?}"), @r#"Some(Authorizer { principal-id: None, claims: [("cognito:groups", "a,b"), ("exp", "1700000000"), ("sub", "1")], scopes: [], context: [] })"#);
}

/// An HTTP API that is told to send payload 1.0 has JWT authorizers too.
#[test]
fn a_jwt_authorizers_scopes_are_scopes() {
    let found =
        authorizer(json!({ "claims": { "sub": "1" }, "scopes": ["read", "write"] })).unwrap();
    assert_eq!(found.scopes, ["read", "write"]);
    assert_eq!(found.context, []);
    let without = authorizer(json!({ "claims": { "sub": "1" }, "scopes": null })).unwrap();
    assert_eq!((without.scopes.len(), without.context.len()), (0, 0));
}

#[test]
fn a_lambda_authorizers_own_scopes_and_claims_are_context() {
    let found = authorizer(json!({ "principalId": null, "scopes": "read write", "claims": "all" }))
        .unwrap();
    assert_eq!(
        found.context,
        [pair("claims", "all"), pair("scopes", "read write")]
    );
    assert_eq!(found.principal_id, None);
    assert!(found.claims.is_empty() && found.scopes.is_empty());
}

#[test]
fn bodies_are_bytes() {
    let body =
        |body: Value, base64: bool| made(json!({ "body": body, "isBase64Encoded": base64 })).body;
    assert_eq!(body(json!("zażółć 😀\0"), false), "zażółć 😀\0".as_bytes());
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(body(STANDARD.encode(&bytes).into(), true), bytes);
    assert_eq!(body(json!(null), true), b"");
    assert_eq!(body(json!(""), true), b"");
    assert_eq!(body(json!("aGk="), false), b"aGk=");
}

#[test]
fn text_beyond_ascii_stays_what_it_is() {
    let request = request(
        r#"{"httpMethod":"GET","path":"/gr\u00fc\u00df\ud83d\ude00/ä","pathParameters":{"näme":"J\u00fcrgen"},"headers":{"X":"é"}}"#
            .as_bytes(),
    )
    .unwrap()
    .record;
    assert_eq!(request.path, "/grüß😀/ä");
    assert_eq!(request.path_parameters, [pair("näme", "Jürgen")]);
    assert_eq!(request.headers, [pair("X", "é")]);
}
