//! Core dumps of guests that trapped, for the functions whose policies ask for them.
//!
//! wasmtime makes a dump in memory, several times as large as the guest's own. So the contents of the guest's memories are
//! written to a file piece by piece and set to zero, and wasmtime then makes the rest, which is small. A guest that trapped does
//! not run again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wasmtime::{Memory, Store, WasmCoreDump};

use crate::sandbox::HostState;

/// The most core dumps that there are in a directory.
pub(crate) const MAX_DUMPS: usize = 4;

/// The most bytes that the core dumps in a directory have together.
pub(crate) const MAX_BYTES: u64 = 128 * 1024 * 1024;

const EXTENSION: &str = "coredump";

/// How much of a memory is looked at for zeroes at its ends, which are left out.
const PIECE: usize = 4096;

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// The number of the section with the contents of memories.
const DATA: u8 = 11;

/// Writes the core dump of an error, if it has one, and returns where it is or why it was not written.
#[must_use]
pub(crate) fn write(store: &mut Store<HostState>, error: &wasmtime::Error) -> Option<String> {
    let dump: &WasmCoreDump = error.downcast_ref()?;
    let directory = store.data().dumps.as_ref()?.directory.clone();
    let id = store.data().id();
    let id = id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
    let path = directory.join(format!("{id:.100}.{EXTENSION}"));
    Some(match save(store, dump, &path) {
        Ok(()) => format!("Its core dump is {}", path.display()),
        Err(why) => format!("It has no core dump in {}: {why}", directory.display()),
    })
}

/// Writes new files: what is there already may be a symbolic link.
fn save(store: &mut Store<HostState>, dump: &WasmCoreDump, path: &Path) -> Result<(), String> {
    let (count, used) = dumps_in(path.parent().unwrap_or(Path::new("/"))).map_err(words)?;
    if count >= MAX_DUMPS {
        return Err(format!(
            "there are {count} already, which are kept: delete some"
        ));
    }
    let contents = Contents::new(store, dump);
    // Both files are there for a moment.
    let (size, room) = (contents.size * 2, MAX_BYTES.saturating_sub(used));
    if size > room {
        return Err(format!(
            "it needs {} KiB for a moment, and core dumps may have {} KiB there, of which {} KiB are left",
            size / 1024,
            MAX_BYTES / 1024,
            room / 1024
        ));
    }
    let spool = Removed(path.with_extension("part"));
    contents.write(store, dump, &spool.0).map_err(words)?;
    let rest = dump.serialize(&mut *store, "function");
    let joined = join(&rest, &spool.0, path);
    joined.map_err(|error| {
        let _ = fs::remove_file(path);
        words(error)
    })
}

fn words(error: io::Error) -> String {
    error.to_string()
}

/// A file that is deleted in the end.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// How many core dumps there are in a directory, and how many bytes they have together.
fn dumps_in(directory: &Path) -> io::Result<(usize, u64)> {
    let mut found = (0, 0);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|e| e == EXTENSION) {
            found.0 += 1;
            found.1 += entry.metadata()?.len();
        }
    }
    Ok(found)
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(BufWriter::with_capacity(64 * 1024, file))
}

/// The contents of a guest's memories: the section of a core dump that is written without a copy in memory.
struct Contents {
    segments: u32,
    /// The section's, without its number and size.
    size: u64,
    stop: Instant,
}

impl Contents {
    fn new(store: &Store<HostState>, dump: &WasmCoreDump) -> Self {
        let mut contents = Self {
            segments: 0,
            size: 0,
            stop: store.data().stop,
        };
        for (index, memory) in (0..).zip(dump.memories()) {
            for (offset, bytes) in segments(store, memory) {
                contents.segments += 1;
                contents.size +=
                    (head(store, memory, index, offset, bytes).len() + bytes.len()) as u64;
            }
        }
        contents.size += leb(contents.segments.into()).len() as u64;
        contents
    }

