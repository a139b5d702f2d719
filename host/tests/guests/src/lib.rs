//! What the components in `examples/` share: Cargo builds each of those as a library of its own.
//!
//! The HTTP components and the streaming one do the same by the same names: [`Target`] reads what is asked for, [`steps`]
//! says what that is, and each component does the steps in its own world's way.

mod fetch;
mod said;
mod seen;
mod steps;
mod target;
mod work;

pub use fetch::{Fetch, Fetched};
pub use said::Said;
pub use seen::{Seen, case};
pub use steps::{Step, steps};
pub use target::{Target, url_parts};
pub use work::{millis, panics, run_forever, spin, visits};

/// The headers that `/headers` answers with, in this order. One has two values, and one a value that is not ASCII.
pub const HEADERS: [(&str, &[u8]); 6] = [
    ("content-type", b"text/plain; charset=utf-8"),
    ("X-Mixed-Case", b"Kept or not"),
    ("set-cookie", b"a=1; Secure"),
    ("set-cookie", b"b=2"),
    ("x-utf8", "grün".as_bytes()),
    ("x-empty", b""),
];

/// A header value that is no UTF-8, which `/latin1` answers with.
pub const LATIN1: (&str, &[u8]) = ("x-latin1", b"gr\xfcn");

/// Headers that belong to a connection and not to its message: `/forbidden` tries them all.
pub const FORBIDDEN: [(&str, &[u8]); 8] = [
    ("connection", b"close"),
    ("keep-alive", b"timeout=5"),
    ("transfer-encoding", b"chunked"),
    ("upgrade", b"websocket"),
    ("proxy-connection", b"close"),
    ("te", b"trailers"),
    ("host", b"elsewhere.example"),
    ("http2-settings", b""),
];
