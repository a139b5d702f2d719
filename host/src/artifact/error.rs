//! Everything that can be wrong with an artifact, in words for the person who has to mend it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::failure::ErrorType;

/// Why a file cannot be run. Each says what is wrong with which file, and what to do.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// There is no such file.
    #[error(
        "{} does not exist: the function's handler names the component. Put the compiled component there, or set the function's Handler to the name of one that is there", .0.display()
    )]
    NotFound(PathBuf),
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {}. It has to be a file that everybody may read (`chmod a+r`)", .0.display(), .1)]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file has no bytes.
    #[error("{} is empty: compile the component again with `lambda-wasm compile`", .0.display())]
    Empty(PathBuf),
    /// A component that has not been compiled.
    #[error(
        "{} is a WebAssembly component that is not compiled yet: run `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    NotCompiled(PathBuf),
    /// A core module.
    #[error(
        "{} is a core WebAssembly module, not a component: {CORE_MODULE_HINT}, then run `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    CoreModule(PathBuf),
    /// The file starts as an artifact does, and its end is missing.
    #[error(
        "{} has no trailer: it is cut off, or was compiled by `wasmtime compile`. Compile the component with `lambda-wasm compile`", .0.display()
    )]
    NoTrailer(PathBuf),
    /// Something else.
    #[error(
        "{} is neither a compiled component nor WebAssembly: compile a component with `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    NotRecognized(PathBuf),
    /// The trailer cannot be understood, or does not fit the file.
    #[error("the trailer of {} does not fit: {}. Compile the component again with the `lambda-wasm` of this bootstrap's version", .0.display(), .1)]
    InvalidTrailer(PathBuf, String),
    /// The bytes are not those that were compiled.
    #[error("{} is damaged: its SHA-256 is {actual}, and {expected} was written when it was compiled. Copy it again, or compile it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The checksum in the trailer.
        expected: String,
        /// The checksum of what is there.
        actual: String,
    },
    /// Compiled by another major version of wasmtime.
    #[error("{} was compiled for wasmtime {found}, and this bootstrap has {host}: compile the component again with the `lambda-wasm` of this bootstrap's version", .path.display())]
    Wasmtime {
        /// The file.
        path: PathBuf,
        /// The version that compiled it.
        found: String,
        /// The version that is here.
        host: &'static str,
    },
    /// Compiled for another architecture or system.
    #[error("{} was compiled for {found}, and this bootstrap runs on {host}: run `lambda-wasm compile --target {host}`, or change the function's architecture", .path.display())]
    Target {
        /// The file.
        path: PathBuf,
        /// The target that it was compiled for.
        found: String,
        /// The target that is here.
        host: &'static str,
    },
    /// It uses CPU features that are not here.
    #[error("{} uses CPU features that this machine does not have: {missing}. Compile the component without `--cpu native`", .path.display())]
    Cpu {
        /// The file.
        path: PathBuf,
        /// The features, separated by commas.
        missing: String,
    },
}

/// How to make a component of a core module.
pub const CORE_MODULE_HINT: &str = "build it for the target wasm32-wasip2, or wrap it with `wasm-tools component new module.wasm --adapt wasi_snapshot_preview1.reactor.wasm -o component.wasm`";

impl ArtifactError {
    /// Returns the error type that Lambda reports.
    #[must_use]
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::NotFound(_) => ErrorType::ComponentNotFound,
            Self::Unreadable(..) => ErrorType::ComponentUnreadable,
            Self::Empty(_) => ErrorType::ComponentEmpty,
            Self::NotCompiled(_) => ErrorType::ComponentNotCompiled,
            Self::CoreModule(_) => ErrorType::CoreModule,
            Self::NoTrailer(_) => ErrorType::TrailerMissing,
            Self::NotRecognized(_) => ErrorType::ComponentNotRecognized,
            Self::InvalidTrailer(..) => ErrorType::TrailerInvalid,
            Self::Damaged { .. } => ErrorType::ComponentDamaged,
            Self::Wasmtime { .. } => ErrorType::WasmtimeMismatch,
            Self::Target { .. } => ErrorType::TargetMismatch,
            Self::Cpu { .. } => ErrorType::CpuMismatch,
        }
    }
}
