//! `lambda-wasm inspect`: what it prints.

use std::fs;

use lambda_wasm_host::artifact::{FORMAT, HOST_TARGET, WASMTIME};
use lambda_wasm_test_support::{components, guest};
use serde_json::Value;

use crate::support::Folder;

#[track_caller]
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            text.lines().any(|printed| printed == *line),
            "no line {line:?} in:\n{text}"
        );
    }
}

#[test]
fn a_component() {
    let folder = Folder::with_component();
    let size = folder.read("hello.wasm").len();
    let text = folder.succeed(&["inspect", "hello.wasm"]);
    assert_lines(
        &text,
        &[
            &format!("hello.wasm: component, {size} bytes"),
            "world: handler-function",
            "imports:",
            "  wasi:cli/exit@0.2.12",
            "exports:",
            "  lambda:function/handler@0.1.0",
        ],
    );
    assert!(!text.contains("trailer"), "{text}");
}

#[test]
fn an_artifact() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let size = folder.read("hello.cwasm").len();
    assert_lines(
        &folder.succeed(&["inspect", "hello.cwasm"]),
        &[
            &format!("hello.cwasm: compiled component, {size} bytes"),
            "world: handler-function",
            "  wasi:cli/exit@0.2.12",
            "  lambda:function/handler@0.1.0",
            "trailer:",
            &format!("  format: {FORMAT}"),
            &format!("  wasmtime: {WASMTIME}"),
            &format!("  target: {HOST_TARGET}"),
            "  epoch: yes",
            "  concurrency: no",
            "  memories: 1",
        ],
    );
}

#[test]
fn the_grants_that_it_would_need_and_a_policy_to_start_from() {
    let folder = Folder::new();
    let world = "include lambda:function/handler-function@0.1.0;
        import wasi:http/outgoing-handler@0.2.12;";
    folder.write("hello.wasm", components::function(world, None));
    let text = folder.succeed(&["inspect", "hello.wasm"]);
    let (_, grants) = text.split_once("grants:\n").unwrap();
    let (grants, policy) = grants.split_once(".cwasm:\n").unwrap();
    for words in [
        "  wasi:filesystem: [files], if ",
        "  wasi:http/outgoing-handler: [http], and for AWS [aws], if ",
        "  wasi:sockets: cannot be granted",
    ] {
        assert!(grants.contains(words), "no {words:?} in:\n{grants}");
    }
    let tables = policy.lines().filter(|line| line.starts_with("  ["));
    let tables: Vec<&str> = tables.map(str::trim).collect();
    assert_eq!(tables, ["[env]", "[files]", "[http]", "[aws]"]);
    let need_none = components::of_wit("package test:test; world test { export tea: func(); }");
    folder.write("tea.wasm", need_none);
    assert_lines(
        &folder.succeed(&["inspect", "tea.wasm"]),
        &["grants: none needed"],
    );

    // It is one.
    let granted = policy.replace("\n  # ", "\n  ");
    for policy in [policy, &granted] {
        folder.write("hello.toml", policy);
        folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    }
}

#[test]
fn imports_of_types_only_and_those_that_are_called() {
    let folder = Folder::new();
    let imports = |of_types: &str, called: &str| {
        format!(
            "package test:test;
            interface types {{ record user {{ name: string }} }}
            interface owner {{ resource account; }}
            interface caller {{ hello: func(); }}
            world test {{
                {of_types} {called}
                export lambda:function/handler@0.1.0;
            }}
            package lambda:function@0.1.0 {{ {} {} }}",
            include_str!("../../../wit/types.wit"),
            include_str!("../../../wit/handler.wit"),
        )
    };
    let types = "import types; use types.{user}; export greet: func(user: user);";
    folder.write("fits.wasm", components::of_wit(&imports(types, "")));
    let lines = ["world: handler-function", "  test:test/types (types only)"];
    assert_lines(&folder.succeed(&["inspect", "fits.wasm"]), &lines);
    folder.succeed(&["compile", "fits.wasm", "-o", "fits.cwasm"]);
    assert_lines(&folder.succeed(&["inspect", "fits.cwasm"]), &lines);

    let called = "import owner; import caller;";
    folder.write("not.wasm", components::of_wit(&imports(types, called)));
    let shown = folder.succeed(&["inspect", "not.wasm"]);
    let refused = folder.fail(&["compile", "not.wasm", "-o", "not.cwasm"]);
    for said in [shown, refused] {
        assert!(!said.contains("it imports test:test/types"), "{said}");
        for import in ["test:test/owner", "test:test/caller"] {
            let words = format!("it imports {import}, which this version does not offer");
            assert!(said.contains(&words), "{said}");
        }
    }
}

