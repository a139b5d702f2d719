//! Names of functions that take long to demangle, or become large: a component chooses the names in its stack trace.

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{PATIENCE, components::StringEncoding};

use super::{Bystander, Family, LONG};

/// A name of C++'s that is a nest of pairs. Each level repeats the level within it, so that the text grows by the power.
fn nest(levels: u32, repeats: usize) -> String {
    let first = "i".repeat(repeats);
    let nested = (0..levels).map(|level| {
        let number = char::from_digit(level, 36).unwrap().to_ascii_uppercase();
        format!("St4pairI{}E", format!("S{number}_").repeat(repeats))
    });
    format!("_Z1fSt4pairI{first}E{}", nested.collect::<String>())
}

/// A name of Rust's that refers back to what it has said, again and again.
fn references() -> String {
    let nested = "TB7_B7_B7_B7_B7_B7_E".repeat(40);
    format!("_RINvC1a1bTuuuuuuE{nested}E")
}

#[test]
fn a_name_is_bounded_before_it_is_formatted() {
    for name in [
        nest(16, 6),
        nest(30, 30),
        references(),
        format!("_Z1f{}i", "P".repeat(3000)),
        "x".repeat(90_000),
    ] {
        let lines = format!("(func ${name} (result i32) unreachable)");
        let family = Family::new(lines.leak(), &[]);
        let module = family
            .module()
            .replace("(elem $good ", &format!("(elem $good ${name} "));
        let tries = |bystander: &Bystander| {
            let event = Invocation::new("\"A\"").timeout(LONG);
            let error = bystander.host.api.invoke(event).error();
            assert_eq!(error.error_type(), "Function.Trap");
            let frames = error.stack_trace();
            assert!((1..=32).contains(&frames.len()), "{frames:?}");
            for frame in frames {
                assert!(frame.len() < 2200, "{}", frame.len());
            }
            assert!(bystander.host.api.wait_idle(PATIENCE));
            bystander.goes_on("a name");
        };
        let deployment = super::compiled_module(&module, StringEncoding::UTF8);
        Bystander::at_one_and_four(&deployment, "\"@\"", "\"@\"", tries);
    }
}
