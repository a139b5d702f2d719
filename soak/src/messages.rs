//! The messages of the Runtime API: the replies that it sends, and the answers that it reads.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::Answer;
use crate::plan::{Deadline, Function, Handing, Plan};
use crate::wire::find;

/// A reply with a length.
pub(crate) fn reply(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} On Purpose\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The reply that hands out an event.
pub(crate) fn event_reply(plan: &Plan) -> Vec<u8> {
    let mut head: Vec<u8> = Vec::new();
    if plan.handing == Handing::Informed {
        head.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    head.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
    let mut add = |name: &str, value: &[u8]| {
        head.extend_from_slice(format!("{name}: ").as_bytes());
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    match plan.handing {
        Handing::WithoutId => {}
        Handing::HostileId(id) => add("Lambda-Runtime-Aws-Request-Id", id.as_bytes()),
        Handing::Repeated => {
            add("lambda-runtime-aws-request-id", plan.id.as_bytes());
            add("lambda-runtime-aws-request-id", plan.id.as_bytes());
        }
        _ => add("Lambda-Runtime-Aws-Request-Id", plan.id.as_bytes()),
    }
    add("Lambda-Runtime-Invocation-Id", plan.attempt.as_bytes());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    match plan.deadline {
        Deadline::In(time) => add("Lambda-Runtime-Deadline-Ms", millis(now + time).as_bytes()),
        Deadline::Passed(time) => {
            let passed = now.saturating_sub(time);
            add("Lambda-Runtime-Deadline-Ms", millis(passed).as_bytes());
        }
        Deadline::Missing => {}
        Deadline::Senseless => add("Lambda-Runtime-Deadline-Ms", b"99999999999999999999"),
    }
    match plan.handing {
        Handing::ManyHeaders => {
            for number in 0..60 {
                add(&format!("X-Header-{number}"), b"value");
            }
            add("Lambda-Runtime-Trace-Id", b"Root=1-\xff\xfe;\x80");
            add("Lambda-Runtime-Client-Context", b"{\"no\": json");
        }
        Handing::LongHeader => add("Lambda-Runtime-Trace-Id", &[b'x'; 6000]),
        _ => add(
            "Lambda-Runtime-Trace-Id",
            format!("Root=1-{}", plan.number).as_bytes(),
        ),
    }
    if let Handing::Chunked(size) = plan.handing {
        add("Transfer-Encoding", b"chunked");
        head.extend_from_slice(b"\r\n");
        for chunk in plan.event.chunks(size) {
            head.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            head.extend_from_slice(chunk);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"0\r\n\r\n");
        return head;
    }
    add("Content-Length", plan.event.len().to_string().as_bytes());
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(&plan.event);
    head
}

fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}

/// A failure, from the body of `POST error`.
pub(crate) fn failure(body: &[u8]) -> Answer {
    let json: Result<serde_json::Value, _> = serde_json::from_slice(body);
    match json
        .as_ref()
        .ok()
        .and_then(|json| json["errorType"].as_str())
    {
        Some(error_type) => Answer::Error(error_type.to_owned()),
        None => Answer::Malformed(format!(
            "a failure without a type: {}",
            String::from_utf8_lossy(&body[..body.len().min(100)])
        )),
    }
}

/// A response, from the body and the trailers of `POST response`.
pub(crate) fn response(body: &[u8], trailers: &[(String, String)], function: Function) -> Answer {
    if !matches!(function, Function::Streamed | Function::Sending(_)) {
        return Answer::Response(body.to_vec());
    }
    if let Some(error_type) = find(trailers, "lambda-runtime-function-error-type") {
        return Answer::Error(error_type.to_owned());
    }
    let end = body.windows(8).position(|bytes| bytes == [0; 8]);
    let head: Option<serde_json::Value> =
        end.and_then(|end| serde_json::from_slice(&body[..end]).ok());
    match (head, end) {
        (Some(head), Some(end)) if head["statusCode"] == 200 => {
            Answer::Response(body[end + 8..].to_vec())
        }
        _ => Answer::Malformed(format!(
            "a streamed response without a head: {}",
            String::from_utf8_lossy(&body[..body.len().min(100)])
        )),
    }
}
