//! The subjects: ours first, then the peers, which are built here, then
//! all others that were named.

use std::path::PathBuf;

use anyhow::Context;

use crate::{
    args::Args,
    built::{self, checkout},
    subject::{FUNCTION, Subject},
};

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
            subjects.push(Subject::in_folder(peer, &built::peer(peer)?)?);
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
    let function = dist(args).join(FUNCTION);
    Subject::new("lambda-wasm", &bootstrap(args), &function)
        .context("run `./build.sh` first, or name another directory with --dist")
}

/// The executable of [`ours`].
pub fn bootstrap(args: &Args) -> PathBuf {
    let given = args.bootstrap.clone();
    given.unwrap_or_else(|| dist(args).join("bootstrap"))
}

/// The directory of [`ours`].
pub fn dist(args: &Args) -> PathBuf {
    args.dist.clone().unwrap_or_else(|| checkout().join("dist"))
}
