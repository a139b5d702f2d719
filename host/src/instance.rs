//! One instance of a function's component: its creation, its use, and the end of a call into it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_wasm_lifecycle::Watchdog;
use wasmtime::{Store, component};

use crate::crash::CallError;
use crate::exports::{self, Export};
use crate::failure::Failure;
use crate::function::Function;
use crate::guest_output::{GuestOutput, TooMuchOutput};
use crate::invocation::Invocation;
use crate::observer::InstanceMade;
use crate::outbound::Client;
use crate::sandbox::{self, HostState};
use crate::timeline::Timeline;

/// An instance and its store. It serves one invocation, or several if the policy says `reuse`.
pub(crate) struct Instance {
    created: Instant,
    /// How many invocations it has served.
    invocations: usize,
    pub(crate) store: Store<HostState>,
    pub(crate) export: Export,
    #[cfg(feature = "compiler")]
    pub(crate) component: component::Instance,
}

impl Instance {
    /// Creates an instance before its invocation is known. Its start code runs no longer than Lambda lets a start take, and
    /// not beyond `until`. `client` sends its requests.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the start code fails.
    pub(crate) async fn create_ahead(
        function: &Function,
        client: &Client,
        until: Option<Instant>,
    ) -> Result<Self, Failure> {
        let stop = Instant::now() + function.init_limit;
        let stop = until.map_or(stop, |until| until.min(stop));
        Self::create(function, client, stop).await
    }

    /// Creates an instance, whose start code is stopped at `stop`. `client` sends its requests.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the start code fails.
    pub(crate) async fn create(
        function: &Function,
        client: &Client,
        stop: Instant,
    ) -> Result<Self, Failure> {
        let created = Instant::now();
        let state = HostState::new(&function.sandbox, client.clone(), stop)?;
        let mut store = sandbox::store(&function.engine, state);
        let begun = {
            let output = store.data().output.clone();
            let begin = begin(function, &mut store);
            run_until(&function.watchdog, stop, &output, begin).await
        };
        store.data().output.finish();
        let instance = begun.map_err(|error| {
            let mut failure = error.into_failure(&mut store, created);
            failure.error_message =
                format!("the component did not start: {}", failure.error_message);
            failure
        })??;
        let export = function.export.load(&mut store, &instance);
        let export = export.map_err(|why| function.unsupported(&why))?;
        store.data_mut().memory.suspend();
        let instance = Self {
            created,
            invocations: 0,
            store,
            export,
            #[cfg(feature = "compiler")]
            component: instance,
        };
        let event = InstanceMade {
            since: created,
            memory: instance.memory(),
        };
        let observers = &function.observers;
        observers.each(|observer| observer.instance_made(&event));
        Ok(instance)
    }

    /// Returns the size of the instance's memories and tables, in bytes.
    #[must_use]
    pub(crate) fn memory(&self) -> usize {
        let (used, _) = self.store.data().memory.usage();
        used
    }

    /// Returns whether the instance may serve its next invocation. Every instance may serve a first one.
    #[must_use]
    pub(crate) fn may_serve(&self, function: &Function) -> bool {
        let reuse = function.policy().reuse;
        self.invocations == 0
            || reuse.is_some_and(|reuse| reuse.allows(self.invocations, self.created.elapsed()))
    }

    /// Gives the instance its next invocation, which is stopped at `stop`.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if a directory that is granted cannot be opened.
    pub(crate) fn bind(
        &mut self,
        invocation: &Arc<Invocation>,
        stop: Instant,
    ) -> Result<(), Failure> {
        let state = self.store.data_mut();
        state.bind(Arc::clone(invocation), stop)?;
        self.invocations += 1;
        Ok(())
    }

    /// Returns about how long it takes to drop the instance: the kernel takes its memory back page by page.
    #[must_use]
    pub(crate) fn drop_takes(&self, function: &Function) -> Duration {
        /// Measured with instances of 96 MiB: 130 us, and a reserve.
        const CPU_TIME_PER_MIB: Duration = Duration::from_micros(200);
        let mib = u32::try_from(self.memory() / (1024 * 1024)).unwrap_or(u32::MAX);
        function.wall_time(CPU_TIME_PER_MIB.saturating_mul(mib))
    }
}

/// Instantiates the component, and has it prepare itself if it exports `init`. The inner failure is the function's own.
async fn begin(
    function: &Function,
    store: &mut Store<HostState>,
) -> wasmtime::Result<Result<component::Instance, Failure>> {
    let instance = function.component.instantiate_async(&mut *store).await?;
    if let Some(init) = &function.init {
        let init = match exports::load_init(init, store, &instance) {
            Ok(init) => init,
            Err(why) => return Ok(Err(function.unsupported(&why))),
        };
        if let Err(failure) = init.call_init(store).await? {
            return Ok(Err(failure.into()));
        }
    }
    Ok(Ok(instance))
}

/// Runs a call into a guest until `stop`, or until the guest has written more than `output` allows.
///
/// The watchdog interrupts a guest that computes. A guest that waits in the host is given up shortly after `stop`.
///
/// # Errors
///
/// Returns why the call did not return.
pub(crate) async fn run_until<T>(
    watchdog: &Watchdog,
    stop: Instant,
    output: &GuestOutput,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T, CallError> {
    let _watched = watchdog.watch(stop);
    let call = tokio::time::timeout_at(Timeline::give_up(stop).into(), call);
    tokio::select! {
        biased;
        returned = call => match returned {
            Ok(returned) => returned.map_err(CallError::Trapped),
            Err(_) => Err(CallError::TimedOut),
        },
        () = output.exceeded() => Err(CallError::Trapped(TooMuchOutput.into())),
    }
}
