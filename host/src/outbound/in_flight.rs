//! Requests that have not ended.

use lambda_wasm_lifecycle::Yielding;
use tokio::sync::OwnedSemaphorePermit;

use super::observed::ObservedRequest;

/// A request that has not ended. While there is such a request, guests that compute yield now and then, so that its bytes can
/// move.
pub struct InFlight {
    _permit: OwnedSemaphorePermit,
    _yielding: Yielding,
    /// The request, as the observers see it.
    pub observed: ObservedRequest,
}

impl InFlight {
    /// Creates a request in flight, which holds a permit for that.
    #[must_use]
    pub fn new(
        permit: OwnedSemaphorePermit,
        yielding: Yielding,
        observed: ObservedRequest,
    ) -> Self {
        Self {
            _permit: permit,
            _yielding: yielding,
            observed,
        }
    }
}
