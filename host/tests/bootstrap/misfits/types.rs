//! Imports and exports whose names fit, and whose types do not.

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_host::{artifact::sha256, engine};
use lambda_wasm_test_support::{Deployment, artifact, components};

use crate::refusal::refusal;

/// Compiles without the compile tool's checks.
fn compiled_unchecked(component: &[u8], imports: &[&str]) -> Deployment {
    compiled_with_exports(component, imports, &[])
}

/// The same, with further exports.
fn compiled_with_exports(component: &[u8], imports: &[&str], exports: &[&str]) -> Deployment {
    let mut trailer = Trailer::inspect(&artifact("handler")).unwrap();
    let compiler = engine::for_compiling(&trailer, None).unwrap();
    let mut elf = compiler.precompile_component(component).unwrap();
    trailer.length = elf.len() as u64;
    trailer.sha256 = sha256(&elf);
    trailer.imports = imports.iter().map(|&import| import.to_owned()).collect();
    let exports = exports.iter().map(|&export| export.to_owned());
    trailer.exports.extend(exports);
    elf.extend(trailer.to_bytes().unwrap());
    Deployment::of_artifact(&elf)
}

#[test]
fn an_init_of_another_type() {
    const INIT: &str = "lambda:function/init@0.1.0";
    let component = components::of_wit(
        "package test:test;
        world test { export lambda:function/handler@0.1.0; export lambda:function/init@0.1.0; }
        package lambda:function@0.1.0 {
            interface handler { handle: func(event: list<u8>); }
            interface init { init: func() -> string; }
        }",
    );
    let refusal = refusal(&compiled_with_exports(&component, &[], &[INIT]));
    assert_eq!(refusal.error_type, "Runtime.UnsupportedComponent");
    assert!(
        refusal
            .message
            .contains("another type than this version calls"),
        "{}",
        refusal.message
    );
}

#[test]
fn an_export_of_another_type() {
    let deployment = compiled_unchecked(
        &components::of_wit(
            "package test:test;
            world test { export lambda:function/handler@0.1.0; }
            package lambda:function@0.1.0 {
                interface handler { handle: func(event: string) -> string; }
            }",
        ),
        &[],
    );
    let refusal = refusal(&deployment);
    assert_eq!(refusal.error_type, "Runtime.UnsupportedComponent");
    for words in [
        "hello.cwasm",
        "its export has another type than this version calls",
        "build it with the WIT of this version",
    ] {
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}

#[test]
fn imports_of_other_types() {
    let deployment = compiled_unchecked(
        &components::of_wit(
            "package test:test;
            world test {
                import wasi:cli/exit@0.2.0;
                import wasi:random/random@0.2.0;
                export lambda:function/handler@0.1.0;
            }
            package wasi:cli@0.2.0 { interface exit { exit: func(status: string); } }
            package wasi:random@0.2.0 { interface random { get-random-u64: func() -> string; } }
            package lambda:function@0.1.0 {
                interface handler { handle: func(event: list<u8>); }
            }",
        ),
        &["wasi:cli/exit@0.2.0", "wasi:random/random@0.2.0"],
    );
    let refusal = refusal(&deployment);
    assert_eq!(refusal.error_type, "Runtime.UnsupportedComponent");
    for words in [
        "hello.cwasm",
        "it imports wasi:cli/exit@0.2.0 with other types",
        "it imports wasi:random/random@0.2.0 with other types",
    ] {
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}
