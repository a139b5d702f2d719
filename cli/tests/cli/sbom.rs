//! `lambda-wasm inspect --sbom`: the bills of components and artifacts, and their schema.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use lambda_wasm_host::artifact::{WASMTIME, sha256};
use lambda_wasm_test_support::tools::{skip, tool};
use serde_json::{Value, json};
use wasm_metadata::{AddMetadata, AddMetadataField};

use crate::support::Folder;

/// Checks files with CycloneDX's own library. It ends with 3 if that is not installed.
const VALIDATE: &str = "
import sys
try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
except ImportError:
    sys.exit(3)
validator = JsonStrictValidator(SchemaVersion.V1_6)
for path in sys.argv[1:]:
    if fault := validator.validate_str(open(path).read()):
        sys.exit(f'{path}: {fault}')
";

/// Checks that files have the schema of CycloneDX 1.6.
#[track_caller]
pub fn assert_valid(files: &[PathBuf]) {
    let Some(python) = tool("python3") else {
        return;
    };
    let validate = Command::new(python)
        .args(["-c", VALIDATE])
        .args(files)
        .output();
    let output = validate.unwrap();
    if output.status.code() == Some(3) {
        skip("the schema of SBOMs", "cyclonedx-python-lib is missing");
        return;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The crates of a program, as `cargo auditable` has them: <https://github.com/rust-secure-code/cargo-auditable>.
const CRATES: &str = r#"{"packages":[
    {"name":"cc","version":"1.2.0","source":"crates.io","kind":"build"},
    {"name":"greeter","version":"0.1.0","source":"local","dependencies":[0,2],"root":true},
    {"name":"serde","version":"1.0.0+a","source":"crates.io"}]}"#;

/// Appends a custom section to a component.
fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let short = |length: usize| u8::try_from(length).unwrap();
    let mut section = vec![short(name.len())];
    section.extend(name.as_bytes());
    section.extend(data);
    let length = section.len();
    // LEB128 in two bytes.
    component.extend([0, short(length % 128) | 0x80, short(length / 128)]);
    component.extend(section);
}

/// A folder with a component that says much about itself.
fn described() -> Folder {
    let folder = Folder::with_component();
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set("greeter".to_owned());
    add.language = vec![("Rust".to_owned(), String::new())];
    add.processed_by = vec![("rustc".to_owned(), "1.95.0".to_owned())];
    add.licenses = AddMetadataField::Set("MIT OR Apache-2.0".parse().unwrap());
    add.source = AddMetadataField::Set("https://example.com/greeter".parse().unwrap());
    add.version = AddMetadataField::Set("0.1.0".parse().unwrap());
    let mut component = add.to_wasm(&folder.read("hello.wasm")).unwrap();
    let mut crates = ZlibEncoder::new(Vec::new(), Compression::best());
    crates.write_all(CRATES.as_bytes()).unwrap();
    append(&mut component, ".dep-v0", &crates.finish().unwrap());
    folder.write("hello.wasm", component);
    folder
}

fn bill(folder: &Folder, file: &str) -> Value {
    serde_json::from_str(&folder.succeed(&["inspect", file, "--sbom"])).unwrap()
}

/// The component of [`described`], under this name in the bill.
fn component(folder: &Folder) -> Value {
    let mut properties = vec![
        json!({ "name": "wasm:language", "value": "Rust" }),
        json!({ "name": "wasm:processed-by", "value": "rustc 1.95.0" }),
    ];
    // The library that encodes components says so.
    let encoder = bill(folder, "hello.wasm")["metadata"]["component"]["properties"].clone();
    let encoder = encoder.as_array().unwrap().iter();
    properties.extend(encoder.skip(2).cloned());
    json!({
        "type": "application",
        "bom-ref": "component",
        "name": "greeter",
        "version": "0.1.0",
        "hashes": [{ "alg": "SHA-256", "content": sha256(&folder.read("hello.wasm")) }],
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "externalReferences": [{ "type": "vcs", "url": "https://example.com/greeter" }],
        "properties": properties,
    })
}

