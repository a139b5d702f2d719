//! All functions of a template, each with its own execution environment.

use std::path::Path;
use std::sync::Arc;

use lambda_wasm_emulator::{Functions, Invocation, Outcome, Template};
use tokio::task::JoinSet;

use super::environment::Environment;
use super::watch::Changes;

/// The execution environments. Their processes are killed when this is dropped.
pub(super) struct Fleet(Vec<Arc<Environment>>);

impl Fleet {
    /// One environment for each function; none is started yet.
    pub fn new(template: &Template, dist: &Path) -> Self {
        let functions = template.functions.iter();
        Self(
            functions
                .map(|function| Arc::new(Environment::new(function.clone(), dist.to_owned())))
                .collect(),
        )
    }

    /// Starts all at once and returns when each is ready or has said why it is not.
    pub async fn start(&self) {
        let mut all = JoinSet::new();
        for environment in &self.0 {
            let environment = environment.clone();
            all.spawn(async move { environment.start().await });
        }
        all.join_all().await;
    }

    /// Restarts what has changed, as long as there are changes.
    pub async fn follow(&self, mut changes: Changes) {
        while changes.next().await {
            self.start().await;
        }
    }
}

impl Functions for Fleet {
    async fn invoke(&self, function: &str, invocation: Invocation) -> Outcome {
        let environment = self.0.iter().find(|it| it.name() == function);
        match environment {
            Some(environment) => environment.invoke(invocation).await,
            None => Outcome::Lost(format!("there is no function {function}")),
        }
    }

    fn malformed(&self, function: &str, why: &str) {
        eprintln!("{function}: the answer is no HTTP response: {why}");
    }
}
