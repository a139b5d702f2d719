//! One invocation: an instance, the call of its export by its world, and the response.

mod guest_call;
mod lambda;
mod wasi_http;
#[cfg(feature = "full")]
mod wasi_http_3;

use std::sync::Arc;

use self::guest_call::Call;
use crate::bindings::Context;
use crate::exports::Export;
use crate::function::Function;
use crate::instance::Instance;
use crate::invocation::Invocation;
use crate::outbound::Client;
use crate::responder::Responder;
use crate::runtime_api::RuntimeApiError;
use crate::timeline::Timeline;

/// Handles one invocation until it has ended, and answers it. Returns the instance that served it.
///
/// The instance is the given one if it may serve the invocation, and otherwise a new one.
///
/// # Errors
///
/// Returns an error if the process has to end.
pub(crate) async fn invoke(
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
        instance.bind(invocation, timeline.stop)?;
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
    respond(&call, &mut instance).await?;
    Ok(Some(instance))
}

/// Calls the export of the component's world, and sends the response.
async fn respond(call: &Call<'_>, instance: &mut Instance) -> Result<(), RuntimeApiError> {
    let Instance { store, export, .. } = instance;
    // A boxed future keeps its state off the stack of workers that never need it.
    let response = match export {
        Export::Handler(export) => call.handler(store, export).await,
        Export::Api(export) => call.api(store, export).await,
        Export::Streaming(export) => return Box::pin(call.streaming(store, export)).await,
        Export::HttpProxy(export) => return Box::pin(call.http_proxy(store, export)).await,
        #[cfg(feature = "full")]
        Export::HttpService(export) => {
            return Box::pin(call.http_service(store, export)).await;
        }
    };
    store.data().output.finish();
    match response {
        Ok(body) => call.responder.respond("application/json", &body),
        Err(failure) => call.responder.report(&failure),
    }
}
