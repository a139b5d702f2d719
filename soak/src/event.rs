//! The events of the functions, and the responses that they ask for.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use crate::plan::{Expected, Function};

/// The longest time that an invocation may take which does not run into its deadline on purpose. The machine may be busy, and
/// the process is stopped now and then.
pub const PATIENT: Duration = Duration::from_secs(30);

/// The deadline of an invocation that runs into it on purpose.
pub const SHORT: Duration = Duration::from_millis(250);

/// A file in the folder `data` of a function that opens files.
pub const FILE: &str = "words";

/// What the file has.
pub const CONTENT: &str = "a few words";

/// An event, the response that it asks for, and the time until its deadline.
pub type Drawn = (Vec<u8>, Expected, Duration);

/// Draws an event for a function. The response repeats `word`, which no other invocation has.
pub fn draw(rng: &mut Rng, word: &str, function: Function) -> Drawn {
    match function {
        Function::Streamed => streamed(rng, word),
        Function::Sending(port) => sending(rng, word, port),
        Function::Handler => handler(rng, word),
        Function::Opening => opening(rng, word),
        Function::Plain => echo(word, 40),
    }
}

fn echo(word: &str, size: usize) -> Drawn {
    let event = format!("\"echo:{word}{}\"", "e".repeat(size)).into_bytes();
    (event.clone(), Expected::Response(event), PATIENT)
}

/// Draws an event for the guest `handler`.
fn handler(rng: &mut Rng, word: &str) -> Drawn {
    let command = |text: String| format!("\"{text}\"").into_bytes();
    let says = |text: &str| Expected::Response(format!("\"{text}\"").into_bytes());
    let fails = |name: &str| Expected::Error(format!("Function.{name}"));
    match rng.u16(..1000) {
        0..=599 => echo(word, rng.usize(..200)),
        600..=619 => echo(word, rng.usize(..200_000)),
        620..=621 => echo(word, rng.usize(..4_000_000)),
        622..=699 => (command("count".to_owned()), says("1"), PATIENT),
        700..=759 => {
            let error = format!("Own{word}");
            (
                command(format!("fail:{error}")),
                Expected::Error(error),
                PATIENT,
            )
        }
        760..=799 => (command(format!("panic:{word}")), fails("Trap"), PATIENT),
        800..=819 => (command("out-of-bounds".to_owned()), fails("Trap"), PATIENT),
        820..=834 => (command("exit:3".to_owned()), fails("Exit"), PATIENT),
        835..=844 => (
            command("recurse".to_owned()),
            fails("StackOverflow"),
            PATIENT,
        ),
        845..=899 => (
            command(format!("stdout:{word}\\n")),
            says("printed"),
            PATIENT,
        ),
        900..=919 => (command(format!("stderr:{word}")), says("printed"), PATIENT),
        920..=929 => (
            command("long-line:150000".to_owned()),
            says("printed"),
            PATIENT,
        ),
        930..=969 => (
            command(format!("sleep:{}", rng.u32(..20))),
            says("woke"),
            PATIENT,
        ),
        970..=974 => (
            command("big:7000000".to_owned()),
            fails("ResponseSizeTooLarge"),
            PATIENT,
        ),
        975..=979 => (
            command("allocate".to_owned()),
            fails("OutOfMemory"),
            PATIENT,
        ),
        980..=984 => (
            command("random:2000000".to_owned()),
            fails("TooMuchData"),
            PATIENT,
        ),
        985..=991 => (command("loop".to_owned()), fails("Timeout"), SHORT),
        _ => (command("sleep".to_owned()), fails("Timeout"), SHORT),
    }
}

/// Draws an event for the guest `hostile`.
fn opening(rng: &mut Rng, word: &str) -> Drawn {
    let command = |text: String| format!("\"{text}\"").into_bytes();
    let file = || format!("/var/task/data/{FILE}");
    match rng.u16(..1000) {
        0..=499 => {
            let expected = Expected::Response(command(word.to_owned()));
            (command(format!("echo:{word}")), expected, PATIENT)
        }
        500..=849 => {
            let expected = Expected::Response(command(CONTENT.to_owned()));
            (command(format!("read:{}", file())), expected, PATIENT)
        }
        // Its neighbours open files, too.
        850..=949 => {
            let expected = Expected::Error("Function.TooManyHandles".to_owned());
            (command(format!("open-all:{}", file())), expected, PATIENT)
        }
        _ => {
            let expected = Expected::Response(command("error: NotFound".to_owned()));
            (
                command("read:/var/task/data/none".to_owned()),
                expected,
                PATIENT,
            )
        }
    }
}

/// Draws an event for the guest `http_p2`.
fn streamed(rng: &mut Rng, word: &str) -> Drawn {
    let echo = |size: usize| {
        let body = format!("{word}{}", "s".repeat(size));
        let event = http_event("POST", "/echo-body", &body);
        (event, Expected::Response(body.into_bytes()), PATIENT)
    };
    match rng.u16(..1000) {
        0..=649 => echo(rng.usize(..300)),
        650..=699 => echo(rng.usize(..300_000)),
        700..=849 => {
            let target = format!("/status/200?body={word}");
            let expected = Expected::Response(word.as_bytes().to_vec());
            (http_event("GET", &target, ""), expected, PATIENT)
        }
        850..=899 => {
            let expected = Expected::Error("Function.Trap".to_owned());
            (http_event("GET", "/trap", ""), expected, PATIENT)
        }
        900..=949 => {
            let expected = Expected::Response(b"woke\n".to_vec());
            let target = format!("/sleep?ms={}", rng.u32(..20));
            (http_event("GET", &target, ""), expected, PATIENT)
        }
        950..=984 => {
            let expected = Expected::Response(b"printed\n".to_vec());
            let target = format!("/print?text={word}");
            (http_event("GET", &target, ""), expected, PATIENT)
        }
        // The body has begun: the trailers have the failure.
        985..=992 => {
            let expected = Expected::Error("Function.Trap".to_owned());
            (
                http_event("GET", "/trap-after-chunk", ""),
                expected,
                PATIENT,
            )
        }
        _ => {
            let expected = Expected::Error("Function.Timeout".to_owned());
            (http_event("GET", "/loop", ""), expected, SHORT)
        }
    }
}

/// Draws an event for the guest `http_p2`, which mostly is to send a request to the server at this port.
fn sending(rng: &mut Rng, word: &str, port: u16) -> Drawn {
    if rng.u8(..4) == 0 {
        return streamed(rng, word);
    }
    let asked = json!({ "url": format!("http://127.0.0.1:{port}/{word}") });
    // As `tests/guests/src/fetch.rs` tells what came back.
    let fetched = json!({
        "status": 200,
        "headers": [["content-length", word.len().to_string()]],
        "body": word,
        "length": word.len(),
        "error": null,
        "written": true,
    });
    let event = http_event("POST", "/fetch", &asked.to_string());
    let expected = Expected::Response(fetched.to_string().into_bytes());
    (event, expected, PATIENT)
}

/// Returns the event of a function URL.
fn http_event(method: &str, target: &str, body: &str) -> Vec<u8> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "id.lambda-url.eu-west-1.on.aws", "content-type": "text/plain"},
        "requestContext": {
            "domainName": "id.lambda-url.eu-west-1.on.aws",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
    .into_bytes()
}
