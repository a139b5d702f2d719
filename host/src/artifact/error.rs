//! The errors of artifacts, with their remedies.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::failure::ErrorType;

/// The reason why a file cannot be run. The message names the file and the remedy.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// The file does not exist.
    #[error(
        "{} does not exist, but the function's Handler names it\nhint: put the compiled component there, or set Handler to the name of another component", .0.display()
    )]
    NotFound(PathBuf),
    /// The file cannot be read.
    #[error("{} cannot be read: {}\nhint: give everyone read permission (`chmod a+r`)", .0.display(), .1)]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file has no bytes.
    #[error("{} is empty\nhint: compile the component again with `lambda-wasm compile`", .0.display())]
    Empty(PathBuf),
    /// The file is a component that is not compiled.
    #[error(
        "{} is a WebAssembly component that is not compiled\nhint: run `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    NotCompiled(PathBuf),
    /// The file is a core module.
    #[error(
        "{} is a core WebAssembly module, not a component\nhint: {CORE_MODULE_HINT}, then run `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    CoreModule(PathBuf),
    /// The file starts like an artifact, but its end is missing.
    #[error(
        "{} does not have a trailer: it was cut off, or `wasmtime compile` made it\nhint: compile the component with `lambda-wasm compile`", .0.display()
    )]
    NoTrailer(PathBuf),
    /// The file is neither an artifact nor WebAssembly.
    #[error(
        "{} is neither a compiled component nor WebAssembly\nhint: compile a component with `lambda-wasm compile component.wasm -o {}`", .0.display(), .0.display()
    )]
    NotRecognized(PathBuf),
    /// The trailer cannot be understood, or does not fit the file.
    #[error("the trailer of {} does not fit: {}\nhint: compile the component again with the `lambda-wasm` of this bootstrap's version", .0.display(), .1)]
    InvalidTrailer(PathBuf, String),
    /// The checksum of the bytes is wrong.
    #[error("{} is damaged: its SHA-256 is {actual}, but its trailer has {expected}\nhint: copy it again, or compile it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The checksum in the trailer.
        expected: String,
        /// The checksum of the bytes.
        actual: String,
    },
    /// The file is not signed, and the deployment trusts only signed artifacts.
    #[error("{} is not signed, and the keys in {} are to sign it\nhint: sign it with `lambda-wasm compile --sign KEY`", .path.display(), .keys.display())]
    NotSigned {
        /// The file.
        path: PathBuf,
        /// The file of the trusted keys.
        keys: PathBuf,
    },
    /// The file is signed by a key that the deployment does not trust.
    #[error("{} is signed by the key {signer}, which is not in {}\nhint: sign it with a trusted key, or add this one to that file", .path.display(), .keys.display())]
    UnknownSigner {
        /// The file.
        path: PathBuf,
        /// The file of the trusted keys.
        keys: PathBuf,
        /// The public key of the signer.
        signer: String,
    },
    /// The signature is not one of the trailer.
    #[error("the signature of {} is not valid: the file was changed after it was signed\nhint: compile the component again with `--sign KEY`", .0.display())]
    InvalidSignature(PathBuf),
    /// Another version of wasmtime compiled the file.
    #[error("{} was compiled for wasmtime {found}, and this bootstrap has {host}\nhint: compile the component again with the `lambda-wasm` of this bootstrap's version", .path.display())]
    Wasmtime {
        /// The file.
        path: PathBuf,
        /// The version that compiled it.
        found: String,
        /// The version of this host.
        host: &'static str,
    },
    /// The file is for another architecture or system.
    #[error("{} was compiled for {found}, and this bootstrap runs on {host}\nhint: run `lambda-wasm compile --target {host}`, or change the function's architecture", .path.display())]
    Target {
        /// The file.
        path: PathBuf,
        /// The target that it was compiled for.
        found: String,
        /// The target of this host.
        host: &'static str,
    },
    /// The file uses CPU features that this machine does not have.
    #[error("{} uses CPU features that this machine does not have: {missing}\nhint: compile the component without `--cpu native`", .path.display())]
    Cpu {
        /// The file.
        path: PathBuf,
        /// The features, separated by commas.
        missing: String,
    },
}

/// The hint for a core module.
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
            Self::NotSigned { .. } | Self::UnknownSigner { .. } | Self::InvalidSignature(_) => {
                ErrorType::ComponentNotTrusted
            }
            Self::Wasmtime { .. } => ErrorType::WasmtimeMismatch,
            Self::Target { .. } => ErrorType::TargetMismatch,
            Self::Cpu { .. } => ErrorType::CpuMismatch,
        }
    }
}
