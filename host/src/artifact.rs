//! The `.cwasm`: wasmtime's ELF file, followed by a trailer that says what is in it.
//!
//! ```text
//! ELF … | images of memories | origin | a line of JSON | a signature | the lines' length, u32 little-endian | "lmbdwasm"
//! ```
//!
//! The signature is a second line, if the artifact is signed: [`signature`]. The origin is JSON for
//! `lambda-wasm inspect --sbom`: what the component says about how it was made. The host does not read it.
//!
//! The compile tool writes the trailer. The host reads it before there is an engine: the engine is made from it, and what
//! does not fit is said in terms that a person can act on, where wasmtime has only strings. wasmtime ignores bytes after
//! its ELF, while it would refuse a prefix or a section that it does not know.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cpu;
use crate::world::{self, World};

mod error;
pub mod signature;

pub use error::{ArtifactError, CORE_MODULE_HINT};

use signature::Signature;

/// The version of the trailer's own format.
pub const FORMAT: u32 = 3;

/// The last bytes of every artifact.
const MAGIC: &[u8; 8] = b"lmbdwasm";

/// The end of the trailer, after its lines: their length and the magic.
const SUFFIX: usize = 4 + MAGIC.len();

/// A trailer is read with one `pread` of this many bytes, a second one if it is larger.
const FIRST_READ: usize = 8 * 1024;

/// The largest trailer, in bytes. A larger length is not a trailer's.
const MAX_TRAILER: usize = 1024 * 1024;

/// The description of an artifact, which the compile tool writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// The version of this format: [`FORMAT`].
    pub format: u32,
    /// The version of the wasmtime that compiled it. It has to be the host's.
    pub wasmtime: String,
    /// The target triple that it was compiled for.
    pub target: String,
    /// The CPU features that its code uses, by the names of [`cpu::is_available`].
    pub cpu: Vec<String>,
    /// The length of the ELF, the images and the origin, in bytes.
    pub length: u64,
    /// The SHA-256 of the ELF, the images and the origin, in hexadecimal.
    pub sha256: String,
    /// The SHA-256 of the component that it was compiled from, in hexadecimal.
    #[serde(default)]
    pub component: String,
    /// The length of the origin alone, in bytes.
    #[serde(default)]
    pub origin: u64,
    /// Whether its code checks the epoch, so that it can be interrupted.
    pub epoch: bool,
    /// Whether it needs the engine's support for concurrency, as the async ABI does.
    pub concurrency: bool,
    /// Whether it throws or catches WebAssembly exceptions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exceptions: bool,
    /// How many linear memories one instance has.
    pub memories: u32,
    /// The first content of each memory, if the host is to keep memories; else the ELF has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// How many tables one instance has.
    pub tables: u32,
    /// How many core instances one instance has.
    pub core_instances: u32,
    /// Which of the worlds it is for.
    pub world: World,
    /// Whether the names of its functions are kept, for backtraces.
    pub names: bool,
    /// Whether its stack traces have neither names nor offsets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stripped: bool,
    /// Whether instances start from the memory of one that has prepared itself: they run no start code and no `init`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prepared: bool,
    /// The SHA-256 of the event that it had served too, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmed_by: Option<String>,
    /// Whether an instance answers one HTTP request and no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_request: bool,
    /// The imports, with versions.
    pub imports: Vec<String>,
    /// The imports that have types only, which the host does not implement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// The exports, with versions.
    pub exports: Vec<String>,
}

/// The first content of a memory: a part of the artifact, and zeros around it. Its place and length are whole pages of the
/// target: of 4 KiB, or up to 64 KiB for arm64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The size of the memory that it is for, in WebAssembly's pages. No other memory of the component has it.
    pub minimum: u64,
    /// Where it begins in the memory, in bytes.
    pub start: usize,
    /// Where it begins in the artifact, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub length: usize,
}

/// The kind of a file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No bytes at all.
    Empty,
    /// A component in WebAssembly's binary format.
    Component,
    /// A core module in WebAssembly's binary format.
    CoreModule,
    /// An ELF file, as an artifact is.
    Elf,
    /// None of these.
    Other,
}

