//! Responses for the event sources other than REST APIs, and the preludes of streams.

use serde_json::{Value, json};

use super::rest_api_answers::of;
use super::*;

const ALB: &EventSource = EventSource::ALB;
const MULTI_VALUE_ALB: &EventSource = EventSource::ALB_MULTI_VALUE;
const ALL: [&EventSource; 6] = [
    EventSource::REST_API,
    EventSource::HTTP_API,
    EventSource::FUNCTION_URL,
    ALB,
    MULTI_VALUE_ALB,
    EventSource::LATTICE,
];

fn answer(source: &'static EventSource, response: api::Response) -> Value {
    serde_json::from_slice(&source.answer(response).unwrap()).unwrap()
}

/// Two values for a header, two cookies, one of them set by a header.
fn several() -> api::Response {
    let headers = [
        ("A", "1"),
        ("set-cookie", "x=1; Secure"),
        ("b", "2"),
        ("a", "3"),
    ];
    of(201, &headers, &["y=2"], b"text")
}

#[test]
fn payload_2_joins_values_and_lists_cookies() {
    for source in [EventSource::HTTP_API, EventSource::FUNCTION_URL] {
        assert_eq!(
            answer(source, several()),
            json!({
                "statusCode": 201,
                "headers": { "A": "1, 3", "b": "2" },
                "cookies": ["x=1; Secure", "y=2"],
                "body": "text",
                "isBase64Encoded": false,
            })
        );
    }
    assert_eq!(
        answer(EventSource::FUNCTION_URL, of(200, &[], &[], b""))["cookies"],
        json!([])
    );
}

/// JSON writes a control character as six, and base64 writes three as four.
#[test]
fn a_text_that_json_makes_too_large_is_base64() {
    for (length, is_base64) in [(1024 * 1024 - 100, false), (1024 * 1024 + 100, true)] {
        let answered = answer(EventSource::HTTP_API, of(200, &[], &[], &vec![1; length]));
        assert_eq!(answered["isBase64Encoded"], is_base64, "{length}");
        let body = answered["body"].as_str().unwrap();
        let expected = if is_base64 {
            length.div_ceil(3) * 4
        } else {
            length
        };
        assert_eq!(body.len(), expected);
    }
}

#[test]
fn an_answer_that_is_too_large_in_any_form_says_how_large() {
    const SIZE: usize = 5 * 1024 * 1024;
    let failure = EventSource::HTTP_API
        .answer(of(200, &[], &[], &vec![1; SIZE]))
        .unwrap_err();
    assert_eq!(failure.error_type.as_str(), "Function.ResponseSizeTooLarge");
    let rest = json!({ "statusCode": 200, "headers": {}, "cookies": [], "body": "", "isBase64Encoded": false });
    let size = 6 * SIZE + rest.to_string().len();
    let said = format!("({size} bytes)");
    assert!(failure.error_message.contains(&said), "{said}: {failure}");
}

