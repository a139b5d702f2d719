//! The sandbox of one instance: its store, and all that it is given. Nothing else gives a guest anything.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::invocation;
use crate::deadline::TimedOut;
use crate::guest_output::GuestOutput;
use crate::http::outbound::Outbound;
use crate::invocation::{Invocation, header};
use crate::log::{Log, Stream};

/// The variable that AWS's SDKs and tracers read the X-Ray header from.
const TRACE_VARIABLE: &str = "_X_AMZN_TRACE_ID";

/// How many handles (streams, descriptors, timers) one instance may hold.
const MAX_HANDLES: usize = 10_000;

/// How many random bytes one call gives, which the host holds meanwhile.
const MAX_RANDOM: u64 = 1024 * 1024;

/// What every sandbox of a function is made from.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The environment that the guest sees.
    pub env: Vec<(String, String)>,
    /// How much memory its linear memories may have together, in bytes.
    pub memory: usize,
    /// Where its output goes.
    pub log: Log,
}

/// The data of a store: what the host functions that a guest calls work on.
pub struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    table: ResourceTable,
    /// What the guest may use, and was denied.
    pub memory: MemoryLimit,
    /// Where its output goes.
    pub output: GuestOutput,
    /// Until when it may run.
    pub deadline: Instant,
    /// The interface that it last called: where it waits, if it waits.
    pub last_import: &'static str,
    invocation: Option<Arc<Invocation>>,
}

impl State {
    /// The state of an instance that is to be made, and may run until `deadline` for that.
    ///
    /// Has to be called inside a tokio runtime: wasmtime-wasi would start one of its own.
    #[must_use]
    pub fn new(grants: &Grants, deadline: Instant) -> Self {
        let output = GuestOutput::new(grants.log);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            wasi: wasi(grants, &output, None),
            http: WasiHttpCtx::new(),
            outbound: Outbound,
            table,
            memory: MemoryLimit {
                limit: grants.memory,
                used: 0,
                denied: None,
            },
            output,
            deadline,
            last_import: "",
            invocation: None,
        }
    }

    /// Gives the instance its invocation. Its WASI context is a new one, so that it holds nothing from before.
    pub fn bind(&mut self, grants: &Grants, invocation: Arc<Invocation>, deadline: Instant) {
        self.wasi = wasi(grants, &self.output, invocation.header(header::TRACE_ID));
        self.output.bind(&invocation.id);
        self.deadline = deadline;
        self.last_import = "";
        self.invocation = Some(invocation);
    }
}

/// A store for `state`, in which guests stop at the state's deadline once the engine's epoch moves.
#[must_use]
pub fn store(engine: &wasmtime::Engine, state: State) -> Store<State> {
    let handed_over = state.memory.handed_over();
    let mut store = Store::new(engine, state);
    store.set_hostcall_fuel(handed_over);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        if Instant::now() >= store.data().deadline {
            return Err(wasmtime::Error::new(TimedOut));
        }
        // The epoch moves for other workers' deadlines too.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

fn wasi(grants: &Grants, output: &GuestOutput, trace_id: Option<&str>) -> WasiCtx {
    let mut wasi = WasiCtx::builder();
    wasi.envs(&grants.env)
        .stdout(output.stream(Stream::Stdout))
        .stderr(output.stream(Stream::Stderr))
        // Sockets can be imported and not be used.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM);
    if let Some(trace_id) = trace_id {
        wasi.env(TRACE_VARIABLE, trace_id);
    }
    wasi.build()
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

/// How much memory an instance may have, all of its linear memories and tables together.
#[derive(Debug)]
pub struct MemoryLimit {
    limit: usize,
    used: usize,
    denied: Option<usize>,
}

impl MemoryLimit {
    /// How much a guest may hand to the host in one call or answer, in bytes. The host holds it beside the guest's own
    /// memory, and Lambda's largest answer has 6 MiB.
    #[must_use]
    pub fn handed_over(&self) -> usize {
        const MIB: usize = 1024 * 1024;
        (self.limit / 2).clamp(16 * MIB, 32 * MIB)
    }

    /// The limit in bytes, and what it would have been grown to, if growing was ever denied. A guest usually traps then,
    /// and the trap alone does not say why.
    #[must_use]
    pub fn denied(&self) -> Option<(usize, usize)> {
        Some((self.limit, self.denied?))
    }

    /// Takes this many bytes more, if there are as many.
    fn take(&mut self, bytes: usize) -> bool {
        let total = self.used.saturating_add(bytes);
        if total > self.limit {
            self.denied = Some(total);
            return false;
        }
        self.used = total;
        true
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let may = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(may && self.take(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        let _ = error;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        const MAX_ELEMENTS: usize = 1_000_000;
        /// What wasmtime keeps of an element: a pointer.
        const ELEMENT: usize = size_of::<usize>();
        let may = desired <= MAX_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum);
        let more = desired.saturating_sub(current).saturating_mul(ELEMENT);
        Ok(may && self.take(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed_and_denials_remembered() {
        let mut memory = MemoryLimit {
            limit: 100,
            used: 0,
            denied: None,
        };
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert_eq!(memory.denied(), None);
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert_eq!(memory.denied(), Some((100, 101)));
    }

    #[test]
    fn tables_are_memory_too() {
        let mut memory = MemoryLimit {
            limit: 100,
            used: 0,
            denied: None,
        };
        assert!(memory.table_growing(0, 10, None).unwrap());
        assert!(!memory.table_growing(0, 10, Some(5)).unwrap());
        assert_eq!(memory.denied(), None);
        assert!(!memory.memory_growing(0, 21, None).unwrap());
        assert!(!memory.table_growing(10, 13, None).unwrap());
        assert!(memory.table_growing(0, 2, None).unwrap());
    }
}
