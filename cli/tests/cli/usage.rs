//! How the tool speaks: help on stdout, errors on stderr, and its exit codes.

use crate::support::Folder;

#[test]
fn help_lists_the_commands() {
    let text = Folder::new().succeed(&["--help"]);
    for command in [
        "build",
        "compile",
        "completions",
        "dev",
        "doctor",
        "init",
        "inspect",
        "invoke",
        "new",
        "package",
        "test",
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

#[test]
fn each_shell_has_a_script_that_completes_commands() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.succeed(&["completions", shell]);
        for word in ["lambda-wasm", "inspect", "parameter-overrides"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let script = folder.succeed(&["completions", "bash"]);
    folder.write("completions", script);
    // Bash calls the function that the script registers with the command, the word, and the word before.
    let complete = "source ./completions; COMP_WORDS=(lambda-wasm insp); COMP_CWORD=1; $(complete -p lambda-wasm | grep -o '_lambda[^ ]*') lambda-wasm insp lambda-wasm; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["-c", complete])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "inspect\n");
}