#[test]
fn a_load_balancer_with_multi_value_headers_gets_lists() {
    assert_eq!(
        answer(MULTI_VALUE_ALB, several()),
        json!({
            "statusCode": 201,
            "statusDescription": "201 Created",
            "multiValueHeaders": { "A": ["1", "3"], "b": ["2"], "Set-Cookie": ["x=1; Secure", "y=2"] },
            "body": "text",
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn a_load_balancer_and_lattice_get_cookies_under_several_names() {
    let headers =
        json!({ "A": "1, 3", "b": "2", "Set-Cookie": "x=1; Secure", "set-Cookie": "y=2" });
    assert_eq!(
        answer(ALB, several()),
        json!({
            "statusCode": 201,
            "statusDescription": "201 Created",
            "headers": headers,
            "body": "text",
            "isBase64Encoded": false,
        })
    );
    assert_eq!(
        answer(EventSource::LATTICE, several()),
        json!({ "statusCode": 201, "headers": headers, "body": "text", "isBase64Encoded": false })
    );
}

/// `set-cookie` has nine letters.
#[test]
fn there_are_so_many_names_for_cookies_and_no_more() {
    let cookies: Vec<String> = (0..512).map(|number| format!("c{number}=1")).collect();
    let mut cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    let all = answer(ALB, of(200, &[], &cookies, b""));
    assert_eq!(all["headers"].as_object().unwrap().len(), 512);
    cookies.push("one=more");
    let why = ALB
        .answer(of(200, &[], &cookies, b""))
        .unwrap_err()
        .to_string();
    let expected = "Function.InvalidResponse: the function's response sets 513 cookies, for which this event source has no place";
    assert!(why.starts_with(expected), "{why}");
    assert!(MULTI_VALUE_ALB.answer(of(200, &[], &cookies, b"")).is_ok());
}

#[test]
fn an_unnamed_status_has_no_description() {
    assert_eq!(
        answer(ALB, of(599, &[], &[], b"")).get("statusDescription"),
        None
    );
    assert_eq!(
        answer(ALB, of(418, &[], &[], b""))["statusDescription"],
        "418 I'm a teapot"
    );
}

#[test]
fn responses_that_http_cannot_carry_are_refused_by_all_event_sources() {
    for source in ALL {
        for response in [
            of(0, &[], &[], b""),
            of(999, &[], &[], b""),
            of(200, &[("a b", "")], &[], b""),
            of(200, &[("a", "\r\n")], &[], b""),
            of(200, &[("Set-Cookie", "\n")], &[], b""),
            of(200, &[], &["\0"], b""),
        ] {
            let failure = source.answer(response).unwrap_err();
            assert_eq!(
                failure.error_type.as_str(),
                "Function.InvalidResponse",
                "{source:?}"
            );
        }
    }
}

#[test]
fn headers_of_the_connection_do_not_go_on() {
    let headers = [
        ("Connection", "close, X-Hop"),
        ("keep-alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "X"),
        ("Upgrade", "h2c"),
        ("proxy-connection", "close"),
        ("x-hop", "1"),
        ("x-end", "1"),
        ("Content-Length", "4"),
    ];
    for source in ALL {
        let answer = answer(source, of(200, &headers, &[], b"text")).to_string();
        let names = [
            "Connection",
            "keep-alive",
            "Transfer",
            "TE",
            "Trailer",
            "Upgrade",
            "x-hop",
        ];
        assert!(names.iter().all(|name| !answer.contains(name)), "{answer}");
        assert!(
            answer.contains("x-end") && answer.contains("Content-Length"),
            "{answer}"
        );
    }
}

/// Also of an answer to `HEAD`: nobody knows there that it was one.
#[test]
fn a_length_that_is_not_the_bodys_does_not_go_on() {
    for length in ["3", "5", "", "four", "-4", "+4", " 4", "04", "4, 4"] {
        let answer = answer(
            EventSource::REST_API,
            of(200, &[("content-length", length)], &[], b"text"),
        );
        assert_eq!(answer["headers"], json!({}), "{length}");
    }
}

#[test]
fn bodies_are_base64_only_where_they_have_to_be() {
    let body = |headers: &[(&str, &str)], body: &[u8]| {
        let answer = answer(EventSource::LATTICE, of(200, headers, &[], body));
        (answer["body"].clone(), answer["isBase64Encoded"].clone())
    };
    assert_eq!(body(&[], b""), (json!(""), json!(false)));
    assert_eq!(body(&[], "ä".as_bytes()), (json!("ä"), json!(false)));
    assert_eq!(body(&[], b"\xe4"), (json!("5A=="), json!(true)));
    let coded = [("content-Encoding", "br")];
    assert_eq!(body(&coded, b"text"), (json!("dGV4dA=="), json!(true)));
    assert_eq!(body(&coded, b""), (json!(""), json!(false)));
    assert_eq!(
        body(&[("content-encoding", "identity")], b"text"),
        (json!("text"), json!(false))
    );
}

#[test]
fn a_stream_starts_with_its_head() {
    let headers = [
        ("A", "1"),
        ("a", "2"),
        ("Set-Cookie", "x=1"),
        ("Content-Length", "0"),
        ("Upgrade", "h2c"),
    ];
    let head = prelude(of(200, &headers, &["y=2"], b"")).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    let expected =
        json!({ "statusCode": 200, "headers": { "A": "1, 2" }, "cookies": ["x=1", "y=2"] });
    assert_eq!(head, expected);
    let failure = prelude(of(600, &[], &[], b"")).unwrap_err();
    assert_eq!(failure.error_type.as_str(), "Function.InvalidResponse");
}

#[test]
fn other_bytes_in_a_header_are_latin_1() {
    assert_eq!(header_text("ä€".as_bytes()), "ä€");
    assert_eq!(header_text(b"\xe4\x80"), "ä\u{80}");
}
