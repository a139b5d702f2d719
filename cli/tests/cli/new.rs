//! `lambda-wasm new` and `init`: projects.

use std::fs;

use lambda_wasm_emulator::Template;
use lambda_wasm_host::policy::Policy;

use crate::support::Folder;

/// The languages and worlds of `new --list`.
fn templates() -> Vec<(String, String)> {
    let list = Folder::new().succeed(&["new", "--list"]);
    let word = |line: &str, at: usize| line.split_whitespace().nth(at).unwrap().to_owned();
    let kinds: Vec<_> = list
        .lines()
        .map(|line| (word(line, 1), word(line, 3)))
        .collect();
    assert!(kinds.len() >= 10, "{list}");
    kinds
}

#[test]
fn every_template_has_valid_files_with_the_name_of_the_project() {
    for (lang, world) in templates() {
        let folder = Folder::new();
        let printed = folder.succeed(&["new", "order-list", "--lang", &lang, "--world", &world]);
        assert!(printed.starts_with("created order-list\n"), "{printed}");
        let template = Template::read(&folder.path("order-list/template.yaml")).unwrap();
        assert_eq!(template.functions.len(), 1);
        assert_eq!(
            template.functions[0].handler, "order-list",
            "{lang} {world}"
        );
        assert_eq!(template.notes, [""; 0], "{lang} {world}");
        Policy::read(&folder.path("order-list/policy.toml")).unwrap();
        for entry in fs::read_dir(folder.path("order-list")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(!name.ends_with(".template"), "{name}");
            if path.is_file() {
                let text = fs::read_to_string(&path).unwrap();
                assert!(
                    !text.contains("__NAME__") && !text.contains("__ARCH__"),
                    "{lang} {world} {name}:\n{text}"
                );
            }
        }
        let gitignore = folder.read("order-list/.gitignore");
        assert!(gitignore.starts_with(b"/.lambda-wasm/\n/dist/\n"));
        // Nothing unfinished is left beside it.
        assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 1);
    }
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let folder = Folder::new();
    folder.succeed(&["new", "hello"]);
    folder.write("hello/README.md", "mine");
    let error = folder.fail(&["new", "hello"]);
    assert_eq!(
        error,
        "error: hello exists\nhint: choose another name, or use `lambda-wasm init hello`\n"
    );
    assert_eq!(folder.read("hello/README.md"), b"mine");
}

#[test]
fn a_name_that_is_not_valid_is_refused() {
    let folder = Folder::new();
    let long = "a".repeat(65);
    for name in ["1st", "a b", "größe", "..", "a.b", "", &long] {
        let error = folder.fail(&["new", name]);
        assert!(error.contains("is not a valid name"), "{name}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0);
}

#[test]
fn a_language_without_the_world_is_refused() {
    let folder = Folder::new();
    let error = folder.fail(&["new", "hello", "--lang", "python", "--world", "stream"]);
    assert_eq!(
        error,
        "error: there is no template for python and the world stream\nhint: `lambda-wasm new --list` lists the templates\n"
    );
    assert!(!folder.path("hello").exists());
}

#[test]
fn init_keeps_the_files_that_are_there() {
    let folder = Folder::new();
    fs::create_dir(folder.path("hello")).unwrap();
    folder.write("hello/README.md", "mine");
    let printed = folder.succeed(&["init", "hello", "--lang", "python"]);
    assert!(
        printed.starts_with("kept README.md\ncreated hello in hello\n"),
        "{printed}"
    );
    assert_eq!(folder.read("hello/README.md"), b"mine");
    assert!(folder.path("hello/app.py").is_file());
    let error = folder.fail(&["init", "hello"]);
    assert!(error.contains("hello is a project already"), "{error}");
}

#[test]
fn init_takes_another_name_than_the_directory_has() {
    let folder = Folder::new();
    fs::create_dir(folder.path("my function")).unwrap();
    let error = folder.fail(&["init", "my function"]);
    assert!(error.contains("is not a valid name"), "{error}");
    folder.succeed(&["init", "my function", "--name", "hello"]);
    let template = Template::read(&folder.path("my function/template.yaml")).unwrap();
    assert_eq!(template.functions[0].handler, "hello");
}
