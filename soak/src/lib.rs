//! Breaks the world around the real `bootstrap`, and counts what becomes of each invocation.
//!
//! A run starts one process after the other. Each gets events from a Runtime API whose faults are drawn from a seed, and runs
//! a function that also traps, loops, and fills its memory. In the end, every invocation that was handed out has exactly one
//! answer, or a reason in the log why the answer was not delivered.

pub mod api;
pub mod clock;
mod event;
pub mod ledger;
mod messages;
pub mod origin;
pub mod plan;
pub mod process;
pub mod run;
pub mod wire;
