//! A corpus of hostile guests. Each technique tries one way out of the sandbox, or one way to hurt the host, and says how
//! that ends; after each the same process serves a good invocation. Techniques that share their imports share a guest.

mod boundary;
mod compute;
mod descriptors;
mod events;
mod files;
mod http;
mod lasting;
mod log;
mod names;
mod neighbours;
mod outside;
mod random;
pub mod start;

use std::fs::{self, File};
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{End as StreamEnd, Invocation, Outcome};
use lambda_wasm_test_support::{
    Deployment, Host, Output, PATIENCE, components, components::StringEncoding, lock,
};

/// How long a guest has that is expected to use up its time.
const SHORT: Duration = Duration::from_millis(600);

/// How long one has that is expected to come to another end, on a machine that is busy.
const LONG: Duration = Duration::from_secs(20);

/// One way out, or to hurt.
struct Technique {
    /// What is tried.
    what: &'static str,
    /// The body of a core function that returns what `handle` does.
    code: &'static str,
    end: End<'static>,
}

/// How a technique ends.
#[derive(Clone, Copy, Debug)]
enum End<'a> {
    /// The guest gets on, and answers this.
    Answers(&'a str),
    /// The invocation fails, with this type and with these words in its message.
    Fails(&'a str, &'a str),
}
use End::{Answers, Fails};

const TIMEOUT: &str = "Function.Timeout";
const TRAP: &str = "Function.Trap";

/// A handler for each technique, in one core module.
struct Family {
    /// Core imports, and what else the techniques have in common.
    lines: &'static str,
    techniques: &'static [Technique],
    /// The names of core functions that return what `cabi_realloc` does, for techniques that have it misbehave, or the
    /// post-return function.
    tricks: &'static str,
    encoding: StringEncoding,
}

impl Family {
    const fn new(lines: &'static str, techniques: &'static [Technique]) -> Self {
        Self {
            lines,
            techniques,
            tricks: "",
            encoding: StringEncoding::UTF8,
        }
    }

    /// The text of the core module. The event names a technique by a letter; `@` stands for good behaviour.
    fn module(&self) -> String {
        assert!(self.techniques.len() <= 26, "letters are used up");
        let functions = self.techniques.iter().enumerate();
        let functions: String = functions
            .map(|(index, technique)| {
                format!("(func $technique{index} (result i32) {})\n", technique.code)
            })
            .collect();
        let names: String = (0..self.techniques.len())
            .map(|index| format!(" $technique{index}"))
            .collect();
        format!(
            r#"(module
            {lines}
            (memory (export "memory") 4)
            (global $heap (mut i32) (i32.const 65536))
            ;; Which trick `cabi_realloc` and the post-return function play; none at first.
            (global $on_realloc (mut i32) (i32.const -1))
            (global $on_return (mut i32) (i32.const -1))
            (type $act (func (result i32)))
            (table $acts funcref (elem $good {names}))
            (table $tricks funcref (elem {tricks}))
            (data (i32.const 1024) "\"good\"")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (if (i32.ne (global.get $on_realloc) (i32.const -1))
                    (then (return (call_indirect $tricks (type $act) (global.get $on_realloc)))))
                (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get 3))))
            (func $answer (param $text i32) (param $length i32) (result i32)
                (i32.store (i32.const 0) (i32.const 0))
                (i32.store (i32.const 4) (local.get $text))
                (i32.store (i32.const 8) (local.get $length))
                (i32.const 0))
            (func $good (result i32) (call $answer (i32.const 1024) (i32.const 6)))
            ;; Answers with a number.
            (func $number (param $number i64) (result i32)
                (local $at i32) (local $rest i64)
                (local.set $at (i32.const 1100))
                (local.set $rest (select (i64.sub (i64.const 0) (local.get $number)) (local.get $number)
                    (i64.lt_s (local.get $number) (i64.const 0))))
                (loop $digits
                    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                    (i32.store8 (local.get $at) (i32.wrap_i64 (i64.add (i64.const 48) (i64.rem_u (local.get $rest) (i64.const 10)))))
                    (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
                    (br_if $digits (i64.ne (local.get $rest) (i64.const 0))))
                (if (i64.lt_s (local.get $number) (i64.const 0)) (then
                    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                    (i32.store8 (local.get $at) (i32.const 45))))
                (call $answer (local.get $at) (i32.sub (i32.const 1100) (local.get $at))))
            {functions}
            (func (export "cabi_post_lambda:function/handler@0.1.0#handle") (param i32)
                (if (i32.ne (global.get $on_return) (i32.const -1))
                    (then (drop (call_indirect $tricks (type $act) (global.get $on_return))))))
            (func (export "lambda:function/handler@0.1.0#handle") (param $arguments i32) (result i32)
                (call_indirect $acts (type $act) (i32.sub
                    (i32.load8_u offset=1 (i32.load (local.get $arguments))) (i32.const 64)))))"#,
            lines = self.lines,
            tricks = self.tricks,
        )
    }

    /// Tries all of them, one after another, in one process.
    fn run(&self) {
        let deployment = compiled_module(&self.module(), self.encoding);
        let bystander = Bystander::start(deployment, "\"@\"");
        for (letter, technique) in ('A'..).zip(self.techniques) {
            let event = Invocation::new(format!("\"{letter}\""));
            let event = match technique.end {
                Fails(TIMEOUT, _) => event.timeout(SHORT),
                _ => event,
            };
            bystander.endure(technique.what, event, technique.end);
        }
        bystander.finish();
    }
}

