//! Calls of `wasi:http` components of WASI 0.2, and the request of both versions.

use ::http::Request;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::guest_call::Call;
use crate::exports::http_2;
use crate::failure::Failure;
use crate::forwarder::{GuestResponse, ResponseMode};
use crate::http::compress::Compression;
use crate::http::{EventError, EventSource, wasi};
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::HostState;

impl Call<'_> {
    /// Calls a component of WASI 0.2.
    pub(super) async fn http_proxy(
        &self,
        store: &mut Store<HostState>,
        export: &http_2::Guest,
    ) -> Result<(), RuntimeApiError> {
        let (request, mode) = match self.wasi_request() {
            Ok(request) => request,
            Err(failure) => return self.responder.report(&failure),
        };
        let (sender, response) = oneshot::channel();
        let call = async |store: &mut Store<HostState>| {
            call_proxy(store, export, request, sender).await.map(Ok)
        };
        self.forward(store, mode, response, call).await
    }

    /// Returns the request for the component, and the mode of its response.
    pub(super) fn wasi_request(&self) -> Result<(Request<WasiBody>, ResponseMode<'_>), Failure> {
        let policy = self.function.policy();
        match self.http_request() {
            Ok(request) => {
                let mode = ResponseMode::Http {
                    source: request.source,
                    compression: Compression::for_request(policy.compress, &request.record),
                    is_streamed: self.function.is_streaming() && request.source.can_stream(),
                    is_head: request.record.method == "HEAD",
                    policy,
                };
                Ok((wasi::request(request, &self.context)?, mode))
            }
            Err(error @ (EventError::NotHttp | EventError::WebSocket)) => {
                let path = policy.pass_through_path.to_string();
                let request = wasi::event(self.invocation.event.clone(), &path, &self.context)?;
                let mode = match error {
                    EventError::WebSocket => ResponseMode::Http {
                        source: EventSource::WEB_SOCKET,
                        compression: Compression::Off,
                        is_streamed: false,
                        is_head: false,
                        policy,
                    },
                    _ => ResponseMode::Event { path },
                };
                Ok((request, mode))
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn call_proxy(
    store: &mut Store<HostState>,
    export: &http_2::Guest,
    request: Request<WasiBody>,
    sender: oneshot::Sender<GuestResponse>,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let response = http.new_response_outparam_from_callback(|response| {
        let _ = sender.send(response.map_err(|code| format!("{code:?}")));
    })?;
    export.call_handle(store, request, response).await
}
