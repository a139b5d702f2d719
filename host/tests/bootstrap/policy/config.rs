//! `wasi:config` in the drafts that other hosts have.

use lambda_wasm_test_support::{Deployment, components};

/// Compiles and starts a handler that imports this draft; its functions trap.
fn starts(interface: &str, version: &str) {
    let wit = format!(
        "package test:test;
        world test {{
            import wasi:config/{interface}@{version};
            export lambda:function/handler@0.1.0;
        }}
        package wasi:config@{version} {{
            interface {interface} {{
                variant config-error {{ upstream(string), io(string) }}
                get: func(key: string) -> result<option<string>, config-error>;
                get-all: func() -> result<list<tuple<string, string>>, config-error>;
            }}
        }}
        package lambda:function@0.1.0 {{ {} {} }}",
        include_str!("../../../../wit/types.wit"),
        include_str!("../../../../wit/handler.wit"),
    );
    let deployment = Deployment::of_component(&components::of_wit(&wit));
    let host = deployment
        .policy("[config]\ngreeting = \"Hello\"\n")
        .start();
    let error = host.invoke("{}").error();
    assert_eq!(error.error_type(), "Function.Trap", "{error}");
    host.finish();
}

#[test]
fn every_draft_is_served() {
    for (interface, version) in [
        ("store", "0.2.0-draft"),
        ("store", "0.2.0-draft-2024-09-27"),
        ("store", "0.2.0-rc.1"),
        ("runtime", "0.2.0-draft"),
    ] {
        starts(interface, version);
    }
}
