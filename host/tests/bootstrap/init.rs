//! `lambda:function/init`: what a component does before its first event.

use lambda_wasm_test_support::{Deployment, PATIENCE, components};

use crate::refusal::refusal;

/// A handler with this `init`, which answers how often that has run in its instance.
pub fn with_init(init: &str) -> Deployment {
    let module = format!(
        r#"(module
            (memory (export "memory") 2)
            (global $inits (mut i32) (i32.const 0))
            (global $free (mut i32) (i32.const 65536))
            (data (i32.const 600) "NotReadyno tablesomewhere")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                global.get $free
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func (export "lambda:function/init@0.1.0#init") (result i32)
                (global.set $inits (i32.add (global.get $inits) (i32.const 1)))
                {init})
            (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
                (i32.store8 (i32.const 500) (i32.add (i32.const 48) (global.get $inits)))
                (i32.store (i32.const 404) (i32.const 500))
                (i32.store (i32.const 408) (i32.const 1))
                i32.const 400))"#
    );
    Deployment::of_component(&components::function(
        "include lambda:function/handler-function@0.1.0; export lambda:function/init@0.1.0;",
        Some(&module),
    ))
}

/// Returns where the empty memory is: no failure.
const SUCCEEDS: &str = "i32.const 300";

#[test]
fn each_instance_prepares_itself_once() {
    let host = with_init(SUCCEEDS).start();
    for _ in 0..3 {
        assert_eq!(host.invoke("{}").response().text(), "1");
    }
    host.finish();
}

#[test]
fn an_instance_that_is_kept_does_not_prepare_itself_again() {
    let host = with_init(SUCCEEDS).policy("reuse = true").start();
    for _ in 0..3 {
        assert_eq!(host.invoke("{}").response().text(), "1");
    }
    host.finish();
}

#[test]
fn its_failure_ends_the_start_and_reaches_lambda_unchanged() {
    let fails = "\
        (i32.store8 (i32.const 300) (i32.const 1))
        (i32.store (i32.const 304) (i32.const 600)) (i32.store (i32.const 308) (i32.const 8))
        (i32.store (i32.const 312) (i32.const 608)) (i32.store (i32.const 316) (i32.const 8))
        (i32.store (i32.const 320) (i32.const 340)) (i32.store (i32.const 324) (i32.const 1))
        (i32.store (i32.const 340) (i32.const 616)) (i32.store (i32.const 344) (i32.const 9))
        i32.const 300";
    let host = with_init(fails).start();
    let post = host.api.wait_init_error(PATIENCE).unwrap();
    let expected = serde_json::json!({
        "errorType": "NotReady",
        "errorMessage": "no table",
        "stackTrace": ["somewhere"],
    });
    assert_eq!(post.json(), expected);
    assert_eq!(
        post.header("lambda-runtime-function-error-type"),
        Some("Function.NotReady")
    );
    assert_eq!((host.api.violations(), host.api.next_calls()), (vec![], 0));
    assert_eq!(host.wait().status.code(), Some(1));
}

#[test]
fn a_trap_in_it_is_one_of_the_start() {
    let refusal = refusal(&with_init("unreachable"));
    assert_eq!(refusal.error_type, "Function.Trap");
    assert!(
        refusal.message.starts_with("the component did not start: "),
        "{refusal:?}"
    );
}
