//! `invoke --remote`: sends events to a function on AWS.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_config::retry::RetryConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::task::JoinSet;

use crate::deploy::connection::Connection;
use crate::deploy::failure::describe;

/// A function on AWS.
#[derive(Clone)]
pub(super) struct Remote {
    client: Client,
    name: String,
}

impl Remote {
    /// # Errors
    ///
    /// Returns an error if the region or the credentials are missing.
    pub async fn new(connection: &Connection, name: &str) -> Result<Self> {
        // An event is sent once, whatever happens: the function may have run.
        let config = connection.config().await?;
        let config = config.retry_config(RetryConfig::disabled());
        Ok(Self {
            client: Client::from_conf(config.build()),
            name: name.to_owned(),
        })
    }

    /// Sends an event, prints the end of the log on standard error, and returns the response.
    ///
    /// # Errors
    ///
    /// Returns an error if AWS refuses the request, or the invocation fails.
    pub async fn invoke(&self, event: &[u8]) -> Result<Vec<u8>> {
        let request = self.client.invoke().function_name(&self.name);
        let request = request.log_type(LogType::Tail).payload(Blob::new(event));
        let response = request.send().await;
        let response = response.map_err(|error| describe("Invoke", error))?;
        if let Some(log) = response.log_result() {
            let log = STANDARD
                .decode(log)
                .context("the log of the answer is not Base64")?;
            // Nobody may listen.
            let _ = std::io::stderr().write_all(&log);
        }
        let payload = response.payload.map(Blob::into_inner).unwrap_or_default();
        if response.function_error.is_some() {
            bail!(
                "the invocation failed: {}",
                String::from_utf8_lossy(&payload)
            );
        }
        Ok(payload)
    }

    /// Sends an event many times, so many at a time, and returns the duration of each invocation.
    ///
    /// # Errors
    ///
    /// As [`invoke`](Self::invoke).
    pub async fn many(
        &self,
        event: Vec<u8>,
        repeat: u32,
        concurrency: u32,
    ) -> Result<Vec<Duration>> {
        let left = Arc::new(AtomicU32::new(repeat));
        let event = Arc::new(event);
        let mut callers = JoinSet::new();
        for _ in 0..concurrency.min(repeat) {
            let (remote, left, event) = (self.clone(), left.clone(), event.clone());
            callers.spawn(async move {
                let mut durations = Vec::new();
                let take = |left: u32| left.checked_sub(1);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_ok()
                {
                    let begun = Instant::now();
                    remote.invoke(&event).await?;
                    durations.push(begun.elapsed());
                }
                anyhow::Ok(durations)
            });
        }
        let mut all = Vec::new();
        while let Some(ended) = callers.join_next().await {
            all.extend(ended.context("a caller ended")??);
        }
        Ok(all)
    }
}
