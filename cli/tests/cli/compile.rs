//! `lambda-wasm compile`: what it writes, and where.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use lambda_wasm_host::artifact::{self, FORMAT, HOST_TARGET, Trailer, WASMTIME};
use lambda_wasm_host::cpu;
use lambda_wasm_host::world::World;
use lambda_wasm_test_support::{components, full_bootstrap, guest};
use serde_json::Value;

use crate::support::Folder;
use crate::testing::functions;

#[test]
fn an_artifact_has_a_trailer_that_says_what_is_in_it() {
    let folder = Folder::with_component();
    assert_eq!(
        folder.succeed(&["compile", "hello.wasm", "-o", "out/hello.cwasm"]),
        ""
    );
    let path = folder.path("out/hello.cwasm");
    let trailer = Trailer::read(&path).unwrap();
    artifact::verify(&path, &trailer).unwrap();
    assert_eq!(trailer.format, FORMAT);
    assert_eq!(trailer.wasmtime, WASMTIME);
    assert_eq!(trailer.target, HOST_TARGET);
    assert_eq!(trailer.cpu, baseline(HOST_TARGET));
    assert_eq!(trailer.world, World::HandlerFunction);
    assert!(trailer.epoch, "it could not be interrupted");
    assert_eq!(trailer.memories, 1);
    assert_eq!(trailer.exports, ["lambda:function/handler@0.1.0"]);
    assert!(
        trailer.imports.contains(&"wasi:cli/exit@0.2.12".to_owned()),
        "{:?}",
        trailer.imports
    );
    // Everybody may read it: Lambda runs functions as a user of its own.
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644
    );
}

#[test]
fn a_stripped_artifact_is_smaller_and_its_stack_traces_have_numbers() {
    let folder = functions("");
    let guest = guest("handler");
    let guest = guest.to_str().unwrap();
    let panic = |args: &[&str]| {
        let compile = ["compile", guest, "-o", "dist/handler.cwasm"];
        folder.succeed(&[&compile, args].concat());
        folder.write("event.json", "\"panic:on purpose\"");
        let output = folder.run(&["invoke", "Jobs", "--event", "event.json"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        let (_, error) = output.stderr.split_once("the invocation failed: ").unwrap();
        let error: Value = serde_json::from_str(error).unwrap();
        assert_eq!(error["errorType"], "Function.Trap", "{error}");
        let trace = error["stackTrace"].as_array().unwrap().clone();
        let bytes = folder.read("dist/handler.cwasm");
        let trailer = Trailer::read(&folder.path("dist/handler.cwasm")).unwrap();
        (format!("{trace:?}"), bytes, trailer)
    };
    let (trace, whole, trailer) = panic(&[]);
    assert!(trace.contains("handler::panics"), "{trace}");
    assert!(trace.contains("0x"), "{trace}");
    assert!(trailer.names && !trailer.stripped);

    let (trace, stripped, trailer) = panic(&["--strip"]);
    assert!(trace.contains("!<wasm function "), "{trace}");
    assert!(
        !trace.contains("panics") && !trace.contains("0x"),
        "{trace}"
    );
    assert!(!trailer.names && trailer.stripped);
    assert!(
        stripped.len() * 10 < whole.len() * 9,
        "{} and {}",
        stripped.len(),
        whole.len()
    );
}

#[test]
fn a_project_can_be_stripped() {
    let folder = Folder::with_component();
    let bootstrap = full_bootstrap();
    for strip in [false, true, false] {
        folder.write(
            "lambda-wasm.toml",
            format!(
                "[build]\nname = \"hello\"\ncommand = \"true\"\ncomponent = \"hello.wasm\"\nstrip = {strip}\n"
            ),
        );
        let output = folder.run(&["build", "--bootstrap", bootstrap.to_str().unwrap()]);
        assert_eq!(output.code, Some(0), "{output:?}");
        let trailer = Trailer::read(&folder.path("dist/hello.cwasm")).unwrap();
        assert_eq!(trailer.stripped, strip);
    }
}

fn baseline(target: &str) -> &'static [&'static str] {
    if target.starts_with("aarch64") {
        cpu::AARCH64_BASELINE
    } else {
        cpu::X86_64_BASELINE
    }
}

#[test]
fn both_architectures_of_lambda_are_compiled_for() {
    /// ELF's `e_machine` of each target: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>.
    const MACHINES: [(&str, u16); 2] = [
        ("x86_64-unknown-linux-gnu", 62),
        ("aarch64-unknown-linux-gnu", 183),
    ];
    let folder = Folder::with_component();
    for (target, machine) in MACHINES {
        folder.succeed(&[
            "compile",
            "hello.wasm",
            "-o",
            "hello.cwasm",
            "--target",
            target,
        ]);
        let path = folder.path("hello.cwasm");
        let trailer = Trailer::inspect(&path).unwrap();
        artifact::verify(&path, &trailer).unwrap();
        assert_eq!(trailer.target, target);
        assert_eq!(trailer.cpu, baseline(target));
        assert_eq!(
            folder.read("hello.cwasm")[18..20],
            machine.to_le_bytes(),
            "{target}"
        );
    }
}

#[test]
fn the_features_of_this_machine_are_used_only_when_asked_for() {
    let folder = Folder::with_component();
    folder.succeed(&[
        "compile",
        "hello.wasm",
        "-o",
        "hello.cwasm",
        "--cpu",
        "native",
    ]);
    let trailer = Trailer::read(&folder.path("hello.cwasm")).unwrap();
    assert_eq!(trailer.cpu, cpu::native());

    let other = if HOST_TARGET.starts_with("aarch64") {
        "x86_64-unknown-linux-gnu"
    } else {
        "aarch64-unknown-linux-gnu"
    };
    let said = folder.fail(&[
        "compile",
        "hello.wasm",
        "-o",
        "other.cwasm",
        "--cpu",
        "native",
        "--target",
        other,
    ]);
    assert!(
        said.contains("--cpu native") && said.contains(other),
        "{said}"
    );
    assert!(!folder.path("other.cwasm").exists());
}

#[test]
fn the_old_artifact_stays_whole_for_who_has_it_open() {
    let folder = Folder::with_component();
    folder.write("hello.cwasm", "the old one");
    let path = folder.path("hello.cwasm");
    let mut open = File::open(&path).unwrap();
    let old = open.metadata().unwrap().ino();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!(text, "the old one");
    assert_ne!(fs::metadata(&path).unwrap().ino(), old);
    Trailer::read(&path).unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["hello.cwasm", "hello.wasm"], "nothing is left over");
}

