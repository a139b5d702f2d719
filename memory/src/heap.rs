//! dlmalloc behind a lock of the standard library.
//!
//! Its own lock is one of C's, and musl's functions for it run 40 instructions for each allocation that no other thread
//! disturbs.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

/// The heap of an executable.
pub struct Heap(Mutex<Dlmalloc>);

impl Heap {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Dlmalloc::new()))
    }

    /// A lock of the standard library is a futex on Linux: it does not allocate.
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Dlmalloc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: dlmalloc is an allocator, and the lock lets one thread in at a time.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises, here and below.
        unsafe { self.lock().malloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: see above.
        unsafe { self.lock().calloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: see above.
        unsafe { self.lock().free(old, layout.size(), layout.align()) };
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: see above.
        unsafe {
            self.lock()
                .realloc(old, layout.size(), layout.align(), new_size)
        }
    }
}
