//! The HTTP requests that a function makes.

use std::future::{Future, ready};

use http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

type Io = Box<dyn Future<Output = Result<()>> + Send>;

/// Answers the requests of one instance: all of them are denied.
pub struct Outbound;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Io)>> + Send> {
        Box::new(ready(Err(Error::HttpRequestDenied)))
    }
}
