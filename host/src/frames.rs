//! The frames of a guest's stack trace. A component chooses the names in them, so each name is bounded before it is formatted.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use cpp_demangle::{BorrowedSymbol, DemangleOptions, ParseOptions};
use wasmtime::{FrameInfo, WasmBacktrace};

/// The most frames that a stack trace has. A backtrace of wasmtime's has as many.
pub(crate) const MAX_FRAMES: usize = 32;

/// The most bytes that the name of a function or a module has in a frame.
pub(crate) const MAX_NAME: usize = 1024;

/// The most time that the names of one stack trace are demangled for. Later frames have their names as they are.
pub(crate) const MAX_TIME: Duration = Duration::from_millis(5);

/// The longest name that is demangled, in bytes: a parser may take time that grows faster than a name does.
pub(crate) const LONGEST_MANGLED: usize = 2048;

/// How deep the parts of a C++ name may be nested, as its parser counts: about eight for each template in a template. The parser
/// tries the alternatives of each part one after another. So the time and the memory for a few bytes double with every few
/// levels: 0.3 ms and 0.3 MB at 40, 200 ms and 70 MB at 64. All names of libstdc++ and 99 % of LLVM's need no more than 40.
const DEPTH: u32 = 40;

/// Returns a line for each frame, innermost first: the offset in the module, the module's name, the function's name.
#[must_use]
pub(crate) fn lines(backtrace: &WasmBacktrace) -> Vec<String> {
    let until = Instant::now() + MAX_TIME;
    let frames = backtrace.frames().iter().take(MAX_FRAMES);
    frames.map(|frame| line(frame, until)).collect()
}

fn line(frame: &FrameInfo, until: Instant) -> String {
    let (module, function) = (frame.module().name(), frame.func_name());
    text(
        frame.module_offset(),
        module,
        function,
        frame.func_index(),
        until,
    )
}

/// Returns a frame as text. A function without a name has its index.
pub(crate) fn text(
    offset: Option<usize>,
    module: Option<&str>,
    function: Option<&str>,
    index: u32,
    until: Instant,
) -> String {
    let offset = offset.map_or_else(String::new, |offset| format!("{offset:#8x} - "));
    let module = cut(module.unwrap_or("<unknown>"));
    let function = match function {
        Some(name) => demangled(name, until),
        None => format!("<wasm function {index}>"),
    };
    // A name can be anything, also a line of the log.
    format!("{offset}{module}!{function}")
        .trim_start()
        .replace(char::is_control, "?")
}

/// Returns the name that a compiler mangled, or the name itself if that is not mangled or would take too much.
fn demangled(name: &str, until: Instant) -> String {
    if name.len() > LONGEST_MANGLED || Instant::now() >= until {
        return cut(name);
    }
    let mut out = Bounded::new(MAX_NAME, until);
    let written = if let Ok(rust) = rustc_demangle::try_demangle(name) {
        write!(out, "{rust}")
    } else if is_cpp(name) {
        let parse = ParseOptions::default().recursion_limit(DEPTH);
        let options = DemangleOptions::default().recursion_limit(DEPTH);
        match BorrowedSymbol::new_with_options(name.as_bytes(), &parse) {
            Ok(cpp) => cpp.structured_demangle(&mut out, &options),
            Err(_) => return cut(name),
        }
    } else {
        return cut(name);
    };
    match written {
        Ok(()) => out.text,
        // The start of the name says more than the mangled name.
        Err(_) if out.is_full => out.text + CUT,
        Err(_) => cut(name),
    }
}

/// Whether a name begins as those of C++ do.
fn is_cpp(name: &str) -> bool {
    ["_Z", "__Z", "___Z", "____Z"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// The mark for the rest of a name that is too long.
const CUT: &str = "\u{2026}";

fn cut(name: &str) -> String {
    match name.len() > MAX_NAME {
        true => format!("{}{CUT}", &name[..name.floor_char_boundary(MAX_NAME)]),
        false => name.to_owned(),
    }
}

/// Text that takes no more than so many bytes, and none after a time.
struct Bounded {
    text: String,
    limit: usize,
    until: Instant,
    is_full: bool,
}

impl Bounded {
    fn new(limit: usize, until: Instant) -> Self {
        Self {
            text: String::new(),
            limit,
            until,
            is_full: false,
        }
    }
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.limit - self.text.len();
        if part.len() <= room && Instant::now() < self.until {
            self.text.push_str(part);
            return Ok(());
        }
        self.is_full = true;
        let end = part.floor_char_boundary(room);
        self.text.push_str(&part[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use super::*;

    fn shown(name: &str) -> String {
        demangled(name, Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn names_are_demangled_as_compilers_mangle_them() {
        for (name, expected) in [
            (
                "_ZN7handler6panics17h0123456789abcdefE",
                "handler::panics::h0123456789abcdef",
            ),
            ("_RNvCs1234_7mycrate3foo", "mycrate[3c1c0]::foo"),
            ("_ZN5space3fooEibc", "space::foo(int, bool, char)"),
            ("main", "main"),
            ("_Zzz", "_Zzz"),
            ("", ""),
        ] {
            assert_eq!(shown(name), expected);
        }
    }

    /// A nest of pairs, each level of which repeats the level within it.
    fn nest(levels: usize, repeats: usize) -> String {
        let mut name = "_Z1fSt4pairIii".to_owned() + &"i".repeat(repeats.saturating_sub(2)) + "E";
        for level in 0..levels {
            let last = match level {
                0 => "S0_".to_owned(),
                _ => format!(
                    "S{}_",
                    char::from_digit(level as u32, 36)
                        .unwrap()
                        .to_ascii_uppercase()
                ),
            };
            name += &format!("St4pairI{}E", last.repeat(repeats));
        }
        name
    }

    #[test]
    fn a_name_is_bounded_in_bytes_and_time() {
        let since = Instant::now();
        let rust_v0 = format!("_RINvC1a1bT{}EE", "TB5_B5_B5_E".repeat(20));
        // The parser tries two ways for each of these.
        let ambiguous = format!("_Z1fSt4pairI{}", "IC2StC1".repeat(10));
        let names = [
            nest(16, 6),
            nest(30, 6),
            "x".repeat(10_000_000),
            "\u{20ac}".repeat(10_000),
            format!("_Z{}", "1".repeat(1_000_000)),
            format!("_Z1f{}i", "P".repeat(2000)),
            format!("_ZN{}3fooE", "3foo".repeat(500)),
            rust_v0,
        ];
        for name in names.into_iter().chain(repeat_n(ambiguous, 50)) {
            let shown = shown(&name);
            assert!(shown.len() <= MAX_NAME + CUT.len(), "{}", shown.len());
        }
        assert!(
            since.elapsed() < Duration::from_secs(2),
            "{:?}",
            since.elapsed()
        );
    }
}