impl Kind {
    /// Returns the kind of a file with these first eight bytes; a shorter file has fewer.
    ///
    /// A component differs from a module in the binary format's layer field, bytes 6 and 7.
    #[must_use]
    pub fn from_bytes(start: &[u8]) -> Self {
        match start {
            [] => Self::Empty,
            [0, b'a', b's', b'm', _, _, 1, 0, ..] => Self::Component,
            [0, b'a', b's', b'm', ..] => Self::CoreModule,
            [0x7f, b'E', b'L', b'F', ..] => Self::Elf,
            _ => Self::Other,
        }
    }
}

impl Trailer {
    /// Reads the trailer of the artifact at `path`, and checks that it fits the file, this host and this machine.
    ///
    /// The artifact's bytes are not read: see [`verify`].
    ///
    /// # Errors
    ///
    /// Returns an error if the artifact is invalid, or does not fit.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let trailer = Self::inspect(path)?;
        trailer.check(path)?;
        Ok(trailer)
    }

    /// Reads the trailer, and checks only that it belongs to the file, which may be for another machine.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not an artifact, or cannot be read.
    pub fn inspect(path: &Path) -> Result<Self, ArtifactError> {
        Ending::read(path).map(|ending| ending.trailer)
    }

    /// Checks that this host, on this machine, can run the artifact.
    fn check(&self, path: &Path) -> Result<(), ArtifactError> {
        // wasmtime itself takes artifacts of the same major version. But 48.0.6 has another layout of some instances than 48.0.5,
        // and an artifact keeps the holes of the compiler that made it.
        if self.wasmtime != WASMTIME {
            return Err(ArtifactError::Wasmtime {
                path: path.to_owned(),
                found: self.wasmtime.clone(),
                host: WASMTIME,
            });
        }
        if self.target != HOST_TARGET {
            return Err(ArtifactError::Target {
                path: path.to_owned(),
                found: self.target.clone(),
                host: HOST_TARGET,
            });
        }
        let missing: Vec<&str> = self
            .cpu
            .iter()
            .map(String::as_str)
            .filter(|name| !cpu::is_available(name))
            .collect();
        if !missing.is_empty() {
            return Err(ArtifactError::Cpu {
                path: path.to_owned(),
                missing: missing.join(", "),
            });
        }
        Ok(())
    }

    /// The imports that the host has to implement.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        world::needed(&self.imports, &self.types)
    }

    /// The bytes that go behind the ELF.
    ///
    /// # Errors
    ///
    /// Only if the trailer cannot be written as JSON.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        let length = bytes.len();
        append_suffix(&mut bytes, length);
        Ok(bytes)
    }
}

/// The end of an artifact: its trailer, as bytes too, and its signature.
#[derive(Debug)]
pub struct Ending {
    /// The trailer.
    pub trailer: Trailer,
    /// The first line of the trailer, with its line end.
    pub line: Vec<u8>,
    /// The signature, which is not verified.
    pub signature: Option<Signature>,
}

