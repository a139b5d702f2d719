//! One guest's misbehaviour does not reach the invocations of the other workers.

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;

use super::{Bystander, Fails, TRAP};

#[test]
fn a_trap_costs_its_own_invocation() {
    let tries = |bystander: &Bystander| {
        let event = Invocation::new("\"dying-words:\"");
        bystander.endure("a trap", event, Fails(TRAP, "unreachable"));
    };
    let (good, neighbour) = ("\"good\"", "\"good-after:300\"");
    Bystander::at_one_and_four(&Deployment::of("hostile"), good, neighbour, tries);
}
