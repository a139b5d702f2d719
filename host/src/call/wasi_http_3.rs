//! Calls of `wasi:http` components of WASI 0.3.

use std::future::poll_fn;
use std::pin::Pin;

use ::http::Request;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p3};

use super::guest_call::Call;
use crate::exports::http_3;
use crate::forwarder::GuestResponse;
use crate::outbound::GuardedBody;
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::HostState;

impl Call<'_> {
    /// Calls a component of WASI 0.3.
    pub(super) async fn http_service(
        &self,
        store: &mut Store<HostState>,
        export: &http_3::Guest,
    ) -> Result<(), RuntimeApiError> {
        let (request, mode) = match self.wasi_request() {
            Ok(request) => request,
            Err(failure) => return self.responder.report(&failure),
        };
        let (sender, response) = oneshot::channel();
        let call = async |store: &mut Store<HostState>| {
            call_service(store, export, request, sender).await.map(Ok)
        };
        self.forward(store, mode, response, call).await
    }
}

/// Returns when the last of the component's tasks has returned, and the response has been read to its end: the stream of its
/// body may be a file's, or belong to the response of an outgoing request.
async fn call_service(
    store: &mut Store<HostState>,
    export: &http_3::Guest,
    request: Request<WasiBody>,
    sender: oneshot::Sender<GuestResponse>,
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
                    let keep = |body| GuardedBody::new(body, reading, |_| ()).boxed_unsync();
                    let _ = sender.send(Ok(response.map(keep)));
                }
                Err(code) => {
                    drop(reading);
                    let _ = sender.send(Err(format!("{code:?}")));
                }
            }
            poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
            let _ = read.await;
            Ok(())
        })
        .await?
}