impl Ending {
    /// Reads the end of the artifact at `path`, and checks that it belongs to the file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not an artifact, or cannot be read.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let unreadable = |error| ArtifactError::Unreadable(path.to_owned(), error);
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ArtifactError::NotFound(path.to_owned()),
            _ => unreadable(error),
        };
        // Before it is opened: opening a pipe waits for its writer.
        let metadata = path.metadata().map_err(missing)?;
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        let size = metadata.len();
        let file = File::open(path).map_err(missing)?;
        let read = |length: usize| -> Result<Vec<u8>, ArtifactError> {
            let length = usize::try_from(size).unwrap_or(usize::MAX).min(length);
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, size - length as u64)
                .map_err(unreadable)?;
            Ok(bytes)
        };

        let mut end = read(FIRST_READ)?;
        let Some(length) = line_length(&end) else {
            return Err(no_trailer(path, &file, size).unwrap_or_else(unreadable));
        };
        let invalid = |why: String| ArtifactError::InvalidTrailer(path.to_owned(), why);
        if length > MAX_TRAILER || (length + SUFFIX) as u64 > size {
            return Err(invalid(format!("it claims to be {length} bytes long")));
        }
        if length + SUFFIX > end.len() {
            end = read(length + SUFFIX)?;
        }
        let lines = &end[end.len() - SUFFIX - length..end.len() - SUFFIX];
        let first = lines.iter().position(|&byte| byte == b'\n');
        let (line, rest) = lines.split_at(first.map_or(length, |at| at + 1));
        let unclear = |error: serde_json::Error| invalid(error.to_string());
        let trailer: Trailer = serde_json::from_slice(line).map_err(unclear)?;
        let signature = match rest {
            [] => None,
            rest => Some(serde_json::from_slice(rest).map_err(unclear)?),
        };
        if trailer.format != FORMAT {
            return Err(invalid(format!(
                "its format is {}, and {FORMAT} is known here",
                trailer.format
            )));
        }
        if trailer.length.checked_add((length + SUFFIX) as u64) != Some(size) {
            return Err(invalid(format!(
                "it was written for {} bytes, and the file has {} before it",
                trailer.length,
                size - (length + SUFFIX) as u64
            )));
        }
        Ok(Self {
            trailer,
            line: line.to_vec(),
            signature,
        })
    }
}

/// Appends the end of a trailer whose lines have this length.
fn append_suffix(bytes: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(MAGIC);
}

/// Reads the whole artifact and compares its checksum with the trailer's.
///
/// # Errors
///
/// [`ArtifactError::Damaged`] if they differ, [`ArtifactError::Unreadable`] if the file cannot be read.
pub fn verify(path: &Path, trailer: &Trailer) -> Result<(), ArtifactError> {
    verify_as(path, path, trailer)
}

/// Does the same for the file at `source`, which errors name `path`.
fn verify_as(path: &Path, source: &Path, trailer: &Trailer) -> Result<(), ArtifactError> {
    let hash = || -> io::Result<String> {
        let mut elf = BufReader::with_capacity(64 * 1024, File::open(source)?.take(trailer.length));
        let mut hasher = Sha256::new();
        loop {
            let part = elf.fill_buf()?;
            if part.is_empty() {
                return Ok(hex(&hasher.finalize()));
            }
            hasher.update(part);
            let length = part.len();
            elf.consume(length);
        }
    };
    let actual = hash().map_err(|error| ArtifactError::Unreadable(path.to_owned(), error))?;
    if actual == trailer.sha256 {
        return Ok(());
    }
    Err(ArtifactError::Damaged {
        path: path.to_owned(),
        expected: trailer.sha256.clone(),
        actual,
    })
}

/// The SHA-256 of an ELF, as the trailer has it.
#[must_use]
pub fn sha256(elf: &[u8]) -> String {
    hex(&Sha256::digest(elf))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The version of wasmtime in this program, which does not tell it. A test holds it against `Cargo.lock`.
pub const WASMTIME: &str = "48.0.8";

/// The target triple that this program runs artifacts of.
pub const HOST_TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

/// The length of the lines, from the last bytes of a file.
fn line_length(end: &[u8]) -> Option<usize> {
    let (_, suffix) = end.split_at_checked(end.len().checked_sub(SUFFIX)?)?;
    let (length, magic) = suffix.split_first_chunk::<4>()?;
    (magic == MAGIC).then(|| u32::from_le_bytes(*length) as usize)
}

/// Which error a file without a trailer is.
fn no_trailer(path: &Path, file: &File, size: u64) -> io::Result<ArtifactError> {
    let mut start = [0; 8];
    let start = &mut start[..size.min(8) as usize];
    file.read_exact_at(start, 0)?;
    let path = path.to_owned();
    Ok(match Kind::from_bytes(start) {
        Kind::Empty => ArtifactError::Empty(path),
        Kind::Component => ArtifactError::NotCompiled(path),
        Kind::CoreModule => ArtifactError::CoreModule(path),
        Kind::Elf => ArtifactError::NoTrailer(path),
        Kind::Other => ArtifactError::NotRecognized(path),
    })
}

#[cfg(test)]
mod tests;
