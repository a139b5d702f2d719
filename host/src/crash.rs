//! The reasons why a call into a guest did not return, and the failures that report them.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use thiserror::Error;
use wasmtime::component::ResourceTableError;
use wasmtime::{ResourceLimiter as _, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::coredump;
use crate::engine::GUEST_STACK;
use crate::failure::{ErrorType, Failure};
use crate::frames;
use crate::guest_output::TooMuchOutput;
use crate::sandbox::{HoldsTooMuch, HostState, MAX_RANDOM, TooManyFiles};

/// The reason why a call into a guest did not return.
pub(crate) enum CallError {
    /// wasmtime ended the call: a trap, an exit, the epoch, or a host function's error.
    Trapped(wasmtime::Error),
    /// The guest waited in a host function when it had to stop.
    TimedOut,
}

/// The error that stops a guest which computes when it has to stop.
#[derive(Debug, Clone, Copy, Error)]
#[error("the deadline has come")]
pub(crate) struct TimedOut;

impl CallError {
    /// Returns the failure to report for a call that began at `since`. Writes a core dump if the policy asks for one.
    #[must_use]
    pub(crate) fn into_failure(self, store: &mut Store<HostState>, since: Instant) -> Failure {
        let ran = since.elapsed();
        let state = store.data();
        let Self::Trapped(error) = self else {
            return timeout(
                ran,
                &format!("it waited in {}", waited_in(state)),
                Vec::new(),
            );
        };
        let stack_trace = error
            .downcast_ref::<WasmBacktrace>()
            .map(frames::lines)
            .unwrap_or_default();
        if error.is::<TimedOut>() {
            return timeout(
                ran,
                "it computed, at the place in the stack trace",
                stack_trace,
            );
        }
        let Cause {
            error_type,
            mut message,
            hint,
        } = describe(&error, state);
        let last_words = match error_type {
            ErrorType::StackOverflow => String::new(),
            _ => last_words(state),
        };
        message.push_str(&last_words);
        let is_exit = error.is::<I32Exit>();
        if let Some(dump) = (!is_exit).then(|| coredump::write(store, &error)).flatten() {
            message = format!("{message}. {dump}");
        }
        if let Some(hint) = hint {
            message = format!("{message}\nhint: {hint}");
        }
        Failure {
            stack_trace,
            last_words,
            is_crash: true,
            ..Failure::new(error_type, message)
        }
    }
}

/// The reason why a call was stopped.
struct Cause {
    error_type: ErrorType,
    message: String,
    hint: Option<Cow<'static, str>>,
}

impl Cause {
    fn new(error_type: ErrorType, message: String) -> Self {
        Self {
            error_type,
            message,
            hint: None,
        }
    }

    fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

fn timeout(ran: Duration, place: &str, stack_trace: Vec<String>) -> Failure {
    let message = format!(
        "the function ran for {} ms and was stopped, shortly before Lambda would have ended the process: {place}\nhint: raise the function's Timeout if it needs longer",
        ran.as_millis()
    );
    Failure {
        stack_trace,
        is_crash: true,
        ..Failure::new(ErrorType::Timeout, message)
    }
}

/// Returns where the guest waits. A guest of WASI 0.3 can wait for several things, such as a call and a timer that limits it.
fn waited_in(state: &HostState) -> String {
    const CLOCK: &str = "wasi:clocks/monotonic-clock";
    match (state.last_import, state.timers.is_any_running()) {
        ("", false) => "the host".to_owned(),
        ("" | CLOCK, true) => CLOCK.to_owned(),
        (import, true) => format!("{CLOCK} (a timer), and called {import} last"),
        (import, false) => import.to_owned(),
    }
}

fn describe(error: &wasmtime::Error, state: &HostState) -> Cause {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        let message = format!("the function exited with code {code} instead of returning");
        return Cause::new(ErrorType::Exit, message);
    }
    // Languages abort when they get no memory: another trap has another cause.
    let aborted = error
        .downcast_ref::<Trap>()
        .is_none_or(|trap| *trap == Trap::UnreachableCodeReached);
    if let Some(HoldsTooMuch { held, used, limit }) = error.downcast_ref() {
        let message = format!(
            "out of memory: the function uses {}, and the host holds {} of headers, bodies and requests for it (limit: {})",
            mib(*used),
            mib(*held),
            mib(*limit)
        );
        let hint = format!(
            "drop unused requests and bodies, or {}",
            raise_memory(state)
        );
        return Cause::new(ErrorType::OutOfMemory, message).hint(hint);
    }
    if let Some(TooManyFiles { limit }) = error.downcast_ref() {
        let message = format!(
            "the function has {limit} files and directories open, its share of the process's file descriptors (RLIMIT_NOFILE; Lambda allows 1,024), and opened another"
        );
        return Cause::new(ErrorType::TooManyHandles, message)
            .hint("close some, or lower AWS_LAMBDA_MAX_CONCURRENCY");
    }
    if let Some(mut cause) = exceeded(error, state, aborted) {
        cause.message = format!("{}. It then stopped with: {}", cause.message, root(error));
        return cause;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            let message = format!("the function used up its stack of {}", mib(GUEST_STACK));
            Cause::new(ErrorType::StackOverflow, message)
                .hint("the limit cannot be raised: make the recursion less deep, or end it")
        }
        Some(_) => Cause::new(
            ErrorType::Trap,
            format!("the function trapped: {}", root(error)),
        ),
        // wasmtime's error for it is not public.
        None if root(error).contains("fuel allocated for hostcalls") => {
            let message = format!(
                "the function passed more than {} to the host in one call",
                mib(state.memory.handed_over())
            );
            Cause::new(ErrorType::TooMuchData, message)
                .hint("split the call; a response may have at most 6 MiB")
        }
        // wasmtime has no type for it.
        None if root(error).starts_with("requested len ") => {
            let message = format!(
                "the function asked for more than {} of random bytes in one call ({})",
                mib(MAX_RANDOM),
                root(error)
            );
            Cause::new(ErrorType::TooMuchData, message).hint("split the call")
        }
        None => Cause::new(
            ErrorType::Trap,
            format!("the function was stopped: {}", root(error)),
        ),
    }
}

