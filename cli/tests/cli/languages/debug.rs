//! Stack traces with places in the source.

use super::Project;

/// Builds a project with debug information, whose function traps, and checks that its stack trace has this place.
#[track_caller]
fn has_place(lang: &str, file: &str, source: &str, place: &str) {
    let project = Project::new(lang, "handler");
    project.0.write(&format!("hello/{file}"), source);
    let debug = project.0.path("hello/dist/hello.debug.wasm");
    let bootstrap = lambda_wasm_test_support::full_bootstrap();
    let build = ["build", "--bootstrap", bootstrap.to_str().unwrap()];
    let invoke = || {
        let output = project.command(&["invoke"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    project.run(&build);
    assert!(!debug.exists());
    let said = invoke();
    assert!(
        said.contains("Function.Trap") && !said.contains(place),
        "{said}"
    );
    let (_, said) = project.run(&[&build[..], &["--debug"]].concat());
    assert!(said.contains(": built in"), "{said}");
    let said = invoke();
    assert!(said.contains(place), "{said}");
    // The component is for this machine.
    project.run(&["package", "dist", "-o", "hello.zip"]);
    let zip = std::fs::read(project.0.path("hello/hello.zip")).unwrap();
    let is_in_zip = |name: &str| {
        zip.windows(name.len())
            .any(|bytes| bytes == name.as_bytes())
    };
    assert!(is_in_zip("hello.cwasm") && !is_in_zip("hello.debug.wasm"));
    // Debug information of another build is not used.
    let (_, said) = project.run(&[&build[..], &["--debug"]].concat());
    assert!(said.contains("is up to date"), "{said}");
    let kept = std::fs::read(&debug).unwrap();
    project.run(&build);
    assert!(!debug.exists());
    std::fs::write(&debug, &kept[..kept.len() - 1]).unwrap();
    assert!(!invoke().contains(place));
    // A file of the user's with such a name stays.
    std::fs::write(project.0.path("hello/own.debug.wasm"), &kept).unwrap();
    let compile = ["compile", "own.debug.wasm", "-o", "own.cwasm"];
    let output = project
        .command(&[&compile[..], &["--debug"]].concat())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("own.debug.wasm is the input, and --debug would replace it"),
        "{said}"
    );
}

#[test]
fn a_trap_in_rust_has_its_place_in_the_source() {
    let source = "\
lambda_wasm_guest::handler!(|_event: serde_json::Value, _context| -> Result<u64, String> { Ok(third(&[1, 2])) });

#[inline(never)]
fn third(list: &[u64]) -> u64 {
    let index = std::hint::black_box(2);
    list[index]
}
";
    has_place("rust", "src/lib.rs", source, "    at src/lib.rs:6\n");
}

#[test]
fn a_trap_in_c_has_its_place_in_the_source() {
    let source = "\
#include \"handler_function.h\"

__attribute__((noinline)) static int divide(volatile int *by) {
  return 7 / *by;
}

bool exports_lambda_function_handler_handle(handler_function_list_u8_t *event,
                                            exports_lambda_function_handler_context_t *context,
                                            handler_function_list_u8_t *response,
                                            exports_lambda_function_handler_failure_t *failure) {
  volatile int zero = 0;
  return divide(&zero) == 0;
}
";
    has_place("c", "main.c", source, "    at main.c:4\n");
}
