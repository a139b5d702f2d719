//! Runs a function in the process of a tool: while it is compiled, so that its instances can start from the memory that it leaves,
//! and to profile it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Lift, WasmList};

use crate::call::invoke;
use crate::config::Config;
use crate::failure::{ErrorType, Failure};
use crate::function::Function;
use crate::instance::Instance;
use crate::log::Log;
use crate::observer::Observers;
use crate::outbound::Client;
use crate::responder::Responder;
use crate::runtime_api::{Endpoint, RuntimeClient};
use crate::sandbox::{PROFILER_INTERVAL, Profiler};
use crate::timings::Timings;

/// How long the exports that read the memory may take.
const READING: Duration = Duration::from_secs(600);

/// The interfaces whose results another instance, machine or moment would not have. If a function keeps them, they are wrong
/// in an artifact, or are no secret any more.
const TIES: [&str; 11] = [
    "wasi:cli/environment",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/system-clock",
    "wasi:clocks/wall-clock",
    "wasi:config/runtime",
    "wasi:config/store",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// An instance that has prepared itself, and that has served an event if there was one.
pub struct Rehearsal {
    runtime: Runtime,
    instance: Instance,
}

/// A function that was loaded, with the runtime that its instances run in.
struct Stage {
    function: Function,
    runtime: Runtime,
    outbound: Client,
}

impl Stage {
    fn load(config: &Config, log: Log) -> Result<Self, Failure> {
        let mut timings = Timings::new(None, Instant::now());
        let function = Function::load(config, log, Observers::new(Vec::new()), &mut timings)?;
        let started = function.watchdog.start();
        started.map_err(|error| impossible(&error))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| impossible(&error))?,
            outbound: function.outbound_client(Vec::new()),
            function,
        })
    }

    fn create(&self) -> Result<Instance, Failure> {
        let created = Instance::create_ahead(&self.function, &self.outbound, None);
        self.runtime.block_on(created)
    }

    /// Has an instance serve the next event of a Runtime API.
    fn serve(
        &self,
        instance: Instance,
        client: &RuntimeClient,
        log: Log,
    ) -> Result<Option<Instance>, Failure> {
        let invocation = client.next().map_err(|error| impossible(&error))?;
        let invocation = invocation.ok_or_else(|| impossible(&"the process is to end"))?;
        let invocation = Arc::new(invocation);
        let observers = &self.function.observers;
        let responder = Responder::new(client, Arc::clone(&invocation), observers, log);
        let timeline = self.function.timeline(&invocation);
        let used = self.runtime.block_on(invoke(
            &self.function,
            Some(instance),
            &self.outbound,
            &invocation,
            &responder,
            timeline,
        ));
        used.map_err(|error| impossible(&error))
    }
}

fn impossible(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(ErrorType::NoResources, why.to_string())
}

/// Sets a flag when it is dropped.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Serves events of a Runtime API, each with an instance of its own, and samples the code that the instances run. Returns the
/// profile in the format of the [Firefox Profiler](https://profiler.firefox.com).
///
/// # Errors
///
/// Returns the failure if the function cannot be loaded, does not start, or cannot be asked. The Runtime API gets the failure of
/// an event.
pub fn profile(config: &Config, log: Log, api: Endpoint, events: u32) -> Result<Vec<u8>, Failure> {
    let mut stage = Stage::load(config, log)?;
    let component = stage.function.component.component();
    let profiler = Profiler::new(&stage.function.engine, component);
    let profiler = profiler.map_err(|error| impossible(&error))?;
    Arc::make_mut(&mut stage.function.sandbox).profiler = Some(profiler.clone());
    let has_ended = AtomicBool::new(false);
    let served = thread::scope(|scope| {
        // Also if serving panics: the scope waits for the thread.
        let _end = SetOnDrop(&has_ended);
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                thread::sleep(PROFILER_INTERVAL);
                profiler.tick();
                stage.function.engine.increment_epoch();
            }
        });
        let client = RuntimeClient::new(Arc::new(api), log, None);
        (0..events).try_for_each(|_| stage.serve(stage.create()?, &client, log).map(drop))
    });
    drop(stage);
    served?;
    profiler.finish().map_err(|error| impossible(&error))
}

impl Rehearsal {
    /// Creates an instance. With the address of a Runtime API, the instance serves the next event from there.
    ///
    /// # Errors
    ///
    /// Returns the failure if the function cannot be loaded, does not start, or cannot be asked. The Runtime API gets the
    /// failure of an event.
    pub fn run(config: &Config, log: Log, api: Option<Endpoint>) -> Result<Self, Failure> {
        let stage = Stage::load(config, log)?;
        let mut instance = stage.create()?;
        if let Some(endpoint) = api {
            let client = RuntimeClient::new(Arc::new(endpoint), log, None);
            let used = stage.serve(instance, &client, log)?;
            instance = used.ok_or_else(|| impossible(&"the instance is gone"))?;
        }
        instance.store.data_mut().stop = Instant::now() + READING;
        Ok(Self {
            runtime: stage.runtime,
            instance,
        })
    }

    /// The interfaces that the function called, and whose results must not be kept.
    pub fn ties(&self) -> impl Iterator<Item = &'static str> {
        let called = &self.instance.store.data().called;
        TIES.into_iter().filter(|name| called.contains(name))
    }

    /// Whether the function still has handles: of streams, files, timers or requests.
    #[must_use]
    pub fn has_handles(&mut self) -> bool {
        !self.instance.store.data_mut().table().is_empty()
    }

    /// Calls a function that the component exports in this interface, and returns the bytes that it returns.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such function, or if it fails.
    pub fn read_bytes(&mut self, interface: &str, function: &str) -> wasmtime::Result<Vec<u8>> {
        let list: WasmList<u8> = self.read(interface, function)?;
        Ok(list.as_le_slice(&self.instance.store).to_vec())
    }

    /// Calls a function that the component exports in this interface, and returns its result.
    ///
    /// # Errors
    ///
    /// As [`Self::read_bytes`].
    pub fn read<R: Lift + Send + Sync + 'static>(
        &mut self,
        interface: &str,
        function: &str,
    ) -> wasmtime::Result<R> {
        let Instance {
            store, component, ..
        } = &mut self.instance;
        let missing = || wasmtime::format_err!("the component exports no {interface}#{function}");
        let interface = component.get_export_index(&mut *store, None, interface);
        let interface = interface.ok_or_else(missing)?;
        let function = component.get_export_index(&mut *store, Some(&interface), function);
        let function = function.ok_or_else(missing)?;
        let function = component.get_typed_func::<(), (R,)>(&mut *store, function)?;
        let returned = function.call_async(&mut *store, ());
        Ok(self.runtime.block_on(returned)?.0)
    }
}
