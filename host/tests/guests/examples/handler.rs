//! A `handler-function` that does what its event, a JSON string, tells it: `"verb"` or `"verb:argument"`.

wit_bindgen::generate!({ path: "../../../wit", world: "handler-function", generate_all });

use std::cell::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

use exports::lambda::function::handler::{Context, Failure, Guest};
use lambda::function::invocation;

struct Handler;
export!(Handler);

thread_local! {
    /// How many invocations this instance has had.
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

impl Guest for Handler {
    fn handle(event: Vec<u8>, context: Context) -> Result<Vec<u8>, Failure> {
        let text = String::from_utf8_lossy(&event).into_owned();
        let command = text.trim().trim_matches('"');
        let (verb, argument) = command.split_once(':').unwrap_or((command, ""));
        match verb {
            "echo" => Ok(event),
            // An event of an authorizer: who has the token `allow` may call everything.
            "{\"authorizationToken\"" => {
                let effect = match text.contains("\"authorizationToken\":\"allow\"") {
                    true => "Allow",
                    false => "Deny",
                };
                Ok(format!(
                    r#"{{"principalId":"jane","policyDocument":{{"Version":"2012-10-17","Statement":[{{"Action":"execute-api:Invoke","Effect":"{effect}","Resource":"*"}}]}},"context":{{"plan":"gold"}}}}"#
                )
                .into_bytes())
            }
            // An event of a queue, with messages `good` and `fail`: the latter have failed.
            "{\"Records\"" if text.contains("\"good\"") || text.contains("\"fail\"") => {
                let records = text.split("\"body\":").skip(1);
                let failed = records.filter(|record| record.starts_with("\"fail\""));
                let ids = failed.filter_map(|record| {
                    let (_, rest) = record.split_once("\"messageId\":\"")?;
                    Some(rest.split_once('"')?.0)
                });
                let failures = ids.map(|id| format!("{{\"itemIdentifier\":\"{id}\"}}"));
                let failures: Vec<_> = failures.collect();
                Ok(format!("{{\"batchItemFailures\":[{}]}}", failures.join(",")).into_bytes())
            }
            "count" => {
                COUNT.set(COUNT.get() + 1);
                text_answer(&COUNT.get().to_string())
            }
            "soil" => {
                soil(argument.as_bytes());
                text_answer("soiled")
            }
            "find" => text_answer(&find(argument.as_bytes()).to_string()),
            "context" => text_answer(&format!("{context:?}")),
            "env" => text_answer(&std::env::var(argument).unwrap_or_else(|_| "absent".to_owned())),
            "seconds" => text_answer(
                &std::time::SystemTime::now()
                    .duration_since(std::time::SystemTime::UNIX_EPOCH)
                    .map_or(0, |time| time.as_secs())
                    .to_string(),
            ),
            "header" => text_answer(&format!("{:?}", invocation::header(argument))),
            "event" => Ok(invocation::event()),
            "big" => Ok(vec![b' '; argument.parse().unwrap_or(0)]),
            "stdout" => {
                print!("{}", argument.replace("\\n", "\n"));
                std::io::stdout().flush().ok();
                text_answer("printed")
            }
            "stderr" => {
                eprint!("{}", argument.replace("\\n", "\n"));
                text_answer("printed")
            }
            "long-line" => {
                let line = "x".repeat(argument.parse().unwrap_or(0));
                println!("{line}");
                text_answer("printed")
            }
            "write-at-once" => {
                let bytes = vec![b'\n'; argument.parse().unwrap_or(0)];
                let written = wasi::cli::stdout::get_stdout().write(&bytes);
                text_answer(&format!("{written:?}"))
            }
            "fail" => Err(Failure {
                error_type: argument.to_owned(),
                error_message: "as it says: ü\n\"quoted\"".to_owned(),
                stack_trace: vec!["at the guest".to_owned()],
            }),
            "fail-with-bytes" => Err(Failure {
                error_type: "TooTalkative".to_owned(),
                error_message: "x".repeat(argument.parse().unwrap_or(0)),
                stack_trace: vec![],
            }),
            "random" => text_answer(
                &wasi::random::random::get_random_bytes(argument.parse().unwrap_or(0))
                    .len()
                    .to_string(),
            ),
            "denied-then-out-of-bounds" => {
                assert!(Vec::<u8>::new().try_reserve(1 << 30).is_err());
                text_answer(&out_of_bounds().to_string())
            }
            "panic" => panics(argument),
            "exit" => std::process::exit(argument.parse().unwrap_or(0)),
            "loop" => spin(),
            "sleep" => {
                std::thread::sleep(std::time::Duration::from_millis(
                    argument.parse().unwrap_or(60_000),
                ));
                text_answer("woke")
            }
            "recurse" => text_answer(&recurse(argument.len() as u64 + 1).to_string()),
            "allocate" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 1024 * 1024]);
                    std::hint::black_box(&held);
                }
            }
            "out-of-bounds" => text_answer(&out_of_bounds().to_string()),
            other => Err(Failure {
                error_type: "UnknownCommand".to_owned(),
                error_message: format!("no such command: {other}"),
                stack_trace: vec![],
            }),
        }
    }
}

