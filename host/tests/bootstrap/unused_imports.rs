//! Imports that nothing has to implement, or that the component does not call: it runs.

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{Deployment, components};

/// Compiles a handler of this world, and runs it.
fn runs(world: &str, types: &str) {
    let world = format!("include lambda:function/handler-function@0.1.0; {world}");
    let deployment = Deployment::of_component(&components::function(&world, None));
    let trailer = Trailer::read(&deployment.artifact()).unwrap();
    assert!(
        trailer.types.iter().any(|name| name == types),
        "{trailer:?}"
    );
    starts(&deployment);
}

/// Runs a component whose functions all trap.
fn starts(deployment: &Deployment) {
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

/// A composed component has what each of its parts imports, in that part's version.
#[test]
fn sockets_in_two_versions() {
    let wit = format!(
        "package test:test;
        world test {{
            import wasi:sockets/tcp@0.2.0;
            import wasi:sockets/tcp-create-socket@0.2.0;
            import wasi:sockets/tcp@0.2.6;
            import wasi:sockets/udp@0.2.6;
            export lambda:function/handler@0.1.0;
        }}
        package wasi:sockets@0.2.0 {{
            interface tcp {{ resource tcp-socket {{ close: func() -> result<u8>; }} }}
            interface tcp-create-socket {{
                use tcp.{{tcp-socket}};
                create-tcp-socket: func() -> result<tcp-socket>;
            }}
        }}
        package wasi:sockets@0.2.6 {{
            interface tcp {{ resource tcp-socket {{ open: func(); }} }}
            interface udp {{
                use tcp.{{tcp-socket}};
                resource udp-socket;
                resource incoming-datagram-stream;
                of-tcp: func(socket: tcp-socket) -> tuple<udp-socket, incoming-datagram-stream>;
            }}
        }}
        package lambda:function@0.1.0 {{ {} {} }}",
        include_str!("../../../wit/types.wit"),
        include_str!("../../../wit/handler.wit"),
    );
    starts(&Deployment::of_component(&components::of_wit(&wit)));
}
