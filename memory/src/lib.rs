//! The memory of `bootstrap`: an allocator that counts, C's `memcpy` and `memmove`, the memories and stacks of guests, which
//! are kept from one instance to the next, and the reading ahead of the executable.
//!
//! All of them need `unsafe` code. It is here, so that the host has none but two calls of wasmtime.
//!
//! # Who counts where
//!
//! A guest cannot access the host's memory, but it can make the host allocate on its behalf: headers, bodies, requests. All of
//! that is allocated by the guest's worker, or by the threads of the worker's tokio runtime that wait for files.
//!
//! ```text
//!  thread            worker                  its helpers            any other thread
//!  registered by     ThreadGroup::attach     ThreadGroup::register  nothing
//!  counts in         a cell of its own       the group's atomic     a cell of its own
//!                        │                       │
//!  allocated()       its own cell + the group's atomic              its own cell
//!                        │
//!  over set_limit()  each allocation of the worker calls on_over_limit's function
//! ```
//!
//! - A thread's own count needs no lock. Only helpers share their count.
//! - A helper's allocation does not look at the limit: the worker's next one does.
//! - Memory that one thread allocates and another frees makes the count of the first too high, and the count of the second
//!   too low.
//! - A block counts with what dlmalloc takes for it: with a header of 8 bytes, as a multiple of 16.
//! - While a thread has been far over its limit, the large blocks that it frees are given back to the kernel.
//!
//! # Why not musl's
//!
//! - musl's allocator asks the kernel for memory too often. dlmalloc takes its place, behind a lock of the standard library:
//!   with musl's lock, a hello invocation ran 7 % more instructions.
//! - musl's `memcpy` takes 16 ns for a few bytes that `copy` copies in 2 ns.

#![expect(
    unsafe_code,
    reason = "callers of an allocator and of memcpy vouch for their pointers"
)]

pub mod allocator;
#[cfg(target_arch = "x86_64")]
pub mod copy;
pub mod executable;
#[cfg(target_env = "musl")]
mod heap;
mod linear;
mod mapping;
mod pagemap;
mod stack;

pub use linear::{Image, KeptMemories};
pub use mapping::make_code;
pub use pagemap::open_pagemap;
pub use stack::KeptStacks;

/// Gives an executable the counting allocator, and with musl on `x86_64` also `memcpy` and `memmove`.
///
/// It is a macro, so that only the executable that calls it has them, and not every one that links this crate.
#[macro_export]
macro_rules! install {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::allocator::Allocator = $crate::allocator::Allocator::new();

        // A build without optimization may call `memcpy` in `copy` itself.
        #[cfg(all(target_env = "musl", target_arch = "x86_64", not(debug_assertions)))]
        const _: () = {
            #[unsafe(no_mangle)]
            unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
                // SAFETY: the caller's places do not overlap, and have so many bytes.
                unsafe { $crate::copy::forward(to, from, length) };
                to
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
                // SAFETY: the caller's places have so many bytes.
                unsafe { $crate::copy::overlapping(to, from, length) };
                to
            }
        };
    };
}

/// Has the kernel read what a start uses of the executable's file. To be called first of all in an executable that is linked
/// with `host/startup.ld`, as static ones are. Does nothing in another.
#[macro_export]
macro_rules! read_ahead {
    () => {
        #[cfg(target_feature = "crt-static")]
        {
            unsafe extern "C" {
                /// Of the linker.
                static __ehdr_start: u8;
                /// Of `startup.ld`.
                static start_functions_begin: u8;
                /// Of `startup.ld`.
                static start_functions_end: u8;
            }
            // SAFETY: these are the places that the names say.
            unsafe {
                $crate::executable::read_ahead(
                    &raw const __ehdr_start,
                    [
                        &raw const start_functions_begin,
                        &raw const start_functions_end,
                    ],
                );
            }
        }
    };
}

/// Makes what was relocated in the executable read-only, if it is linked statically: musl's start code leaves it writable.
#[macro_export]
macro_rules! protect_relocated {
    () => {
        #[cfg(target_feature = "crt-static")]
        {
            unsafe extern "C" {
                /// Of the linker.
                static __ehdr_start: u8;
            }
            // SAFETY: this is the header, and `main` runs after the relocation.
            unsafe { $crate::executable::protect_relocated(&raw const __ehdr_start) };
        }
    };
}
