//! The executable's own file, which a start reads from the disk, and its relocated part, which nothing writes afterwards.
//!
//! By itself, the kernel reads a piece when the start first uses it, and the start waits. When the kernel is told ahead, it
//! reads while the start goes on.

use std::ops::Range;

use object::LittleEndian;
use object::elf::{FileHeader64, PF_R, PT_GNU_EH_FRAME, PT_GNU_RELRO, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};

use crate::mapping::{PAGE, page_size};

type Segment = ProgramHeader64<LittleEndian>;

/// How much the kernel is told of at once, in bytes. Of more, it may read the first part only.
const PIECE: usize = 512 * 1024;

/// Has the kernel read what a start uses. See [`crate::read_ahead!`].
///
/// # Safety
///
/// `header` has to be the ELF header of this executable, and `functions` the begin and the end of a part of its code.
pub unsafe fn read_ahead(header: *const u8, functions: [*const u8; 2]) {
    // SAFETY: as the caller promises.
    for range in unsafe { ranges(header, functions) }.into_iter().flatten() {
        let (start, end) = (range.start as usize, range.end as usize);
        let mut start = start / page_size() * page_size();
        while start < end {
            let piece = PIECE.min(end - start);
            // SAFETY: the advice changes nothing that is there. If the kernel does not take it, the start waits more often.
            let _ = unsafe {
                let address = header.add(start).cast_mut().cast();
                madvise(address, piece, Advice::WillNeed)
            };
            start += piece;
        }
    }
}

/// Makes what was relocated read-only: tables of functions, among others. See [`crate::protect_relocated!`].
///
/// # Safety
///
/// `header` has to be the ELF header of this executable, whose relocation has ended.
pub unsafe fn protect_relocated(header: *const u8) {
    // SAFETY: as the caller promises.
    let Some(relocated) = (unsafe { relocated(header) }) else {
        return;
    };
    let in_pages = |address: u64| address as usize / page_size() * page_size();
    let (start, end) = (in_pages(relocated.start), in_pages(relocated.end));
    // SAFETY: the linker promises that nothing writes there once the program is relocated.
    let _ = unsafe {
        let address = header.add(start).cast_mut().cast();
        mprotect(address, end - start, MprotectFlags::READ)
    };
}

/// Returns the segments of this executable.
///
/// # Safety
///
/// `header` has to be its ELF header.
unsafe fn segments<'a>(header: *const u8) -> Option<&'a [Segment]> {
    // SAFETY: the executable is loaded with its header, in whole pages.
    let start: &[u8] = unsafe { std::slice::from_raw_parts(header, PAGE) };
    let elf = FileHeader64::<LittleEndian>::parse(start).ok()?;
    elf.program_headers(LittleEndian, start).ok()
}

fn of_kind(segments: &[Segment], kind: u32) -> Option<&Segment> {
    let mut segments = segments.iter();
    segments.find(|segment| segment.p_type(LittleEndian) == kind)
}

/// Returns where what was relocated is, from `header` on.
///
/// # Safety
///
/// As for [`segments`].
unsafe fn relocated(header: *const u8) -> Option<Range<u64>> {
    // SAFETY: as the caller promises.
    let segments = unsafe { segments(header) }?;
    of_kind(segments, PT_GNU_RELRO).map(addresses)
}

/// Returns where `functions` are, what was relocated, and the constants, from `header` on.
///
/// # Safety
///
/// As for [`read_ahead`].
unsafe fn ranges(header: *const u8, functions: [*const u8; 2]) -> Option<[Range<u64>; 3]> {
    // SAFETY: as the caller promises.
    let segments = unsafe { segments(header) }?;
    let is_constant = |segment: &&Segment| {
        segment.p_type(LittleEndian) == PT_LOAD && segment.p_flags(LittleEndian) == PF_R
    };
    // The linker puts the unwind tables behind the constants, if `host/startup.ld` does not put them elsewhere.
    let mut constants = addresses(segments.iter().rfind(is_constant)?);
    let unwind_table = of_kind(segments, PT_GNU_EH_FRAME)?.p_vaddr(LittleEndian);
    if constants.contains(&unwind_table) {
        constants.end = unwind_table;
    }
    let [begin, end] = functions.map(|place| (place.addr() - header.addr()) as u64);
    let relocated = addresses(of_kind(segments, PT_GNU_RELRO)?);
    Some([begin..end, relocated, constants])
}

fn addresses(segment: &Segment) -> Range<u64> {
    let start = segment.p_vaddr(LittleEndian);
    start..start + segment.p_filesz(LittleEndian)
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        static __ehdr_start: u8;
    }

    #[test]
    fn the_ranges_have_what_a_start_uses() {
        static CONSTANT: [u8; 64] = [1; 64];
        static RELOCATED: [&[u8]; 4] = [&CONSTANT; 4];
        let header = &raw const __ehdr_start;
        let place = |address: usize| (address - header.addr()) as u64;
        let begin = read_ahead as *const u8;
        let code = [begin, begin.wrapping_add(1)];
        // SAFETY: this is the header, and a function.
        let [functions, relocated, constants] = unsafe { ranges(header, code) }.unwrap();
        assert_eq!(functions, place(begin.addr())..place(begin.addr()) + 1);
        assert!(relocated.contains(&place((&raw const RELOCATED).addr())));
        assert!(constants.contains(&place((&raw const CONSTANT).addr())));
        // SAFETY: as above.
        unsafe { read_ahead(header, code) };
        assert_eq!(RELOCATED[3], [1; 64]);
    }
}
