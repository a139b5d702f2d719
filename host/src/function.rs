//! A function: a component that is loaded, and all that is the same for its instances.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lambda_wasm_lifecycle::Watchdog;
use lambda_wasm_memory::allocator;
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::artifact::signature::{TRUST, TrustedArtifact, TrustedKeys};
use crate::artifact::{self, ArtifactError, Trailer};
use crate::bindings::init;
use crate::config::{Config, Environment, FunctionMetadata};
use crate::exports::{self, ExportIndices};
use crate::failure::{ErrorType, Failure};
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::observer::Observers;
use crate::outbound::{Client, CredentialSource, OutboundConfig, Signer};
use crate::policy::{ONE_REQUEST, Policy, at_cpu_share};
use crate::sandbox::{HostState, SandboxConfig};
use crate::timeline::Timeline;
use crate::timings::Timings;
use crate::world::{self, IncompatibleComponent, World};
use crate::{engine, imports, outbound, variant};

/// A component that is ready to be instantiated. Workers share it, and it does not change.
pub struct Function {
    /// The component's file, for messages.
    file: PathBuf,
    environment: Environment,
    pub(crate) engine: Engine,
    pub(crate) component: InstancePre<HostState>,
    pub(crate) export: ExportIndices,
    pub(crate) init: Option<init::GuestIndices>,
    pub(crate) sandbox: Arc<SandboxConfig>,
    pub(crate) metadata: FunctionMetadata,
    pub(crate) watchdog: Watchdog,
    pub(crate) observers: Observers,
    /// Sign the requests of all workers.
    pub(crate) credentials: Arc<CredentialSource>,
    /// How long Lambda lets a start take.
    pub(crate) init_limit: Duration,
}

impl Function {
    /// Loads the component that the configuration names.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the host cannot run the component.
    pub fn load(
        config: &Config,
        log: Log,
        observers: Observers,
        timings: &mut Timings,
    ) -> Result<Self, Failure> {
        let path = &config.component;
        let trailer = Trailer::read(path).map_err(unusable)?;
        let trusted = config.trust.as_deref();
        let trusted = trusted.map(|keys| open_trusted(keys, path, &trailer));
        let trusted = trusted.transpose()?;
        // The engine maps the file that was verified, whatever is at its path now.
        let source = trusted
            .as_ref()
            .map_or(path.as_path(), TrustedArtifact::path);
        if config.verify && trusted.is_none() {
            artifact::verify(path, &trailer).map_err(unusable)?;
        }
        let exports = trailer.exports.iter().map(String::as_str);
        let world =
            world::examine(trailer.needs(), exports).map_err(|why| unsupported(path, &why))?;
        timings.mark("trailer");

        let streams = matches!(world, World::StreamingFunction);
        let mut sandbox = SandboxConfig::from_config(config, log, streams)?;
        if trailer.one_request && sandbox.policy.reuse.take().is_some() {
            log.host(Level::Warn, None, ONE_REQUEST);
        }
        variant::check(&trailer, &sandbox.policy).map_err(|why| {
            let why = format!("{} cannot run here: {why}", path.display());
            Failure::new(ErrorType::UnsupportedComponent, why)
        })?;
        timings.mark("policy");

        let damaged = |error: wasmtime::Error| {
            Failure::new(
                ErrorType::ComponentDamaged,
                format!(
                    "{} cannot be loaded: {error:#}\nhint: compile the component again with the `lambda-wasm` of this bootstrap's version",
                    path.display()
                ),
            )
        };
        let coredump = sandbox.policy.coredump.is_some();
        let engine = engine::for_artifact(&trailer, source, coredump).map_err(damaged)?;
        timings.mark("engine");
        // A guest looks whether the host holds too much for it when the epoch moves.
        let interrupted = engine.clone();
        allocator::on_over_limit(move || interrupted.increment_epoch());
        let component = engine::load(&engine, source).map_err(damaged)?;
        timings.mark("file");
        let pre = imports::link(&engine, &component).map_err(|why| unsupported(path, &why))?;
        let has_other_type = |error| {
            let why = exports::check_types(world, &engine, &component).err();
            why.map_or_else(|| damaged(error), |why| unsupported(path, &why))
        };
        let export = ExportIndices::find(world, &pre).map_err(has_other_type)?;
        let has_init = trailer.exports.iter().any(|export| world::is_init(export));
        let has_init = has_init && !trailer.prepared;
        let init = has_init.then(|| init::GuestIndices::new(&pre));
        let init = init.transpose().map_err(has_other_type)?;
        timings.mark("linker");

        Ok(Self {
            file: path.clone(),
            environment: config.environment.clone(),
            watchdog: watchdog(engine.clone()),
            observers,
            credentials: Arc::new(CredentialSource::from_environment(&config.environment, log)),
            engine,
            component: pre,
            export,
            init,
            sandbox: Arc::new(sandbox),
            metadata: config.metadata.clone(),
            init_limit: config.init_limit,
        })
    }

