//! How the tool speaks: help on stdout, errors on stderr, and its exit codes.

use crate::support::Folder;

#[test]
fn help_lists_the_commands() {
    let text = Folder::new().succeed(&["--help"]);
    for command in [
        "build", "compile", "dev", "doctor", "init", "inspect", "invoke", "new", "package",
    ] {
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with(&format!("{command} "))),
            "no {command} in:\n{text}"
        );
    }
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let folder = Folder::with_component();
    for args in [
        &[][..],
        &["brew"],
        &["compile", "hello.wasm"],
        &["compile", "hello.wasm", "-o", "x", "--target", "riscv64"],
        &["compile", "hello.wasm", "-o", "x", "--cpu", "fast"],
    ] {
        let output = folder.run(args);
        assert_eq!(output.code, Some(2), "{args:?}: {output:?}");
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains("--help"), "{args:?}: {output:?}");
    }
}
