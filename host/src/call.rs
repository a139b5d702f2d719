//! One invocation's call of a component's export, by the world that it is of.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p3};

use crate::bindings::{api, handler, streaming_handler};
use crate::exports::{Exports, http_2, http_3};
use crate::failure::Failure;
use crate::function::{Function, Sandbox};
use crate::http::compress::Compression;
use crate::http::{self, EventError, Source, wasi};
use crate::invocation::Invocation;
use crate::outbound::Keeping;
use crate::relay::{Form, Handed, Relay};
use crate::responder::Responder;
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::State;
use crate::timeline::Timeline;

/// How large a chunk of a streamed answer is at most, in bytes.
const CHUNK: usize = 1024 * 1024;

/// What a call has to do with.
pub struct Call<'a> {
    /// The function that is called.
    pub function: &'a Function,
    /// What it is called with.
    pub invocation: &'a Arc<Invocation>,
    /// Where the answer goes.
    pub responder: &'a Responder<'a>,
    /// Its moments.
    pub timeline: Timeline,
}

/// How a call that hands its answer over went.
enum Ended {
    Well,
    /// The component said that it failed.
    Failed(Failure),
}

impl Call<'_> {
    /// Calls the export, and sends the answer.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub async fn run(self, sandbox: &mut Sandbox) -> Result<(), RuntimeApiError> {
        let Sandbox { store, exports, .. } = sandbox;
        let answer = match exports {
            Exports::Handler(export) => self.handler(store, export).await,
            Exports::Api(export) => self.api(store, export).await,
            // In a box each: their state would be a part of every call's, on the stack of a worker that may never need it.
            Exports::Streaming(export) => return Box::pin(self.streaming(store, export)).await,
            Exports::HttpProxy(_) | Exports::HttpService(_) => {
                return match self.request() {
                    Ok((request, form)) => Box::pin(self.http(store, exports, request, form)).await,
                    Err(failure) => self.responder.fail(&failure),
                };
            }
        };
        store.data().output.finish();
        match answer {
            Ok(body) => self.responder.respond("application/json", &body),
            Err(failure) => self.responder.fail(&failure),
        }
    }

    async fn handler(
        &self,
        store: &mut Store<State>,
        export: &handler::Guest,
    ) -> Result<Vec<u8>, Failure> {
        let since = Instant::now();
        let context = self.function.context(self.invocation);
        let output = store.data().output.clone();
        let call = export.call_handle(&mut *store, &self.invocation.event, &context);
        let returned = self.function.until(self.timeline.stop, &output, call).await;
        returned
            .map_err(|stopped| stopped.failure(store, since))?
            .map_err(Failure::from)
    }

    async fn api(&self, store: &mut Store<State>, export: &api::Guest) -> Result<Vec<u8>, Failure> {
        let since = Instant::now();
        let context = self.function.context(self.invocation);
        let http::Request { source, record, .. } = self.http_request()?;
        let output = store.data().output.clone();
        let call = export.call_handle(&mut *store, &record, &context);
        let returned = self.function.until(self.timeline.stop, &output, call).await;
        let mut response = returned.map_err(|stopped| stopped.failure(store, since))??;
        let status = response.status_code;
        let mut failures = self.function.grants.policy.fail_status.iter();
        if failures.any(|range| range.contains(&status)) {
            return Err(http::failed_status(status, &response.body));
        }
        let compression = Compression::of(self.function.grants.policy.compress, &record);
        compression.apply(&mut response, self.timeline.stop)?;
        source.answer(response)
    }

    async fn streaming(
        &self,
        store: &mut Store<State>,
        export: &streaming_handler::Guest,
    ) -> Result<(), RuntimeApiError> {
        let (handing, handed) = oneshot::channel();
        let (mut output, body) = HostOutgoingBody::new(StreamContext::Response, None, 1, CHUNK);
        let stream = output.take_output_stream();
        // The stream alone says when the body ends.
        let _ = output.finish(None);
        let _ = handing.send(Ok(::http::Response::new(body)));
        let form = Form::Bytes(self.function.streams());
        let context = self.function.context(self.invocation);
        let call = async |store: &mut Store<State>| {
            let Some(stream) = stream else {
                return Ok(Ended::Well);
            };
            let output = store.data_mut().http().table.push(stream)?;
            let event = &self.invocation.event;
            let returned = export.call_handle(store, event, output, &context).await?;
            Ok(returned.map_or_else(|failure| Ended::Failed(failure.into()), |()| Ended::Well))
        };
        self.relay(store, form, handed, call).await
    }

    async fn http(
        &self,
        store: &mut Store<State>,
        exports: &Exports,
        request: ::http::Request<WasiBody>,
        form: Form,
    ) -> Result<(), RuntimeApiError> {
        let (handing, handed) = oneshot::channel();
        let call = async |store: &mut Store<State>| {
            match exports {
                Exports::HttpProxy(export) => call_proxy(store, export, request, handing).await?,
                Exports::HttpService(export) => {
                    call_service(store, export, request, handing).await?;
                }
                _ => {}
            }
            Ok(Ended::Well)
        };
        self.relay(store, form, handed, call).await
    }

    /// Runs a call, and sends what it hands over meanwhile and in the end.
    async fn relay(
        &self,
        store: &mut Store<State>,
        form: Form,
        handed: oneshot::Receiver<Handed>,
        call: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<Ended>,
    ) -> Result<(), RuntimeApiError> {
        let since = Instant::now();
        let mut relay = Relay::new(self.responder, form, handed, self.timeline.stop);
        let returned = {
            let _yielding = self.function.watchdog.yielding();
            let output = store.data().output.clone();
            let call = self
                .function
                .until(self.timeline.stop, &output, call(store));
            relay.during(call).await?
        };
        relay.drain();
        store.data().output.finish();
        let (failure, takes_its_place) = match returned {
            Ok(Ended::Well) => (None, false),
            Ok(Ended::Failed(failure)) => (Some(failure), true),
            Err(stopped) => (Some(stopped.failure(store, since)), false),
        };
        relay.finish(failure, takes_its_place, self.timeline).await
    }

    /// Returns the HTTP request that the event is, without its base path.
    fn http_request(&self) -> Result<http::Request<'_>, EventError> {
        let mut request = http::request(&self.invocation.event)?;
        request.remove_base_path(&self.function.grants.policy.remove_base_path);
        Ok(request)
    }

    /// The request for a `wasi:http` component, and what its response becomes.
    fn request(&self) -> Result<(::http::Request<WasiBody>, Form), Failure> {
        let context = self.function.context(self.invocation);
        match self.http_request() {
            Ok(request) => {
                let is_on = self.function.grants.policy.compress;
                let form = Form::Http {
                    source: request.source,
                    compression: Compression::of(is_on, &request.record),
                    stream: self.function.streams() && request.source.can_stream(),
                    is_head: request.record.method == "HEAD",
                    fail_status: self.function.grants.policy.fail_status.clone(),
                };
                Ok((wasi::request(request, &context)?, form))
            }
            Err(error @ (EventError::NotHttp | EventError::WebSocket)) => {
                let path = self.function.grants.policy.pass_through_path.to_string();
                let request = wasi::event(self.invocation.event.clone(), &path, &context)?;
                let form = match error {
                    EventError::WebSocket => Form::Http {
                        source: Source::WebSocket,
                        compression: Compression::Off,
                        stream: false,
                        is_head: false,
                        fail_status: self.function.grants.policy.fail_status.clone(),
                    },
                    _ => Form::Event { path },
                };
                Ok((request, form))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Calls a component of WASI 0.2.
async fn call_proxy(
    store: &mut Store<State>,
    export: &http_2::Guest,
    request: ::http::Request<WasiBody>,
    handing: oneshot::Sender<Handed>,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let response = http.new_response_outparam_from_callback(|response| {
        let _ = handing.send(response.map_err(|code| format!("{code:?}")));
    })?;
    export.call_handle(store, request, response).await
}

/// Calls a component of WASI 0.3. It has returned when the last of its tasks has, and its response was read to its end: the
/// stream that it answers with need not be of its own making, but may be a file's, or that of a response which it asked for.
async fn call_service(
    store: &mut Store<State>,
    export: &http_3::Guest,
    request: ::http::Request<WasiBody>,
    handing: oneshot::Sender<Handed>,
) -> wasmtime::Result<()> {
    let (reading, read) = oneshot::channel::<()>();
    store
        .run_concurrent(async |accessor| {
            let (request, sent) = accessor.with(|mut store| {
                let http = store.data_mut().http();
                let (request, sent) = p3::Request::from_http(http.hooks, request);
                let sent: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(sent);
                http.table.push(request).map(|request| (request, sent))
            })?;
            match export.call_handle(accessor, request).await? {
                Ok(response) => {
                    let response = accessor.with(|mut store| {
                        let response = store.data_mut().http().table.delete(response)?;
                        response.into_http(&mut store, sent)
                    })?;
                    let keep = |body| Keeping::new(body, reading, |_| ()).boxed_unsync();
                    let _ = handing.send(Ok(response.map(keep)));
                }
                Err(code) => {
                    drop(reading);
                    let _ = handing.send(Err(format!("{code:?}")));
                }
            }
            poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
            let _ = read.await;
            Ok(())
        })
        .await?
}
