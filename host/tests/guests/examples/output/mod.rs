//! Steps on an output stream of WASI 0.2: what the HTTP component and the streaming one have in common.

use std::io::Write;
use std::time::Duration;

use guests::{Step, panics, run_forever, spin};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::streams::{OutputStream, StreamError};

/// What ended the steps on the body.
pub enum End {
    /// They are done, or one of them said that the body is.
    Finished,
    /// They gave the body up.
    Failed,
}

/// Does the steps until the body ends; those that are left are for [`work`].
pub fn write(mut output: OutputStream, steps: &mut impl Iterator<Item = Step>) -> End {
    for step in steps {
        match step {
            Step::Finish => break,
            Step::Fail => return End::Failed,
            Step::Write(bytes) => {
                if output.write_all(&bytes).is_err() {
                    return closed();
                }
            }
            Step::Push(bytes) => {
                if push(&output, &bytes).is_err() {
                    return closed();
                }
            }
            Step::Flush => {
                if output.blocking_flush().is_err() {
                    return closed();
                }
            }
            other => work(other),
        }
    }
    End::Finished
}

/// Does a step that needs no body.
pub fn work(step: Step) {
    match step {
        Step::Pause(duration) => pause(duration),
        Step::Spin(duration) => spin(duration),
        Step::RunForever => run_forever(),
        Step::Trap => panics(),
        Step::Print(line) => println!("{line}"),
        Step::Write(_) | Step::Push(_) | Step::Flush | Step::Fail | Step::Finish => {
            unreachable!("the body has ended")
        }
    }
}

/// Waits.
pub fn pause(duration: Duration) {
    subscribe_duration(duration.as_nanos() as u64).block();
}

fn push(output: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = output.check_write()?.min(bytes.len() as u64);
        let (now, later) = bytes.split_at(room as usize);
        if !now.is_empty() {
            output.write(now)?;
        }
        bytes = later;
    }
    output.flush()
}

/// Nobody reads the body any more.
fn closed() -> End {
    println!("the body is closed");
    End::Failed
}
