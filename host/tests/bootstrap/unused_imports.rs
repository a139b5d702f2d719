//! Imports that nothing has to implement: a component that has them runs.

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{HostBuilder, compile, components};

/// Compiles a handler of this world, and runs it: each function of the component traps.
fn runs(world: &str, types: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (component, artifact) = (
        folder.path().join("hello.wasm"),
        folder.path().join("hello.cwasm"),
    );
    let world = format!("include lambda:function/handler-function@0.1.0; {world}");
    std::fs::write(&component, components::function(&world, None)).unwrap();
    let output = compile(&component, &artifact);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let trailer = Trailer::read(&artifact).unwrap();
    assert!(
        trailer.types.iter().any(|name| name == types),
        "{trailer:?}"
    );
    let host = HostBuilder::new(folder.path(), "hello").start();
    let error = host.invoke("{}").error().json();
    assert_eq!(error["errorType"], "Function.Trap", "{error}");
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
