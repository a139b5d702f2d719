//! All functions, each with its own execution environment.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use lambda_wasm_emulator::{Function, Functions, Invocation, Outcome};
use tokio::task::JoinSet;

use super::environment::Environment;

/// The execution environments. Their processes are killed when this is dropped.
#[derive(Default)]
pub(super) struct Fleet(RwLock<Vec<Arc<Environment>>>);

impl Fleet {
    /// Adds an environment for a function of a folder; it is not started yet.
    pub fn add(&self, function: Function, dist: &Path) {
        let environment = Arc::new(Environment::new(function, dist.to_owned()));
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.push(environment);
    }

    /// Starts all at once that do not run the present files, and returns when each is ready or has
    /// said why it is not.
    pub async fn start(&self) {
        let mut starts = JoinSet::new();
        for environment in self.all() {
            starts.spawn(async move { environment.start().await });
        }
        starts.join_all().await;
    }

    fn all(&self) -> Vec<Arc<Environment>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

impl Functions for Fleet {
    async fn invoke(&self, function: &str, invocation: Invocation) -> Outcome {
        let mut all = self.all().into_iter();
        match all.find(|environment| environment.name() == function) {
            Some(environment) => environment.invoke(invocation).await,
            None => Outcome::Lost(format!("there is no function {function}")),
        }
    }

    fn malformed(&self, function: &str, why: &str) {
        eprintln!("{function}: the answer is no HTTP response: {why}");
    }
}
