//! The functions that a large component's compile keeps for the next.

use std::fmt::Write as _;
use std::fs;

use lambda_wasm_test_support::components;

use crate::support::{Folder, Output};

/// The length of the hash of the file and of a key, in bytes.
const HASH: usize = 32;

/// A component of 4 MiB whose core functions return these numbers, and a memory with this content.
fn component(numbers: impl Iterator<Item = u32>, content: &str) -> Vec<u8> {
    let mut module = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 64) "{content}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32) unreachable)"#
    );
    for number in numbers {
        write!(module, "(func (result i32) i32.const {number})").unwrap();
    }
    module.push(')');
    let world = "include lambda:function/handler-function@0.1.0;";
    let mut component = components::function(world, Some(&module));
    // A custom section: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
    component.push(0);
    let name = b"\x07padding";
    let mut size = (4 << 20) + name.len();
    while size >= 0x80 {
        component.push(size as u8 | 0x80);
        size >>= 7;
    }
    component.push(size as u8);
    component.extend(name);
    component.extend([0; 4 << 20]);
    component
}

/// Compiles a component with the functions that this folder's cache has, or with another cache.
///
/// By one thread, which compiles the functions in the same order each time: cranelift 0.135 leaves the exception tables of the
/// function that a thread compiled before in the next one's key (`DataFlowGraph::clear`).
#[track_caller]
fn compile(folder: &Folder, component: &[u8], cache: &str) -> Vec<u8> {
    folder.write("hello.wasm", component);
    let mut command = folder.command(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    command.env("LAMBDA_WASM_CACHE", folder.path(cache));
    command.env("RAYON_NUM_THREADS", "1");
    let output = Output::of(command);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(output.stderr, "");
    folder.read("hello.cwasm")
}

const FILE: &str = "cache/functions";

/// How many functions the cache has.
fn kept(folder: &Folder) -> usize {
    let file = folder.read(FILE);
    let mut rest = &file[HASH..];
    let mut count = 0;
    while !rest.is_empty() {
        let length = rest[HASH..][..4].try_into().unwrap();
        rest = &rest[HASH + 4 + u32::from_le_bytes(length) as usize..];
        count += 1;
    }
    count
}

#[test]
fn only_new_functions_of_a_large_component_are_compiled() {
    let folder = Folder::new();
    compile(&folder, &component(0..1000, "first"), "cache");
    assert!(kept(&folder) >= 1000, "{}", kept(&folder));

    // Other data, and then one function more.
    for (numbers, data) in [(1000, "other"), (1001, "other")] {
        let before = kept(&folder);
        let edited = component(0..numbers, data);
        let artifact = compile(&folder, &edited, "cache");
        let compiled = kept(&folder) - before;
        assert!(compiled < 20, "{compiled} functions were compiled again");
        assert!(compile(&folder, &edited, &format!("new-{numbers}")) == artifact);
    }
}

#[test]
fn a_small_component_keeps_no_functions() {
    let folder = Folder::with_component();
    let component = folder.read("hello.wasm");
    compile(&folder, &component, "cache");
    assert!(!folder.path("cache").exists());
}

#[test]
fn a_damaged_cache_changes_no_artifact() {
    let folder = Folder::new();
    let component = component(0..100, "");
    let artifact = compile(&folder, &component, "cache");
    let whole = folder.read(FILE);
    let changed = |at: usize| {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        changed
    };
    let mut longer = whole.clone();
    longer.extend([0; HASH]);
    // The hash, a key, a length, machine code, and sizes that do not fit.
    for damaged in [
        changed(0),
        changed(HASH),
        changed(2 * HASH + 1),
        changed(whole.len() / 2),
        changed(whole.len() - 1),
        whole[..whole.len() / 2].to_vec(),
        whole[..HASH].to_vec(),
        b"a".to_vec(),
        Vec::new(),
        longer,
    ] {
        folder.write(FILE, damaged);
        assert!(compile(&folder, &component, "cache") == artifact);
        assert!(
            folder.read(FILE).len() == whole.len(),
            "it was not made again"
        );
    }
}

#[test]
fn a_cache_that_cannot_be_written_changes_no_artifact() {
    let folder = Folder::new();
    let component = component(0..10, "");
    let artifact = compile(&folder, &component, "cache");
    assert!(compile(&folder, &component, "hello.wasm/cache") == artifact);
    fs::remove_file(folder.path(FILE)).unwrap();
    fs::create_dir(folder.path(FILE)).unwrap();
    assert!(compile(&folder, &component, "cache") == artifact);
}
