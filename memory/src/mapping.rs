//! A range of addresses that the kernel maps pages into.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};

use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap,
};

/// The size of a page on Lambda's machines, in bytes.
pub(crate) const PAGE: usize = 4096;

/// The size of a page here, in bytes. Some kernels for arm64 have larger ones. Elsewhere a start does not ask, which would
/// also not work under valgrind.
pub(crate) fn page_size() -> usize {
    match cfg!(target_arch = "aarch64") {
        true => PAGE.max(rustix::param::page_size()),
        false => PAGE,
    }
}

/// Reserved addresses, which are given back on drop. Offsets are in bytes and multiples of [`page_size`].
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: addresses belong to the process, and only the owner of the mapping changes what is mapped there.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives the address only.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves addresses, which nothing may be read from or written to yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel has no room for them.
    pub(crate) fn reserve(length: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: the kernel chooses addresses that nobody uses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), length, ProtFlags::empty(), flags)? };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    /// Maps a part of a file, to be read only.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel cannot map it.
    pub(crate) fn of_file(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE;
        // SAFETY: as in `reserve`.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                ProtFlags::READ,
                flags,
                file,
                offset,
            )?
        };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    /// The address at this offset.
    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        assert!(
            offset <= self.length,
            "the offset is outside of the mapping"
        );
        // SAFETY: it is inside, or one past the end.
        unsafe { self.start.as_ptr().add(offset) }
    }

    /// How many bytes are reserved.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Lets a range be read and written.
    pub(crate) fn allow(&mut self, range: &Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    /// Lets nobody read or write a range. Its pages stay.
    pub(crate) fn forbid(&mut self, range: &Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::empty())
    }

    fn protect(&mut self, range: &Range<usize>, flags: MprotectFlags) -> io::Result<()> {
        self.check(range);
        // SAFETY: the range is this mapping's.
        unsafe { mprotect(self.at(range.start).cast(), range.len(), flags)? };
        Ok(())
    }

    /// Maps a part of a file over a range: what is written there is private.
    pub(crate) fn overlay(
        &mut self,
        range: &Range<usize>,
        file: &File,
        offset: u64,
    ) -> io::Result<()> {
        self.check(range);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let start = self.at(range.start).cast();
        // SAFETY: the range is this mapping's.
        unsafe { mmap(start, range.len(), protection, flags, file, offset)? };
        Ok(())
    }

    /// Forgets what was written to a range: it is again what its file has, or zeros.
    pub(crate) fn discard(&mut self, range: &Range<usize>) -> io::Result<()> {
        self.check(range);
        let start = self.at(range.start).cast();
        // SAFETY: the range is this mapping's, whose owner wants it to change.
        unsafe { madvise(start, range.len(), Advice::LinuxDontNeed)? };
        Ok(())
    }

    fn check(&self, range: &Range<usize>) {
        let is_inside = range.start <= range.end && range.end <= self.length;
        assert!(is_inside, "the range is outside of the mapping");
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing refers to these addresses any more. It cannot fail for a whole mapping, and there is no remedy.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
    }
}
/// Makes a page of data executable, as code would that has found a way out of the sandbox. Tests try it.
///
/// # Errors
///
/// Returns an error if the process may not do that.
pub fn make_code() -> io::Result<()> {
    let mut page = Mapping::reserve(PAGE)?;
    page.allow(&(0..PAGE))?;
    let becomes = MprotectFlags::READ | MprotectFlags::EXEC;
    // SAFETY: the page is in the mapping, which nothing else uses.
    Ok(unsafe { mprotect(page.at(0).cast(), PAGE, becomes) }?)
}
