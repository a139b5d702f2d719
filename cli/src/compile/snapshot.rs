//! Takes a snapshot of a component that has started, prepared itself, and perhaps served an event: a component whose
//! instances start from the memory and the globals that it left.

use std::fs;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, anyhow, bail};
use lambda_wasm_emulator::runtime_api::{Invocation, Outcome, RuntimeApi};
use lambda_wasm_host::config::Environment;
use lambda_wasm_host::failure::Failure;
use lambda_wasm_host::log::{Format, Level, Log};
use lambda_wasm_host::rehearsal::Rehearsal;
use wasmtime::component::Lift;
use wasmtime_wizer::{ComponentInstanceState, Wizer};

/// The name of the function while it is compiled.
const NAME: &str = "function";

/// The memory size of the function while it is compiled, in MB: as much as a component can use.
const MEMORY: &str = "4608";

/// Takes a snapshot of `component`, after it has served `event` if there is one. `compile` makes an artifact for this machine.
///
/// # Errors
///
/// Returns an error if the component cannot be read back, if it fails, or if it has something that another instance would
/// not have.
pub fn take(
    component: &[u8],
    event: Option<Vec<u8>>,
    keep: &[String],
    compile: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    if !cfg!(target_os = "linux") {
        bail!(
            "--preinit and --warm run the component, which needs Linux\nhint: compile it in a container or a virtual machine"
        );
    }
    let impossible = |error: wasmtime::Error| {
        anyhow!(
            "no snapshot of it can be taken: {error:#}\nhint: compile it without --preinit and --warm"
        )
    };
    let mut wizer = Wizer::new();
    // Nothing is called but by us, and no export is taken away.
    wizer.keep_init_func(true);
    let (context, readable) = wizer.instrument_component(component).map_err(impossible)?;
    let mut rehearsal = rehearse(&compile(&readable)?, event)?;
    check(&mut rehearsal, keep)?;
    let mut reader = Reader {
        rehearsal,
        error: None,
    };
    let taken = {
        let mut taken = pin!(wizer.snapshot_component(&context, &mut reader));
        taken.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    // It waits for the reader alone, which is done when it returns.
    let Poll::Ready(snapshot) = taken else {
        bail!("no snapshot of it can be taken: its memory could not be read");
    };
    match reader.error {
        Some(error) => Err(impossible(error)),
        None => snapshot.map_err(impossible),
    }
}

/// Runs the component as `bootstrap` would, without a policy.
fn rehearse(artifact: &[u8], event: Option<Vec<u8>>) -> Result<Rehearsal> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join(NAME).with_extension("cwasm"), artifact)?;
    let api = RuntimeApi::start("127.0.0.1:0")?;
    let variables = [
        ("_HANDLER", NAME.to_owned()),
        ("LAMBDA_TASK_ROOT", folder.path().display().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", NAME.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY.to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", api.address().to_string()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let environment: Environment = variables.into_iter().collect();
    let failed = |failure: Failure| anyhow!("it fails while it is compiled: {failure}");
    let config = environment.config().map_err(failed)?;
    let endpoint = environment.endpoint().map_err(failed)?;
    let log = Log::new((Format::Text, Level::Fatal)).on_stderr();
    let Some(event) = event else {
        return Rehearsal::run(&config, log, None).map_err(failed);
    };
    let pending = api.submit(Invocation::new(event));
    let rehearsal = Rehearsal::run(&config, log, Some(endpoint)).map_err(failed)?;
    match pending.wait() {
        Outcome::Response(_) | Outcome::Streamed(_) => Ok(rehearsal),
        Outcome::Error(post) => bail!("it fails with the event of --warm: {post}"),
        other => bail!("it does not answer the event of --warm: {other:?}"),
    }
}

/// Random bytes, which would be the same in all instances, and known to whoever has the artifact.
const SECRET: &str = "wasi:random/random";

/// Checks that the component has nothing that another instance would not have, but for what it got from the interfaces in
/// `keep`.
fn check(rehearsal: &mut Rehearsal, keep: &[String]) -> Result<()> {
    if keep.iter().any(|name| name == SECRET) {
        bail!(
            "--keep {SECRET}: all instances would have the same random bytes, which are in the artifact"
        );
    }
    let ties = rehearsal.ties();
    let ties: Vec<_> = ties
        .filter(|name| !keep.iter().any(|kept| kept == name))
        .collect();
    if ties.contains(&SECRET) {
        bail!(
            "no snapshot of it can be taken, since it called {SECRET}: all instances would have the same random bytes, which are in the artifact\nhint: compile it without --preinit and --warm, or have it ask for random bytes for each event"
        );
    }
    if !ties.is_empty() {
        let keep = ties.iter().map(|name| format!(" --keep {name}"));
        bail!(
            "no snapshot of it can be taken, since it called {}: what it got there can differ for each instance\nhint: have it call these for each event, or, if it reads them again or does not use them, add{}",
            ties.join(", "),
            keep.collect::<String>()
        );
    }
    if rehearsal.has_handles() {
        bail!(
            "no snapshot of it can be taken, since it has open handles (of streams, files, timers or requests), which an instance would not have\nhint: have it write no output, and drop what it opens"
        );
    }
    Ok(())
}

/// Reads the memory and the globals of the instance, by exports that wizer has added.
struct Reader {
    rehearsal: Rehearsal,
    /// The first failure. A memory that may not grow has no room for what reading it writes.
    error: Option<wasmtime::Error>,
}

impl Reader {
    fn number<R: Lift + Default + Send + Sync + 'static>(
        &mut self,
        interface: &str,
        function: &str,
    ) -> R {
        let read = self.rehearsal.read(interface, function);
        read.unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            R::default()
        })
    }
}

impl ComponentInstanceState for Reader {
    async fn call_func_ret_list_u8(
        &mut self,
        interface: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        match self.rehearsal.read_bytes(interface, function) {
            Ok(bytes) => contents(&bytes),
            Err(error) => {
                self.error.get_or_insert(error);
                contents(&[]);
            }
        }
    }

    async fn call_func_ret_s32(&mut self, interface: &str, function: &str) -> i32 {
        self.number(interface, function)
    }

    async fn call_func_ret_s64(&mut self, interface: &str, function: &str) -> i64 {
        self.number(interface, function)
    }

    async fn call_func_ret_f32(&mut self, interface: &str, function: &str) -> u32 {
        self.number::<f32>(interface, function).to_bits()
    }

    async fn call_func_ret_f64(&mut self, interface: &str, function: &str) -> u64 {
        self.number::<f64>(interface, function).to_bits()
    }
}
