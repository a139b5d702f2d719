//! What a guest writes becomes lines of the log: in JSON, each is one object with the host's fields.

use arbitrary::{Result, Unstructured};
use lambda_wasm_host::failure::{ErrorType, Failure};
use lambda_wasm_host::fuzzing::{GuestOutput, take_lines, write};
use lambda_wasm_host::log::{Format, Level, Log, Stream};
use lambda_wasm_host::policy::StreamLevels;
use serde_json::{Map, Value};

use crate::words::{list, mostly_small, text};

/// How many bytes WASI 0.2 lets a guest write at once.
const PERMIT: usize = 4096;

/// The longest line before its last write.
const MAX_LINE: usize = 64 * 1024;

/// Writes the output of some invocations.
pub fn run(data: &[u8]) {
    take_lines();
    let _ = invocations(&mut Unstructured::new(data));
}

/// The output so far.
struct Written {
    format: Format,
    /// The invocation whose lines come.
    id: Option<String>,
    /// What was written to stdout and stderr and did not come as lines.
    pending: [Vec<u8>; 2],
    limit: usize,
    /// The bytes of the lines of this invocation.
    logged: usize,
    /// The lines of the host's own, at most.
    others: usize,
    is_stopped: bool,
}

fn invocations(u: &mut Unstructured<'_>) -> Result<()> {
    let format = if u.ratio(1, 4)? {
        Format::Text
    } else {
        Format::Json
    };
    let limit = *u.choose(&[64 * 1024 * 1024, 1024, 4096])?;
    let output = GuestOutput::new(
        Log::new((format, Level::Trace)),
        StreamLevels::default(),
        limit,
    );
    let mut written = Written {
        format,
        id: None,
        pending: [Vec::new(), Vec::new()],
        limit,
        logged: 0,
        others: 0,
        is_stopped: false,
    };
    for _ in 0..u.int_in_range(1..=12)? {
        match u.int_in_range(0..=9)? {
            0 => {
                let id = format!("id-{}", u.arbitrary::<u8>()?);
                output.bind(&id);
                written.end();
                written.id = Some(id);
                (written.logged, written.others, written.is_stopped) = (0, 0, false);
            }
            1 => {
                output.finish();
                written.end();
            }
            2 => {
                let line = text(u, &["a", "\n", "\r", "{", "}", "\""])?;
                output.host_once(Level::Warn, &line, &[("status", 1.into())]);
                written.host(Some(&line));
            }
            3 => {
                let mut failure = Failure::from_function(text(u, PIECES)?, text(u, PIECES)?);
                if u.arbitrary()? {
                    failure = Failure::new(
                        ErrorType::Trap,
                        text(u, PIECES)?.repeat(mostly_small(u, 500)?),
                    );
                }
                failure.stack_trace = list(u, 3, |u| text(u, PIECES))?;
                output.failure(Level::Error, &failure, &[]);
                written.host(None);
            }
            _ => {
                let stream = if u.arbitrary()? {
                    Stream::Stdout
                } else {
                    Stream::Stderr
                };
                let bytes = piece(u)?;
                // WASI 0.3 writes in pieces of this size too.
                for piece in bytes.chunks(PERMIT) {
                    let is_written = write(&output, stream, piece, u.arbitrary()?);
                    written.guest(stream, piece, is_written);
                }
            }
        }
    }
    output.finish();
    written.end();
    Ok(())
}

const PIECES: &[&str] = &[
    "\n",
    "\n",
    "\r\n",
    "\r",
    "a",
    "{\"a\":1}",
    "{",
    "}",
    "\"level\":",
    "\"requestId\":\"other\",",
    "\"timestamp\":\"1970\"",
    "\"warn\"",
    "{\"level\":\"error\",\"requestId\":\"x\",\"timestamp\":\"y\",\"message\":\"m\"}\n",
    "{\"level\":30,\"requestId\":null}\n",
    ",",
    "\\u0000",
    "1e999",
    "\u{2028}",
    "\0",
    "\u{20ac}",
    "\u{1f600}",
];

fn piece(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(match u.int_in_range(0..=5)? {
        0 => u.arbitrary()?,
        1 => vec![u.arbitrary()?; mostly_small(u, 70_000)?],
        2 => text(u, PIECES)?.repeat(mostly_small(u, 300)?).into_bytes(),
        _ => text(u, PIECES)?.into_bytes(),
    })
}

