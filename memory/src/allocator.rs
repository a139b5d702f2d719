//! The allocator. It counts what each thread allocates, and reports a thread that is over its limit.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicIsize, Ordering};

use rustix::mm::{Advice, madvise};

/// From this many bytes over the limit on, large blocks are given back to the kernel as they are freed.
///
/// The guest of the next invocation may need the memory that an allocator keeps. The largest events and responses take less:
/// for them, asking the kernel again would cost time.
const TRIM_THRESHOLD: isize = 16 * 1024 * 1024;

/// The smallest block that is given back to the kernel, in bytes.
const MIN_TRIMMED_BLOCK: usize = 16 * 1024;

const PAGE: usize = 4096;

#[cfg(target_env = "musl")]
type Backing = crate::heap::Heap;
#[cfg(not(target_env = "musl"))]
type Backing = std::alloc::System;

/// The allocator of `bootstrap`.
pub type Allocator = Counting<Backing>;

impl Allocator {
    /// Creates the allocator. An executable has one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Self {
        #[cfg(target_env = "musl")]
        return Self(crate::heap::Heap::new());
        #[cfg(not(target_env = "musl"))]
        return Self(std::alloc::System);
    }
}

thread_local! {
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
    static LIMIT: Cell<isize> = const { Cell::new(isize::MAX) };
    static PEAK_OVER_LIMIT: Cell<isize> = const { Cell::new(0) };
    /// The count of the group that this thread is the worker of, or a helper in.
    static GROUP: Cell<Option<&'static AtomicIsize>> = const { Cell::new(None) };
    static IS_HELPER: Cell<bool> = const { Cell::new(false) };
}

static ON_OVER_LIMIT: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// An allocator that counts the allocations of another one.
pub struct Counting<A>(A);

/// The count of a worker's helpers: the threads that allocate on behalf of the worker's guest.
#[derive(Debug, Clone, Copy)]
pub struct ThreadGroup(&'static AtomicIsize);

impl ThreadGroup {
    /// Creates the group of one worker. Its count is never freed.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::leak(Box::new(AtomicIsize::new(0))))
    }

    /// Makes the current thread a helper: it counts in the group from now on.
    pub fn register(self) {
        GROUP.set(Some(self.0));
        IS_HELPER.set(true);
    }

    /// Makes the current thread the worker, whose count includes the group's.
    pub fn attach(self) {
        GROUP.set(Some(self.0));
    }
}

impl Default for ThreadGroup {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns how much this thread and its helpers have allocated less the memory that they have freed, in bytes.
///
/// It is below zero if other threads allocated the memory.
#[must_use]
pub fn allocated() -> isize {
    let group = GROUP.get();
    ALLOCATED.get() + group.map_or(0, |count| count.load(Ordering::Relaxed))
}

/// Sets how many bytes this thread and its helpers may have allocated.
pub fn set_limit(limit: isize) {
    LIMIT.set(limit);
    PEAK_OVER_LIMIT.set(0);
}

/// Returns how much more than its limit this thread has had at most since the limit was set, in bytes.
#[must_use]
pub fn peak_over_limit() -> isize {
    PEAK_OVER_LIMIT.get()
}

/// Sets the function that is called with each allocation of a thread that is over its limit. Only the first call has an effect.
///
/// The function must not allocate: its own allocation would call it again.
pub fn on_over_limit(call: impl Fn() + Send + Sync + 'static) {
    let _ = ON_OVER_LIMIT.set(Box::new(call));
}

fn count(bytes: isize) {
    if IS_HELPER.get() {
        if let Some(count) = GROUP.get() {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
        return;
    }
    ALLOCATED.set(ALLOCATED.get() + bytes);
    let allocated = allocated();
    if allocated > LIMIT.get() && bytes > 0 {
        over_limit(allocated);
    }
}

#[cold]
fn over_limit(allocated: isize) {
    let over = allocated.saturating_sub(LIMIT.get());
    PEAK_OVER_LIMIT.set(PEAK_OVER_LIMIT.get().max(over));
    if let Some(call) = ON_OVER_LIMIT.get() {
        call();
    }
}

/// Gives the pages of a block that is to be freed back to the kernel. They are zeroes then.
///
/// # Safety
///
/// Nothing else may use the block.
#[cold]
unsafe fn trim(block: *mut u8, size: usize) {
    let first = block.align_offset(PAGE);
    let pages = size.saturating_sub(first) / PAGE;
    if pages > 0 {
        // SAFETY: the pages are within the caller's block. If the call fails, the allocator keeps them.
        let _ = unsafe { madvise(block.add(first).cast(), pages * PAGE, Advice::LinuxDontNeed) };
    }
}

/// Returns how many bytes dlmalloc takes for a block of this size: with a header of 8 bytes, as a multiple of 16.
fn cost(size: usize) -> isize {
    // No layout is larger than `isize::MAX`.
    ((size.saturating_add(23)) & !15).max(32) as isize
}

// SAFETY: each method is the other allocator's. The counts do not change a block.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let new = unsafe { self.0.alloc(layout) };
        if !new.is_null() {
            count(cost(layout.size()));
        }
        new
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let new = unsafe { self.0.alloc_zeroed(layout) };
        if !new.is_null() {
            count(cost(layout.size()));
        }
        new
    }

