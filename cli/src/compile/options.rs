//! The options of a compilation.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use lambda_wasm_host::artifact::signature::{Signature, SigningKey};

/// How a component is compiled, whatever the machine.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Wrap the component in this middleware; repeat it for several, the outermost first
    #[arg(long, value_name = "FILE")]
    pub wrap: Vec<PathBuf>,
    /// Leave out the names and offsets of stack traces: the artifact is smaller
    #[arg(long)]
    pub strip: bool,
    /// Keep the component beside the artifact, in NAME.debug.wasm: from its debug information, `dev` tells the places of a stack
    /// trace in the source
    #[arg(long, conflicts_with = "strip")]
    pub debug: bool,
    /// Run the component's start code and its `init` now: instances start from the memory that these leave
    #[arg(long)]
    pub preinit: bool,
    /// Have the component serve this event now, after --preinit: no instance does anything of it for the first time
    #[arg(long, value_name = "FILE")]
    pub warm: Option<PathBuf>,
    /// Let instances have what the component got from this interface then, such as wasi:cli/environment; repeat it for
    /// several
    #[arg(long, value_name = "INTERFACE")]
    pub keep: Vec<String>,
    /// Sign the artifact with this private key of Ed25519, in PKCS#8 and PEM
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

impl Options {
    /// Reads the event of `--warm`.
    pub(super) fn event(&self) -> Result<Option<Vec<u8>>> {
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        self.warm.as_ref().map(read).transpose()
    }

    pub(super) fn has_snapshot(&self) -> bool {
        self.preinit || self.warm.is_some()
    }

    /// Reads the key of `--sign`.
    pub(super) fn key(&self) -> Result<Option<SigningKey>> {
        let key = self.sign.as_deref().map(SigningKey::read).transpose();
        key.map_err(|why| anyhow!(why))
    }

    /// Whether an artifact whose trailer has this first line is signed as it should be, or not signed as it should be.
    pub(super) fn is_signed(&self, line: &[u8], signature: Option<&Signature>) -> Result<bool> {
        Ok(match (self.key()?, signature) {
            (None, None) => true,
            (Some(key), Some(signature)) => {
                signature.key == key.public() && signature.is_valid_for(line)
            }
            _ => false,
        })
    }
}
