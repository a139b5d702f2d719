//! Time, stack, memory, tables, clocks and random numbers: what a guest can use up without saying a word.

use super::{Answers, Fails, Family, TIMEOUT, TRAP, Technique};

const LINES: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
    (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $after (param i64) (result i32)))
    (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-instant" (func $at (param i64) (result i32)))
    (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.12" "[method]pollable.ready" (func $ready (param i32) (result i32)))
    (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))
    (import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))
    (import "wasi:random/random@0.2.12" "get-random-bytes" (func $random_bytes (param i64 i32)))
    (import "wasi:random/insecure@0.2.12" "get-insecure-random-bytes" (func $insecure_bytes (param i64 i32)))
    (import "wasi:random/insecure-seed@0.2.12" "insecure-seed" (func $seed (param i32)))
    (table $calls 2 funcref)
    (elem (table $calls) (i32.const 0) func $deeper)
    (type $none (func))
    (type $other (func (param f64)))
    (func $deeper (call_indirect $calls (type $none) (i32.const 0)))
    (func $asking (drop (call $random)) (call $asking))
    (func $sum (param i32) (result i64)
        (i64.add (call $sum (i32.add (local.get 0) (i32.const 1))) (i64.load (local.get 0))))"#;

const TECHNIQUES: &[Technique] = &[
    Technique {
        what: "a loop without end that asks the host for the time",
        code: "(loop $again (drop (call $now)) (br $again)) unreachable",
        end: Fails(TIMEOUT, "it computed"),
    },
    Technique {
        what: "fills of 64 MiB, again and again, which nothing interrupts",
        code: "(drop (memory.grow (i32.const 1024)))
            (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)) (br $again)) unreachable",
        end: Fails(TIMEOUT, "it computed"),
    },
    Technique {
        what: "a recursion through a table",
        code: "(call $deeper) unreachable",
        end: Fails("Function.StackOverflow", "its stack of 1 MiB"),
    },
    Technique {
        what: "a recursion with a call into the host at every depth",
        code: "(call $asking) unreachable",
        end: Fails("Function.StackOverflow", "its stack of 1 MiB"),
    },
    Technique {
        what: "a recursion that keeps a value at every depth",
        code: "(call $number (call $sum (i32.const 0)))",
        end: Fails("Function.StackOverflow", "its stack of 1 MiB"),
    },
    Technique {
        what: "4 GiB of memory at once",
        code: "(call $number (i64.extend_i32_s (memory.grow (i32.const 65536))))",
        end: Answers("-1"),
    },
    Technique {
        what: "all memory that there is, page by page, and no more than that",
        code: "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (call $number (i64.extend_i32_u (memory.size)))",
        // 96 MiB, of which the tables have a little.
        end: Answers("1535"),
    },
    Technique {
        what: "all memory that there is, and the end for want of more",
        code: "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
        end: Fails("Function.OutOfMemory", "may have 96 MiB"),
    },
    Technique {
        what: "a table of 2^32 - 1 elements",
        code: "(call $number (i64.extend_i32_s (table.grow $calls (ref.null func) (i32.const -3))))",
        end: Answers("-1"),
    },
    Technique {
        what: "a table that grows by an element until it may not",
        code: "(loop $again (br_if $again (i32.ne (table.grow $calls (ref.null func) (i32.const 1)) (i32.const -1)))) unreachable",
        end: Fails("Function.TableTooLarge", "of 1000001 elements"),
    },
    Technique {
        what: "a call of what is no function",
        code: "(call_indirect $calls (type $none) (i32.const 1)) unreachable",
        end: Fails(TRAP, "uninitialized element"),
    },
    Technique {
        what: "a call of a function by another type",
        code: "(call_indirect $calls (type $other) (f64.const 0) (i32.const 0)) unreachable",
        end: Fails(TRAP, "indirect call type mismatch"),
    },
    Technique {
        what: "a call beyond the table",
        code: "(call_indirect $calls (type $none) (i32.const -1)) unreachable",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a sleep of 584 years",
        code: "(call $block (call $after (i64.const -1))) unreachable",
        end: Fails(TIMEOUT, "it waited in wasi:io/poll"),
    },
    Technique {
        what: "a wait for the end of all time, and for two years",
        code: "(i32.store (i32.const 16) (call $at (i64.const -1)))
            (i32.store (i32.const 20) (call $after (i64.const 63072000000000000)))
            (call $poll (i32.const 16) (i32.const 2) (i32.const 32)) unreachable",
        end: Fails(TIMEOUT, "it waited in wasi:io/poll"),
    },
    Technique {
        what: "asking again and again whether it is over",
        code: "(local $timer i32) (local.set $timer (call $after (i64.const -1)))
            (loop $again (br_if $again (i32.eqz (call $ready (local.get $timer))))) unreachable",
        end: Fails(TIMEOUT, ""),
    },
    Technique {
        what: "waiting for what is over, again and again",
        code: "(local $timer i32) (local.set $timer (call $at (i64.const 0)))
            (loop $again (call $block (local.get $timer)) (br $again)) unreachable",
        end: Fails(TIMEOUT, ""),
    },
    Technique {
        what: "a wait for nothing",
        code: "(call $poll (i32.const 16) (i32.const 0) (i32.const 32)) unreachable",
        end: Fails(TRAP, "empty poll list"),
    },
    Technique {
        what: "a wait for 2^32 - 1 timers",
        code: "(call $poll (i32.const 16) (i32.const -1) (i32.const 32)) unreachable",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "the same timer a hundred thousand times in one wait",
        code: "(local $at i32) (local $timer i32) (local.set $timer (call $after (i64.const 0)))
            (drop (memory.grow (i32.const 64)))
            (global.set $heap (i32.const 2000000))
            (loop $again
                (i32.store offset=262144 (local.get $at) (local.get $timer))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))
                (br_if $again (i32.lt_u (local.get $at) (i32.const 400000))))
            (call $poll (i32.const 262144) (i32.const 100000) (i32.const 32))
            (call $number (i64.extend_i32_u (i32.load (i32.const 36))))",
        end: Fails("Function.TooManyHandles", "than the 10000 that"),
    },
    Technique {
        what: "timers without end",
        code: "(loop $again (drop (call $after (i64.const -1))) (br $again)) unreachable",
        end: Fails("Function.TooManyHandles", "than the 10000 that"),
    },
    Technique {
        what: "2^64 - 1 random bytes",
        code: "(call $random_bytes (i64.const -1) (i32.const 32)) unreachable",
        end: Fails("Function.TooMuchData", "of random bytes in one call"),
    },
    Technique {
        what: "a GiB of cheap random bytes",
        code: "(call $insecure_bytes (i64.const 1073741824) (i32.const 32)) unreachable",
        end: Fails("Function.TooMuchData", "of random bytes in one call"),
    },
    Technique {
        what: "random bytes without end, a MiB at a time",
        code: "(drop (memory.grow (i32.const 32)))
            (loop $again
                (global.set $heap (i32.const 65536))
                (call $random_bytes (i64.const 1048576) (i32.const 32)) (br $again)) unreachable",
        end: Fails(TIMEOUT, ""),
    },
    Technique {
        what: "a seed that is asked for twice, to find the one of another instance",
        code: "(call $seed (i32.const 32)) (call $seed (i32.const 48))
            (call $number (i64.extend_i32_u (i64.eq (i64.load (i32.const 32)) (i64.load (i32.const 48)))))",
        // It is one for each instance; that each has another one is tested with what leaks from one to the next.
        end: Answers("1"),
    },
];

#[test]
fn exhausted_resources_cost_one_invocation() {
    Family::new(LINES, TECHNIQUES).run();
}