impl Written {
    /// Checks the lines that a write of the guest led to.
    fn guest(&mut self, stream: Stream, bytes: &[u8], is_written: bool) {
        self.is_stopped |= !is_written;
        self.pending[stream as usize].extend_from_slice(bytes);
        self.take(false);
    }

    /// Checks the lines of the end of an invocation's output.
    fn end(&mut self) {
        self.take(true);
        let is_lost = self.pending.iter().any(|pending| !pending.is_empty());
        assert!(!is_lost || self.is_stopped, "{:?} is lost", self.pending);
        self.pending = [Vec::new(), Vec::new()];
    }

    /// Checks the lines of the host's own, of which one may have this message.
    fn host(&mut self, message: Option<&str>) {
        self.others += 1;
        for (stream, line) in take_lines() {
            assert_eq!(stream, Stream::Stderr);
            assert!(line.ends_with('\n'), "{line:?}");
            self.logged += line.len();
            if self.format == Format::Json {
                let object = self.object(&line);
                assert!(
                    message.is_none_or(|message| object["message"] == message),
                    "{line}"
                );
            }
        }
    }

    fn take(&mut self, is_end: bool) {
        for (stream, line) in take_lines() {
            self.logged += line.len();
            let text = line.strip_suffix('\n').expect("a line ends");
            assert!(!text.contains('\n'), "one line at a time: {line:?}");
            let object = (self.format == Format::Json).then(|| self.object(&line));
            // What a guest writes that is stopped is not known to the last byte.
            if !self.is_stopped {
                self.next(stream, is_end, text, object.as_ref());
            }
        }
        // Both streams may have a line that is six times as long in JSON, and a failure is logged whatever the limit.
        let most = self.limit + 2 * 6 * (MAX_LINE + PERMIT) + 10_000 * (self.others + 1);
        assert!(
            self.logged <= most,
            "{} bytes, and the limit is {}",
            self.logged,
            self.limit
        );
    }

    /// Takes the next line off what was written to a stream: up to its end, or, if it is long, up to the last whole character.
    fn next(
        &mut self,
        stream: Stream,
        is_end: bool,
        text: &str,
        object: Option<&Map<String, Value>>,
    ) {
        let pending = &mut self.pending[stream as usize];
        let length = pending.len();
        let ends = match pending.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1..=end + 1,
            None if length >= MAX_LINE => length - 3..=length,
            None => {
                assert!(is_end, "a line was written before its end");
                length..=length
            }
        };
        let end = ends.rev().find(|end| {
            let line = &pending[..*end];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            is_line(&String::from_utf8_lossy(line), text, object)
        });
        let end = end.unwrap_or_else(|| {
            panic!(
                "{text:?} is not the next line of {:?}",
                String::from_utf8_lossy(pending)
            )
        });
        pending.drain(..end);
    }

    /// Returns the object in a line, with the host's fields.
    fn object(&self, line: &str) -> Map<String, Value> {
        let object: Map<String, Value> = serde_json::from_str(line).expect("a line is an object");
        let id = object.get("requestId").and_then(Value::as_str);
        assert_eq!(id, self.id.as_deref(), "{line}");
        let level = object["level"].as_str().and_then(Level::from_name);
        assert_eq!(level.map(Level::name), object["level"].as_str(), "{line}");
        let time = object["timestamp"].as_str().expect("a line has a time");
        assert!(
            time.starts_with("20") && time.len() == 24 && time.ends_with('Z'),
            "{line}"
        );
        object
    }
}

/// Returns whether a line of the log, with this object in JSON, is this line of the guest's.
fn is_line(source: &str, text: &str, object: Option<&Map<String, Value>>) -> bool {
    let Some(object) = object else {
        return text == source;
    };
    match serde_json::from_str::<Map<String, Value>>(source) {
        // What the guest said stays, but for the host's fields.
        Ok(said) => said.iter().all(|(name, value)| {
            ["level", "timestamp", "requestId"].contains(&&**name)
                || object.get(name) == Some(value)
        }),
        Err(_) => object["message"] == source,
    }
}