/// Its engine says its name, also where the sections about its making were stripped.
#[test]
fn a_javascript_fetch_handler_whose_policy_has_reuse() {
    let folder = Folder::new();
    let mut component = components::function("export wasi:http/incoming-handler@0.2.12;", None);
    folder.write("other.wasm", &component);
    let name = b"StarlingMonkey";
    component.extend([0, 1 + name.len() as u8, name.len() as u8]);
    component.extend(name);
    folder.write("hello.wasm", component);
    for name in ["other", "hello"] {
        folder.write(&format!("{name}.toml"), "reuse = true\n");
    }
    folder.succeed(&["compile", "other.wasm", "-o", "other.cwasm"]);
    let output = folder.run(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let words = "warning: the policy has `reuse`, which has no effect";
    assert!(output.stderr.starts_with(words), "{output:?}");
    assert!(
        Trailer::read(&folder.path("hello.cwasm"))
            .unwrap()
            .one_request
    );
    fs::remove_file(folder.path("hello.toml")).unwrap();
    folder.succeed(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
}

#[test]
fn a_failed_compilation_leaves_the_old_artifact() {
    let folder = Folder::new();
    folder.write("hello.wasm", "no component");
    folder.write("hello.cwasm", "the old one");
    folder.fail(&["compile", "hello.wasm", "-o", "hello.cwasm"]);
    assert_eq!(folder.read("hello.cwasm"), b"the old one");
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let folder = Folder::with_component();
    let said = folder.fail(&["compile", "hello.wasm", "-o", "hello.wasm/hello.cwasm"]);
    assert!(
        said.contains("hello.wasm/hello.cwasm cannot be written")
            && said.contains("its directory hello.wasm cannot be created"),
        "{said}"
    );
    fs::create_dir(folder.path("folder")).unwrap();
    let said = folder.fail(&["compile", "hello.wasm", "-o", "folder"]);
    assert!(said.contains("folder cannot be written"), "{said}");
}
