//! Functions that throw WebAssembly exceptions, as C++ and `setjmp` do.

use crate::policy::handler_of;

/// A handler that runs `body`, where `$throw` throws its argument, and then answers `"done"`.
fn handler(body: &str) -> String {
    format!(
        r#"(tag $error (param i32))
        (table $held 0 exnref)
        (data (i32.const 16) "\"done\"")
        (func $throw (param i32) (throw $error (local.get 0)))
        (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
            (local $turn i32)
            {body}
            (i32.store8 (i32.const 0) (i32.const 0))
            (i32.store (i32.const 4) (i32.const 16))
            (i32.store (i32.const 8) (i32.const 6))
            (i32.const 0))"#
    )
}

/// Each exception is an object on a heap of the host, where a million of them would need more than the function may have.
#[test]
fn a_kept_instance_throws_and_catches_without_end() {
    let throws_and_catches = handler(
        r"(loop $again
            (block $caught (result i32)
                (try_table (catch $error $caught) (call $throw (local.get $turn)))
                unreachable)
            (if (i32.ne (local.get $turn)) (then unreachable))
            (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $turn) (i32.const 500000))))",
    );
    let policy = "reuse = true\n[limits]\nmemory = \"8MiB\"\n";
    let host = handler_of(&throws_and_catches).policy(policy).start();
    for _ in 0..2 {
        assert_eq!(host.ask(""), "done");
    }
    host.finish();
}

#[test]
fn an_exception_that_is_not_caught_is_a_trap_that_says_so() {
    let host = handler_of(&handler("(call $throw (i32.const 1))")).start();
    for _ in 0..2 {
        let error = host.command("").error();
        assert_eq!(error.error_type(), "Function.Trap", "{error}");
        let message = error.error_message();
        assert!(message.contains("exception"), "{message}");
        let innermost = &error.stack_trace()[0];
        assert!(innermost.ends_with("!throw"), "{error}");
    }
    host.finish();
}

#[test]
fn exceptions_that_are_held_count_as_the_functions_memory() {
    let holds = handler(
        r"(loop $again
            (if (i32.eq (table.grow $held (ref.null exn) (i32.const 1)) (i32.const -1)) (then unreachable))
            (table.set $held (local.get $turn)
                (block $caught (result exnref)
                    (try_table (catch_all_ref $caught) (call $throw (i32.const 1)))
                    unreachable))
            (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
            (br $again))",
    );
    let policy = "[limits]\nmemory = \"16MiB\"\n";
    let host = handler_of(&holds).policy(policy).start();
    for _ in 0..2 {
        let error = host.command("").error();
        assert_eq!(error.error_type(), "Function.OutOfMemory", "{error}");
    }
    host.finish();
}
