//! The sandbox of one instance: its store, and all that the guest may use. Nothing else gives a guest anything.

mod config;
mod descriptors;
mod memory;
#[cfg(feature = "compiler")]
mod profiler;
mod timers;
mod wall_clock;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::invocation;
use crate::crash::TimedOut;
use crate::failure::{ErrorType, Failure};
use crate::guest_output::GuestOutput;
use crate::invocation::{Invocation, header};
use crate::log::Stream;
use crate::outbound::{Client, Outbound};
use crate::policy::{Dumps, Preopen};

pub(crate) use config::SandboxConfig;
pub(crate) use descriptors::{CONNECTIONS, OpenFiles, Opening, TooManyFiles};
pub(crate) use memory::{HoldsTooMuch, MemoryLimit};
#[cfg(feature = "compiler")]
pub(crate) use profiler::{INTERVAL as PROFILER_INTERVAL, Profiler};
pub(crate) use timers::{Clock, Timers};
use wall_clock::StoppedClock;

/// The variable that AWS's SDKs and tracers read the X-Ray header from.
const TRACE_VARIABLE: &str = "_X_AMZN_TRACE_ID";

/// The most random bytes that a guest gets in one call. The call cannot be interrupted, and makes them one at a time.
pub(crate) const MAX_RANDOM: usize = 1024 * 1024;

/// The data of a store, which the host functions work on.
pub struct HostState {
    config: Arc<SandboxConfig>,
    /// The context of WASI, once the guest has asked for it.
    wasi: Option<WasiCtx>,
    http: WasiHttpCtx,
    outbound: Outbound,
    table: ResourceTable,
    /// The directory for the core dump of a guest that traps.
    pub dumps: Option<Dumps>,
    /// The memory that the guest may use, and was denied.
    pub memory: MemoryLimit,
    /// The files that the guest has open.
    pub files: OpenFiles,
    /// The guest's stdout and stderr.
    pub output: GuestOutput,
    /// When the guest is stopped.
    pub stop: Instant,
    /// The interface that the guest called last, and waits in if it waits.
    pub last_import: &'static str,
    /// The interfaces that the guest has called, while it is compiled.
    #[cfg(feature = "compiler")]
    pub called: std::collections::BTreeSet<&'static str>,
    /// The timers of WASI 0.3 that the guest waits for.
    pub timers: Timers,
    invocation: Option<Arc<Invocation>>,
}

impl HostState {
    /// Creates the state of a new instance, whose start code is stopped at `stop`. `client` sends its requests.
    ///
    /// Has to be called inside a tokio runtime, or wasmtime-wasi starts its own.
    ///
    /// # Errors
    ///
    /// Returns an error if a directory that is granted cannot be opened.
    pub fn new(
        config: &Arc<SandboxConfig>,
        client: Client,
        stop: Instant,
    ) -> Result<Self, Failure> {
        let limits = &config.policy.limits;
        let output = GuestOutput::new(config.log, config.policy.log, limits.output);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut state = Self {
            config: Arc::clone(config),
            wasi: None,
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(client, output.clone()),
            table,
            dumps: config.policy.coredump.clone(),
            memory: MemoryLimit::new(config.memory, limits.tables, limits.instances),
            files: OpenFiles::new(config.share.files),
            output,
            stop,
            last_import: "",
            #[cfg(feature = "compiler")]
            called: std::collections::BTreeSet::new(),
            timers: Timers::default(),
            invocation: None,
        };
        state.renew_wasi()?;
        Ok(state)
    }

    /// Gives the instance an invocation, which is stopped at `stop`. The instance gets a new WASI context, which holds nothing
    /// of an earlier invocation.
    ///
    /// # Errors
    ///
    /// Returns an error if a directory that is granted cannot be opened.
    pub fn bind(&mut self, invocation: Arc<Invocation>, stop: Instant) -> Result<(), Failure> {
        self.memory.bind();
        self.output.bind(&invocation.id);
        self.outbound.bind(Arc::clone(&invocation));
        self.stop = stop;
        self.last_import = "";
        self.invocation = Some(invocation);
        self.renew_wasi()
    }

    /// Forgets the WASI context, and creates the next one if creating it can fail. Most functions ask for none.
    fn renew_wasi(&mut self) -> Result<(), Failure> {
        self.wasi = None;
        if !self.config.preopens.is_empty() {
            let invocation = self.invocation.as_deref();
            let mut wasi = wasi(&self.config, &self.output, invocation);
            open_directories(&mut wasi, &self.config.preopens)?;
            self.wasi = Some(wasi.build());
        }
        Ok(())
    }

