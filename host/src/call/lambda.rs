//! Calls of the worlds of the package `lambda:function`.

use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};

use super::guest_call::Call;
use crate::bindings::{api, handler, streaming_handler};
use crate::failure::Failure;
use crate::forwarder::ResponseMode;
use crate::http::compress::Compression;
use crate::http::{Request, failed_status};
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::HostState;

/// The largest chunk of a streamed response, in bytes.
const MAX_CHUNK: usize = 1024 * 1024;

impl Call<'_> {
    /// Calls a component of `handler-function`. Returns its response.
    pub(super) async fn handler(
        &self,
        store: &mut Store<HostState>,
        export: &handler::Guest,
    ) -> Result<Vec<u8>, Failure> {
        let since = Instant::now();
        let output = store.data().output.clone();
        let call = export.call_handle(&mut *store, &self.invocation.event, &self.context);
        let returned = self.run_until_stop(&output, call).await;
        returned
            .map_err(|error| error.into_failure(store, since))?
            .map_err(Failure::from)
    }

    /// Calls a component of `api-function`. Returns its response, as the event source expects it.
    pub(super) async fn api(
        &self,
        store: &mut Store<HostState>,
        export: &api::Guest,
    ) -> Result<Vec<u8>, Failure> {
        let since = Instant::now();
        let Request { source, record, .. } = self.http_request()?;
        let output = store.data().output.clone();
        let call = export.call_handle(&mut *store, &record, &self.context);
        let returned = self.run_until_stop(&output, call).await;
        let mut response = returned.map_err(|error| error.into_failure(store, since))??;
        let policy = self.function.policy();
        if policy.is_failure(response.status_code) {
            return Err(failed_status(response.status_code, &response.body));
        }
        let compression = Compression::for_request(policy.compress, &record);
        compression.apply(&mut response, self.timeline.stop)?;
        source.answer(response)
    }

    /// Calls a component of `streaming-function`, and forwards its response.
    pub(super) async fn streaming(
        &self,
        store: &mut Store<HostState>,
        export: &streaming_handler::Guest,
    ) -> Result<(), RuntimeApiError> {
        let (sender, response) = oneshot::channel();
        let (mut body, reader) = HostOutgoingBody::new(StreamContext::Response, None, 1, MAX_CHUNK);
        let stream = body.take_output_stream();
        // The body ends when the guest drops the stream.
        let _ = body.finish(None);
        let _ = sender.send(Ok(::http::Response::new(reader)));
        let mode = ResponseMode::Bytes {
            is_streamed: self.function.is_streaming(),
        };
        let call = async |store: &mut Store<HostState>| {
            let Some(stream) = stream else {
                return Ok(Ok(()));
            };
            let output = store.data_mut().http().table.push(stream)?;
            let event = &self.invocation.event;
            let returned = export.call_handle(store, event, output, &self.context);
            Ok(returned.await?.map_err(Failure::from))
        };
        self.forward(store, mode, response, call).await
    }
}
