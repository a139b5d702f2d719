//! Code blocks that are parsed: JSON, policies, templates and WIT.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lambda_wasm_emulator::Template;
use lambda_wasm_host::policy::Policy;
use wit_parser::Resolve;

use super::markdown::{Block, documents};
use super::{assert_none, root};
use crate::support::Folder;
use lambda_wasm_test_support::tools::skip;

/// The languages that some test checks, and `text`, which is not checked.
const KNOWN: [&str; 11] = [
    "console",
    "dockerfile",
    "hcl",
    "js",
    "json",
    "rust",
    "sh",
    "text",
    "toml",
    "wit",
    "yaml",
];

/// Checks every block of a language, of which there has to be one.
#[track_caller]
fn check(language: &str, check: impl Fn(&Block) -> Result<(), String>) {
    let documents = documents();
    let blocks: Vec<_> = documents
        .iter()
        .flat_map(|document| document.blocks_in(language))
        .filter(|block| block.file.is_none() || matches!(language, "js" | "yaml"))
        .collect();
    assert!(!blocks.is_empty(), "no {language} block");
    let problems: Vec<_> = blocks
        .iter()
        .filter_map(|block| Some(block.place.problem(check(block).err()?)))
        .collect();
    assert_none(&problems);
}

#[test]
fn every_block_has_a_language_that_is_checked() {
    let documents = documents();
    let blocks = documents.iter().flat_map(|document| &document.blocks);
    let unknown = blocks.filter(|block| !KNOWN.contains(&block.language.as_str()));
    let problems: Vec<_> = unknown
        .map(|block| {
            let language = &block.language;
            block
                .place
                .problem(format!("no test checks blocks in {language:?}"))
        })
        .collect();
    assert_none(&problems);
}

#[test]
fn json_is_valid() {
    check("json", |block| {
        let json = serde_json::from_str::<serde_json::Value>(&block.text);
        json.map(drop).map_err(|error| error.to_string())
    });
}

/// `container.rs` runs the example.
#[test]
fn a_dockerfile_is_that_of_the_example() {
    let example = fs::read_to_string(root().join("examples/container/Dockerfile")).unwrap();
    check("dockerfile", |block| {
        match block.text.trim() == example.trim() {
            true => Ok(()),
            false => Err("it is not examples/container/Dockerfile".to_owned()),
        }
    });
}

#[test]
fn configurations_of_terraform_are_parsed() {
    check("hcl", |block| {
        let body = hcl::parse(&block.text);
        body.map(drop).map_err(|error| error.to_string())
    });
}

#[test]
fn scripts_are_valid() {
    let tools = std::env::var_os("LAMBDA_WASM_TOOLS").map(PathBuf::from);
    let tools = tools.unwrap_or_else(|| root().join("target/tools"));
    let node = tools.join("bin/node");
    if !node.is_file() {
        skip("scripts in documents", "there is no target/tools/bin/node");
        return;
    }
    check("js", |block| {
        let folder = Folder::new();
        folder.write("app.mjs", &block.text);
        let mut command = Command::new(&node);
        command.arg("--check").arg(folder.path("app.mjs"));
        let output = command.output().unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    });
}

#[test]
fn policies_are_valid() {
    check("toml", |block| {
        match block.file.as_deref() {
            Some("lambda-wasm.toml") => return settings(&block.text),
            // The template has the same, and is run as part of its language's test.
            Some("tests/hello.toml") => return is_template(&block.text),
            _ => {}
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hello.toml");
        fs::write(&path, &block.text).unwrap();
        Policy::read(&path)
            .map(drop)
            .map_err(|error| error.to_string())
    });
}

/// A build with settings that are not valid fails with their file's name.
fn settings(text: &str) -> Result<(), String> {
    let folder = Folder::new();
    folder.write("lambda-wasm.toml", text);
    for source in ["app.py", "hello.wasm"] {
        folder.write(source, "");
    }
    let said = folder.run(&["build", "--bootstrap", "app.py"]).stderr;
    match said.contains("lambda-wasm.toml") {
        true => Err(said),
        false => Ok(()),
    }
}

/// A case is the one that new projects have.
fn is_template(text: &str) -> Result<(), String> {
    let template = root().join("cli/templates/world-http/tests/hello.toml");
    match fs::read_to_string(&template).unwrap().trim() == text.trim() {
        true => Ok(()),
        false => Err(format!("it is not {}", template.display())),
    }
}

#[test]
fn templates_are_read_without_a_note() {
    check("yaml", |block| {
        let template = match Template::parse(&block.text).map_err(|error| error.to_string()) {
            // `dev` starts no images.
            Err(why) if why.ends_with("it is a container image (PackageType: Image)") => {
                return Ok(());
            }
            template => template?,
        };
        // The layer has the bootstrap, which `dev` has too.
        let notes = template.notes.into_iter();
        let notes: Vec<_> = notes
            .filter(|note| !note.ends_with("Layers has no effect here"))
            .collect();
        match notes.is_empty() {
            true => Ok(()),
            false => Err(notes.join("; ")),
        }
    });
}

/// A block with a package is parsed beside the project's WIT. A part of an interface must be in the project's WIT.
#[test]
fn wit_is_valid_or_the_projects() {
    let wit = root().join("wit");
    let sources = fs::read_dir(&wit)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sources = sources.filter(|path| path.is_file());
    let sources: String = sources
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    check("wit", |block| {
        if !block.text.starts_with("package ") {
            let mut lines = block.text.lines().filter(|line| !line.is_empty());
            let is_there = |line: &str| sources.lines().any(|source| source.trim() == line.trim());
            return match lines.find(|line| !is_there(line)) {
                Some(line) => Err(format!("wit/ has no line `{line}`")),
                None => Ok(()),
            };
        }
        let mut resolve = Resolve::default();
        resolve.push_dir(&wit).unwrap();
        let parsed = resolve.push_str("block.wit", &block.text);
        parsed.map(drop).map_err(|error| format!("{error:#}"))
    });
}
