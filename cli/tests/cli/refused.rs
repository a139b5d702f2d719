//! What `lambda-wasm compile` refuses, with all that does not fit in one message.

use lambda_wasm_test_support::components;

use crate::support::Folder;

/// Compiles what is no function, and checks what is said.
#[track_caller]
fn refuse(component: impl AsRef<[u8]>, words: &[&str]) -> String {
    let folder = Folder::new();
    folder.write("hello.wasm", component);
    let said = folder.fail(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    assert!(
        said.starts_with("error: hello.wasm cannot be compiled: "),
        "{said}"
    );
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert!(!folder.path("hello.cwasm").exists());
    said
}

const WOULD_DO: &str = "exports lambda:function/api (0.1.0) or lambda:function/handler (0.1.0) or ";

#[test]
fn no_such_file() {
    let said = Folder::new().fail(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    assert!(said.contains("hello.wasm cannot be read"), "{said}");
}

#[test]
fn no_component() {
    refuse("", &["it is empty"]);
    refuse("(component)", &["it is not WebAssembly"]);
    let component = components::function("export lambda:function/handler@0.1.0;", None);
    refuse(
        &component[..component.len() - 1],
        &["it is not a valid component", "cut off"],
    );
}

/// `inspect` says the same.
#[test]
fn features_of_webassembly_that_are_not_supported() {
    for (text, words) in [
        (
            "(component (core module (func try end)))",
            "it uses the legacy instructions for WebAssembly exceptions",
        ),
        (
            "(component (core module (type (struct))))",
            "it uses WebAssembly's garbage-collected types",
        ),
        (
            "(component (core func (canon error-context.drop)))",
            "it uses the component model's `error-context`",
        ),
    ] {
        let component = wat::parse_str(text).unwrap();
        refuse(&component, &[words]);
        let folder = Folder::new();
        folder.write("hello.wasm", component);
        let shown = folder.succeed(&["inspect", "hello.wasm"]);
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn more_instances_than_the_policy_has() {
    let folder = Folder::new();
    let two = "(component (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))";
    folder.write("hello.wasm", wat::parse_str(two).unwrap());
    let refused = |instances| {
        folder.write("hello.toml", format!("[limits]\ninstances = {instances}\n"));
        folder.fail(&["compile", "hello.wasm", "-o", "hello.cwasm"])
    };
    let words = "it has 2 core instances and may have 1\nhint: raise `instances` under [limits] in hello.toml";
    assert!(refused(1).contains(words), "{}", refused(1));
    // Not for that, but because it exports nothing.
    assert!(refused(2).contains(WOULD_DO), "{}", refused(2));
}

#[test]
fn a_policy_that_is_wrong() {
    let folder = Folder::with_component();
    for (policy, words) in [
        (
            "stream = true\n[limits]\nmemroy = \"1MiB\"",
            "hello.toml, line 3, column 1: unknown key `memroy` in [limits]\nhint: did you mean `memory`?",
        ),
        (
            "[http]\nallow = [\"api.example.com\"]",
            "hello.toml, line 2, column 10: cannot read `http.allow`: the origin \"api.example.com\" has no scheme",
        ),
        (
            "[files]\n\"/etc\" = \"read-only\"",
            "hello.toml, line 2, column 1: \"/etc\" cannot be granted",
        ),
    ] {
        folder.write("hello.toml", policy);
        let said = folder.fail(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_core_module() {
    refuse(
        wat::parse_str("(module)").unwrap(),
        &[
            "it is a core module, not a component",
            "wasm32-wasip2",
            "wasm-tools component new",
        ],
    );
}

#[test]
fn an_artifact_is_refused() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let said = folder.fail(&["compile", "hello.cwasm", "-o", "again.cwasm"]);
    assert!(said.contains("it is compiled already"), "{said}");
}

#[test]
fn no_known_export() {
    refuse(
        components::of_wit("package test:test; world test {}"),
        &["it exports nothing", WOULD_DO],
    );
    refuse(
        components::of_wit(
            "package test:test;
            world test { export tea: func(); export tea:pot/pot; }
            package tea:pot { interface pot { pour: func(); } }",
        ),
        &["it exports tea, tea:pot/pot; ", WOULD_DO],
    );
}

#[test]
fn a_command() {
    refuse(
        components::of_wit(
            "package test:test;
            world test { export wasi:cli/run@0.2.0; }
            package wasi:cli@0.2.0 { interface run { run: func() -> result; } }",
        ),
        &[
            "it exports wasi:cli/run, so it is a command",
            "cdylib",
            WOULD_DO,
        ],
    );
}

#[test]
fn both_worlds() {
    refuse(
        components::function(
            "export lambda:function/api@0.1.0; export lambda:function/handler@0.1.0;",
            None,
        ),
        &[
            "it exports lambda:function/api and lambda:function/handler, but a function has one world",
        ],
    );
}

#[test]
fn an_export_of_another_version() {
    refuse(
        components::of_wit(
            "package test:test;
            world test { export lambda:function/handler@0.2.0; }
            package lambda:function@0.2.0 { interface handler { handle: func(); } }",
        ),
        &["it exports lambda:function/handler@0.2.0, but this version calls 0.1.0"],
    );
}

/// A component whose export `handler` is this.
fn another_handler(interface: &str) -> Vec<u8> {
    components::of_wit(&format!(
        "package test:test;
        world test {{ export lambda:function/handler@0.1.0; }}
        package lambda:function@0.1.0 {{ interface handler {{ {interface} }} }}"
    ))
}

#[test]
fn a_known_export_of_another_type() {
    const MISFIT: &str = "it exports lambda:function/handler@0.1.0 with another type";
    const ADVICE: &str = "build it with the WIT of this version";
    refuse(
        another_handler("handle: func(event: string) -> string;"),
        &[MISFIT, "handle: ", ADVICE],
    );
    refuse(
        another_handler("handle-event: func();"),
        &[MISFIT, "the function `handle` is missing", ADVICE],
    );
}

#[test]
fn all_unavailable_imports_are_listed() {
    let said = refuse(
        components::of_wit(
            "package test:test;
            world test {
                import foo:bar/baz@1.0.0;
                import wasi:http/proxy@0.2.0;
                import wasi:io/poll@0.3.0;
                import wasi:cli/exit@0.2.0;
                import log: func(line: string);
                import lambda:function/invocation@0.9.0;
            }
            package foo:bar@1.0.0 { interface baz { f: func(); } }
            package wasi:http@0.2.0 { interface proxy { f: func(); } }
            package wasi:io@0.3.0 { interface poll { f: func(); } }
            package wasi:cli@0.2.0 { interface exit { exit: func(status: result); } }
            package lambda:function@0.9.0 { interface invocation { f: func(); } }",
        ),
        &[
            "it exports nothing",
            "it imports foo:bar/baz@1.0.0, which this version does not offer",
            "wac plug",
            "it imports wasi:http/proxy@0.2.0, which this version does not offer: it is not in the worlds",
            "it imports wasi:io/poll@0.3.0, but this version offers 0.2.0 to 0.2.12",
            "it imports log, which this version does not offer",
            "it imports lambda:function/invocation@0.9.0, but this version offers 0.1.0",
        ],
    );
    assert!(!said.contains("wasi:cli/exit"), "that one fits: {said}");
}

#[test]
fn all_imports_and_exports_of_other_types() {
    let said = refuse(
        components::of_wit(
            "package test:test;
            world test {
                import wasi:cli/exit@0.2.0;
                import wasi:random/random@0.2.12;
                import wasi:clocks/wall-clock@0.2.3;
                import wasi:cli/terminal-output@0.2.0;
                export lambda:function/handler@0.1.0;
            }
            package wasi:cli@0.2.0 {
                interface exit { exit: func(status: string); }
                interface terminal-output { resource terminal-output; }
            }
            package wasi:random@0.2.12 { interface random { get-random-u64: func() -> string; } }
            package wasi:clocks@0.2.3 { interface wall-clock { tomorrow: func() -> u64; } }
            package lambda:function@0.1.0 { interface handler { handle: func(); } }",
        ),
        &[
            "it imports wasi:cli/exit@0.2.0 with other types",
            "expected `result` found `string`",
            "it imports wasi:random/random@0.2.12 with other types",
            "it imports wasi:clocks/wall-clock@0.2.3 with other types",
            "`tomorrow`",
            "it exports lambda:function/handler@0.1.0 with another type",
        ],
    );
    assert!(!said.contains("terminal-output"), "that one fits: {said}");
}

#[test]
fn exports_that_tools_add_are_no_obstacle() {
    let folder = Folder::new();
    folder.write(
        "hello.wasm",
        // As componentize-py has it, and componentize-js.
        components::function(
            "include lambda:function/handler-function@0.1.0;
            export exports: interface { init: func() -> result<_, string>; }
            export init: func();",
            None,
        ),
    );
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
}

/// As components have it that were composed of several.
#[test]
fn one_interface_in_two_versions_is_no_obstacle() {
    let folder = Folder::new();
    let wit = format!(
        "package test:test;
        world test {{
            import wasi:random/random@0.2.0;
            import wasi:random/random@0.2.6;
            export lambda:function/handler@0.1.0;
        }}
        package wasi:random@0.2.0 {{ interface random {{ get-random-u64: func() -> u64; }} }}
        package wasi:random@0.2.6 {{ interface random {{ get-random-u64: func() -> u64; }} }}
        package lambda:function@0.1.0 {{ {} {} }}",
        include_str!("../../../wit/types.wit"),
        include_str!("../../../wit/handler.wit"),
    );
    folder.write("hello.wasm", components::of_wit(&wit));
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let text = folder.succeed(&["inspect", "hello.cwasm"]);
    for version in ["0.2.0", "0.2.6"] {
        let import = format!("  wasi:random/random@{version}");
        assert!(text.lines().any(|line| line == import), "{text}");
    }
}
