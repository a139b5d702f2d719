//! `compile --preinit` and `--warm`: instances start from the memory that an instance has left while it was compiled.

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{Deployment, components, full_bootstrap, guest};

use crate::support::Folder;
use crate::testing::functions;

/// A handler that counts in its memory: how often its start code, its `init` and itself have run. `start` and `handle` are
/// further instructions.
fn counter(imports: &str, start: &str, handle: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            {imports}
            (memory (export "memory") 2)
            (global $free (mut i32) (i32.const 65536))
            (global $events (mut i32) (i32.const 48))
            (data (i32.const 500) "000")
            (func $count (param i32)
                (i32.store8 (local.get 0) (i32.add (i32.load8_u (local.get 0)) (i32.const 1))))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                global.get $free
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func $start (call $count (i32.const 500)) {start})
            (start $start)
            (func (export "lambda:function/init@0.1.0#init") (result i32)
                (call $count (i32.const 501))
                i32.const 300)
            (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
                (global.set $events (i32.add (global.get $events) (i32.const 1)))
                (i32.store8 (i32.const 502) (global.get $events))
                {handle}
                (i32.store (i32.const 404) (i32.const 500))
                (i32.store (i32.const 408) (i32.const 3))
                i32.const 400))"#
    );
    components::function(
        "include lambda:function/handler-function@0.1.0; export lambda:function/init@0.1.0;",
        Some(&module),
    )
}

fn folder_with(component: &[u8]) -> Folder {
    let folder = functions("");
    folder.write("counter.wasm", component);
    folder.write("event.json", "{}");
    folder
}

/// Compiles with these options, and returns what two invocations of one process answer, each with a fresh instance.
fn answers(folder: &Folder, options: &[&str]) -> [String; 2] {
    let compile = ["compile", "counter.wasm", "-o", "dist/handler.cwasm"];
    folder.succeed(&[&compile, options].concat());
    let host = Deployment::of_artifact(&folder.read("dist/handler.cwasm")).start();
    let event = folder.read("event.json");
    let answers = [(); 2].map(|()| host.invoke(event.clone()).response().text());
    host.finish();
    answers
}

/// Compiles with these options, and returns why that fails.
fn refused(folder: &Folder, options: &[&str]) -> String {
    let compile = ["compile", "counter.wasm", "-o", "dist/handler.cwasm"];
    let output = folder.run(&[&compile, options].concat());
    assert_eq!(output.code, Some(1), "{output:?}");
    output.stderr
}

#[test]
fn instances_start_from_what_was_prepared() {
    let folder = folder_with(&counter("", "", ""));
    for (options, answer) in [
        (&[][..], "111"),
        // Start code and `init` have run, and do not run again.
        (&["--preinit"], "111"),
        // A global counts the events, and memory shows it.
        (&["--warm", "event.json"], "112"),
    ] {
        assert_eq!(answers(&folder, options), [answer; 2], "{options:?}");
    }
}

#[test]
fn the_trailer_says_what_was_prepared() {
    let folder = folder_with(&counter("", "", ""));
    let trailer = |options: &[&str]| {
        answers(&folder, options);
        Trailer::read(&folder.path("dist/handler.cwasm")).unwrap()
    };
    let (plain, prepared) = (trailer(&[]), trailer(&["--preinit"]));
    let warmed = trailer(&["--warm", "event.json"]);
    assert!(!plain.prepared && plain.warmed_by.is_none());
    assert!(prepared.prepared && prepared.warmed_by.is_none());
    assert!(warmed.prepared && warmed.warmed_by.is_some());
    assert_eq!(plain.component, warmed.component);
    assert!(
        folder
            .succeed(&["inspect", "dist/handler.cwasm"])
            .contains("prepared: yes")
    );
}

#[test]
fn it_is_the_same_for_another_architecture() {
    let folder = folder_with(&counter("", "", ""));
    let target = ["--preinit", "--target", "aarch64-unknown-linux-gnu"];
    let compile = ["compile", "counter.wasm", "-o", "dist/handler.cwasm"];
    folder.succeed(&[&compile, &target[..]].concat());
    assert!(
        Trailer::inspect(&folder.path("dist/handler.cwasm"))
            .unwrap()
            .prepared
    );
}

