//! Why a function failed.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;

use crate::bindings::handler::lambda::function::types::Failure;

type Boxed = Box<dyn StdError + Send + Sync>;

/// The result of a function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with a type and a message, which the caller receives as `errorType` and `errorMessage`.
///
/// `?` makes one of any error. Its type is then the path of the error's Rust type. A function may return another error in
/// its place, such as `anyhow::Error`.
pub struct Error(Named);

impl Error {
    /// Creates an error with a short stable type, such as `OrderNotFound`.
    pub fn new(error_type: impl Into<String>, message: impl fmt::Display) -> Self {
        Self(Named {
            error_type: error_type.into(),
            message: message.to_string(),
        })
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(type_name::<E>(), with_sources(&error))
    }
}

impl From<Error> for Boxed {
    fn from(error: Error) -> Self {
        Box::new(error.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The content of an [`Error`]. [`Error`] itself is not an error of the standard library, since `From` could not be
/// implemented for all of those then.
#[derive(Debug)]
struct Named {
    error_type: String,
    message: String,
}

impl StdError for Named {}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Turns the error of a handler into the failure that the host reports.
pub(crate) fn failure<E: Into<Boxed>>(error: E) -> Failure {
    let error: Boxed = error.into();
    match error.downcast::<Named>() {
        Ok(named) => Failure {
            error_type: named.error_type,
            error_message: named.message,
            stack_trace: vec![],
        },
        Err(error) => {
            let name = type_name::<E>();
            // A text, and an error whose type is not known.
            let is_anonymous =
                name.contains("dyn ") || !name.contains("::") || name.contains("string::String");
            Failure {
                error_type: if is_anonymous { "Error" } else { name }.to_owned(),
                error_message: with_sources(&*error),
                stack_trace: vec![],
            }
        }
    }
}

/// The message of an error and of all that caused it.
fn with_sources(error: &dyn StdError) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Some errors have their sources' messages in their own.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = error.source();
    }
    message
}
