//! A function: a component that is loaded, its instances, and their invocations.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmtime::component::InstancePre;
use wasmtime::{Engine, Store};

use crate::allocator;
use crate::artifact::{self, ArtifactError, Trailer};
use crate::bindings::{self, Context};
use crate::call::Call;
use crate::config::{Config, Environment, Facts};
use crate::crash::Stopped;
use crate::deadline::Watchdog;
use crate::exports::{self, Export, Exports};
use crate::failure::Failure;
use crate::guest_output::{GuestOutput, TooMuchOutput};
use crate::invocation::{Invocation, header};
use crate::log::{Level, Log};
use crate::outbound::{Access, Client, Signer};
use crate::policy::{ONE_REQUEST, Policy, at_cpu_share};
use crate::responder::Responder;
use crate::runtime_api::RuntimeApiError;
use crate::sandbox::{self, Grants, State};
use crate::timeline::Timeline;
use crate::timings::Timings;
use crate::world::{self, Misfits, World};
use crate::{engine, imports};

/// A component that is ready to be instantiated.
pub struct Function {
    /// The component's file, for messages.
    file: PathBuf,
    engine: Engine,
    component: InstancePre<State>,
    export: Export,
    pub(crate) grants: Grants,
    facts: Facts,
    pub(crate) watchdog: Watchdog,
    init_limit: Duration,
    environment: Environment,
}

/// An instance that waits for its invocation, and what it runs in.
pub struct Sandbox {
    made: Instant,
    /// How many invocations it has had.
    invocations: usize,
    pub(crate) store: Store<State>,
    pub(crate) exports: Exports,
}

impl Function {
    /// Loads the component that the configuration names.
    ///
    /// # Errors
    ///
    /// The failure to report if it cannot be run.
    pub fn load(config: &Config, log: Log, timings: &mut Timings) -> Result<Self, Failure> {
        let path = &config.component;
        let trailer = Trailer::read(path).map_err(unusable)?;
        if config.verify {
            artifact::verify(path, &trailer).map_err(unusable)?;
        }
        let exports = trailer.exports.iter().map(String::as_str);
        let world =
            world::examine(trailer.needs(), exports).map_err(|misfits| misfit(path, &misfits))?;
        timings.mark("trailer");

        let mut grants = Grants::read(config, log, matches!(world, World::StreamingFunction))?;
        if trailer.one_request && grants.policy.reuse.take().is_some() {
            log.host(Level::Warn, None, ONE_REQUEST);
        }
        timings.mark("policy");

        let damaged = |error: wasmtime::Error| {
            Failure::new(
                "Runtime.ComponentDamaged",
                format!(
                    "{} cannot be loaded: {error:#}. Compile the component again with the `lambda-wasm` of this bootstrap's version",
                    path.display()
                ),
            )
        };
        let engine =
            engine::for_artifact(&trailer, grants.policy.coredump.is_some()).map_err(damaged)?;
        timings.mark("engine");
        allocator::interrupt(&engine);
        let component = engine::load(&engine, path).map_err(damaged)?;
        timings.mark("file");
        let pre = imports::link(&engine, &component).map_err(|misfits| misfit(path, &misfits))?;
        let export = Export::find(world, &pre).map_err(|error| {
            let misfits = exports::check_types(world, &engine, &component).err();
            misfits.map_or_else(|| damaged(error), |misfits| misfit(path, &misfits))
        })?;
        timings.mark("linker");

        Ok(Self {
            file: path.clone(),
            watchdog: Watchdog::new(engine.clone()),
            engine,
            component: pre,
            export,
            grants,
            facts: config.facts.clone(),
            init_limit: config.init_limit,
            environment: config.environment.clone(),
        })
    }

    /// Whether answers may be streamed.
    #[must_use]
    pub fn streams(&self) -> bool {
        let stream = self.grants.policy.stream;
        stream.unwrap_or(matches!(self.export, Export::Streaming(_)))
    }

    /// Whether it may send requests.
    #[must_use]
    pub fn sends(&self) -> bool {
        !self.grants.policy.http.is_empty()
    }

    /// A client for the requests of one worker's instances, which reaches what the policy says and never the Runtime API.
    #[must_use]
    pub fn client(&self, runtime_api: Vec<SocketAddr>) -> Client {
        let access = Access {
            allow: self.grants.policy.http.clone(),
            forward_context: self.grants.policy.forward_context.clone(),
            runtime_api,
            ca_file: self.environment.ca_file(),
            signer: Signer::new(&self.grants.policy.aws, &self.environment),
            policy: Policy::path(&self.file),
            proxy: Mutex::new(self.environment.proxy()),
            log: self.grants.log,
        };
        Client::new(
            Arc::new(access),
            self.watchdog.clone(),
            self.grants.share.requests,
        )
    }

    /// Makes an instance; the guest's start code runs in it, until the time that is given or as long as Lambda gives a start.
    ///
    /// # Errors
    ///
    /// The failure to report if it does not start.
    pub async fn sandbox(
        &self,
        client: &Client,
        until: Option<Instant>,
    ) -> Result<Sandbox, Failure> {
        let deadline = Instant::now() + self.init_limit;
        let deadline = until.map_or(deadline, |until| until.min(deadline));
        self.sandbox_until(client, deadline).await
    }

