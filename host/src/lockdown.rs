//! The second wall, with `lockdown = true` in the policy: after the start, the kernel refuses the process all that it does not need.
//!
//! The first wall is wasmtime's sandbox. If a guest finds a hole in it and runs machine code of its own, that code is in this
//! process, and can do what the process can do. With the second wall, that is little: no file is opened but those that the
//! policy names, no program is executed, no process is created, no memory becomes executable, and without `[http]` the process
//! creates no socket.

pub mod connector;
mod landlock;
mod search;
mod seccomp;

use std::sync::Barrier;

use ::landlock::{RulesetCreated, RulesetStatus};
use lambda_wasm_lifecycle::Shutdown;
use seccompiler::BpfProgram;

use self::connector::Connector;
use crate::function::Function;
use crate::runtime_api::Endpoint;

/// The wall around the threads of a process. It is closed when all of them are there.
pub(crate) struct Wall {
    prepared: Result<Prepared, String>,
    threads: Barrier,
}

struct Prepared {
    program: BpfProgram,
    /// The rules of the workers, where the kernel has Landlock.
    rules: Option<RulesetCreated>,
}

impl Wall {
    /// Prepares the wall around so many workers of a function. Has to be called on the main thread before there are others. What
    /// they need files for is opened. From now on, connections to `endpoint` are made by another process, unless the function may
    /// connect to others itself.
    pub(crate) fn around(function: &Function, endpoint: &Endpoint, workers: usize) -> Self {
        lambda_wasm_memory::open_pagemap();
        Self {
            prepared: Prepared::new(function, endpoint),
            threads: Barrier::new(workers),
        }
    }

    /// Waits until all workers are here. Then the kernel refuses all threads of the process what they do not need, for good. If
    /// it cannot do that, the process ends.
    pub(crate) fn close(&self, shutdown: &Shutdown) {
        let prepared = || self.prepared.as_ref().map_err(Clone::clone);
        let mut closed = prepared().and_then(Prepared::restrict_thread);
        if self.threads.wait().is_leader() {
            closed = closed.and_then(|()| prepared()?.restrict_process());
        }
        if let Err(error) = closed {
            shutdown.request_and_log(&format!(
                "the policy has `lockdown = true`, and the process cannot be restricted: {error}"
            ));
        }
        // Nobody asks for an event before that.
        self.threads.wait();
    }
}

impl Prepared {
    /// Also restricts this thread, and all that it starts, to the files that any of them needs.
    fn new(function: &Function, endpoint: &Endpoint) -> Result<Self, String> {
        if function.policy().http.allow.is_empty() {
            let connector = Connector::start(&endpoint.addresses).map_err(|error| {
                format!("the process that connects to the Runtime API does not start: {error}")
            })?;
            endpoint.connect_by(connector);
        }
        let program = seccomp::program(function.policy()).map_err(|error| error.to_string())?;
        let rules = landlock::rules(function).map_err(|error| error.to_string())?;
        let rules = match rules {
            Some(rules) => {
                rules
                    .all
                    .restrict_self()
                    .map_err(|error| error.to_string())?;
                Some(rules.workers)
            }
            None => None,
        };
        Ok(Self { program, rules })
    }

    /// Restricts this thread to the files that a worker needs.
    fn restrict_thread(&self) -> Result<(), String> {
        let Some(rules) = &self.rules else {
            return Ok(());
        };
        let rules = rules.try_clone().map_err(|error| error.to_string())?;
        let restricted = rules.restrict_self().map_err(|error| error.to_string())?;
        match restricted.ruleset {
            RulesetStatus::NotEnforced => Err("Landlock is not enforced".to_owned()),
            _ => Ok(()),
        }
    }

    /// Restricts all threads of the process to the system calls that they need.
    fn restrict_process(&self) -> Result<(), String> {
        seccompiler::apply_filter_all_threads(&self.program).map_err(|error| error.to_string())
    }
}
