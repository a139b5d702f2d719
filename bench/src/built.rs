//! Builds the peers and the components with cargo, which is quick if they are up to date.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, anyhow, ensure};
use lambda_wasm_host::{
    artifact::{self, Trailer},
    engine,
};

/// The checkout that this program was built from.
pub fn checkout() -> &'static Path {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench)
}

/// Builds a package in `bench/peers/`, and gives the directory that its programs are in.
pub fn peer(name: &str) -> anyhow::Result<PathBuf> {
    let target = target_folder()?.join("peers").join(name);
    let folder = target.join("release");
    if !folder.exists() {
        eprintln!("building the peer {name} (up to half a minute)");
    }
    let package = checkout().join("bench/peers").join(name);
    run(cargo_build(&package, &target))?;
    Ok(folder)
}

/// Builds a component, an example of a package, compiles it with the `lambda-wasm` beside this program, and gives the
/// artifact.
pub fn component(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let target = target_folder()?;
    let mut build = cargo_build(&checkout().join(package), &target.join("guests"));
    build.args(["--target", "wasm32-wasip2", "--example", name]);
    if let Some(rustc) = env::var_os("WASM_RUSTC") {
        build.env("RUSTC", rustc);
    }
    eprintln!("building the component {name}");
    run(build)?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder)?;
    let artifact = folder.join(name).with_extension("cwasm");
    let mut compile = Command::new(target.join("release/lambda-wasm"));
    compile.arg("compile").arg(wasm(&target, name));
    compile.arg("-o").arg(&artifact);
    run(compile)?;
    Ok(artifact)
}

/// Compiles a component that was built before as its artifact was, but for two things: it can be interrupted only with
/// `epoch`, and wasmtime has the content of its memories.
pub fn compiled(artifact: &Path, name: &str, epoch: bool) -> anyhow::Result<PathBuf> {
    let mut trailer = Trailer::inspect(artifact)?;
    trailer.epoch = epoch;
    trailer.images.clear();
    let component = fs::read(wasm(&target_folder()?, name))?;
    let compiler = engine::for_compiling(&trailer, None);
    let compiled = compiler.and_then(|compiler| compiler.precompile_component(&component));
    let mut compiled = compiled.map_err(|error| anyhow!("compiling {name}: {error:#}"))?;
    trailer.length = compiled.len() as u64;
    trailer.sha256 = artifact::sha256(&compiled);
    compiled.extend(trailer.to_bytes()?);
    let file = artifact.with_extension(format!("epoch-{epoch}.cwasm"));
    fs::write(&file, compiled)?;
    Ok(file)
}

/// Returns the file that cargo builds from an example.
fn wasm(target: &Path, name: &str) -> PathBuf {
    let examples = target.join("guests/wasm32-wasip2/release/examples");
    examples.join(name).with_extension("wasm")
}

fn cargo_build(package: &Path, target: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(target)
        // Each package's own .cargo/config.toml counts, and cargo looks for it here.
        .current_dir(package)
        // Flags meant for our own build are not theirs.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET");
    command
}

fn run(mut command: Command) -> anyhow::Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("starting {:?}", command.get_program()))?;
    ensure!(status.success(), "this failed: {command:?}");
    Ok(())
}

/// Cargo's target directory: two levels above this program.
pub fn target_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program
        .ancestors()
        .nth(2)
        .context("this program lies in no target directory")?;
    Ok(folder.to_owned())
}
