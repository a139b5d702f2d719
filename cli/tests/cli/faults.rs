//! Bad input, command by command: each says a cause and a hint, ends with the code 1, and does not panic.

use std::fs;
use std::net::TcpListener;

use crate::support::{Folder, Output, program};

/// Runs a command that fails, with only the directory `tools` on `PATH`, and checks what it says.
#[track_caller]
fn fails(folder: &Folder, args: &[&str], words: &[&str]) {
    let mut command = folder.command(args);
    command
        .env("PATH", folder.path("tools"))
        .env("LAMBDA_WASM_CACHE", folder.path("cache"));
    let output = Output::of(command);
    assert_eq!(output.code, Some(1), "{args:?}: {output:?}");
    assert_eq!(output.stdout, "", "{args:?}: {output:?}");
    for word in words {
        assert!(
            output.stderr.contains(word),
            "{args:?}: no {word:?}: {output:?}"
        );
    }
    let is_clean = !output.stderr.contains("panicked") && output.stderr.contains("error: ");
    assert!(is_clean, "{args:?}: {output:?}");
    assert!(!output.stderr.contains('\x1b'), "{args:?}: {output:?}");
}

#[test]
fn a_directory_that_is_not_a_project() {
    let no_dist = "error: dist is not a directory\nhint: build the function ";
    for (args, said) in [
        (&["build"][..], ". is not a project: it has no Cargo.toml"),
        (&["build", "missing"], "missing is not a directory"),
        (&["dev", "--port", "0"], no_dist),
        (&["invoke"], no_dist),
        (&["package"], no_dist),
        (&["package", "--check"], no_dist),
        (&["test"], "there is no test in tests\nhint: "),
        (
            &["init", "missing"],
            "missing cannot be opened: No such file",
        ),
        (
            &["compile", "a.wasm", "-o", "a.cwasm"],
            "a.wasm cannot be read: No such file",
        ),
        (
            &["inspect", "a.wasm"],
            "a.wasm cannot be read: No such file",
        ),
    ] {
        let folder = Folder::new();
        fails(&folder, args, &[said]);
        assert_eq!(
            fs::read_dir(folder.path("")).unwrap().count(),
            0,
            "{args:?}"
        );
    }
}

#[test]
fn a_name_that_is_taken_or_not_valid() {
    let folder = Folder::new();
    fs::create_dir(folder.path("taken")).unwrap();
    folder.write("file", "");
    folder.write("app.py", "");
    folder.write("lambda-wasm.toml", "[build]\nname = \"hello\"\n");
    for (args, said) in [
        (
            &["new", "taken"][..],
            "taken exists\nhint: choose another name",
        ),
        (&["new", "file"], "file exists\nhint: "),
        (
            &["new", "1st"],
            "\"1st\" is not a valid name: it starts with a letter",
        ),
        (&["new", "a b"], "\"a b\" is not a valid name"),
        (&["new", ".."], "\"\" is not a valid name"),
        (&["new", "file/hello"], "file cannot be created"),
        (
            &["new", "hello", "--lang", "c", "--world", "stream"],
            "\nhint: `lambda-wasm new --list`",
        ),
        (
            &["init", "--name", "hello"],
            ". is a project already\nhint: ",
        ),
        (
            &["init", "taken", "--name", "a.b"],
            "\"a.b\" is not a valid name",
        ),
        (&["init", "file"], "file is not a directory"),
    ] {
        fails(&folder, args, &[said]);
    }
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 4);
    assert_eq!(fs::read_dir(folder.path("taken")).unwrap().count(), 0);
}

#[test]
fn a_tool_that_is_missing_or_too_old() {
    for (lang, world, name, old, how) in [
        (
            "rust",
            "http",
            "cargo",
            None,
            "install Rust from https://rustup.rs",
        ),
        (
            "go",
            "http",
            "go",
            Some("go1.20"),
            "install Go 1.25 or newer",
        ),
        (
            "js",
            "http",
            "node",
            Some("v18.19.0"),
            "install Node.js 20 or newer",
        ),
        (
            "ts",
            "http",
            "node",
            Some("v18.19.0"),
            "install Node.js 20 or newer",
        ),
        (
            "python",
            "http",
            "python3",
            Some("Python 3.9.1"),
            "install Python 3.10 or newer",
        ),
        ("c", "handler", "zig", None, "zig"),
    ] {
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", lang, "--world", world]);
        let missing = format!("`{name}` is not installed\nhint: ");
        fails(&folder, &["build", "hello"], &[&missing, how]);
        let test = ["test", "--template", "hello/template.yaml"];
        fails(&folder, &test, &[&missing, how, "error: the build failed"]);
        if let Some(version) = old {
            program(&folder, name, &format!("#!/bin/sh\necho {version}\n"));
            fails(&folder, &["build", "hello"], &[version, "is too old", how]);
        }
        assert!(!folder.path("hello/dist").exists());
    }
}

#[test]
fn a_template_that_does_not_parse() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "dist/hello.cwasm"]);
    folder.write("dist/bootstrap", "");
    folder.write("tests.toml", "");
    fs::create_dir(folder.path("tests")).unwrap();
    folder.write("tests/a.toml", "[[test]]\nname = \"a\"\n");
    folder.write("template.yaml", "Resources:\n  A: {\n  B: ]\n");
    for args in [
        &["dev", "--port", "0"][..],
        &["invoke"],
        &["test"],
        // Only the template that is named matters to it.
        &["package", "--template", "template.yaml"],
    ] {
        fails(
            &folder,
            args,
            &[
                "the template is not valid YAML: template.yaml: ",
                "line 3 column ",
            ],
        );
    }
}

#[test]
fn a_port_that_is_in_use() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "dist/hello.cwasm"]);
    folder.write("dist/bootstrap", "");
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    let said = format!(
        "error: port {port} is in use by {} (process {})\nhint: choose another port with --port",
        name.trim(),
        std::process::id()
    );
    fails(&folder, &["dev", "--port", &port.to_string()], &[&said]);
}