/// Rust's standard library with all that it keeps.
#[test]
fn a_guest_in_rust_starts_from_its_snapshot() {
    let folder = folder_with(&std::fs::read(guest("handler")).unwrap());
    folder.write("event.json", "\"count\"");
    assert_eq!(answers(&folder, &[]), ["\"1\""; 2]);
    assert_eq!(answers(&folder, &["--warm", "event.json"]), ["\"2\""; 2]);
}

#[test]
fn what_another_instance_would_not_have_is_refused() {
    let random =
        r#"(import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))"#;
    let folder = folder_with(&counter(random, "(drop (call $random))", ""));
    for options in [
        &["--preinit"][..],
        &["--preinit", "--keep", "wasi:random/random"],
    ] {
        let said = refused(&folder, options);
        assert!(said.contains("the same random bytes"), "{said}");
    }

    let clock = r#"(import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))"#;
    let folder = folder_with(&counter(clock, "", "(drop (call $now))"));
    let said = refused(&folder, &["--warm", "event.json"]);
    assert!(
        said.contains("since it called wasi:clocks/monotonic-clock: ")
            && said.contains("add --keep wasi:clocks/monotonic-clock"),
        "{said}"
    );
    // Only the event is served with it.
    answers(&folder, &["--preinit"]);
    let keep = [
        "--warm",
        "event.json",
        "--keep",
        "wasi:clocks/monotonic-clock",
    ];
    assert_eq!(answers(&folder, &keep), ["112"; 2]);

    let stdout = r#"(import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))"#;
    let folder = folder_with(&counter(stdout, "(drop (call $stdout))", ""));
    let said = refused(&folder, &["--preinit"]);
    assert!(said.contains("it has open handles"), "{said}");
}

#[test]
fn a_component_that_fails_or_cannot_be_read_is_refused() {
    let trap = folder_with(&counter("", "", "unreachable"));
    let said = refused(&trap, &["--warm", "event.json"]);
    assert!(
        said.contains("it fails with the event of --warm: ") && said.contains("Function.Trap"),
        "{said}"
    );
    let said = refused(
        &folder_with(&counter("", "unreachable", "")),
        &["--preinit"],
    );
    assert!(
        said.contains("it fails while it is compiled: ") && said.contains("did not start"),
        "{said}"
    );
    let said = refused(&trap, &["--warm", "nothing.json"]);
    assert!(said.contains("nothing.json cannot be read"), "{said}");
    let table = "(table 1 funcref) (elem declare func $start)";
    let set = "(table.set (i32.const 0) (ref.func $start))";
    let said = refused(&folder_with(&counter(table, "", set)), &["--preinit"]);
    assert!(
        said.contains("no snapshot of it can be taken: ") && said.contains("table.set"),
        "{said}"
    );
    let asynchronous = folder_with(&std::fs::read(guest("http_p3")).unwrap());
    let said = refused(&asynchronous, &["--preinit"]);
    assert!(said.contains("WASI 0.3"), "{said}");
}

#[test]
fn a_project_has_the_event_and_is_compiled_again_when_it_changes() {
    let folder = Folder::new();
    folder.write("counter.wasm", counter("", "", ""));
    folder.write("event.json", "{}");
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"hello\"\ncommand = \"true\"\ncomponent = \"counter.wasm\"\nwarm = \"event.json\"\n",
    );
    let bootstrap = full_bootstrap();
    let build = || {
        let output = folder.run(&["build", "--bootstrap", bootstrap.to_str().unwrap()]);
        assert_eq!(output.code, Some(0), "{output:?}");
        output.stderr
    };
    assert!(build().contains("built in"));
    let trailer = Trailer::read(&folder.path("dist/hello.cwasm")).unwrap();
    assert!(trailer.warmed_by.is_some());
    assert!(build().contains("is up to date"));
    folder.write("event.json", "{\"another\": 1}");
    assert!(build().contains("built in"));
}
