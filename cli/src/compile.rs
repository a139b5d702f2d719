//! `lambda-wasm compile`: compiles a component to an artifact.

mod functions;
mod images;
mod names;
mod options;
mod snapshot;
mod wrap;

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::ValueEnum;
use lambda_wasm_emulator::Architecture;
use lambda_wasm_host::artifact::{self, Ending, FORMAT, HOST_TARGET, Trailer, WASMTIME};
use lambda_wasm_host::policy::{ONE_REQUEST, Policy};
use lambda_wasm_host::world::{self, IncompatibleComponent, World};
use lambda_wasm_host::{cpu, engine, exports, imports};
use wasmtime::component::Component;
use wasmtime::{CacheStore, Engine};

use self::functions::KeptFunctions;
pub use self::options::Options;
use crate::component::Description;
use crate::dev::source;
use crate::output;
use crate::progress::Step;
use crate::sbom::Origin;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm compile hello.wasm -o dist/hello.cwasm
  lambda-wasm compile hello.wasm -o dist/hello.cwasm --target aarch64-unknown-linux-gnu")]
pub struct Args {
    /// The component, in the binary format
    input: PathBuf,
    /// Write the artifact to this file; the function's Handler is its name without `.cwasm`
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Compile for this machine
    #[arg(long, default_value = HOST_TARGET, value_parser = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"])]
    target: String,
    /// Allow the code to use these CPU features
    #[arg(long, value_enum, default_value_t = Cpu::Baseline)]
    cpu: Cpu,
    #[command(flatten)]
    options: Options,
    /// Print JSON: the path, size and trailer of the artifact
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cpu {
    /// The features of every machine of Lambda
    Baseline,
    /// All features of this machine: the artifact may not run elsewhere
    Native,
}

/// Compiles a component that the host can run.
///
/// # Errors
///
/// Returns an error if the input is not a component, if the host does not support it, or if it cannot be compiled or
/// written.
pub fn run(args: &Args) -> Result<()> {
    let name = args.input.display();
    // The host would refuse an invalid policy later.
    let policy = Policy::read(&Policy::path(&args.output))?;
    let component = read(args)?;
    let source = source::path(&args.output);
    if args.options.debug && args.input.canonicalize().ok() == source.canonicalize().ok() {
        bail!(
            "{} is the input, and --debug would replace it\nhint: choose another name for --output",
            source.display()
        );
    }
    let kept = KeptFunctions::read(&component).map(Arc::new);
    let key = args.options.key()?;
    let (mut artifact, debug) = compile(&component, args, &policy, kept.as_ref())
        .with_context(|| format!("{name} cannot be compiled"))?;
    if let Some(key) = key {
        key.sign(&mut artifact);
    }
    match debug {
        Some(file) => fs::write(&source, file)
            .with_context(|| format!("{} cannot be written", source.display()))?,
        // It would be of another artifact.
        None => source::remove(&source),
    }
    thread::scope(|scope| {
        if let Some(kept) = kept {
            // The artifact is the same without them.
            scope.spawn(move || drop(kept.save()));
        }
        output::replace(&args.output, |file| Ok(file.write_all(&artifact)?))
    })?;
    if args.json {
        let report = serde_json::json!({
            "path": args.output.canonicalize()?,
            "size": artifact.len(),
            "trailer": Trailer::read(&args.output)?,
        });
        println!("{report:#}");
    }
    Ok(())
}

/// Compiles a component for an architecture of Lambda, unless the artifact is there and was compiled from
/// the same component in the same way. Returns whether it was compiled.
///
/// # Errors
///
/// As [`run`].
pub fn update(
    component: &Path,
    options: &Options,
    artifact: &Path,
    architecture: Architecture,
) -> Result<bool> {
    let args = Args {
        input: component.to_owned(),
        output: artifact.to_owned(),
        target: format!("{}-unknown-linux-gnu", architecture.as_str()),
        cpu: Cpu::Baseline,
        options: options.clone(),
        json: false,
    };
    if is_current(&args)? {
        return Ok(false);
    }
    run(&args)?;
    Ok(true)
}

/// Reads the component, with the middleware around it.
fn read(args: &Args) -> Result<Vec<u8>> {
    let component = fs::read(&args.input)
        .with_context(|| format!("{} cannot be read", args.input.display()))?;
    wrap::wrap(&args.input, component, &args.options.wrap)
}

/// Whether the artifact is whole, and `run` would make the same.
fn is_current(args: &Args) -> Result<bool> {
    let Ok(Ending {
        trailer,
        line,
        signature,
    }) = Ending::read(&args.output)
    else {
        return Ok(false);
    };
    let component = read(args)?;
    let wants_debug = args.options.debug && source::has_debug_information(&component);
    let is_same = wants_debug == source::is_kept(&source::path(&args.output))
        && trailer.format == FORMAT
        && trailer.wasmtime == WASMTIME
        && trailer.target == args.target
        && trailer.cpu == features(args)?
        && trailer.stripped == args.options.strip
        && trailer.prepared == args.options.has_snapshot()
        && trailer.warmed_by == args.options.event()?.map(|event| artifact::sha256(&event))
        && trailer.component == artifact::sha256(&component)
        && args.options.is_signed(&line, signature.as_ref())?;
    Ok(is_same && artifact::verify(&args.output, &trailer).is_ok())
}

fn compile(
    component: &[u8],
    args: &Args,
    policy: &Policy,
    kept: Option<&Arc<KeptFunctions>>,
) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let options = &args.options;
    let mut trailer = describe(component, args, policy)?;
    let event = options.event()?;
    // Not before the warnings.
    let input = args.input.display();
    let _step = Step::begin(format!("compiling {input} for {}", args.target));
    let origin = Origin::to_embed(component)?;
    let mut component = Cow::Borrowed(component);
    if options.has_snapshot() {
        let snapshot = {
            let mut trailer = trailer.clone();
            HOST_TARGET.clone_into(&mut trailer.target);
            trailer.cpu = named(baseline(HOST_TARGET));
            let event = event.clone();
            snapshot::take(&component, event, &options.keep, |readable| {
                Ok(assemble(readable.into(), trailer, b"", kept)?.0)
            })?
        };
        component = Cow::Owned(snapshot);
        trailer.prepared = true;
        trailer.warmed_by = event.map(|event| artifact::sha256(&event));
    }
    if options.strip {
        component = Cow::Owned(names::hide(&component)?);
    }
    if !options.debug {
        return Ok((assemble(component, trailer, &origin, kept)?.0, None));
    }
    let kept_component = component.to_vec();
    let (artifact, trailer) = assemble(component, trailer, &origin, kept)?;
    let debug = source::file(&kept_component, &trailer.sha256);
    if debug.is_none() {
        eprintln!(
            "warning: the component has no debug information, from which `dev` could tell places in the source\nhint: build it with debug information, e.g. by `lambda-wasm build --debug`"
        );
    }
    Ok((artifact, debug))
}

