//! Functions of HTTP requests.

use std::error::Error as StdError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::api::exports::lambda::function::api;
use crate::bindings::handler::lambda::function::types::Failure;
use crate::{Context, Result, error, logger};

pub use api::{Request, Response};

/// Makes a function of the world `api-function` from a handler: `Fn(Request, Context) -> Result<Response, X>`, where `X`
/// is any error.
#[macro_export]
macro_rules! api {
    ($handler:expr) => {
        const _: () = {
            struct Function;
            impl $crate::bindings::api::exports::lambda::function::api::Guest for Function {
                fn handle(
                    request: $crate::Request,
                    context: $crate::Context,
                ) -> ::std::result::Result<
                    $crate::Response,
                    $crate::bindings::handler::lambda::function::types::Failure,
                > {
                    $crate::private::run_api($handler, request, context)
                }
            }
    $crate::bindings::api::export_api!(Function with_types_in $crate::bindings::api);
        };
    };
}

/// Runs a handler, for the macro.
pub fn run<X>(
    handler: impl FnOnce(Request, Context) -> Result<Response, X>,
    request: Request,
    context: Context,
) -> Result<Response, Failure>
where
    X: Into<Box<dyn StdError + Send + Sync>>,
{
    logger::start();
    handler(request, context).map_err(error::failure)
}

impl Request {
    /// Returns the first header of a name, whose case does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns a part of the path that the route names.
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        find(&self.path_parameters, name)
    }

    /// Returns the first parameter of a name in the query.
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        find(&self.query_parameters, name)
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is not JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

impl Response {
    /// Creates a response with a body of this type.
    pub fn new(status_code: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status_code,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            cookies: vec![],
            body: body.into(),
        }
    }

    /// Creates a response of plain text.
    pub fn text(status_code: u16, body: impl Into<String>) -> Self {
        Self::new(status_code, "text/plain; charset=utf-8", body.into())
    }

    /// Creates a response of JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be JSON.
    pub fn json(status_code: u16, body: &impl Serialize) -> Result<Self> {
        Ok(Self::new(
            status_code,
            "application/json",
            serde_json::to_vec(body)?,
        ))
    }
}
