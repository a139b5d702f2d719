//! The rules that the threads of `bootstrap` keep: who answers an invocation, who replaces a stuck thread, and when the process
//! ends.
//!
//! A worker, the watchdog and the threads that stand by meet only in this crate. It has no dependencies, so that every order of
//! their steps can be tried in seconds: `models.rs` does that with [loom](https://docs.rs/loom). Outside of the models are the
//! signal handler, the kernel's word on whether a thread waits, and the replacement of the process.
//!
//! [Miri](https://github.com/rust-lang/miri), which needs a nightly Rust, runs the other tests. The watchdog's thread lives as long
//! as the process, which Miri takes for a leak:
//!
//! ```sh
//! MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri test -p lambda-wasm-lifecycle --target-dir target/miri
//! ```

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

#[cfg(all(loom, test))]
mod models;
mod relief;
mod shutdown;
mod sync;
mod underway;
mod watchdog;

pub use relief::{Crew, Relief};
pub use shutdown::{End, MAX_ABANDONED, Shutdown};
pub use underway::{Claim, Left, Stuck, Underway};
pub use watchdog::{Alarm, Watchdog, Watched, Yielding};