/// Reads what the component is. Returns the trailer of its artifact, as far as it is known before compiling.
fn describe(component: &[u8], args: &Args, policy: &Policy) -> Result<Trailer> {
    let options = &args.options;
    let description = Description::parse(component)?;
    let (instances, may) = (description.core_instances, policy.limits.instances);
    if instances as usize > may {
        bail!(
            "it has {instances} core instances and may have {may}\nhint: raise `instances` under [limits] in {}",
            Policy::path(&args.output).display()
        );
    }
    let world = description.world().map_err(unsupported)?;
    let one_request = world == World::HttpProxy && description.one_request;
    if one_request && policy.reuse.is_some() {
        eprintln!("warning: {ONE_REQUEST}");
    }
    if one_request && options.warm.is_some() {
        bail!(
            "an instance with the JavaScript engine StarlingMonkey serves one request, and would have served the event of --warm\nhint: use --preinit, or write the function for the world `handler`"
        );
    }
    let names = description.imports.iter().chain(&description.exports);
    let names = names.map(String::as_str);
    let concurrency = description.is_async || world::needs_concurrency(names);
    if concurrency && options.has_snapshot() {
        bail!(
            "it has the asynchronous functions of WASI 0.3, whose tasks no snapshot can have\nhint: compile it without --preinit and --warm, or build it for WASI 0.2"
        );
    }
    Ok(Trailer {
        format: FORMAT,
        wasmtime: WASMTIME.to_owned(),
        target: args.target.clone(),
        cpu: named(&features(args)?),
        length: 0,
        sha256: String::new(),
        component: artifact::sha256(component),
        origin: 0,
        epoch: true,
        concurrency,
        exceptions: description.exceptions,
        memories: 0,
        images: Vec::new(),
        tables: 0,
        core_instances: description.core_instances,
        world,
        names: description.names && !options.strip,
        stripped: options.strip,
        prepared: false,
        warmed_by: None,
        one_request,
        imports: description.imports.clone(),
        types: description.types.clone(),
        exports: description.exports.clone(),
    })
}

