//! The failure of an invocation or of the start: its type, message and stack trace, and their JSON.
//!
//! | family | goes to | then |
//! |---|---|---|
//! | load errors: the component is missing, or the artifact, exports or imports do not fit | `/init/error` | exit 1 |
//! | the function's own failure, as it says | `/error` | the next event |
//! | failures that the host raises: trap, exit, timeout, out of memory, bad event or response | `/error` | the instance is gone, the next event |
//! | errors of the Runtime API | the log | bounded backoff, then exit |
//!
//! Types are stable: `Runtime.…` where the host or the deployment is at fault, `Function.…` where the function is.

mod error_type;

use std::borrow::Cow;
use std::{fmt, io};

use serde::{Serialize, Serializer};

pub use self::error_type::ErrorType;

/// One failure, with the fields of Lambda's error JSON.
///
/// The JSON is the one of <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The message: the event, the file or invocation, and the remedy.
    pub error_message: String,
    /// The host's type, or the function's own.
    pub error_type: FailureType,
    /// The frames, innermost first.
    pub stack_trace: Vec<String>,
    /// The part of the message that repeats the function's output, for callers, who do not see that output.
    #[serde(skip)]
    pub last_words: String,
    /// Whether it is a crash, which is reported to X-Ray.
    #[serde(skip)]
    pub is_crash: bool,
}

/// The type of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureType {
    /// A type of the host.
    Host(ErrorType),
    /// A type that the function chose.
    Function(String),
}

impl FailureType {
    /// Returns the name in Lambda's error JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Host(error_type) => error_type.as_str(),
            Self::Function(name) => name,
        }
    }
}

impl fmt::Display for FailureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for FailureType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Failure {
    /// Creates a failure of the host that is not a crash and has no stack trace.
    pub fn new(error_type: ErrorType, error_message: impl Into<String>) -> Self {
        Self::with_type(FailureType::Host(error_type), error_message.into())
    }

    /// Creates a failure with a type that the function chose.
    #[must_use]
    pub fn from_function(error_type: String, error_message: String) -> Self {
        Self::with_type(FailureType::Function(error_type), error_message)
    }

    fn with_type(error_type: FailureType, error_message: String) -> Self {
        Self {
            error_message,
            error_type,
            stack_trace: Vec::new(),
            last_words: String::new(),
            is_crash: false,
        }
    }

    /// Returns the text for a log in which the function's output stands before it, and is not repeated.
    #[must_use]
    pub fn after_output(&self) -> String {
        let text = self.to_string();
        match self.last_words.is_empty() {
            true => text,
            false => text.replacen(&self.last_words, "", 1),
        }
    }

    /// Returns the size of the JSON in bytes, without creating it: escaped, it may be six times as large as the texts.
    #[must_use]
    pub fn size(&self) -> usize {
        let mut size = Size(0);
        // Strings and lists of them always are JSON.
        let _ = serde_json::to_writer(&mut size, self);
        size.0
    }

    /// Returns the failure with a shorter message and without a stack trace if its JSON has more than `largest` bytes. The
    /// message then has the size of the whole failure. `largest` has to be 8 KiB or more.
    #[must_use]
    pub fn cut(&self, largest: usize) -> Cow<'_, Self> {
        /// Escaped, a character takes up to six bytes.
        const ESCAPED: usize = 6;
        const TYPE: usize = 200;
        /// The size of the JSON without the message: the type, and the words that are added.
        const REST: usize = TYPE * ESCAPED + 300;
        let size = self.size();
        if size <= largest {
            return Cow::Borrowed(self);
        }
        let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        let message = cut(&self.error_message, largest.saturating_sub(REST) / ESCAPED);
        let error_type = match &self.error_type {
            FailureType::Host(error_type) => FailureType::Host(*error_type),
            FailureType::Function(name) => FailureType::Function(cut(name, TYPE)),
        };
        Cow::Owned(Self {
            error_type,
            error_message: format!("{message} \u{2026} (cut: the failure has {size} bytes)"),
            stack_trace: Vec::new(),
            last_words: String::new(),
            is_crash: self.is_crash,
        })
    }

    /// Returns the body of the request that reports the failure.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and lists of them always are JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the value of `Lambda-Runtime-Function-Error-Type`.
    ///
    /// Lambda passes on only types of the form `Runtime.Name` and `Function.Name`. So a function's own name gets the prefix
    /// here, and only here.
    #[must_use]
    pub fn header_type(&self) -> Cow<'_, str> {
        const MAX_NAME: usize = 100;
        let is_name = |name: &str| {
            name.len() <= MAX_NAME
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.len() > 1
                && name.chars().all(|c| c.is_ascii_alphabetic())
        };
        let name = match &self.error_type {
            FailureType::Host(error_type) => return error_type.as_str().into(),
            FailureType::Function(name) => name,
        };
        match name.split_once('.') {
            Some(("Runtime" | "Function", rest)) if is_name(rest) => name.into(),
            None if is_name(name) => format!("Function.{name}").into(),
            _ => ErrorType::Failure.as_str().into(),
        }
    }

    /// Returns the value of `Lambda-Runtime-Function-XRay-Error-Cause`, for crashes: X-Ray's cause object, in ASCII like any
    /// header, and cut to the length of a header.
    ///
    /// See "cause" in <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>.
    #[must_use]
    pub fn xray_cause(&self) -> Option<String> {
        const MESSAGE: usize = 300;
        const FRAMES: usize = 8;
        const LABEL: usize = 80;
        /// Escaped characters take up to twelve bytes, and the HTTP client sends heads of up to 8 KiB.
        const LARGEST: usize = 4 * 1024;
        if !self.is_crash {
            return None;
        }
        let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        let with_frames = |count: usize| {
            let frames = self.stack_trace.iter().take(count);
            let stack: Vec<_> = frames
                .map(|frame| serde_json::json!({ "path": "", "line": 0, "label": cut(frame, LABEL) }))
                .collect();
            let cause = serde_json::json!({
                "working_directory": "",
                "paths": [],
                "exceptions": [{
                    "type": self.error_type.as_str(),
                    "message": cut(&self.error_message, MESSAGE),
                    "stack": stack,
                }],
            });
            to_ascii(&cause.to_string())
        };
        (0..=FRAMES)
            .rev()
            .map(with_frames)
            .find(|cause| cause.len() <= LARGEST)
    }
}

