//! The macros `print!`, `println!` and `eprintln!` of this program. Those of the standard library panic when the reader has
//! gone, as in `lambda-wasm doctor | head -n 1`.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::process;

macro_rules! print {
    ($($text:tt)*) => {
        $crate::print::text(format_args!($($text)*))
    };
}

macro_rules! println {
    () => {
        println!("")
    };
    ($($text:tt)*) => {
        $crate::print::line(format_args!($($text)*))
    };
}

macro_rules! eprintln {
    ($($text:tt)*) => {
        $crate::print::error_line(format_args!($($text)*))
    };
}

/// Prints bytes to standard output. Ends the process if they cannot be written, but not if the reader has gone.
pub fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    end_if_failed(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

/// Prints text as [`bytes`] prints bytes, without its styles unless it is for a terminal.
pub fn text(text: Arguments<'_>) {
    end_if_failed(anstream::stdout().write_fmt(text));
}

/// Prints a line as [`bytes`] prints bytes.
pub fn line(line: Arguments<'_>) {
    text(format_args!("{line}\n"));
}

/// Prints a line to standard error, if there is anybody to read it.
pub fn error_line(line: Arguments<'_>) {
    let _ = io::stderr().write_fmt(format_args!("{line}\n"));
}

fn end_if_failed(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("error: standard output cannot be written: {error}");
        process::exit(1);
    }
}