/// Compiles a component, and makes the artifact that has this trailer and this origin. Returns the artifact and the trailer.
fn assemble(
    component: Cow<'_, [u8]>,
    mut trailer: Trailer,
    origin: &[u8],
    kept: Option<&Arc<KeptFunctions>>,
) -> Result<(Vec<u8>, Trailer)> {
    let page = images::page(&trailer.target);
    let (component, content) = match images::take_out(&component, page) {
        Some(taken) => {
            trailer.images = taken.images;
            (Cow::Owned(taken.component), taken.content)
        }
        None => (component, Vec::new()),
    };
    let refused = |error: wasmtime::Error| anyhow!("the compiler refuses it: {error:#}");
    let store = || kept.map(|kept| Arc::clone(kept) as Arc<dyn CacheStore>);
    let compiler = engine::for_compiling(&trailer, store()).map_err(refused)?;
    // Types can be checked only in an engine of this machine, so a component for another machine is compiled twice.
    let is_for_here = cfg!(target_os = "linux") && trailer.target == HOST_TARGET;
    let checker = if is_for_here {
        compiler.clone()
    } else {
        engine::for_checking(&trailer, store()).map_err(refused)?
    };
    let compiled = Component::new(&checker, &component).map_err(refused)?;
    check(&checker, &compiled, trailer.world).map_err(unsupported)?;
    let mut artifact = if is_for_here {
        compiled.serialize()
    } else {
        compiler.precompile_component(&component)
    }
    .map_err(refused)?;

    let needs = compiled.resources_required();
    trailer.memories = needs.as_ref().map_or(0, |needs| needs.num_memories);
    trailer.tables = needs.as_ref().map_or(0, |needs| needs.num_tables);
    if !trailer.images.is_empty() {
        artifact.resize(artifact.len().next_multiple_of(page), 0);
        for image in &mut trailer.images {
            image.offset += artifact.len() as u64;
        }
        artifact.extend(content);
    }
    artifact.extend(origin);
    trailer.origin = origin.len() as u64;
    trailer.length = artifact.len() as u64;
    trailer.sha256 = artifact::sha256(&artifact);
    artifact.extend(trailer.to_bytes()?);
    Ok((artifact, trailer))
}

/// Creates the error for a component that this version cannot run.
fn unsupported(incompatible: IncompatibleComponent) -> anyhow::Error {
    anyhow!("this version cannot run it: {incompatible}")
}

/// Checks the types of the component's imports and exports, as the host does when it loads the artifact.
fn check(
    engine: &Engine,
    component: &Component,
    world: World,
) -> Result<(), IncompatibleComponent> {
    let imports = imports::link(engine, component).err();
    let exports = exports::check_types(world, engine, component).err();
    imports
        .into_iter()
        .chain(exports)
        .collect::<IncompatibleComponent>()
        .into_result()
}

/// The CPU features that every machine of Lambda has.
fn baseline(target: &str) -> &'static [&'static str] {
    match target.starts_with("aarch64") {
        true => cpu::AARCH64_BASELINE,
        false => cpu::X86_64_BASELINE,
    }
}

fn named(features: &[&str]) -> Vec<String> {
    features.iter().map(|&name| name.to_owned()).collect()
}

fn features(args: &Args) -> Result<Vec<&'static str>> {
    match (args.cpu, args.target == HOST_TARGET) {
        (Cpu::Baseline, _) => Ok(baseline(&args.target).to_vec()),
        (Cpu::Native, true) => Ok(cpu::native()),
        (Cpu::Native, false) => {
            bail!(
                "`--cpu native` cannot be combined with `--target {}`: this machine is {HOST_TARGET}\nhint: leave out `--cpu native`, or compile on the target",
                args.target
            )
        }
    }
}
