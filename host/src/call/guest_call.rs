//! A call into a guest, whatever its world.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime::Store;

use crate::bindings::Context;
use crate::crash::CallError;
use crate::failure::Failure;
use crate::forwarder::{CallOutcome, GuestResponse, ResponseForwarder, ResponseMode};
use crate::function::Function;
use crate::guest_output::GuestOutput;
use crate::http::{EventError, Request, request};
use crate::instance::run_until;
use crate::invocation::Invocation;
use crate::responder::Responder;
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::HostState;
use crate::timeline::Timeline;

/// The call of an export, for one invocation.
pub(super) struct Call<'a> {
    pub function: &'a Function,
    pub invocation: &'a Arc<Invocation>,
    pub context: Context,
    pub responder: &'a Responder<'a>,
    pub timeline: Timeline,
}

impl Call<'_> {
    /// Runs a call, and forwards the response that the guest hands over while the call runs.
    pub(super) async fn forward(
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

    /// Runs a call into the guest, until the guest has to stop or has written too much.
    pub(super) async fn run_until_stop<T>(
        &self,
        output: &GuestOutput,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, CallError> {
        run_until(&self.function.watchdog, self.timeline.stop, output, call).await
    }

    /// Returns the HTTP request that the event is, without its base path.
    pub(super) fn http_request(&self) -> Result<Request<'_>, EventError> {
        let mut request = request(&self.invocation.event)?;
        request.remove_base_path(&self.function.policy().remove_base_path);
        Ok(request)
    }
}