    /// Writes the section, and sets to zero what it has written.
    fn write(
        &self,
        store: &mut Store<HostState>,
        dump: &WasmCoreDump,
        path: &Path,
    ) -> io::Result<()> {
        let mut file = create(path)?;
        file.write_all(&[DATA])?;
        file.write_all(&leb(self.size))?;
        file.write_all(&leb(self.segments.into()))?;
        for (index, memory) in (0..).zip(dump.memories()) {
            for (offset, bytes) in segments(store, memory) {
                if Instant::now() >= self.stop {
                    return Err(io::Error::other(
                        "there was no time for it before the deadline",
                    ));
                }
                file.write_all(&head(store, memory, index, offset, bytes))?;
                file.write_all(bytes)?;
            }
        }
        file.flush()?;
        for memory in dump.memories() {
            for piece in memory.data_mut(&mut *store).chunks_mut(PIECE) {
                // Unused pages stay unused.
                if piece.iter().any(|byte| *byte != 0) {
                    piece.fill(0);
                }
            }
        }
        Ok(())
    }
}

/// The parts of a memory that are not zero, and where they are in it.
fn segments<'a>(
    store: &'a Store<HostState>,
    memory: &Memory,
) -> impl Iterator<Item = (usize, &'a [u8])> {
    let pieces = memory.data(store).chunks(PIECE).enumerate();
    pieces.filter_map(|(number, piece)| {
        let first = piece.iter().position(|byte| *byte != 0)?;
        let last = piece.iter().rposition(|byte| *byte != 0)?;
        Some((number * PIECE + first, &piece[first..=last]))
    })
}

/// Returns the head of a segment: the memory, the offset, and the number of bytes.
fn head(
    store: &Store<HostState>,
    memory: &Memory,
    index: u64,
    offset: usize,
    bytes: &[u8],
) -> Vec<u8> {
    const WITH_INDEX: u8 = 2;
    const I32_CONST: u8 = 0x41;
    const I64_CONST: u8 = 0x42;
    const END: u8 = 0x0b;
    let is_64 = memory.ty(store).is_64();
    let mut head = vec![WITH_INDEX];
    head.extend(leb(index));
    head.push(if is_64 { I64_CONST } else { I32_CONST });
    head.extend(match is_64 {
        true => signed_leb(offset as i64),
        // Offsets are written as signed numbers.
        false => signed_leb((offset as u32 as i32).into()),
    });
    head.push(END);
    head.extend(leb(bytes.len() as u64));
    head
}

/// Puts the section in the file into the place of the empty one.
fn join(dump: &[u8], section: &Path, path: &Path) -> io::Result<()> {
    let mut file = create(path)?;
    let mut rest = dump
        .strip_prefix(MAGIC)
        .ok_or_else(|| io::Error::other("wasmtime made none"))?;
    file.write_all(MAGIC)?;
    while let Some(id) = rest.first() {
        let (size, bytes) = read_leb(&rest[1..]);
        let end = (1 + bytes + size).min(rest.len());
        match *id {
            DATA => drop(io::copy(&mut File::open(section)?, &mut file)?),
            _ => file.write_all(&rest[..end])?,
        }
        rest = &rest[end..];
    }
    file.flush()
}

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn signed_leb(mut number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if (number == 0 && low & 0x40 == 0) || (number == -1 && low & 0x40 != 0) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A number, and how many bytes it has.
fn read_leb(bytes: &[u8]) -> (usize, usize) {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        number |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (number, index + 1);
        }
    }
    (number, bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_webassembly_has_them() {
        assert_eq!(leb(624_485), [0xe5, 0x8e, 0x26]);
        assert_eq!(signed_leb(-123_456), [0xc0, 0xbb, 0x78]);
        assert_eq!(signed_leb(64), [0xc0, 0]);
        assert_eq!(read_leb(&[0xe5, 0x8e, 0x26, 1]), (624_485, 3));
    }
}