    #[inline]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        if layout.size() >= MIN_TRIMMED_BLOCK && PEAK_OVER_LIMIT.get() > TRIM_THRESHOLD {
            // SAFETY: the block is being freed.
            unsafe { trim(old, layout.size()) };
        }
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(old, layout) };
        count(-cost(layout.size()));
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
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
    fn allocated_memory_is_counted_until_it_is_freed() {
        let before = allocated();
        let mut bytes: Vec<u8> = black_box(Vec::with_capacity(1000));
        assert_eq!(allocated() - before, cost(1000));
        bytes.reserve_exact(black_box(5000));
        assert_eq!(allocated() - before, cost(5000));
        let zeroes = black_box(vec![0_u8; 300]);
        assert_eq!(allocated() - before, cost(5000) + cost(300));
        drop((bytes, zeroes));
        assert_eq!(allocated(), before);
    }

    #[test]
    fn only_whole_pages_of_a_block_are_trimmed() {
        let mut bytes = vec![1_u8; 5 * PAGE];
        let inner = &mut bytes[100..];
        // SAFETY: bytes may have any value.
        unsafe { trim(inner.as_mut_ptr(), inner.len() - 100) };
        let zeroes = bytes.iter().filter(|byte| **byte == 0).count();
        assert!([3 * PAGE, 4 * PAGE].contains(&zeroes), "{zeroes}");
        let outer = bytes[..100].iter().chain(&bytes[5 * PAGE - 100..]);
        assert!(outer.copied().all(|byte| byte == 1));
    }

    #[test]
    fn helpers_count_for_their_worker() {
        std::thread::spawn(|| {
            let group = ThreadGroup::new();
            group.attach();
            let before = allocated();
            let helper = std::thread::Builder::new().spawn(move || {
                group.register();
                vec![1_u8; 1_000_000]
            });
            let bytes = helper.unwrap().join().unwrap();
            assert!((allocated() - before - cost(1_000_000)).abs() < 10_000);
            drop(bytes);
            assert!((allocated() - before).abs() < 10_000);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_thread_over_its_limit_is_reported_with_each_allocation() {
        static CALLS: AtomicIsize = AtomicIsize::new(0);
        on_over_limit(|| {
            CALLS.fetch_add(1, Ordering::Relaxed);
        });
        let calls = || CALLS.load(Ordering::Relaxed);
        set_limit(allocated() + 1000);
        let below = black_box(vec![1_u8; 500]);
        assert_eq!((calls(), peak_over_limit()), (0, 0));
        let over = black_box(vec![1_u8; 1000]);
        assert_eq!(calls(), 1);
        let peak = cost(500) + cost(1000) - 1000;
        assert_eq!(peak_over_limit(), peak);
        drop((below, over));
        assert_eq!((calls(), peak_over_limit()), (1, peak));
        set_limit(isize::MAX);
        assert_eq!(peak_over_limit(), 0);
    }

    #[test]
    fn each_thread_has_its_own_count() {
        let before = allocated();
        let bytes = std::thread::spawn(|| vec![1_u8; 1_000_000]).join().unwrap();
        assert!(allocated() - before < 500_000);
        drop(bytes);
        assert!(allocated() - before < -500_000);
    }
}
