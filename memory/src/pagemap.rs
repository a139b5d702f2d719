//! The pages of a mapping that may have been written.
//!
//! `/proc/self/pagemap` has a word for each page (<https://docs.kernel.org/admin-guide/mm/pagemap.html>): bit 63 says that
//! it is in memory, bit 62 that it is swapped out, and bit 61 that it is a page of a file. A page of a private file mapping
//! is the file's until it is written to, when the kernel gives the process a copy. A page of zeros is not there until it is
//! used. So a page may have been written if it is swapped out, or in memory and not a file's.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use crate::mapping::{Mapping, PAGE, page_size};

/// How many words are read at once.
const WORDS: usize = 1024;

/// The file, if the process cannot open it any more.
static OPENED: OnceLock<File> = OnceLock::new();

/// Opens `/proc/self/pagemap` for later, when the kernel refuses the process to open files. Without it, all pages of a memory
/// are given back.
pub fn open_pagemap() {
    if let Ok(file) = File::open(PATH) {
        let _ = OPENED.set(file);
    }
}

const PATH: &str = "/proc/self/pagemap";

/// `/proc/self/pagemap`.
pub(crate) struct Pagemap(File);

impl Pagemap {
    /// Opens it, and tries it with a page of `file` and a page of zeros.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel does not tell which pages were written.
    pub(crate) fn open(file: &File) -> io::Result<Self> {
        if page_size() != PAGE {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let opened = OPENED.get().map(File::try_clone);
        let pagemap = Self(opened.unwrap_or_else(|| File::open(PATH))?);
        let mut pages = Mapping::reserve(2 * PAGE)?;
        pages.overlay(&(0..PAGE), file, 0)?;
        pages.allow(&(PAGE..2 * PAGE))?;
        // SAFETY: both pages may be accessed, and nobody else knows them.
        let read = |offset| unsafe { pages.at(offset).read_volatile() };
        // SAFETY: as above.
        let write = |offset| unsafe { pages.at(offset).write_volatile(1) };
        let written = || pagemap.written(&pages, 2 * PAGE);
        read(0);
        let before = written()?;
        write(0);
        write(PAGE);
        match (&*before, &*written()?) {
            ([], [0, PAGE]) => Ok(pagemap),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Calls `each` with the offset of each page in the first `length` bytes of a mapping that may have been written.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel does not tell all of them.
    pub(crate) fn each_written(
        &self,
        mapping: &Mapping,
        length: usize,
        mut each: impl FnMut(usize) -> ControlFlow<()>,
    ) -> io::Result<()> {
        const WORD: usize = size_of::<u64>();
        let mut words = [0; WORD * WORDS];
        for begin in (0..length).step_by(WORDS * PAGE) {
            let pages = WORDS.min((length - begin) / PAGE);
            let words = &mut words[..WORD * pages];
            let place = mapping.at(begin).addr() / PAGE * WORD;
            self.0.read_exact_at(words, place as u64)?;
            for (index, word) in words.as_chunks().0.iter().enumerate() {
                if may_be_written(u64::from_ne_bytes(*word))
                    && each(begin + index * PAGE).is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// All pages of [`Pagemap::each_written`].
    pub(crate) fn written(&self, mapping: &Mapping, length: usize) -> io::Result<Vec<usize>> {
        let mut written = Vec::new();
        self.each_written(mapping, length, |offset| {
            written.push(offset);
            ControlFlow::Continue(())
        })?;
        Ok(written)
    }
}

/// Whether a page with this word may have been written.
fn may_be_written(word: u64) -> bool {
    const IN_MEMORY: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_A_FILE: u64 = 1 << 61;
    word & SWAPPED != 0 || word & (IN_MEMORY | OF_A_FILE) == IN_MEMORY
}
