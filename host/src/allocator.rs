//! The allocator, which counts what the host holds: a guest has no way to memory of the host's, but it can have the host
//! hold headers, bodies and requests for it.
//!
//! A worker is one thread, and what is done for its guest is done on it. So each thread has its own count, which costs next to
//! nothing. Beyond a bound, the engine's epoch moves with each allocation, so that the guest looks at its limits
//! (`sandbox/memory.rs`) before it asks for more.

#![expect(unsafe_code, reason = "what is allocated is the caller's to vouch for")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::OnceLock;

use rustix::mm::{Advice, madvise};
use wasmtime::Engine;

/// From this excess on, in bytes, large blocks are given back to the kernel as soon as they are freed: the guest of the next
/// invocation may need what allocators keep. The largest events and answers take less, and would pay for it.
pub const MUCH: isize = 16 * 1024 * 1024;

/// How large such a block is, in bytes.
const LARGE: usize = 16 * 1024;

const PAGE: usize = 4096;

/// What an allocation takes beside what was asked for: dlmalloc's header, and rounding.
const BESIDE: isize = 16;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static BOUND: Cell<isize> = const { Cell::new(isize::MAX) };
    static EXCESS: Cell<isize> = const { Cell::new(0) };
}

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// An allocator that counts what another gives.
pub struct Counting<A>(pub A);

/// How much this thread has allocated less what it has freed, in bytes. It is below zero where others allocated it.
#[must_use]
pub fn held() -> isize {
    HELD.get()
}

/// Has the epoch move while this thread holds more than `bound` bytes.
pub fn bound(bound: isize) {
    BOUND.set(bound);
    EXCESS.set(0);
}

/// How much more than its bound this thread has held at most since that was set, in bytes.
#[must_use]
pub fn excess() -> isize {
    EXCESS.get()
}

/// Says whose epoch moves. There is one engine in a process.
pub fn interrupt(engine: &Engine) {
    let _ = ENGINE.set(engine.clone());
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    if held > BOUND.get() && bytes > 0 {
        beyond(held);
    }
}

#[cold]
fn beyond(held: isize) {
    EXCESS.set(EXCESS.get().max(held.saturating_sub(BOUND.get())));
    if let Some(engine) = ENGINE.get() {
        engine.increment_epoch();
    }
}

/// Gives the pages of a block back that is to be freed. What is in them is zeroes then.
///
/// # Safety
///
/// Nothing else may use the block.
#[cold]
unsafe fn give_back(block: *mut u8, size: usize) {
    let first = block.align_offset(PAGE);
    let pages = size.saturating_sub(first) / PAGE;
    if pages > 0 {
        // SAFETY: the pages are within the caller's block. If it fails, they are kept as others are.
        let _ = unsafe { madvise(block.add(first).cast(), pages * PAGE, Advice::LinuxDontNeed) };
    }
}

/// No layout is larger than `isize::MAX`.
fn size(layout: Layout) -> isize {
    layout.size() as isize
}

// SAFETY: all is the other's; what is counted changes nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.alloc(layout) };
        if !new.is_null() {
            count(size(layout) + BESIDE);
        }
        new
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.alloc_zeroed(layout) };
        if !new.is_null() {
            count(size(layout) + BESIDE);
        }
        new
    }

    #[inline]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        if layout.size() >= LARGE && EXCESS.get() > MUCH {
            // SAFETY: it is being freed.
            unsafe { give_back(old, layout.size()) };
        }
        // SAFETY: the caller's.
        unsafe { self.0.dealloc(old, layout) };
        count(-(size(layout) + BESIDE));
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.realloc(old, layout, new_size) };
        if !new.is_null() {
            count(new_size as isize - size(layout));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::hint::black_box;

    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting<System> = Counting(System);

    #[test]
    fn what_is_held_is_counted_and_what_is_given_back_is_not() {
        let before = held();
        let mut bytes: Vec<u8> = black_box(Vec::with_capacity(1000));
        assert_eq!(held() - before, 1000 + BESIDE);
        bytes.reserve_exact(black_box(5000));
        assert_eq!(held() - before, 5000 + BESIDE);
        let zeroes = black_box(vec![0_u8; 300]);
        assert_eq!(held() - before, 5300 + 2 * BESIDE);
        drop((bytes, zeroes));
        assert_eq!(held(), before);
    }

    #[test]
    fn a_block_is_given_back_within_its_bounds() {
        let mut bytes = vec![1_u8; 5 * PAGE];
        let inner = &mut bytes[100..];
        // SAFETY: it is bytes, of any value.
        unsafe { give_back(inner.as_mut_ptr(), inner.len() - 100) };
        let zeroes = bytes.iter().filter(|byte| **byte == 0).count();
        assert!([3 * PAGE, 4 * PAGE].contains(&zeroes), "{zeroes}");
        let outer = bytes[..100].iter().chain(&bytes[5 * PAGE - 100..]);
        assert!(outer.copied().all(|byte| byte == 1));
    }

    #[test]
    fn each_thread_has_its_own() {
        let before = held();
        let bytes = std::thread::spawn(|| vec![1_u8; 1_000_000]).join().unwrap();
        assert!(held() - before < 500_000);
        drop(bytes);
        assert!(held() - before < -500_000);
    }
}
