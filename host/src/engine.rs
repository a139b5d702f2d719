//! The one configuration of wasmtime: the compile tool's and the host's.
//!
//! An artifact can be loaded only by an engine whose settings are those that it was compiled with. So both are made here,
//! from the artifact's trailer, and every setting is named that would otherwise follow a cargo feature or the environment.
//!
//! No other file configures wasmtime, and no other file of the host has `unsafe` code.

#![expect(
    unsafe_code,
    reason = "wasmtime has no safe way to load compiled code, nor to name CPU features"
)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use lambda_wasm_memory::{Image, KeptMemories, KeptStacks};
#[cfg(feature = "compiler")]
use wasmtime::CacheStore;
use wasmtime::component::Component;
use wasmtime::{Collector, Config, Engine, WasmBacktraceDetails};

#[cfg(feature = "compiler")]
use crate::artifact::HOST_TARGET;
use crate::artifact::Trailer;
use crate::frames::MAX_FRAMES;

/// How much stack a guest gets, in bytes: twice wasmtime's default, for the deep recursion of interpreters in guests.
pub const GUEST_STACK: usize = 1024 * 1024;

/// The stack that a call runs on, in bytes: the guest's, and as much for the host functions that it calls.
const CALL_STACK: usize = 2 * GUEST_STACK;

fn config(trailer: &Trailer, coredump: bool) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(trailer.concurrency)
        .epoch_interruption(trailer.epoch)
        // Offsets and names of functions come with the address map; lines would need DWARF, which release builds strip.
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(MAX_FRAMES))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .generate_address_map(!trailer.stripped)
        // For the system's unwinder, which never passes a guest's frames: wasmtime catches a host function's panic before
        // them. musl's is given each function of a component by itself, at every start.
        .native_unwind_info(false)
        // For profilers only: the names in backtraces are kept apart from them.
        .debug_symbols(false)
        // Exceptions are objects of the garbage collector's heap, which counts as the guest's memory.
        .gc_support(trailer.exceptions)
        .wasm_exceptions(trailer.exceptions)
        .collector(Collector::DeferredReferenceCounting)
        .wasm_function_references(false)
        .wasm_gc(false)
        .shared_memory(false)
        .wasm_shared_everything_threads(false)
        .wasm_stack_switching(false)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(CALL_STACK)
        // Images take the place of wasmtime's own copy on write.
        .memory_init_cow(trailer.images.is_empty())
        // Of the run alone: compiled code is the same with it.
        .coredump_on_trap(coredump);
    config
}

/// The engine that runs the artifact at `path`, which has this trailer. With `coredump`, a trap's error has a core dump.
///
/// # Errors
///
/// If the file cannot be opened, or if the settings do not fit this machine.
pub fn for_artifact(trailer: &Trailer, path: &Path, coredump: bool) -> wasmtime::Result<Engine> {
    let mut config = config(trailer, coredump);
    config.with_host_stack(Arc::new(KeptStacks::default()));
    if !trailer.images.is_empty() {
        let images = trailer.images.iter().map(|image| Image {
            minimum: image.minimum,
            start: image.start,
            offset: image.offset,
            length: image.length,
        });
        let memories = KeptMemories::new(File::open(path)?, images.collect());
        config.with_host_memory(Arc::new(memories));
    }
    Engine::new(&config)
}

/// An engine that compiles the component of an artifact with this trailer for this machine, to check its types.
/// Functions that are in `kept` are not compiled again.
///
/// # Errors
///
/// If the settings do not fit this machine.
#[cfg(feature = "compiler")]
pub fn for_checking(
    trailer: &Trailer,
    kept: Option<Arc<dyn CacheStore>>,
) -> wasmtime::Result<Engine> {
    Engine::new(&compiler_config(trailer, kept)?)
}

#[cfg(feature = "compiler")]
fn compiler_config(
    trailer: &Trailer,
    kept: Option<Arc<dyn CacheStore>>,
) -> wasmtime::Result<Config> {
    let mut config = config(trailer, false);
    if let Some(kept) = kept {
        config.enable_incremental_compilation(kept)?;
    }
    Ok(config)
}

/// Loads the artifact at `path`, memory-mapped.
///
/// The bytes are trusted like a native executable. wasmtime checks that they are an artifact for this engine, but not that a
/// compiler made them ([`crate::artifact::verify`] detects damage). Only an author of the function's code can write them.
///
/// # Errors
///
/// Returns an error if the file is not an artifact for this engine.
pub fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is part of the function's code, as this executable is, and is replaced by rename only, so that a
    // mapped file never changes.
    unsafe { Component::deserialize_file(engine, path) }
}

/// The engine that compiles an artifact which will have this trailer.
///
/// `trailer.target` and `trailer.cpu` are always named to the compiler, which would otherwise use what this machine has.
/// Functions that are in `kept` are not compiled again.
///
/// # Errors
///
/// If the target or a CPU feature is unknown.
#[cfg(feature = "compiler")]
pub fn for_compiling(
    trailer: &Trailer,
    kept: Option<Arc<dyn CacheStore>>,
) -> wasmtime::Result<Engine> {
    let mut config = compiler_config(trailer, kept)?;
    config.target(&compiler_target(&trailer.target))?;
    for feature in &trailer.cpu {
        // SAFETY: the flags name CPU features only; the host checks each before it runs the code.
        unsafe {
            config.cranelift_flag_enable(&crate::cpu::flag(feature));
        }
    }
    Engine::new(&config)
}

/// The compiler's name of a target: for this machine, with the libc of this program. wasmtime runs compiled code in a program
/// with the same libc only, to check its types. The code calls no libc, and is the same.
#[cfg(feature = "compiler")]
fn compiler_target(target: &str) -> String {
    match target == HOST_TARGET && cfg!(target_env = "musl") {
        true => target.replace("-gnu", "-musl"),
        false => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn files_in(directory: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(directory).unwrap();
        let paths = paths.map(|entry| entry.unwrap().path());
        paths
            .flat_map(|path| match path.is_dir() {
                true => files_in(&path),
                false => vec![path],
            })
            .collect()
    }

    /// The compiler denies `unsafe` code, unless a file allows it again.
    #[test]
    fn no_other_file_allows_unsafe_code() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let allows = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            let is_forbidden = |line| line == "#![forbid(unsafe_code)]";
            let mut lines = text.lines();
            lines.any(|line| line.contains("unsafe_code") && !is_forbidden(line))
        };
        let found: Vec<_> = files_in(&src).into_iter().filter(allows).collect();
        assert_eq!(found, [src.join("engine.rs")]);
    }
}
