//! The sandbox of one instance: its store, and all that it is given. Nothing else gives a guest anything.

mod descriptors;
mod grants;
mod memory;
mod timers;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::invocation;
use crate::deadline::TimedOut;
use crate::failure::Failure;
use crate::guest_output::GuestOutput;
use crate::invocation::{Invocation, header};
use crate::log::Stream;
use crate::outbound::{Client, Outbound};
use crate::policy::Dumps;

pub use descriptors::{CONNECTIONS, OpenFiles, Opening, TooManyFiles};
pub use grants::Grants;
pub use memory::{HoldsTooMuch, MemoryLimit};
pub use timers::{Clock, Timers};

/// The variable that AWS's SDKs and tracers read the X-Ray header from.
const TRACE_VARIABLE: &str = "_X_AMZN_TRACE_ID";

/// The most random bytes that a guest gets in one call. The call cannot be interrupted, and makes them one at a time.
pub const MAX_RANDOM: usize = 1024 * 1024;

/// The data of a store: what the host functions that a guest calls work on.
pub struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    config: Arc<[(String, String)]>,
    table: ResourceTable,
    memory_is_by_policy: bool,
    /// Where its core dump goes, if it traps.
    pub dumps: Option<Dumps>,
    /// What the guest may use, and was denied.
    pub memory: MemoryLimit,
    /// The files that the guest has open.
    pub files: OpenFiles,
    /// Where its output goes.
    pub output: GuestOutput,
    /// Until when it may run.
    pub deadline: Instant,
    /// The interface that it last called: where it waits, if it waits.
    pub last_import: &'static str,
    /// The timers of WASI 0.3 that it waits for.
    pub timers: Timers,
    invocation: Option<Arc<Invocation>>,
}

impl State {
    /// The state of an instance that is to be made, and may run until `deadline` for that. `client` sends its requests.
    ///
    /// Has to be called inside a tokio runtime: wasmtime-wasi would start one of its own.
    ///
    /// # Errors
    ///
    /// If a folder that is granted cannot be opened.
    pub fn new(grants: &Grants, client: Client, deadline: Instant) -> Result<Self, Failure> {
        let limits = &grants.policy.limits;
        let output = GuestOutput::new(grants.log, grants.policy.log, limits.output);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Ok(Self {
            wasi: wasi(grants, &output, None)?,
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(client, output.clone()),
            config: Arc::clone(&grants.config),
            table,
            memory_is_by_policy: limits.memory.is_some(),
            dumps: grants.policy.coredump.clone(),
            memory: MemoryLimit::new(grants.memory, limits.tables, limits.instances),
            files: OpenFiles::new(grants.share.files),
            output,
            deadline,
            last_import: "",
            timers: Timers::default(),
            invocation: None,
        })
    }

    /// Gives the instance its invocation. Its WASI context is a new one, so that it holds nothing from before.
    ///
    /// # Errors
    ///
    /// If a folder that is granted cannot be opened.
    pub fn bind(
        &mut self,
        grants: &Grants,
        invocation: Arc<Invocation>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        // One that is kept has read its environment once and for all.
        let is_fresh = grants.policy.reuse.is_none();
        let trace_id = invocation.header(header::TRACE_ID).filter(|_| is_fresh);
        self.wasi = wasi(grants, &self.output, trace_id)?;
        self.memory.bind();
        self.output.bind(&invocation.id);
        self.outbound.bind();
        self.deadline = deadline;
        self.last_import = "";
        self.invocation = Some(invocation);
        Ok(())
    }

    /// The value of this key of `wasi:config`.
    pub fn config(&mut self, key: &str) -> Option<String> {
        self.last_import = "wasi:config/store";
        let pair = self.config.iter().find(|(known, _)| known == key);
        pair.map(|(_, value)| value.clone())
    }

    /// The keys and values of `wasi:config`.
    pub fn all_config(&mut self) -> Vec<(String, String)> {
        self.last_import = "wasi:config/store";
        self.config.to_vec()
    }

    /// The id of its invocation; before that, one of the start of this process.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.invocation {
            Some(invocation) => invocation.id.clone(),
            None => format!("start-{}", std::process::id()),
        }
    }

    /// Whether its memory has the limit that its policy says, and not the one of the function's size.
    #[must_use]
    pub fn memory_is_by_policy(&self) -> bool {
        self.memory_is_by_policy
    }

    /// How many handles it may have.
    #[must_use]
    pub fn handles(&self) -> usize {
        self.table.max_capacity()
    }
}

/// A store for `state`, in which guests stop at the state's deadline once the engine's epoch moves.
#[must_use]
pub fn store(engine: &wasmtime::Engine, state: State) -> Store<State> {
    let handed_over = state.memory.handed_over();
    let handles = state.handles();
    let mut store = Store::new(engine, state);
    store.set_hostcall_fuel(handed_over);
    store.set_max_component_handles(handles);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        if Instant::now() >= store.data().deadline {
            return Err(wasmtime::Error::new(TimedOut));
        }
        store.data().memory.check_held()?;
        // The epoch moves for other workers too.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

fn wasi(grants: &Grants, output: &GuestOutput, trace_id: Option<&str>) -> Result<WasiCtx, Failure> {
    let mut wasi = WasiCtx::builder();
    wasi.envs(&grants.env)
        // A worker runs one guest at a time, so blocking its thread delays no other guest. The supervisor treats a file that
        // never responds like any call into the host that does not return.
        .allow_blocking_current_thread(true)
        .stdout(output.stream(Stream::Stdout))
        .stderr(output.stream(Stream::Stderr))
        // Sockets can be imported and not be used.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM as u64);
    if let Some(trace_id) = trace_id {
        wasi.env(TRACE_VARIABLE, trace_id);
    }
    for folder in &grants.folders {
        let perms = match folder.is_writable {
            true => FsPerms::ReadWrite,
            false => FsPerms::ReadOnly,
        };
        wasi.preopened_dir(&folder.host, &folder.guest, perms)
            .map_err(|error| {
                Failure::new(
                    "Runtime.FolderUnavailable",
                    format!(
                        "{}, which the policy grants, cannot be opened: {error}",
                        folder.guest
                    ),
                )
            })?;
    }
    Ok(wasi.build())
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

impl crate::bindings::types::Host for State {}

impl invocation::Host for State {
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
