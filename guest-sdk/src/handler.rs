//! Functions of any event: JSON in, JSON out.

use std::error::Error as StdError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::handler::lambda::function::types::Failure;
use crate::{Context, Error, error, logger};

/// Makes a function of the world `handler-function` from a handler, which takes the event and the [`Context`].
///
/// The handler is the name of a function or a closure: `Fn(E, Context) -> Result<T, X>`. `E` is read by serde, `T` is
/// written by serde, and `X` is any error. An event that is not an `E` fails with `InvalidEvent`.
#[macro_export]
macro_rules! handler {
    ($handler:expr) => {
        const _: () = {
            struct Function;
            impl $crate::bindings::handler::exports::lambda::function::handler::Guest for Function {
                fn handle(
                    event: ::std::vec::Vec<u8>,
                    context: $crate::Context,
                ) -> ::std::result::Result<
                    ::std::vec::Vec<u8>,
                    $crate::bindings::handler::lambda::function::types::Failure,
                > {
                    $crate::private::run_handler($handler, &event, context)
                }
            }
            $crate::bindings::handler::export_handler!(Function with_types_in $crate::bindings::handler);
        };
    };
}

/// Runs a handler, for the macro.
pub fn run<E, T, X>(
    handler: impl FnOnce(E, Context) -> Result<T, X>,
    event: &[u8],
    context: Context,
) -> Result<Vec<u8>, Failure>
where
    E: DeserializeOwned,
    T: Serialize,
    X: Into<Box<dyn StdError + Send + Sync>>,
{
    logger::start();
    let event = parse(event)?;
    let response = handler(event, context).map_err(error::failure)?;
    serde_json::to_vec(&response)
        .map_err(|cause| error::failure(Error::new("InvalidResponse", cause)))
}

/// Reads an event.
pub(crate) fn parse<E: DeserializeOwned>(event: &[u8]) -> Result<E, Failure> {
    serde_json::from_slice(event).map_err(|cause| error::failure(Error::new("InvalidEvent", cause)))
}
