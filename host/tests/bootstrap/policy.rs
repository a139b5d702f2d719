//! `<name>.toml` beside the artifact.

mod compress;
#[cfg(feature = "compiler")]
mod config;
mod coredump;
mod environment;
mod files;
mod limits;
mod lockdown;
mod paths;
mod reuse;

use lambda_wasm_test_support::{Deployment, components};

use crate::http::{ask, get_error};
use crate::refusal::refusal;

/// A handler whose core module has these lines, besides an allocator. They are text.
pub fn handler_of(lines: &str) -> Deployment {
    let module = format!(
        r#"(module
        (memory (export "memory") 2)
        (global $heap (mut i32) (i32.const 65536))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
            (global.get $heap)
            (global.set $heap (i32.add (global.get $heap) (local.get 3))))
        {lines})"#
    );
    let world = "include lambda:function/handler-function@0.1.0;";
    Deployment::of_component(&components::function(world, Some(&module)))
}

#[test]
fn config_is_answered_from_the_policy() {
    let host = Deployment::of("policy")
        .policy("[config]\ngreeting = \"Hello\"\nb = \"\"\n")
        .start();
    assert_eq!(host.ask("config:greeting"), r#"Ok(Some("Hello"))"#);
    assert_eq!(host.ask("config:absent"), "Ok(None)");
    assert_eq!(
        host.ask("config-all"),
        r#"[("b", ""), ("greeting", "Hello")]"#
    );
    host.finish();
    let host = Deployment::of("policy").start();
    assert_eq!(host.ask("config-all"), "[]");
    host.finish();
}

/// Its status says more than that it is too large.
#[test]
fn a_status_that_is_a_failure_is_one_however_large_the_body() {
    let host = Deployment::of("http_p2")
        .policy("fail-status = \"200\"\n")
        .start();
    let error = get_error(&host, "/big?bytes=20000000");
    assert_eq!(error.error_type(), "Function.HttpStatus", "{error}");
    let message = error.error_message();
    assert!(message.starts_with("the function answered with the status 200: "));
    assert!(message.ends_with(" …") && message.chars().count() < 9000);
    host.finish();
}

/// A response to HEAD may say how long the body would be.
#[test]
fn a_status_that_is_a_failure_is_one_without_its_body_too() {
    for name in ["http_p2", "http_p3"] {
        let host = Deployment::of(name)
            .policy("fail-status = \"200\"\n")
            .start();
        let error = ask(&host, "HEAD", "/length?says=5&bytes=0", "").error();
        let message = "the function answered with the status 200: ";
        assert_eq!(error.error_message(), message, "{name}");
        host.finish();
    }
}

#[test]
fn an_invalid_policy_fails_the_start_with_line_and_suggestion() {
    let deployment = Deployment::of("handler");
    let file = deployment.path().join("hello.toml");
    for (text, words) in [
        (
            &b"\nsteam = true\n"[..],
            ", line 2, column 1: unknown key `steam`\nhint: did you mean `stream`?",
        ),
        (
            b"stream = 1\n",
            ", line 1, column 10: cannot read `stream`: invalid type: integer `1`, expected a boolean",
        ),
        (
            b"fail-status = \"600\"\n",
            ", line 1, column 15: cannot read `fail-status`: invalid value: string \"600\", expected HTTP statuses",
        ),
        (b"[[[\n", ", line 1, column "),
        (
            b"# here\n# and there: \xff\xfe\n",
            ", line 2, column 14: cannot read the policy: it is not UTF-8",
        ),
    ] {
        let refusal = refusal(&deployment.clone().policy(text));
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
        let start = format!("{}{words}", file.display());
        assert!(refusal.message.starts_with(&start), "{}", refusal.message);
    }
}
