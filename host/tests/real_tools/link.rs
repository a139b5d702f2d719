//! How `bootstrap` is linked, and what lies beside it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_wasm_host::variant::SMALL;
use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{built, full_bootstrap, root, small_bootstrap};
use object::elf::{
    DF_1_NOW, DF_1_PIE, DF_TEXTREL, DT_FLAGS, DT_FLAGS_1, DT_NEEDED, DT_TEXTREL, ET_DYN, PF_R,
    PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_INTERP, PT_LOAD,
};
use object::read::elf::{Dyn, ElfFile64, ProgramHeader};
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
}

/// The hosts of this machine's architecture, and of the other one if they were built.
fn built_hosts() -> impl Iterator<Item = PathBuf> {
    let names = [
        "x86_64",
        "x86_64-small",
        "aarch64",
        "aarch64-small",
        "aarch64-quick",
    ];
    let others = names.map(|name| root().join(format!("target/bootstraps/bootstrap-{name}")));
    let mut hosts = vec![full_bootstrap(), small_bootstrap()];
    hosts.extend(others.into_iter().filter(|path| path.exists()));
    hosts.sort();
    hosts.dedup();
    hosts.into_iter()
}

/// The program headers and the dynamic section of a host, by gABI chapters 7 and 8:
/// <https://gabi.xinuos.com/elf/07-pheader.html>.
#[test]
fn bootstrap_keeps_code_and_data_apart_and_links_nothing_at_its_start() {
    for path in built_hosts() {
        let bytes = fs::read(&path).unwrap();
        let elf = ElfFile64::<LittleEndian>::parse(&*bytes).unwrap();
        let segments = elf.elf_program_headers();
        let flags_of = |kind| {
            let mut segments = segments.iter();
            let segment = segments.find(|segment| segment.p_type(LittleEndian) == kind);
            segment.map(|segment| segment.p_flags(LittleEndian))
        };
        let path = path.display();
        let loaded: Vec<_> = segments
            .iter()
            .filter(|segment| segment.p_type(LittleEndian) == PT_LOAD)
            .map(|segment| segment.p_flags(LittleEndian))
            .collect();
        assert!(loaded.contains(&(PF_R | PF_X)), "{path}: {loaded:?}");
        assert!(loaded.contains(&(PF_R | PF_W)), "{path}: {loaded:?}");
        for flags in &loaded {
            let both = PF_W | PF_X;
            assert_ne!(flags & both, both, "{path}: written and executed");
        }
        // Without the header, the kernel makes the stack executable on some architectures.
        assert_eq!(flags_of(PT_GNU_STACK), Some(PF_R | PF_W), "{path}: stack");
        assert_eq!(flags_of(PT_GNU_RELRO), Some(PF_R), "{path}: relocated");
        let dynamic = segments
            .iter()
            .find_map(|segment| segment.dynamic(LittleEndian, &*bytes).unwrap())
            .unwrap_or_else(|| panic!("{path} is not position independent"));
        let entries: BTreeMap<_, _> = dynamic
            .iter()
            .map(|entry| (entry.d_tag(LittleEndian), entry.d_val(LittleEndian)))
            .collect();
        let flags = |tag| entries.get(&tag).copied().unwrap_or(0);
        assert_ne!(flags(DT_FLAGS_1) & u64::from(DF_1_NOW), 0, "{path}: NOW");
        assert_ne!(flags(DT_FLAGS_1) & u64::from(DF_1_PIE), 0, "{path}: PIE");
        // Code is not written when it is relocated.
        assert!(!entries.contains_key(&DT_TEXTREL), "{path}");
        assert_eq!(flags(DT_FLAGS) & u64::from(DF_TEXTREL), 0, "{path}");
        if flags_of(PT_INTERP).is_some() {
            skip(
                "static bootstrap",
                "bootstrap was built with --dynamic, or there is no libc.a here",
            );
            continue;
        }
        assert!(!entries.contains_key(&DT_NEEDED), "{path}");
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