/// Counts the bytes that are written.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Failure {
    /// Writes a line with the type and the message, and a line for each frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)?;
        self.stack_trace
            .iter()
            .try_for_each(|frame| write!(f, "\n    {frame}"))
    }
}

/// Escapes everything beyond ASCII in JSON.
#[must_use]
pub fn to_ascii(json: &str) -> String {
    use std::fmt::Write;
    if json.bytes().all(|byte| byte < 0x7f) {
        return json.to_owned();
    }
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_lambdas() {
        let failure = Failure {
            stack_trace: vec!["at f".to_owned()],
            ..Failure::new(ErrorType::Trap, "it \"trapped\"")
        };
        assert_eq!(
            String::from_utf8(failure.to_json()).unwrap(),
            r#"{"errorMessage":"it \"trapped\"","errorType":"Function.Trap","stackTrace":["at f"]}"#
        );
        assert_eq!(failure.size(), failure.to_json().len());
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let mut failure = Failure::new(ErrorType::Trap, "short");
        assert_eq!(*failure.cut(8192), failure);
        failure.error_type = FailureType::Function("\0".repeat(10_000));
        failure.error_message = "\0".repeat(10_000);
        failure.stack_trace = vec!["at f".to_owned(); 10_000];
        let cut = failure.cut(8192);
        assert!(cut.size() <= 8192, "{}", cut.size());
        assert!(cut.error_message.len() >= 1000);
        assert!(cut.error_message.contains("cut: "), "{}", cut.error_message);
    }

    #[test]
    fn only_names_travel_as_header() {
        let header = |name: &str| {
            let failure = Failure::from_function(name.to_owned(), String::new());
            failure.header_type().into_owned()
        };
        assert_eq!(
            header("Runtime.ComponentNotFound"),
            "Runtime.ComponentNotFound"
        );
        assert_eq!(header("OrderNotFound"), "Function.OrderNotFound");
        assert_eq!(header("bad\r\nname: x"), "Function.Failure");
        assert_eq!(header("java.lang.Error"), "Function.Failure");
        assert_eq!(header("Runtime.E1"), "Function.Failure");
        assert_eq!(header(""), "Function.Failure");
        assert_eq!(header(&"A".repeat(10_000)), "Function.Failure");
        for error_type in ErrorType::ALL {
            assert_eq!(header(error_type.as_str()), error_type.as_str());
            assert_eq!(
                Failure::new(*error_type, "").header_type(),
                error_type.as_str()
            );
        }
    }

    #[test]
    fn xray_cause_is_a_header_value() {
        let mut failure = Failure::new(ErrorType::Trap, "größer\n😀");
        assert_eq!(failure.xray_cause(), None);
        failure.is_crash = true;
        let cause = failure.xray_cause().unwrap();
        assert!(cause.bytes().all(|b| (0x20..0x7f).contains(&b)), "{cause}");
        let parsed: serde_json::Value = serde_json::from_str(&cause).unwrap();
        assert_eq!(parsed["exceptions"][0]["message"], "größer\n😀");
        failure.error_message = "😀".repeat(10_000);
        failure.stack_trace = vec!["😀".repeat(1_000); 30];
        assert!(failure.xray_cause().unwrap().len() <= 4096);
    }
}
