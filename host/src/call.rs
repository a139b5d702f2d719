//! One invocation: an instance, the call of its export by its world, and the response.

mod http;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};

use crate::bindings::{Context, api, handler, streaming_handler};
use crate::crash::CallError;
use crate::exports::Exports;
use crate::failure::Failure;
use crate::forwarder::{CallOutcome, GuestResponse, ResponseForwarder, ResponseMode};
use crate::function::Function;
use crate::guest_output::GuestOutput;
use crate::http::compress::Compression;
use crate::http::{EventError, Request, failed_status, request};
use crate::instance::{Instance, run_until};
use crate::invocation::Invocation;
use crate::outbound::Client;
use crate::responder::Responder;
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::HostState;
use crate::timeline::Timeline;

/// The largest chunk of a streamed response, in bytes.
const MAX_CHUNK: usize = 1024 * 1024;

/// Handles one invocation until it has ended, and answers it. Returns the instance that served it.
///
/// The instance is the given one if it may serve the invocation, and otherwise a new one.
///
/// # Errors
///
/// Returns an error if the process has to end.
pub async fn invoke(
    function: &Function,
    instance: Option<Instance>,
    client: &Client,
    invocation: &Arc<Invocation>,
    responder: &Responder<'_>,
    timeline: Timeline,
) -> Result<Option<Instance>, RuntimeApiError> {
    let created = match instance.filter(|instance| instance.may_serve(function)) {
        Some(instance) => Ok(instance),
        None => Instance::create(function, client, timeline.stop).await,
    };
    let bound = created.and_then(|mut instance| {
        instance.bind(function, invocation, timeline.stop)?;
        Ok(instance)
    });
    let mut instance = match bound {
        Ok(instance) => instance,
        Err(failure) => return responder.report(&failure).map(|()| None),
    };
    responder.log_to(instance.store.data().output.clone());
    let call = Call {
        function,
        invocation,
        context: Context::new(&function.metadata, invocation),
        responder,
        timeline,
    };
    call.run(&mut instance).await?;
    Ok(Some(instance))
}

/// The call of an export, for one invocation.
struct Call<'a> {
    function: &'a Function,
    invocation: &'a Arc<Invocation>,
    context: Context,
    responder: &'a Responder<'a>,
    timeline: Timeline,
}

impl Call<'_> {
    /// Calls the export, and sends the response.
    async fn run(self, instance: &mut Instance) -> Result<(), RuntimeApiError> {
        let Instance { store, exports, .. } = instance;
        // A boxed future keeps its state off the stack of workers that never need it.
        let response = match exports {
            Exports::Handler(export) => self.handler(store, export).await,
            Exports::Api(export) => self.api(store, export).await,
            Exports::Streaming(export) => return Box::pin(self.streaming(store, export)).await,
            Exports::HttpProxy(export) => return Box::pin(self.http_proxy(store, export)).await,
            Exports::HttpService(export) => {
                return Box::pin(self.http_service(store, export)).await;
            }
        };
        store.data().output.finish();
        match response {
            Ok(body) => self.responder.respond("application/json", &body),
            Err(failure) => self.responder.report(&failure),
        }
    }

    async fn handler(
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

    async fn api(
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
        let compression = Compression::of(policy.compress, &record);
        compression.apply(&mut response, self.timeline.stop)?;
        source.answer(response)
    }

    async fn streaming(
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

    /// Runs a call, and forwards the response that the guest hands over while the call runs.
    async fn forward(
        &self,
        store: &mut Store<HostState>,
        mode: ResponseMode<'_>,
        response: oneshot::Receiver<GuestResponse>,
        call: impl AsyncFnOnce(&mut Store<HostState>) -> wasmtime::Result<Result<(), Failure>>,
    ) -> Result<(), RuntimeApiError> {
        let since = Instant::now();
        let mut forwarder = ResponseForwarder::new(self.responder, mode, response, self.timeline);
        let returned = {
            let _yielding = self.function.watchdog.yielding();
            let output = store.data().output.clone();
            let call = self.run_until_stop(&output, call(store));
            forwarder.run_alongside(call).await?
        };
        forwarder.poll_remaining();
        store.data().output.finish();
        let outcome = match returned {
            Ok(Ok(())) => CallOutcome::Returned,
            Ok(Err(failure)) => CallOutcome::Failed(failure),
            Err(error) => CallOutcome::Stopped(error.into_failure(store, since)),
        };
        forwarder.on_end(outcome).await
    }

    async fn run_until_stop<T>(
        &self,
        output: &GuestOutput,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, CallError> {
        run_until(&self.function.watchdog, self.timeline.stop, output, call).await
    }

    /// Returns the HTTP request that the event is, without its base path.
    fn http_request(&self) -> Result<Request<'_>, EventError> {
        let mut request = request(&self.invocation.event)?;
        request.remove_base_path(&self.function.policy().remove_base_path);
        Ok(request)
    }
}
