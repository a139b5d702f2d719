//! Functions whose response is sent while they make it.

use std::error::Error as StdError;
use std::io::{self, Write};

use serde::de::DeserializeOwned;

use crate::bindings::handler::lambda::function::types::Failure;
use crate::bindings::stream::wasi::io::streams::{OutputStream, StreamError};
use crate::{Context, Result, error, handler, logger};

/// Makes a function of the world `streaming-function` from a handler: `Fn(E, &mut Output, Context) -> Result<(), X>`. `E`
/// is read by serde, and `X` is any error.
#[macro_export]
macro_rules! stream {
    ($handler:expr) => {
        const _: () = {
            struct Function;
            impl $crate::bindings::stream::exports::lambda::function::streaming_handler::Guest
                for Function
            {
                fn handle(
                    event: ::std::vec::Vec<u8>,
                    output: $crate::bindings::stream::wasi::io::streams::OutputStream,
                    context: $crate::Context,
                ) -> ::std::result::Result<
                    (),
                    $crate::bindings::handler::lambda::function::types::Failure,
                > {
                    $crate::private::run_stream($handler, &event, output, context)
                }
            }
            $crate::bindings::stream::export_stream!(Function with_types_in $crate::bindings::stream);
        };
    };
}

/// Runs a handler, for the macro.
pub fn run<E, X>(
    handler: impl FnOnce(E, &mut Output, Context) -> Result<(), X>,
    event: &[u8],
    output: OutputStream,
    context: Context,
) -> Result<(), Failure>
where
    E: DeserializeOwned,
    X: Into<Box<dyn StdError + Send + Sync>>,
{
    logger::start();
    let event = handler::parse(event)?;
    handler(event, &mut Output(output), context).map_err(error::failure)
}

/// The response. What is written to it is sent with [`Write::flush`], or when the host's buffer is full.
pub struct Output(OutputStream);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            match usize::try_from(self.0.check_write().map_err(broken)?).unwrap_or(usize::MAX) {
                0 => self.0.subscribe().block(),
                room => {
                    let bytes = &bytes[..bytes.len().min(room)];
                    self.0.write(bytes).map_err(broken)?;
                    return Ok(bytes.len());
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.blocking_flush().map_err(broken)
    }
}

/// The client is gone, or the response is too large.
fn broken(error: StreamError) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error)
}