/// A host, and the good invocation that it has to serve after each bad one.
struct Bystander {
    host: Host,
    good: &'static str,
    /// The event of an invocation that is under way beside each bad one, where there are several workers. Its answer has
    /// `good` in it too.
    neighbour: Option<&'static str>,
    life: Vec<u8>,
    _turn: File,
}

impl Bystander {
    /// Waits for its turn, and starts the function: hostile guests use up a processor each, and other tests measure time.
    fn start(deployment: Deployment, good: &'static str) -> Self {
        let turn = lock("hostile");
        let host = with_margin(deployment).start();
        assert!(host.api.wait_idle(PATIENCE), "it does not start");
        let bystander = Self {
            life: host.life(),
            host,
            good,
            neighbour: None,
            _turn: turn,
        };
        bystander.goes_on("the start");
        bystander
    }

    /// Runs `tries` with one worker, and with four, where the event `neighbour` is under way beside each bad one and must
    /// not notice.
    fn at_one_and_four(
        deployment: &Deployment,
        good: &'static str,
        neighbour: &'static str,
        tries: impl Fn(&Self),
    ) {
        for workers in ["1", "4"] {
            let deployment = deployment
                .clone()
                .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024");
            let bystander = Self {
                neighbour: (workers != "1").then_some(neighbour),
                ..Self::start(deployment, good)
            };
            tries(&bystander);
            bystander.finish();
        }
    }

    /// Sends a bad event, whose outcome has to be the expected one, and a good one.
    #[track_caller]
    fn endure(&self, what: &str, event: Invocation, end: End<'_>) {
        self.try_out(what, event, end);
        self.goes_on(what);
    }

    /// Sends a bad event, whose outcome has to be the expected one.
    #[track_caller]
    fn try_out(&self, what: &str, event: Invocation, end: End<'_>) {
        let since = Instant::now();
        let neighbour = self.neighbour.map(|neighbour| {
            let invocation = Invocation::new(neighbour).timeout(LONG);
            self.host.api.submit(invocation)
        });
        let outcome = self.host.api.invoke(event);
        if let Some(neighbour) = neighbour {
            let answer = neighbour.wait().response().text();
            assert!(answer.contains("good"), "{what}: the neighbour: {answer}");
        }
        match (end, outcome) {
            (Answers(expected), Outcome::Response(answer)) => {
                assert_eq!(answer.text(), expected, "{what}");
            }
            (Fails(error_type, words), Outcome::Error(error)) => {
                assert_eq!(error.error_type(), error_type, "{what}: {error}");
                let message = error.error_message();
                assert!(message.contains(words), "{what}: {message}");
                // Lambda takes no other names.
                let name = error_type.split_once('.').map_or("-", |(_, name)| name);
                let is_name = name.chars().all(|c| c.is_ascii_alphabetic());
                assert_eq!(
                    error.header("lambda-runtime-function-error-type"),
                    Some(if is_name {
                        error_type
                    } else {
                        "Function.Failure"
                    }),
                    "{what}"
                );
            }
            (end, outcome) => panic!(
                "{what}: {outcome:?} after {:?}, not {end:?}",
                since.elapsed()
            ),
        }
    }

    /// The same process serves a good invocation.
    #[track_caller]
    fn goes_on(&self, what: &str) {
        self.serves(what);
        assert_eq!(self.host.life(), self.life, "another process after {what}");
    }

    /// Serves a good invocation.
    #[track_caller]
    fn serves(&self, what: &str) {
        let answer = match self.host.invoke(self.good) {
            Outcome::Response(answer) => answer.text(),
            Outcome::Streamed(stream) => {
                let (chunks, end) = stream.wait();
                assert!(matches!(end, StreamEnd::Complete), "after {what}: {end:?}");
                let bytes = chunks.iter().flat_map(|chunk| chunk.bytes.to_vec());
                String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
            }
            other => panic!("after {what}: {other:?}"),
        };
        assert!(answer.contains("good"), "after {what}: {answer}");
    }

    fn finish(self) -> Output {
        self.host.finish()
    }
}

/// Adds time enough to answer, on a machine that is busy, to the policy.
fn with_margin(deployment: Deployment) -> Deployment {
    let policy = fs::read_to_string(deployment.path().join("hello.toml")).unwrap_or_default();
    if policy.contains("margin = ") {
        return deployment; // from another start
    }
    let margin = "margin = \"200ms\"\n";
    deployment.policy(match policy.split_once("[limits]\n") {
        Some((before, after)) => format!("{before}[limits]\n{margin}{after}"),
        None => format!("{policy}[limits]\n{margin}"),
    })
}

/// A handler of this core module.
fn compiled_module(module: &str, encoding: StringEncoding) -> Deployment {
    let world = "include lambda:function/handler-function@0.1.0;";
    Deployment::of_component(&components::of_world(world, Some(module), encoding))
}

/// A number of a process's, by its name in `/proc/PID/status`.
fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