#[test]
fn the_parts_of_a_file_add_up_and_its_biggest_functions_have_names() {
    let folder = Folder::new();
    folder.write("hello.wasm", fs::read(guest("http_p2")).unwrap());
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let inspect = |name: &str| -> Value {
        serde_json::from_str(&folder.succeed(&["inspect", name, "--json"])).unwrap()
    };
    let parts = |report: &Value, key: &str| -> Vec<(String, u64)> {
        let parts = report[key].as_array().unwrap().iter();
        let part = |part: &Value| {
            let name = part["name"].as_str().unwrap().to_owned();
            (name, part["bytes"].as_u64().unwrap())
        };
        parts.map(part).collect()
    };
    for name in ["hello.wasm", "hello.cwasm"] {
        let report = inspect(name);
        let parts = parts(&report, "parts");
        let sum: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(report["size"], sum, "{parts:?}");
        assert!(parts.is_sorted_by(|one, next| one.1 >= next.1), "{parts:?}");
        for part in ["code", "content of memories", "names of functions"] {
            let size = parts.iter().find(|(name, _)| name == part);
            assert!(size.is_some_and(|(_, bytes)| *bytes > 1000), "{parts:?}");
        }
        let text = folder.succeed(&["inspect", name]);
        let (part, bytes) = &parts[0];
        assert_lines(&text, &["size:", &format!("  {bytes:>9}  {part}")]);
    }
    let functions = parts(&inspect("hello.wasm"), "functions");
    assert_eq!(functions.len(), 10);
    assert!(functions.is_sorted_by(|one, next| one.1 >= next.1));
    // Rust's allocator, without the mangling of its name.
    let names: Vec<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.iter().any(|name| name.contains("dlmalloc")),
        "{names:?}"
    );
    assert!(names.iter().all(|name| !name.contains("_ZN")), "{names:?}");
}

#[test]
fn components_that_cannot_run_are_shown_with_the_reason() {
    let folder = Folder::new();
    folder.write(
        "tea.wasm",
        components::of_wit("package test:test; world test { export tea: func(); }"),
    );
    let text = folder.succeed(&["inspect", "tea.wasm"]);
    assert_lines(&text, &["imports: none", "exports:", "  tea"]);
    assert!(
        text.contains("world: not supported by this version: it exports tea"),
        "{text}"
    );
}

#[test]
fn other_files_are_refused() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let mut artifact = folder.read("hello.cwasm");
    folder.write("cut.cwasm", &artifact[..artifact.len() - 1]);
    let middle = artifact.len() / 2;
    artifact[middle] ^= 1;
    folder.write("damaged.cwasm", artifact);
    folder.write("module.wasm", wat::parse_str("(module)").unwrap());
    folder.write("text", "tea");
    folder.write("empty", "");
    for (name, words) in [
        ("absent", "cannot be read"),
        ("cut.cwasm", "does not have a trailer"),
        ("damaged.cwasm", "is damaged: its SHA-256"),
        ("module.wasm", "it is a core module, not a component"),
        ("text", "is neither a compiled component nor WebAssembly"),
        ("empty", "is empty"),
    ] {
        let said = folder.fail(&["inspect", name]);
        assert!(said.contains(name) && said.contains(words), "{said}");
    }
}

#[test]
fn json_has_the_same_facts() {
    let folder = Folder::with_component();
    let inspect = |name: &str| -> Value {
        serde_json::from_str(&folder.succeed(&["inspect", name, "--json"])).unwrap()
    };
    let component = inspect("hello.wasm");
    assert_eq!(component["kind"], "component");
    assert_eq!(component["size"], folder.read("hello.wasm").len());
    assert_eq!(component["world"], "handler-function");
    assert_eq!(component["unsupported"], Value::Null);
    assert_eq!(component["exports"][0], "lambda:function/handler@0.1.0");
    assert_eq!(component["trailer"], Value::Null);
    let report = folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let path = folder.path("hello.cwasm").canonicalize().unwrap();
    assert_eq!(report["path"], path.to_str().unwrap());
    assert_eq!(report["size"], folder.read("hello.cwasm").len());
    assert_eq!(report["trailer"]["target"], HOST_TARGET);
    let artifact = inspect("hello.cwasm");
    assert_eq!(artifact["kind"], "artifact");
    assert_eq!(artifact["trailer"], report["trailer"]);
    for name in ["world", "imports", "exports", "grants"] {
        assert_eq!(artifact[name], component[name], "{name}");
    }
    let fetch = inspect(guest("http_p2").to_str().unwrap());
    let grants = fetch["grants"].as_array().unwrap();
    assert!(
        grants.contains(&"wasi:http/outgoing-handler".into()),
        "{fetch}"
    );
}
