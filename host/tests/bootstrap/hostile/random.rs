//! Random functions: valid components whose core modules wasm-smith makes, with the imports and exports of a handler. Each is
//! compiled, loaded and invoked, and the host outlives it.

use std::process::Command;
use std::time::Duration;

use arbitrary::Unstructured;
use lambda_wasm_emulator::{Invocation, Outcome};
use lambda_wasm_test_support::{Deployment, PATIENCE, built, components, lock};
use wasm_smith::{Config, Module};

use super::{status, with_margin};

/// How many functions are made, unless the variable `LAMBDA_WASM_RANDOM_FUNCTIONS` says it.
const FUNCTIONS: u64 = 24;

/// How long each invocation has.
const SHORT: Duration = Duration::from_millis(600);

/// Interfaces that a function may import, beside those that its types need.
const IMPORTS: [&str; 8] = [
    "import wasi:cli/environment@0.2.12;",
    "import wasi:cli/exit@0.2.12;",
    "import wasi:cli/stdout@0.2.12;",
    "import wasi:clocks/monotonic-clock@0.2.12;",
    "import wasi:filesystem/preopens@0.2.12;",
    "import wasi:random/random@0.2.12;",
    "import wasi:sockets/tcp-create-socket@0.2.12;",
    "import lambda:function/invocation@0.1.0;",
];

/// The seed is in every message. The first function is made of the variable `LAMBDA_WASM_SEED`, or of 1, so that every run has
/// the same functions.
#[test]
fn the_host_outlives_random_functions() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let first = number("LAMBDA_WASM_SEED").unwrap_or(1);
    let count = number("LAMBDA_WASM_RANDOM_FUNCTIONS").unwrap_or(FUNCTIONS);
    let _turn = lock("hostile");
    let mut ends = [0; 3];
    for seed in (first..).take(count as usize) {
        println!("LAMBDA_WASM_SEED={seed}");
        ends[run(seed) as usize] += 1;
    }
    let [refused, not_started, served] = ends;
    println!("{served} served, {not_started} not started, {refused} not compiled");
    assert!(
        served * 2 > count,
        "from seed {first}, {served} of {count} functions were served"
    );
}

/// How far a function gets.
enum End {
    Refused,
    NotStarted,
    Served,
}

/// Compiles a function of this seed, starts it, and invokes it twice.
fn run(seed: u64) -> End {
    let Some(component) = component(seed) else {
        return End::Refused;
    };
    let deployment = Deployment::empty().file("hello.wasm", component);
    let output = Command::new(built("target/release/lambda-wasm"))
        .args(["compile", "hello.wasm", "-o", "hello.cwasm"])
        .current_dir(deployment.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "seed {seed}: {stderr}");
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(1), "seed {seed}: {stderr}");
        assert!(stderr.starts_with("error: "), "seed {seed}: {stderr}");
        println!("seed {seed} is not compiled: {stderr}");
        return End::Refused;
    }
    let host = with_margin(deployment).start();
    let mut life = None;
    for event in ["\"@\"", "{}"] {
        match host.api.invoke(Invocation::new(event).timeout(SHORT)) {
            Outcome::Response(_) => {}
            Outcome::Error(error) => assert!(!error.error_message().is_empty(), "seed {seed}"),
            Outcome::InitError(error) if life.is_none() => {
                assert_eq!(host.wait().status.code(), Some(1), "seed {seed}: {error}");
                println!("seed {seed} is not started: {error}");
                return End::NotStarted;
            }
            other => panic!("seed {seed}: {other:?}"),
        }
        let asks = host.api.wait_idle(PATIENCE);
        assert!(asks, "seed {seed}: it does not ask for the next event");
        assert_eq!(
            *life.get_or_insert_with(|| host.life()),
            host.life(),
            "seed {seed}: another process"
        );
    }
    // 96 MiB of the function's, and the host's own.
    assert!(
        status(host.pid(), "VmHWM:") < 160 * 1024,
        "seed {seed}: it takes too much memory"
    );
    host.finish();
    End::Served
}

fn component(seed: u64) -> Option<Vec<u8>> {
    let bytes = bytes(seed);
    let mut u = Unstructured::new(&bytes);
    let mut world = String::from("export lambda:function/handler@0.1.0;");
    for import in IMPORTS {
        if u.ratio(1, 3).ok()? {
            world += import;
        }
    }
    let has_start_code = u.ratio(1, 4).ok()?;
    components::of_module(&world, |mut shape| {
        if !has_start_code {
            remove_start_code(&mut shape);
        }
        let config = Config {
            module_shape: Some(shape),
            compact_imports_enabled: false,
            gc_enabled: false,
            allow_start_export: false,
            threads_enabled: false,
            wide_arithmetic_enabled: false,
            shared_everything_threads_enabled: false,
            max_funcs: 20,
            max_instructions: 300,
            max_memory32_bytes: 32 << 20,
            max_table_elements: 10_000,
            ..Config::default()
        };
        Module::new(config, &mut u).unwrap().to_bytes()
    })
}

/// Renames the export that runs before the first event: random code traps there or does not end, and the function is not served.
fn remove_start_code(shape: &mut [u8]) {
    const EXPORT: &[u8] = b"_initialize";
    let at = shape.windows(EXPORT.len()).position(|name| name == EXPORT);
    let at = at.expect("the module has start code");
    shape[at..at + EXPORT.len()].copy_from_slice(b"_not_called");
}

/// Returns random bytes, the same for a seed: SplitMix64.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.take(2048).flat_map(u64::to_le_bytes).collect()
}
