//! The boundary between guest and host: lies about pointers, lengths, texts and handles, and functions of the guest's own
//! that the host calls while it hands something over.

use lambda_wasm_test_support::components::StringEncoding;

use super::{Answers, Fails, Family, TIMEOUT, TRAP, Technique};

const LINES: &str = r#"
    (import "wasi:cli/environment@0.2.12" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/stdin@0.2.12" "get-stdin" (func $stdin (result i32)))
    (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
    (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
    (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $after (param i64) (result i32)))
    (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.12" "[resource-drop]pollable" (func $drop_pollable (param i32)))
    (import "wasi:io/streams@0.2.12" "[method]input-stream.read" (func $read (param i32 i64 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.splice" (func $splice (param i32 i32 i64 i32)))
    (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop_stream (param i32)))
    (import "wasi:random/random@0.2.12" "get-random-bytes" (func $random_bytes (param i64 i32)))
    (import "lambda:function/invocation@0.1.0" "header" (func $header (param i32 i32 i32)))
    (data (i32.const 2048) "\ff\fe")
    (data (i32.const 2064) "\ed\a0\80")
    (data (i32.const 2080) "Function.Forged\0d\0alambda-runtime-aws-request-id: other")
    ;; A failure of this type, with this message, and so many lines of a stack trace.
    (func $fail (param $type i32) (param $type_length i32) (param $text i32) (param $length i32) (param $lines i32) (param $count i32) (result i32)
        (i32.store (i32.const 0) (i32.const 1))
        (i32.store (i32.const 4) (local.get $type)) (i32.store (i32.const 8) (local.get $type_length))
        (i32.store (i32.const 12) (local.get $text)) (i32.store (i32.const 16) (local.get $length))
        (i32.store (i32.const 20) (local.get $lines)) (i32.store (i32.const 24) (local.get $count))
        (i32.const 0))
    ;; Has the host ask for room for a list of pairs, while this trick is played.
    (func $while_reallocating (param i32) (result i32)
        (global.set $on_realloc (local.get 0))
        (call $environment (i32.const 32))
        unreachable)
    (func $far (result i32) (i32.const -16))
    (func $odd (result i32) (i32.const 65537))
    (func $deeper (result i32) (call $deeper))
    (func $forever (result i32) (loop $again (br $again)) unreachable)
    (func $asks (result i32) (drop (call $now)) (i32.const 65536))
    (func $traps (result i32) unreachable)
    (func $grows (result i32) (i32.mul (memory.grow (i32.const 100)) (i32.const 65536)))"#;

/// By their numbers below.
const TRICKS: &str = "$far $odd $deeper $forever $asks $traps $grows";

const WHILE_THE_HOST_CALLS: &[Technique] = &[
    Technique {
        what: "room far beyond the memory",
        code: "(call $while_reallocating (i32.const 0))",
        end: Fails(TRAP, "beyond end of memory"),
    },
    Technique {
        what: "room at an odd address",
        code: "(call $while_reallocating (i32.const 1))",
        end: Fails(TRAP, "not aligned"),
    },
    Technique {
        what: "a recursion without end instead of room",
        code: "(call $while_reallocating (i32.const 2))",
        end: Fails("Function.StackOverflow", "1 MiB"),
    },
    Technique {
        what: "a loop without end instead of room",
        code: "(call $while_reallocating (i32.const 3))",
        end: Fails(TIMEOUT, "it computed"),
    },
    Technique {
        what: "a call into the host instead of room",
        code: "(call $while_reallocating (i32.const 4))",
        end: Fails(TRAP, "cannot leave component instance"),
    },
    Technique {
        what: "a trap instead of room",
        code: "(call $while_reallocating (i32.const 5))",
        end: Fails(TRAP, "unreachable"),
    },
    Technique {
        what: "memory that moves while the host writes to it",
        code: "(global.set $on_realloc (i32.const 6))
            (call $random_bytes (i64.const 1000) (i32.const 32))
            (call $number (i64.extend_i32_u (i32.load (i32.const 36))))",
        end: Answers("1000"),
    },
    Technique {
        what: "a trap after the answer was returned",
        code: "(global.set $on_return (i32.const 5)) (call $good)",
        end: Fails(TRAP, "unreachable"),
    },
    Technique {
        what: "a loop without end after the answer was returned",
        code: "(global.set $on_return (i32.const 3)) (call $good)",
        end: Fails(TIMEOUT, "it computed"),
    },
    Technique {
        what: "a call into the host after the answer was returned",
        code: "(global.set $on_return (i32.const 4)) (call $good)",
        end: Fails(TRAP, "cannot leave component instance"),
    },
];

const ANSWERS: &[Technique] = &[
    Technique {
        what: "an answer beyond the memory",
        code: "(i32.const -16)",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "an answer at an odd address",
        code: "(i32.const 1)",
        end: Fails(TRAP, "not aligned"),
    },
    Technique {
        what: "an answer that is neither an answer nor a failure",
        code: "(i32.store (i32.const 0) (i32.const 7)) (i32.const 0)",
        end: Fails(TRAP, "discriminant"),
    },
    Technique {
        what: "an answer of 2^32 - 1 bytes",
        code: "(call $answer (i32.const 1024) (i32.const -1))",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "an answer that begins beyond the memory",
        code: "(call $answer (i32.const -1) (i32.const 2))",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a failure whose message is no UTF-8",
        code: "(call $fail (i32.const 1025) (i32.const 4) (i32.const 2048) (i32.const 2) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "utf-8"),
    },
    Technique {
        what: "a failure whose type is half of a character of UTF-16, in UTF-8",
        code: "(call $fail (i32.const 2064) (i32.const 3) (i32.const 1025) (i32.const 4) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "utf-8"),
    },
    Technique {
        what: "a failure whose message has 90 MiB",
        code: "(drop (memory.grow (i32.const 1530)))
            (call $fail (i32.const 1025) (i32.const 4) (i32.const 65536) (i32.const 94371840) (i32.const 0) (i32.const 0))",
        end: Fails("Function.TooMuchData", "more than 32 MiB"),
    },
    Technique {
        what: "a failure whose message says that it has 2^32 - 1 bytes",
        code: "(call $fail (i32.const 1025) (i32.const 4) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a stack trace that says that it has 2^32 - 1 lines",
        code: "(call $fail (i32.const 1025) (i32.const 4) (i32.const 1025) (i32.const 4) (i32.const 0) (i32.const -1))",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a stack trace of a million lines, of 60 KiB each, which are all the same bytes",
        code: "(local $at i32)
            (drop (memory.grow (i32.const 200)))
            (loop $again
                (i32.store offset=1048576 (local.get $at) (i32.const 131072))
                (i32.store offset=1048580 (local.get $at) (i32.const 61440))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $again (i32.lt_u (local.get $at) (i32.const 8000000))))
            (call $fail (i32.const 1025) (i32.const 4) (i32.const 1025) (i32.const 4) (i32.const 1048576) (i32.const 1000000))",
        end: Fails("Function.TooMuchData", "more than 32 MiB"),
    },
    Technique {
        what: "a stack trace of a million empty lines",
        code: "(drop (memory.grow (i32.const 200)))
            (call $fail (i32.const 1025) (i32.const 4) (i32.const 1025) (i32.const 4) (i32.const 1048576) (i32.const 1000000))",
        // Their JSON has 3 MB.
        end: Fails("good", "good"),
    },
    Technique {
        what: "a failure of 6 MiB whose JSON has 36, since each of its characters is escaped",
        code: "(drop (memory.grow (i32.const 200)))
            (call $fail (i32.const 1025) (i32.const 4) (i32.const 1048576) (i32.const 6291456) (i32.const 0) (i32.const 0))",
        end: Fails("Function.ResponseSizeTooLarge", ""),
    },
    Technique {
        what: "a failure whose type is a header of the Runtime API",
        code: "(call $fail (i32.const 2080) (i32.const 53) (i32.const 1025) (i32.const 4) (i32.const 0) (i32.const 0))",
        end: Fails("Function.Forged\r\nlambda-runtime-aws-request-id: other", "good"),
    },
];

const HANDLES: &[Technique] = &[
    Technique {
        what: "a handle that was never given out",
        code: "(call $block (i32.const 12345)) unreachable",
        end: Fails(TRAP, "unknown handle index 12345"),
    },
    Technique {
        what: "the handle 0",
        code: "(call $block (i32.const 0)) unreachable",
        end: Fails(TRAP, "unknown handle index 0"),
    },
    Technique {
        what: "the handle 2^32 - 1",
        code: "(call $block (i32.const -1)) unreachable",
        end: Fails(TRAP, "handle"),
    },
    Technique {
        what: "every handle up to a million, until one is somebody else's",
        code: "(local $handle i32)
            (loop $again
                (local.set $handle (i32.add (local.get $handle) (i32.const 1)))
                (call $drop_pollable (local.get $handle))
                (br_if $again (i32.lt_u (local.get $handle) (i32.const 1000000)))) unreachable",
        end: Fails(TRAP, "unknown handle index 1"),
    },
    Technique {
        what: "a stream as a timer",
        code: "(call $block (call $stdout)) unreachable",
        end: Fails(TRAP, "handle"),
    },
    Technique {
        what: "the same handle dropped twice",
        code: "(local $timer i32) (local.set $timer (call $after (i64.const 0)))
            (call $drop_pollable (local.get $timer)) (call $drop_pollable (local.get $timer)) unreachable",
        end: Fails(TRAP, "unknown handle index"),
    },
    Technique {
        what: "a handle after it was dropped",
        code: "(local $timer i32) (local.set $timer (call $after (i64.const 0)))
            (call $drop_pollable (local.get $timer)) (call $block (local.get $timer)) unreachable",
        end: Fails(TRAP, "unknown handle index"),
    },
    Technique {
        what: "a stream dropped before what waits for it",
        code: "(local $stream i32) (local.set $stream (call $stdout))
            (drop (call $subscribe (local.get $stream))) (call $drop_stream (local.get $stream)) unreachable",
        end: Fails(TRAP, "child"),
    },
    Technique {
        what: "streams without end",
        code: "(loop $again (drop (call $stdout)) (br $again)) unreachable",
        end: Fails("Function.TooManyHandles", "than the 10000 that"),
    },
    Technique {
        what: "2^64 - 1 zeroes for the log",
        code: "(call $zeroes (call $stdout) (i64.const -1) (i32.const 32)) unreachable",
        end: Fails(TRAP, "than `check_write` allows"),
    },
    Technique {
        what: "2^32 - 1 bytes for the log",
        code: "(call $write (call $stdout) (i32.const 0) (i32.const -1) (i32.const 32)) unreachable",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "2^64 - 1 bytes of an input that has none",
        code: "(call $read (call $stdin) (i64.const -1) (i32.const 32))
            (call $number (i64.extend_i32_u (i32.load8_u (i32.const 32))))",
        // Its end.
        end: Answers("1"),
    },
    Technique {
        what: "2^64 - 1 bytes of that input for the log",
        code: "(call $splice (call $stdout) (call $stdin) (i64.const -1) (i32.const 32))
            (call $number (i64.extend_i32_u (i32.load8_u (i32.const 32))))",
        end: Answers("1"),
    },
    Technique {
        what: "a name that is no UTF-8",
        code: "(call $header (i32.const 2048) (i32.const 2) (i32.const 32)) unreachable",
        end: Fails(TRAP, "utf-8"),
    },
    Technique {
        what: "a name that ends beyond all that 32 bits can say",
        code: "(call $header (i32.const -1) (i32.const -1) (i32.const 32)) unreachable",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a name of 40 MiB",
        code: "(drop (memory.grow (i32.const 700)))
            (call $header (i32.const 0) (i32.const 41943040) (i32.const 32)) unreachable",
        end: Fails("Function.TooMuchData", "more than 32 MiB"),
    },
    Technique {
        what: "an answer of the host's beyond the memory",
        code: "(call $environment (i32.const -4)) unreachable",
        end: Fails(TRAP, "out of bounds"),
    },
];

const HALF_CHARACTERS: &[Technique] = &[
    Technique {
        what: "a message that ends in the first half of a character",
        code: r"(i32.store16 (i32.const 2048) (i32.const 0xd83d))
            (call $fail (i32.const 2048) (i32.const 0) (i32.const 2048) (i32.const 1) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "surrogate"),
    },
    Technique {
        what: "a type that is the second half of a character",
        code: r"(i32.store16 (i32.const 2048) (i32.const 0xde00))
            (call $fail (i32.const 2048) (i32.const 1) (i32.const 2048) (i32.const 0) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "surrogate"),
    },
    Technique {
        what: "a message of 2^31 half characters",
        code: r"(call $fail (i32.const 2048) (i32.const 0) (i32.const 2048) (i32.const 0x80000000) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "out of bounds"),
    },
    Technique {
        what: "a message at an odd address",
        code: r"(call $fail (i32.const 2048) (i32.const 0) (i32.const 2049) (i32.const 1) (i32.const 0) (i32.const 0))",
        end: Fails(TRAP, "aligned"),
    },
];

#[test]
fn the_guests_functions_that_the_host_calls_are_as_any_others() {
    Family {
        tricks: TRICKS,
        ..Family::new(LINES, WHILE_THE_HOST_CALLS)
    }
    .run();
}

#[test]
fn answers_and_failures_are_checked() {
    Family {
        tricks: TRICKS,
        ..Family::new(LINES, ANSWERS)
    }
    .run();
}

#[test]
fn handles_and_lengths_are_checked() {
    Family {
        tricks: TRICKS,
        ..Family::new(LINES, HANDLES)
    }
    .run();
}

#[test]
fn half_characters_of_utf16_are_none() {
    Family {
        tricks: TRICKS,
        encoding: StringEncoding::UTF16,
        ..Family::new(LINES, HALF_CHARACTERS)
    }
    .run();
}
