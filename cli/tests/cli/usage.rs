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
        "mcp",
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

/// Every command, from the list that clap prints.
fn commands() -> Vec<String> {
    let help = Folder::new().succeed(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    let names: Vec<_> = names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(names.len() >= 12, "{help}");
    names
}

#[test]
fn the_help_of_every_command_has_examples_that_it_takes() {
    let folder = Folder::new();
    for command in commands() {
        let help = folder.succeed(&[&command, "--help"]);
        let examples = help.rsplit_once("Examples:\n");
        let (_, examples) = examples.unwrap_or_else(|| panic!("{command} has no examples"));
        let mut count = 0;
        for line in examples.lines() {
            let Some((_, arguments)) = line.rsplit_once("lambda-wasm ") else {
                continue;
            };
            let arguments = arguments.split([')', '>']).next().unwrap();
            let mut words = shlex::split(arguments).unwrap();
            words.push("--help".to_owned());
            // An option that does not exist is an error, with --help too.
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            if words[0] == command {
                count += 1;
                folder.succeed(&words);
            }
        }
        assert!(count > 0, "{command}: {examples}");
    }
}

#[test]
fn every_command_has_json_for_programs() {
    for command in commands() {
        let help = Folder::new().succeed(&[&command, "--help"]);
        // The output of these is not for people.
        let has_none = ["completions", "mcp"].contains(&&*command);
        assert_eq!(help.contains("--json"), !has_none, "{command}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    assert_eq!(folder.succeed(&["man", "pages/man1"]), "");
    let page =
        |name: &str| String::from_utf8(folder.read(&format!("pages/man1/{name}.1"))).unwrap();
    assert!(page("lambda-wasm").contains("lambda\\-wasm\\-build(1)"));
    for command in commands() {
        let page = page(&format!("lambda-wasm-{command}"));
        assert!(page.contains(".SH OPTIONS"), "{page}");
    }
}
