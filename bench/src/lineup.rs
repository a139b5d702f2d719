//! The subjects: ours first, then the peers, which are built here, then
//! all others that were named.

use std::{
    env::consts::ARCH,
    path::{Path, PathBuf},
};

use anyhow::Context;
use lambda_wasm_host::{artifact::Trailer, policy::Policy, variant::Variant};

use crate::{
    args::Args,
    built::checkout,
    subject::{FUNCTION, Subject},
};

/// The peers, each as a program of a package in `bench/peers/`: both as people write it and at its best. Ratios are taken to
/// the first.
const PEERS: [Peer; 5] = [
    Peer {
        name: "lambda_runtime, current thread",
        package: "lambda_runtime",
        program: "current_thread",
    },
    Peer {
        name: "lambda_runtime",
        package: "lambda_runtime",
        program: "multi_thread",
    },
    Peer {
        name: "ureq",
        package: "ureq",
        program: "kept",
    },
    Peer {
        name: "ureq, reconnecting",
        package: "ureq",
        program: "reconnecting",
    },
    Peer {
        name: "plain HTTP",
        package: "plain",
        program: "peer-plain",
    },
];

/// The policy of a function that keeps its instance.
pub const REUSE: &str = "reuse = true\n";

struct Peer {
    /// Its column in the report.
    name: &'static str,
    package: &'static str,
    program: &'static str,
}

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
        let reused = ours_called("lambda-wasm, `reuse = true`", args)?;
        reused.give_policy(REUSE)?;
        let mut subjects = vec![ours(args)?, reused];
        let reference = subjects.len();
        for peer in PEERS {
            subjects.push(Subject::peer(peer.name, peer.package, peer.program)?);
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

/// The bootstrap that this project builds, or the one given, with its function.
pub fn ours(args: &Args) -> anyhow::Result<Subject> {
    ours_called("lambda-wasm", args)
}

fn ours_called(name: &str, args: &Args) -> anyhow::Result<Subject> {
    let function = dist(args).join(FUNCTION);
    let bootstrap = args.bootstrap.clone();
    let bootstrap = bootstrap.unwrap_or_else(|| dist(args).join("bootstrap"));
    Subject::new(name, &bootstrap, &function)
        .context("run `./build.sh` first, or name another directory with --dist")
}

/// The bootstrap for a function that sends no requests: the one given, or the smallest variant that runs it.
pub fn bootstrap_for(args: &Args, artifact: &Path) -> anyhow::Result<PathBuf> {
    let trailer = Trailer::inspect(artifact)?;
    Ok(match Variant::for_function(&trailer, &Policy::default()) {
        Variant::Full => full_bootstrap(args),
        Variant::Small => given_or(args, "-small"),
    })
}

/// The bootstrap for any function: the one given, or the full variant.
pub fn full_bootstrap(args: &Args) -> PathBuf {
    given_or(args, "")
}

fn given_or(args: &Args, variant: &str) -> PathBuf {
    let of_dist = args.dist.as_ref().map(|dist| dist.join("bootstrap"));
    args.bootstrap
        .clone()
        .or(of_dist)
        .unwrap_or_else(|| checkout().join(format!("target/bootstraps/bootstrap-{ARCH}{variant}")))
}

/// The directory of [`ours`].
pub fn dist(args: &Args) -> PathBuf {
    args.dist.clone().unwrap_or_else(|| checkout().join("dist"))
}