    async fn sandbox_until(&self, client: &Client, deadline: Instant) -> Result<Sandbox, Failure> {
        let since = Instant::now();
        let state = State::new(&self.grants, client.clone(), deadline)?;
        let mut store = sandbox::store(&self.engine, state);
        let instance = {
            let output = store.data().output.clone();
            let instantiate = self.component.instantiate_async(&mut store);
            self.until(deadline, &output, instantiate).await
        };
        store.data().output.finish();
        match instance {
            Ok(instance) => {
                let exports = self.export.load(&mut store, &instance).map_err(|error| {
                    let mut misfits = Misfits::default();
                    misfits.push(format!("its export has another type than this version calls ({error:#}): build it with the WIT of this version"));
                    misfit(&self.file, &misfits)
                })?;
                store.data_mut().memory.rest();
                Ok(Sandbox {
                    made: since,
                    invocations: 0,
                    store,
                    exports,
                })
            }
            Err(stopped) => {
                let mut failure = stopped.failure(&mut store, since);
                failure.error_message =
                    format!("the component did not start: {}", failure.error_message);
                Err(failure)
            }
        }
    }

    /// Handles one invocation until its time is over, in a sandbox that was made ahead or kept, or else in one that is made now.
    /// Returns it, used.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub async fn invoke(
        &self,
        sandbox: Option<Sandbox>,
        client: &Client,
        invocation: &Arc<Invocation>,
        responder: &Responder<'_>,
        timeline: Timeline,
    ) -> Result<Option<Sandbox>, RuntimeApiError> {
        let made = match sandbox.filter(|sandbox| self.may_serve(sandbox)) {
            Some(sandbox) => Ok(sandbox),
            None => self.sandbox_until(client, timeline.stop).await,
        };
        let bound = made.and_then(|mut sandbox| {
            let state = sandbox.store.data_mut();
            state.bind(&self.grants, Arc::clone(invocation), timeline.stop)?;
            sandbox.invocations += 1;
            Ok(sandbox)
        });
        let mut sandbox = match bound {
            Ok(sandbox) => sandbox,
            Err(failure) => return responder.fail(&failure).map(|()| None),
        };
        responder.log_to(sandbox.store.data().output.clone());
        let call = Call {
            function: self,
            invocation,
            responder,
            timeline,
        };
        call.run(&mut sandbox).await?;
        Ok(Some(sandbox))
    }

    /// Whether an instance may have its next invocation: any may have one.
    #[must_use]
    pub fn may_serve(&self, sandbox: &Sandbox) -> bool {
        let reuse = self.grants.policy.reuse;
        sandbox.invocations == 0
            || reuse.is_some_and(|reuse| reuse.allows(sandbox.invocations, sandbox.made.elapsed()))
    }

    /// Returns how long it takes about to drop an instance: the kernel takes its memory back page by page.
    #[must_use]
    pub fn drop_takes(&self, sandbox: &Sandbox) -> Duration {
        /// Measured with instances of 96 MiB: 130 us, and a reserve.
        const CPU_TIME_PER_MIB: Duration = Duration::from_micros(200);
        let (used, _) = sandbox.store.data().memory.usage();
        let mib = u32::try_from(used / (1024 * 1024)).unwrap_or(u32::MAX);
        self.takes(CPU_TIME_PER_MIB.saturating_mul(mib))
    }

    /// Returns how long work takes, with the function's share of the CPU, that takes `cpu_time` on a whole one.
    #[must_use]
    pub fn takes(&self, cpu_time: Duration) -> Duration {
        at_cpu_share(self.facts.memory_mib, cpu_time)
    }

    /// Creates the moments of an invocation that begins now.
    #[must_use]
    pub fn timeline(&self, invocation: &Invocation) -> Timeline {
        Timeline::new(Instant::now(), invocation.deadline.at, self.grants.margin)
    }

    /// Waits for a call into the guest, until the deadline or until `output` is more than the guest may write. A guest that
    /// computes stops by itself at the deadline; a guest that waits in the host is left there.
    pub(crate) async fn until<T>(
        &self,
        deadline: Instant,
        output: &GuestOutput,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Stopped> {
        let _watched = self.watchdog.watch(deadline);
        let call = tokio::time::timeout_at(Timeline::give_up(deadline).into(), call);
        tokio::select! {
            biased;
            returned = call => match returned {
                Ok(returned) => returned.map_err(Stopped::By),
                Err(_) => Err(Stopped::Waiting),
            },
            () = output.exceeded() => Err(Stopped::By(TooMuchOutput.into())),
        }
    }

    pub(crate) fn context(&self, invocation: &Invocation) -> Context {
        let text = |name| invocation.header(name).map(str::to_owned);
        Context {
            request_id: invocation.id.clone(),
            invoked_function_arn: text(header::FUNCTION_ARN).unwrap_or_default(),
            function_name: self.facts.name.clone(),
            function_version: self.facts.version.clone(),
            memory_limit_mib: self.facts.memory_mib,
            deadline_ms: invocation.deadline.unix_ms,
            trace_id: text(header::TRACE_ID),
            log_group: self.facts.log_group.clone(),
            log_stream: self.facts.log_stream.clone(),
            client_context: text(header::CLIENT_CONTEXT),
            cognito_identity: text(header::COGNITO_IDENTITY),
            tenant_id: text(header::TENANT_ID),
        }
    }
}

impl From<bindings::Failure> for Failure {
    /// The guest's own failure, as it says.
    fn from(failure: bindings::Failure) -> Self {
        Self {
            stack_trace: failure.stack_trace,
            ..Self::new(failure.error_type, failure.error_message)
        }
    }
}

fn unusable(error: ArtifactError) -> Failure {
    Failure::new(error.error_type(), error.to_string())
}

fn misfit(file: &Path, misfits: &Misfits) -> Failure {
    Failure::new(
        "Runtime.UnsupportedComponent",
        format!(
            "{} is no function that this bootstrap can run: {misfits}",
            file.display()
        ),
    )
}
