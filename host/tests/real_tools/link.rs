//! How `bootstrap` is linked, and what lies beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use lambda_wasm_host::variant::SMALL;
use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{built, full_bootstrap, root, small_bootstrap};
use object::elf::{ET_DYN, PT_INTERP};
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{LittleEndian, Object, ObjectSection};

#[test]
fn the_host_links_no_compiler_and_no_slow_cryptography() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "lambda-wasm-host"])
        .args(["-e", "normal", "--prefix", "none"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(tree.contains("\nwasmtime v"), "no tree: {tree}");
    // Wasmtime keeps its indexes in these; there is no code generator in them.
    let containers = ["cranelift-bforest", "cranelift-bitset", "cranelift-entity"];
    let compilers = [
        "cranelift",
        "wasmtime-internal-cranelift",
        "wasmtime-internal-winch",
        "winch",
        "regalloc",
    ];
    // Its entropy source takes 50 ms of the start.
    let slow = ["aws-lc"];
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<_> = names
        .filter(|name| compilers.iter().chain(&slow).any(|it| name.starts_with(it)))
        .filter(|name| !containers.contains(name))
        .collect();
    found.dedup();
    assert_eq!(found, [""; 0]);
}

#[test]
fn bootstrap_is_stripped_position_independent_and_executable() {
    for path in [full_bootstrap(), small_bootstrap()] {
        is_stripped_position_independent_and_executable(&path);
    }
}

#[test]
fn the_small_variant_is_smaller_and_says_what_it_is() {
    let [full, small] = [full_bootstrap(), small_bootstrap()].map(|path| fs::read(path).unwrap());
    assert!(
        small.len() * 10 < full.len() * 7,
        "{} of {} bytes",
        small.len(),
        full.len()
    );
    let is_small = |program: &[u8]| {
        program
            .windows(SMALL.len())
            .any(|part| part == SMALL.as_bytes())
    };
    assert!(is_small(&small) && !is_small(&full));
    // hello sends no requests.
    assert!(fs::read(built("dist/bootstrap")).unwrap() == small);
}

fn is_stripped_position_independent_and_executable(path: &Path) {
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755, "{mode:o}");
    let bytes = fs::read(path).unwrap();
    let elf = ElfFile64::<LittleEndian>::parse(&*bytes).unwrap();
    assert_eq!(elf.elf_header().e_type.get(LittleEndian), ET_DYN);
    for section in elf.sections() {
        let name = section.name().unwrap();
        assert!(
            name != ".symtab" && !name.starts_with(".debug"),
            "it has {name}"
        );
    }
    let interpreter = elf
        .elf_program_headers()
        .iter()
        .any(|header| header.p_type(LittleEndian) == PT_INTERP);
    if interpreter {
        skip(
            "static bootstrap",
            "bootstrap was built with --dynamic, or there is no libc.a here",
        );
    } else {
        // Position independent as well, since it has a dynamic section.
        assert!(elf.section_by_name(".dynamic").is_some());
    }
}

#[test]
fn dist_holds_what_lambda_runs_and_nothing_else() {
    let entries = fs::read_dir(root().join("dist")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.contains(&"bootstrap".to_owned()), "{names:?}");
    assert!(names.contains(&"hello.cwasm".to_owned()), "{names:?}");
    names.retain(|name| {
        // A component, or its policy.
        name != "bootstrap" && !name.ends_with(".cwasm") && !name.ends_with(".toml")
    });
    assert_eq!(names, [""; 0], "these are of no use on Lambda");
}