    /// Notes that the guest calls this interface.
    pub fn begin_call(&mut self, interface: &'static str) {
        self.last_import = interface;
        #[cfg(feature = "compiler")]
        self.called.insert(interface);
    }

    /// Returns the handles of the guest.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Returns the value of a key of `wasi:config`.
    pub fn config(&mut self, key: &str) -> Option<String> {
        self.begin_call("wasi:config/store");
        let mut pairs = self.config.policy.config.iter();
        let pair = pairs.find(|(known, _)| known == key);
        pair.map(|(_, value)| value.clone())
    }

    /// Returns the keys and values of `wasi:config`.
    pub fn all_config(&mut self) -> Vec<(String, String)> {
        self.begin_call("wasi:config/store");
        self.config.policy.config.to_vec()
    }

    /// Returns the id of the invocation, or before the first one an id of this process's start.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.invocation {
            Some(invocation) => invocation.id.clone(),
            None => format!("start-{}", std::process::id()),
        }
    }

    /// Returns whether the policy limits the memory, and not the function's size.
    #[must_use]
    pub fn memory_is_by_policy(&self) -> bool {
        self.config.policy.limits.memory.is_some()
    }

    /// Returns how many handles the guest may have.
    #[must_use]
    pub fn handles(&self) -> usize {
        self.table.max_capacity()
    }
}

/// Creates a store. When the engine's epoch moves, its guest looks whether it has to stop.
#[must_use]
pub(crate) fn store(engine: &wasmtime::Engine, state: HostState) -> Store<HostState> {
    let handed_over = state.memory.handed_over();
    let handles = state.handles();
    let mut store = Store::new(engine, state);
    store.set_hostcall_fuel(handed_over);
    store.set_max_component_handles(handles);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    #[cfg(feature = "compiler")]
    if store.data().config.profiler.is_some() {
        store.call_hook(|store, hook| {
            if let Some(profiler) = &store.data().config.profiler
                && hook.exiting_host()
            {
                profiler.enter();
            }
            Ok(())
        });
    }
    store.epoch_deadline_callback(|store| {
        #[cfg(feature = "compiler")]
        if let Some(profiler) = &store.data().config.profiler {
            profiler.sample(&store);
        }
        if Instant::now() >= store.data().stop {
            return Err(wasmtime::Error::new(TimedOut));
        }
        store.data().memory.check_held()?;
        // The epoch moves for other workers too.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// The WASI context of an invocation, or of the start code before it, without directories.
fn wasi(
    config: &SandboxConfig,
    output: &GuestOutput,
    invocation: Option<&Invocation>,
) -> WasiCtxBuilder {
    let mut wasi = WasiCtx::builder();
    wasi.envs(&config.env)
        // A worker runs one guest at a time, so blocking its thread delays no other guest. The supervisor treats a file that
        // never responds like any call into the host that does not return.
        .allow_blocking_current_thread(true)
        .stdout(output.stream(Stream::Stdout))
        .stderr(output.stream(Stream::Stderr))
        .max_random_size(MAX_RANDOM as u64);
    if let Some(time) = config.stand_ins.time {
        wasi.wall_clock(StoppedClock(time));
    }
    // An instance that is kept has read its environment already.
    let is_fresh = config.policy.reuse.is_none();
    let trace_id = invocation.and_then(|invocation| invocation.header(header::TRACE_ID));
    if let Some(trace_id) = trace_id.filter(|_| is_fresh) {
        wasi.env(TRACE_VARIABLE, trace_id);
    }
    wasi
}

fn open_directories(wasi: &mut WasiCtxBuilder, preopens: &[Preopen]) -> Result<(), Failure> {
    for preopen in preopens {
        let perms = match preopen.is_writable {
            true => FsPerms::ReadWrite,
            false => FsPerms::ReadOnly,
        };
        wasi.preopened_dir(&preopen.host, &preopen.guest, perms)
            .map_err(|error| {
                Failure::new(
                    ErrorType::DirectoryUnavailable,
                    format!(
                        "{}, which the policy grants, cannot be opened: {error}",
                        preopen.guest
                    ),
                )
            })?;
    }
    Ok(())
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (config, output) = (&self.config, &self.output);
        let invocation = self.invocation.as_deref();
        let new = || wasi(config, output, invocation).build();
        WasiCtxView {
            ctx: self.wasi.get_or_insert_with(new),
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

impl crate::bindings::types::Host for HostState {}

impl invocation::Host for HostState {
    fn event(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(self
            .invocation
            .as_ref()
            .map(|invocation| invocation.event.clone())
            .unwrap_or_default())
    }

    fn header(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self
            .invocation
            .as_ref()
            .and_then(|invocation| Some(invocation.header(&name)?.to_owned())))
    }
}