/// Returns the limit that stopped the guest, if a limit did. A guest that continues after a denial was not stopped by it.
fn exceeded(error: &wasmtime::Error, state: &HostState, aborted: bool) -> Option<Cause> {
    let memory = state.memory.denied().filter(|_| aborted);
    let elements = state.memory.denied_elements().filter(|_| aborted);
    let output = state
        .output
        .denied()
        .filter(|_| aborted || error.is::<TooMuchOutput>());
    let cause = if let Some((limit, wanted)) = memory {
        let (wanted, limit) = (mib(wanted), mib(limit));
        let message = format!("the function wanted {wanted} of memory and may have {limit}");
        Cause::new(ErrorType::OutOfMemory, message).hint(raise_memory(state))
    } else if let Some((limit, wanted)) = elements {
        let message =
            format!("the function wanted a table of {wanted} elements and may have {limit}");
        Cause::new(ErrorType::TableTooLarge, message)
            .hint("raise `tables` under [limits] in its policy")
    } else if let Some(limit) = output {
        let message = format!(
            "the function wrote more to its log than the {} that one invocation may write",
            size(limit)
        );
        Cause::new(ErrorType::TooMuchOutput, message)
            .hint("raise `output` under [limits] in its policy")
    } else if is_out_of_handles(error) {
        let message = format!(
            "the function wanted more handles (of streams, files, timers, requests) than the {} that it may hold",
            state.handles()
        );
        Cause::new(ErrorType::TooManyHandles, message)
            .hint("drop some, or raise `handles` under [limits] in its policy")
    } else if is_out_of_instances(error) {
        let message = format!(
            "the component has more than {} core instances, memories or tables",
            state.memory.instances()
        );
        Cause::new(ErrorType::TooManyInstances, message)
            .hint("raise `instances` under [limits] in its policy")
    } else {
        return None;
    };
    Some(cause)
}

fn raise_memory(state: &HostState) -> &'static str {
    match state.memory_is_by_policy() {
        true => "raise `memory` under [limits] in its policy",
        false => "raise its MemorySize",
    }
}

fn is_out_of_handles(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(ResourceTableError::Full))
        // Errors of the host's table may be wrapped, and wasmtime's own for the guest's is not public.
        || ["resource table has no free keys", "store handle limit exceeded"]
            .iter()
            .any(|words| root(error).contains(words))
}

/// Recognizes wasmtime's error by its message: its type is not public.
fn is_out_of_instances(error: &wasmtime::Error) -> bool {
    root(error).starts_with("resource limit exceeded: ")
}

/// Returns the message of the innermost error. wasmtime's message around it repeats the backtrace.
fn root(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}

/// Returns the end of the guest's stderr as a sentence: the message of a panic, in languages that panic.
fn last_words(state: &HostState) -> String {
    match state.output.last_words() {
        words if words.is_empty() => String::new(),
        words => format!(". The end of its stderr: {words}"),
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => mib(bytes),
    }
}

fn mib(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    format!("{} MiB", bytes.div_ceil(MIB))
}
