//! What a component does with its answer's body, step by step.

use crate::{Target, millis};
use std::time::Duration;

/// Something that a component does, after its answer has begun.
pub enum Step {
    /// Writes, and waits for room if there is none.
    Write(Vec<u8>),
    /// Writes, and asks again and again where there is no room: it does not wait, so the host never gets a turn by that.
    Push(Vec<u8>),
    /// Waits until all that was written is gone.
    Flush,
    /// Waits for a clock.
    Pause(Duration),
    /// Computes.
    Spin(Duration),
    /// Computes until it is stopped.
    RunForever,
    /// Traps.
    Trap,
    /// Gives the body up before its end, with a failure if the world has one.
    Fail,
    /// Ends the body. Further steps are work after the answer.
    Finish,
    /// Prints a line on stdout.
    Print(&'static str),
}

type Steps = Box<dyn Iterator<Item = Step>>;

/// The most that is written at once.
const PIECE: u64 = 64 * 1024;

/// The steps that a target stands for, each made when it is due. After the last one the body is ended, if it still goes
/// on, and the component returns.
pub fn steps(target: &Target) -> Option<Steps> {
    let first = || [Step::Write(b"first\n".to_vec()), Step::Flush];
    let whole = || [Step::Write(b"whole\n".to_vec()), Step::Finish];
    let (n, size) = (target.number("n", 3), target.number("size", 16));
    let pause = millis(target.number("pause", 0));
    let spin = millis(target.number("spin", 0));
    let duration = millis(target.millis());
    Some(match target.path() {
        // No bytes at all.
        "empty" => Box::new(std::iter::empty()),
        // ?n=N&size=S&pause=MS: N chunks, flushed, and a pause between them.
        "chunks" => Box::new((0..n).flat_map(move |i| {
            let pause = (i > 0 && !pause.is_zero()).then_some(Step::Pause(pause));
            let write = [Step::Write(chunk(i, size)), Step::Flush];
            pause.into_iter().chain(write)
        })),
        // ?n=N&size=S&spin=MS: N chunks, and computing instead of pauses. Nothing in it waits.
        "busy-chunks" => Box::new((0..n).flat_map(move |i| {
            let spin = (i > 0 && !spin.is_zero()).then_some(Step::Spin(spin));
            spin.into_iter().chain([Step::Push(chunk(i, size))])
        })),
        // ?bytes=N, in pieces.
        "big" => Box::new(pieces(target.number("bytes", 0)).map(Step::Write)),
        // ?ms=N: the head at once, and the body after that.
        "late-body" => Box::new([Step::Pause(duration)].into_iter().chain(first())),
        // ?ms=N or ?ms=N&spin: the whole answer, then work, then a line that says so.
        "after" => {
            let work = if target.has("spin") {
                Step::Spin(duration)
            } else {
                Step::Pause(duration)
            };
            Box::new(whole().into_iter().chain([work, Step::Print("after done")]))
        }
        // ?ms=N: the whole answer, then more lines than a pipe takes that nobody reads.
        "log-after" => {
            let lines = (0..100_000).map(|_| Step::Print("after done"));
            let whole = whole().into_iter().chain([Step::Pause(duration)]);
            Box::new(whole.chain(lines))
        }
        "loop-after" => Box::new(whole().into_iter().chain([Step::RunForever])),
        "trap-after" => Box::new(whole().into_iter().chain([Step::Trap])),
        // With the head alone, and with the first chunk: what can happen then. ?ms=N gives the head time to leave.
        "trap-after-head" => {
            let pause = target.has("ms").then_some(Step::Pause(duration));
            Box::new(pause.into_iter().chain([Step::Trap]))
        }
        "trap-after-chunk" => Box::new(first().into_iter().chain([Step::Trap])),
        "loop-after-head" => Box::new([Step::RunForever].into_iter()),
        "loop-in-stream" => Box::new(first().into_iter().chain([Step::RunForever])),
        // ?ms=N: a wait before the end.
        "wait-in-stream" => Box::new(first().into_iter().chain([Step::Pause(duration)])),
        "fail" => Box::new([Step::Fail].into_iter()),
        "unfinished" => Box::new(first().into_iter().chain([Step::Fail])),
        _ => return None,
    })
}

/// The body of `/big`: its byte at a position is the position modulo 251, so that what is lost or doubled shows.
pub fn pieces(bytes: u64) -> impl Iterator<Item = Vec<u8>> {
    let starts = (0..bytes).step_by(PIECE as usize);
    starts.map(move |start| {
        let end = bytes.min(start + PIECE);
        (start..end)
            .map(|position| (position % 251) as u8)
            .collect()
    })
}

/// The chunk of this number: one letter, again and again.
fn chunk(number: u64, size: u64) -> Vec<u8> {
    vec![b'a' + (number % 26) as u8; size as usize]
}
