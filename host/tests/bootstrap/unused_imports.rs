//! Imports that nothing has to implement: a component that has them runs.

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{Deployment, components};

/// Compiles a handler of this world, and runs it: each function of the component traps.
fn runs(world: &str, types: &str) {
    let world = format!("include lambda:function/handler-function@0.1.0; {world}");
    let deployment = Deployment::of_component(&components::function(&world, None));
    let trailer = Trailer::read(&deployment.artifact()).unwrap();
    assert!(
        trailer.types.iter().any(|name| name == types),
        "{trailer:?}"
    );
    let host = deployment.start();
    let error = host.invoke("{}").error();
    assert_eq!(error.error_type(), "Function.Trap", "{error}");
    host.finish();
}

#[test]
fn an_interface_that_has_types_only() {
    runs(
        "import types; use types.{user}; export greet: func(user: user); }
        interface types { record user { name: string } ",
        "test:test/types",
    );
}

#[test]
fn an_interface_that_has_another_interfaces_resource() {
    runs(
        "import ready; use ready.{pollable}; export greet: func(pollable: borrow<pollable>); }
        interface ready { use wasi:io/poll@0.2.12.{pollable}; record both { first: u32 } ",
        "test:test/ready",
    );
}