fn text_answer(text: &str) -> Result<Vec<u8>, Failure> {
    Ok(format!("{text:?}").into_bytes())
}

/// Memory that is in the component's data segments.
static DATA: [AtomicU8; 8192] = [const { AtomicU8::new(1) }; 8192];

/// Writes a mark into the component's data, into its heap, and into each page of new memory. The mark itself is not in the
/// event or in the component: each of its bytes has other bits.
fn soil(mark: &[u8]) {
    const PAGES: usize = 64;
    for (byte, value) in DATA.iter().zip(mark.iter().cycle()) {
        byte.store(!value, Ordering::Relaxed);
    }
    let heap: Vec<u8> = mark
        .iter()
        .map(|byte| !byte)
        .cycle()
        .take(1 << 20)
        .collect();
    std::hint::black_box(heap.leak());
    let first = std::arch::wasm32::memory_grow(0, PAGES);
    assert_ne!(first, usize::MAX, "the memory cannot grow");
    for page in 0..16 * PAGES {
        let start = (first * 65536 + page * 4096) as *mut u8;
        for (at, byte) in mark.iter().enumerate() {
            // SAFETY: the memory is new, so nothing else uses it.
            unsafe { start.add(at).write(!byte) };
        }
    }
}

/// Counts the marks in the whole memory, and in memory that is new.
fn find(mark: &[u8]) -> usize {
    std::arch::wasm32::memory_grow(0, 128);
    let end = std::arch::wasm32::memory_size(0) * 65536 - mark.len();
    let is_mark = |start: &usize| {
        mark.iter().enumerate().all(|(at, byte)| {
            // SAFETY: the memory has so many bytes, and reading changes nothing.
            unsafe { ((start + at) as *const u8).read_volatile() == !byte }
        })
    };
    (1..end).filter(is_mark).count()
}

#[inline(never)]
fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

#[inline(never)]
fn panics(message: &str) -> ! {
    panic!("the guest panics: {message}")
}

/// Runs out of the stack of calls, and not of the one that Rust keeps in memory, since its frames hold next to nothing.
#[inline(never)]
#[allow(unconditional_recursion, reason = "it is meant to run out of stack")]
fn recurse(depth: u64) -> u64 {
    recurse(std::hint::black_box(depth + 1)) + depth
}

#[inline(never)]
fn out_of_bounds() -> u8 {
    // SAFETY: there is none: the address is beyond the instance's memory, and the sandbox has to trap.
    unsafe { std::ptr::read_volatile(std::hint::black_box(0xffff_fff0_usize) as *const u8) }
}
