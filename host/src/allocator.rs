//! The allocator, which counts what the host holds: a guest has no way to memory of the host's, but it can have the host
//! hold headers, bodies and requests for it.
//!
//! A worker is one thread, and what is done for its guest is done on it, or by the threads of its tokio runtime that wait for
//! files. So each thread has its own count, which needs no lock, and those threads share one that their worker adds to its own. Beyond a bound, the engine's epoch moves with each allocation, so that the guest looks at its limits
//! (`sandbox/memory.rs`) before it asks for more.

#![expect(unsafe_code, reason = "what is allocated is the caller's to vouch for")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicIsize, Ordering};

use rustix::mm::{Advice, madvise};
use wasmtime::Engine;

/// From this excess on, in bytes, large blocks are given back to the kernel as soon as they are freed: the guest of the next
/// invocation may need what allocators keep. The largest events and answers take less, and would pay for it.
pub const MUCH: isize = 16 * 1024 * 1024;

/// How large such a block is, in bytes.
const LARGE: usize = 16 * 1024;

const PAGE: usize = 4096;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static BOUND: Cell<isize> = const { Cell::new(isize::MAX) };
    static EXCESS: Cell<isize> = const { Cell::new(0) };
    /// What is counted by helpers: of those that this thread has, or of all helpers of a thread that is one.
    static HELPERS: Cell<Option<&'static AtomicIsize>> = const { Cell::new(None) };
    static IS_HELPER: Cell<bool> = const { Cell::new(false) };
}

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// An allocator that counts what another gives.
pub struct Counting<A>(pub A);

/// The count of a worker's helpers.
#[derive(Debug, Clone, Copy)]
pub struct Helpers(&'static AtomicIsize);

impl Helpers {
    /// A new count, for one worker.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::leak(Box::new(AtomicIsize::new(0))))
    }

    /// This thread is one of them.
    pub fn join(self) {
        HELPERS.set(Some(self.0));
        IS_HELPER.set(true);
    }

    /// This thread is the worker that has them.
    pub fn adopt(self) {
        HELPERS.set(Some(self.0));
    }
}

impl Default for Helpers {
    fn default() -> Self {
        Self::new()
    }
}

/// How much this thread and its helpers have allocated less what they have freed, in bytes. It is below zero where others
/// allocated it.
#[must_use]
pub fn held() -> isize {
    let helpers = HELPERS.get();
    HELD.get() + helpers.map_or(0, |count| count.load(Ordering::Relaxed))
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
    if IS_HELPER.get() {
        if let Some(count) = HELPERS.get() {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
        return;
    }
    HELD.set(HELD.get() + bytes);
    let held = held();
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

/// What a block of this size takes: dlmalloc's has a header of 8 bytes, and is a multiple of 16. No layout is larger than
/// `isize::MAX`.
fn cost(size: usize) -> isize {
    ((size.saturating_add(23)) & !15).max(32) as isize
}

// SAFETY: all is the other's; what is counted changes nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.alloc(layout) };
        if !new.is_null() {
            count(cost(layout.size()));
        }
        new
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.alloc_zeroed(layout) };
        if !new.is_null() {
            count(cost(layout.size()));
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
        count(-cost(layout.size()));
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        let new = unsafe { self.0.realloc(old, layout, new_size) };
        if !new.is_null() {
            count(cost(new_size) - cost(layout.size()));
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
        assert_eq!(held() - before, cost(1000));
        bytes.reserve_exact(black_box(5000));
        assert_eq!(held() - before, cost(5000));
        let zeroes = black_box(vec![0_u8; 300]);
        assert_eq!(held() - before, cost(5000) + cost(300));
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
    fn helpers_count_with_their_worker() {
        std::thread::spawn(|| {
            let helpers = Helpers::new();
            helpers.adopt();
            let before = held();
            let helper = std::thread::Builder::new().spawn(move || {
                helpers.join();
                vec![1_u8; 1_000_000]
            });
            let bytes = helper.unwrap().join().unwrap();
            assert!((held() - before - cost(1_000_000)).abs() < 10_000);
            drop(bytes);
            assert!((held() - before).abs() < 10_000);
        })
        .join()
        .unwrap();
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