fn crates() -> Vec<Value> {
    vec![
        json!({ "type": "library", "bom-ref": "local:greeter@0.1.0", "name": "greeter", "version": "0.1.0", "scope": "required" }),
        json!({ "type": "library", "bom-ref": "pkg:cargo/cc@1.2.0", "name": "cc", "version": "1.2.0", "scope": "excluded",
            "purl": "pkg:cargo/cc@1.2.0" }),
        json!({ "type": "library", "bom-ref": "pkg:cargo/serde@1.0.0%2Ba", "name": "serde", "version": "1.0.0+a",
            "scope": "required", "purl": "pkg:cargo/serde@1.0.0%2Ba" }),
    ]
}

fn graph() -> Vec<Value> {
    vec![
        json!({ "ref": "component", "dependsOn": ["local:greeter@0.1.0"] }),
        json!({ "ref": "local:greeter@0.1.0", "dependsOn": ["pkg:cargo/cc@1.2.0", "pkg:cargo/serde@1.0.0%2Ba"] }),
        json!({ "ref": "pkg:cargo/cc@1.2.0", "dependsOn": [] }),
        json!({ "ref": "pkg:cargo/serde@1.0.0%2Ba", "dependsOn": [] }),
    ]
}

#[test]
fn the_bill_of_a_component_has_what_it_says_about_itself() {
    let folder = described();
    let bill = bill(&folder, "hello.wasm");
    assert_eq!(bill["specVersion"], "1.6");
    assert_eq!(bill["metadata"]["component"], component(&folder));
    assert_eq!(bill["components"], json!(crates()));
    assert_eq!(bill["dependencies"], json!(graph()));
}

#[test]
fn an_artifact_keeps_the_bill_of_its_component() {
    let folder = described();
    for options in [&[][..], &["--strip"]] {
        let compile = ["compile", "hello.wasm", "-o", "hello.cwasm"];
        folder.succeed(&[&compile, options].concat());
        let bill = bill(&folder, "hello.cwasm");
        let artifact = &bill["metadata"]["component"];
        assert_eq!(artifact["name"], "hello.cwasm");
        let hash = json!([{ "alg": "SHA-256", "content": sha256(&folder.read("hello.cwasm")) }]);
        assert_eq!(artifact["hashes"], hash);
        let wasmtime = json!({ "name": "lambda-wasm:wasmtime", "value": WASMTIME });
        assert_eq!(artifact["properties"][2], wasmtime);
        let all = [vec![component(&folder)], crates()].concat();
        assert_eq!(bill["components"], json!(all));
        let first = json!({ "ref": "artifact", "dependsOn": ["component"] });
        assert_eq!(bill["dependencies"], json!([vec![first], graph()].concat()));
    }
}

#[test]
fn bills_have_the_schema_of_cyclonedx() {
    let folder = described();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let files = ["hello.wasm", "hello.cwasm"].map(|file| {
        let bill = folder.succeed(&["inspect", file, "--sbom"]);
        let name = format!("{file}.cdx.json");
        folder.write(&name, bill);
        folder.path(&name)
    });
    assert_valid(&files);
}

#[test]
fn sections_that_cannot_be_read_are_told_and_do_not_keep_a_component_from_running() {
    let folder = Folder::with_component();
    let mut component = folder.read("hello.wasm");
    append(&mut component, ".dep-v0", b"not compressed");
    folder.write("hello.wasm", component);
    let said = folder.fail(&["inspect", "hello.wasm", "--sbom"]);
    let start = "error: hello.wasm has no readable metadata: ";
    assert!(said.starts_with(start), "{said}");
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let bill = bill(&folder, "hello.cwasm");
    assert_eq!(bill["components"][0]["name"], "component");
    assert_eq!(bill["components"].as_array().unwrap().len(), 1);
}