    /// Returns the function's policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.sandbox.policy
    }

    /// Returns whether responses are streamed where the event source allows it.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        let stream = self.policy().stream;
        stream.unwrap_or(matches!(self.export, ExportIndices::Streaming(_)))
    }

    /// Returns whether the policy allows outgoing requests.
    #[must_use]
    pub fn allows_outbound_http(&self) -> bool {
        !self.policy().http.allow.is_empty()
    }

    /// Creates the client for the requests of one worker's instances. It reaches what the policy allows, and never the
    /// Runtime API.
    #[must_use]
    pub fn outbound_client(&self, runtime_api: Vec<SocketAddr>) -> Client {
        let policy = self.policy();
        let credentials = Arc::clone(&self.credentials);
        let mut guarded = runtime_api;
        guarded.extend(CredentialSource::addresses(&self.environment));
        let config = OutboundConfig {
            allow: policy.http.allow.clone(),
            forward_context: policy.http.forward_context.clone(),
            runtime_api: guarded,
            stand_in: self.sandbox.stand_ins.origins,
            ca_file: self.environment.ca_file(),
            signer: Signer::new(&policy.aws, &self.environment, credentials),
            policy: Policy::path(&self.file),
            proxy: Mutex::new(self.environment.proxy()),
            log: self.sandbox.log,
            observers: self.observers.clone(),
        };
        let requests = self.sandbox.share.requests;
        Client::new(Arc::new(config), self.watchdog.clone(), requests)
    }

    /// Returns the files, and the directories of files, that requests read when they are sent.
    pub(crate) fn files_of_requests(&self) -> Vec<PathBuf> {
        let certificates = self.environment.ca_file();
        certificates
            .into_iter()
            .chain(outbound::token_directory(&self.environment))
            .collect()
    }

    /// Returns how long work takes with the function's share of the CPU, if it takes `cpu_time` on a whole CPU.
    #[must_use]
    pub fn wall_time(&self, cpu_time: Duration) -> Duration {
        at_cpu_share(self.metadata.memory_mib, cpu_time)
    }

    /// Creates the timeline of an invocation that begins now.
    #[must_use]
    pub fn timeline(&self, invocation: &Invocation) -> Timeline {
        Timeline::new(Instant::now(), invocation.deadline.at, self.sandbox.margin)
    }

    /// Creates the failure of a component that the host does not support.
    pub(crate) fn unsupported(&self, why: &IncompatibleComponent) -> Failure {
        unsupported(&self.file, why)
    }
}

/// Creates the watchdog of the engine's guests.
fn watchdog(engine: Engine) -> Watchdog {
    Watchdog::new(move || engine.increment_epoch())
}

/// Opens the artifact at `path`, if one of the keys in the file `keys` has signed it.
fn open_trusted(keys: &Path, path: &Path, trailer: &Trailer) -> Result<TrustedArtifact, Failure> {
    let keys = TrustedKeys::read(keys).map_err(|why| {
        let message = format!("{TRUST} cannot be followed: {why}");
        Failure::new(ErrorType::InvalidConfiguration, message)
    })?;
    let trusted = keys.open(path).map_err(unusable)?;
    if Trailer::inspect(trusted.path()).is_ok_and(|verified| verified == *trailer) {
        return Ok(trusted);
    }
    let replaced = io::Error::other("it was replaced while it was read");
    Err(unusable(ArtifactError::Unreadable(
        path.to_owned(),
        replaced,
    )))
}

fn unusable(error: ArtifactError) -> Failure {
    Failure::new(error.error_type(), error.to_string())
}

fn unsupported(file: &Path, incompatible: &IncompatibleComponent) -> Failure {
    Failure::new(
        ErrorType::UnsupportedComponent,
        format!(
            "{} is not a function that this bootstrap can run: {incompatible}",
            file.display()
        ),
    )
}
