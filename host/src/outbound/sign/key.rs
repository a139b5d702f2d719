//! The parameters of all signatures of one request.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;
use super::service::Service;

/// Signs the head of one request, and the chunks of its body.
#[derive(Debug, Clone)]
pub(super) struct SigningKey {
    pub service: Service,
    pub credentials: Credentials,
    pub time: SystemTime,
    /// The memory for bodies and chunks that are held to be signed.
    pub room: Arc<Semaphore>,
}

/// Reserves memory for this many bytes in `room`, if it is available.
pub(super) fn reserve(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let bytes = u32::try_from(bytes).ok()?;
    Arc::clone(room).try_acquire_many_owned(bytes).ok()
}

impl SigningKey {
    /// Reserves memory for this many bytes, if it is available.
    pub(super) fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        reserve(&self.room, bytes)
    }

    /// Calls `work` with the parameters of the signing library.
    pub(super) fn with<S: Default, T, E: std::error::Error>(
        &self,
        settings: S,
        work: impl FnOnce(v4::SigningParams<'_, S>) -> Result<T, E>,
    ) -> Result<T, Refusal> {
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.service.region)
            .name(&self.service.name)
            .time(self.time)
            .settings(settings)
            .build()
            .map_err(|error| Refusal::Invalid(error.to_string()))?;
        work(params).map_err(|error| Refusal::Invalid(error.to_string()))
    }
}
