//! Why a call into a guest did not return, and the failure that is reported for it.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTableError;
use wasmtime::{ResourceLimiter as _, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::coredump;
use crate::engine::GUEST_STACK;
use crate::failure::{ErrorType, Failure};
use crate::frames;
use crate::guest_output::TooMuchOutput;
use crate::sandbox::{HoldsTooMuch, HostState, MAX_RANDOM, TooManyFiles};
use crate::watchdog::TimedOut;

/// Why a call into a guest did not return.
pub enum CallError {
    /// wasmtime ended the call: a trap, an exit, the epoch, or a host function's error.
    Trapped(wasmtime::Error),
    /// The guest waited in a host function when it had to stop.
    TimedOut,
}

impl CallError {
    /// Returns the failure to report for a call that began at `since`. Writes a core dump if the policy asks for one.
    #[must_use]
    pub fn into_failure(self, store: &mut Store<HostState>, since: Instant) -> Failure {
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
            return timeout(ran, "it computed; the stack trace says where", stack_trace);
        }
        let (error_type, mut message) = describe(&error, state);
        let last_words = Some(last_words(state)).filter(|words| message.ends_with(words));
        let is_exit = error.is::<I32Exit>();
        if let Some(dump) = (!is_exit).then(|| coredump::write(store, &error)).flatten() {
            message = format!("{message}. {dump}");
        }
        Failure {
            stack_trace,
            last_words: last_words.unwrap_or_default(),
            is_crash: true,
            ..Failure::new(error_type, message)
        }
    }
}

fn timeout(ran: Duration, place: &str, stack_trace: Vec<String>) -> Failure {
    let message = format!(
        "the function ran for {} ms and was stopped, shortly before Lambda would have ended the process: {place}. Raise the function's Timeout if it needs longer",
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

fn describe(error: &wasmtime::Error, state: &HostState) -> (ErrorType, String) {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return (
            ErrorType::Exit,
            format!(
                "the function exited with code {code} instead of answering{}",
                last_words(state)
            ),
        );
    }
    // Languages abort when they get no memory: another trap has another cause.
    let aborted = error
        .downcast_ref::<Trap>()
        .is_none_or(|trap| *trap == Trap::UnreachableCodeReached);
    if let Some(HoldsTooMuch { held, used, limit }) = error.downcast_ref() {
        let (held, used, limit) = (mib(*held), mib(*used), mib(*limit));
        return (
            ErrorType::OutOfMemory,
            format!(
                "the function had the host hold {held} for it, in headers, bodies and requests, beside the {used} of its own memory, and may have {limit}: drop what is not needed any more, or {}{}",
                raise_memory(state),
                last_words(state)
            ),
        );
    }
    if let Some(TooManyFiles { limit }) = error.downcast_ref() {
        return (
            ErrorType::TooManyHandles,
            format!(
                "the function has {limit} files and directories open, which is its share of the file descriptors that the process may have (RLIMIT_NOFILE; Lambda allows 1,024), and opened another: close some, or lower AWS_LAMBDA_MAX_CONCURRENCY{}",
                last_words(state)
            ),
        );
    }
    if let Some((error_type, limit)) = exceeded(error, state, aborted) {
        let message = format!(
            "{limit}. It then stopped with: {}{}",
            root(error),
            last_words(state)
        );
        return (error_type, message);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => (
            ErrorType::StackOverflow,
            format!(
                "the function used up its stack of {}, which cannot be raised: a recursion that is too deep, or does not end",
                mib(GUEST_STACK)
            ),
        ),
        Some(_) => (
            ErrorType::Trap,
            format!("the function trapped: {}{}", root(error), last_words(state)),
        ),
        // wasmtime's error for it is not public.
        None if root(error).contains("fuel allocated for hostcalls") => (
            ErrorType::TooMuchData,
            format!(
                "the function handed more than {} to the host at once, in an answer (Lambda takes 6 MiB) or a call: split it{}",
                mib(state.memory.handed_over()),
                last_words(state)
            ),
        ),
        // wasmtime has no type for it.
        None if root(error).starts_with("requested len ") => (
            ErrorType::TooMuchData,
            format!(
                "the function asked for more than {} of random bytes at once ({}): ask for fewer at a time{}",
                mib(MAX_RANDOM),
                root(error),
                last_words(state)
            ),
        ),
        None => (
            ErrorType::Trap,
            format!(
                "the function was stopped: {}{}",
                root(error),
                last_words(state)
            ),
        ),
    }
}

/// Returns the error type and message of the limit that stopped the guest, if a limit did. A guest may go on after a denial,
/// which then has not stopped it.
fn exceeded(
    error: &wasmtime::Error,
    state: &HostState,
    aborted: bool,
) -> Option<(ErrorType, String)> {
    let memory = state.memory.denied().filter(|_| aborted);
    let elements = state.memory.denied_elements().filter(|_| aborted);
    let output = state
        .output
        .denied()
        .filter(|_| aborted || error.is::<TooMuchOutput>());
    if let Some((limit, wanted)) = memory {
        let raise = raise_memory(state);
        let (wanted, limit) = (mib(wanted), mib(limit));
        let message =
            format!("the function wanted {wanted} of memory and may have {limit}: {raise}");
        Some((ErrorType::OutOfMemory, message))
    } else if let Some((limit, wanted)) = elements {
        let message = format!(
            "the function wanted a table of {wanted} elements and may have {limit}: raise `tables` under [limits] in its policy"
        );
        Some((ErrorType::TableTooLarge, message))
    } else if let Some(limit) = output {
        let message = format!(
            "the function wrote more to its log than the {} that one invocation may: raise `output` under [limits] in its policy",
            size(limit)
        );
        Some((ErrorType::TooMuchOutput, message))
    } else if is_out_of_handles(error) {
        let message = format!(
            "the function wanted more handles (of streams, files, timers, requests) than the {} that it may hold: drop some, or raise `handles` under [limits] in its policy",
            state.handles()
        );
        Some((ErrorType::TooManyHandles, message))
    } else if is_out_of_instances(error) {
        let message = format!(
            "the component has more core instances, memories or tables than the {} of each that it may: raise `instances` under [limits] in its policy",
            state.memory.instances()
        );
        Some((ErrorType::TooManyInstances, message))
    } else {
        None
    }
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

/// Returns the last words of the guest, as a sentence: the message of its panic, where its language panics.
fn last_words(state: &HostState) -> String {
    match state.output.last_words() {
        words if words.is_empty() => String::new(),
        words => format!(". Its last words on stderr: {words}"),
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
