//! Who is measured: ours first, then the peers, which are built here, then
//! whatever else was named.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::{args::Args, subject::Subject};

/// The name of the subject that ratios are taken to.
const REFERENCE: &str = "lambda_runtime";
/// Packages in `bench/peers/`.
const PEERS: [&str; 2] = [REFERENCE, "ureq"];

/// All bootstraps of one run.
pub struct Lineup {
    /// In the order of the report's columns.
    pub subjects: Vec<Subject>,
    /// The index of the one that ratios are taken to.
    pub reference: usize,
}

impl Lineup {
    /// Finds ours and the others, and builds the peers where they are not yet.
    pub fn assemble(args: &Args) -> anyhow::Result<Self> {
        let mut subjects = vec![ours(args)?];
        let reference = subjects.len();
        for peer in PEERS {
            subjects.push(Subject::in_folder(peer, &build(peer)?)?);
        }
        for (name, folder) in &args.also {
            subjects.push(Subject::in_folder(name, folder)?);
        }
        Ok(Self {
            subjects,
            reference,
        })
    }

    /// Indices of the subjects, in a new random order each time, so that no one
    /// always runs after the same neighbour.
    pub fn shuffled(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.subjects.len()).collect();
        fastrand::shuffle(&mut order);
        order
    }
}

/// The checkout that this program was built from.
pub fn checkout() -> &'static Path {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench)
}

/// The bootstrap that this project builds, or the one given.
pub fn ours(args: &Args) -> anyhow::Result<Subject> {
    let dist = args.dist.clone().unwrap_or_else(|| checkout().join("dist"));
    let bootstrap = args
        .bootstrap
        .clone()
        .unwrap_or_else(|| dist.join("bootstrap"));
    Subject::new("lambda-wasm", &bootstrap, &dist)
        .context("run `./build.sh` first, or name another folder with --dist")
}

/// Builds a peer with cargo, which is quick where that is done already, and gives
/// the folder that its bootstrap is in.
fn build(peer: &str) -> anyhow::Result<PathBuf> {
    let package = checkout().join("bench/peers").join(peer);
    let target = target_folder()?.join("peers").join(peer);
    let folder = target.join("release");
    if !folder.join("bootstrap").exists() {
        eprintln!("building the peer {peer} (up to half a minute)");
    }
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(&target)
        // Each peer's own .cargo/config.toml counts, and cargo looks for it here.
        .current_dir(&package)
        // Flags meant for our own build are not the peer's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .context("starting cargo to build a peer")?;
    ensure!(status.success(), "building {} failed", package.display());
    Ok(folder)
}

/// Cargo's target folder: two levels above this program.
fn target_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program
        .ancestors()
        .nth(2)
        .context("this program lies in no target folder")?;
    Ok(folder.to_owned())
}
