//! The container image of `examples/container`, laid out and started as Lambda does it, without Docker.

use std::fs;
use std::path::{Path, PathBuf};

use lambda_wasm_test_support::{ScriptedApi, artifact, full_bootstrap, root};

use crate::lambda_root::{Running, can_mount};
use crate::support::Folder;

/// The program that the base image's entrypoint starts, with the first argument as `_HANDLER`:
/// <https://github.com/aws/aws-lambda-base-images/blob/provided.al2023/Dockerfile.provided.al2023>.
const RUNTIME: &str = "/var/runtime/bootstrap";

/// An instruction: its name and its arguments.
type Instruction = (String, Vec<String>);

/// Reads the instructions of a Dockerfile; a list in JSON becomes its elements.
fn instructions(text: &str) -> Vec<Instruction> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let instruction = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap();
        let words = serde_json::from_str(rest);
        let words = words.unwrap_or_else(|_| rest.split(' ').map(str::to_owned).collect());
        (name.to_owned(), words)
    };
    lines.map(instruction).collect()
}

/// Returns the files that a source of COPY names: its last part may begin with `*`.
fn sources(context: &Path, pattern: &str) -> Vec<PathBuf> {
    let path = context.join(pattern);
    let Some((directory, end)) = path.to_str().unwrap().split_once('*') else {
        return vec![path];
    };
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

/// Lays out the files as COPY does: into a directory if the destination ends with a slash.
fn copy(context: &Path, words: &[String], into: &Path) {
    let (destination, patterns) = words.split_last().unwrap();
    let target = into.join(destination.strip_prefix('/').unwrap());
    for source in patterns.iter().flat_map(|name| sources(context, name)) {
        let target = match destination.ends_with('/') {
            true => target.join(source.file_name().unwrap()),
            false => target.clone(),
        };
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(source, target).unwrap();
    }
}

#[test]
fn the_image_serves_the_function_that_its_command_names() {
    if !can_mount("the container image on a machine like Lambda's") {
        return;
    }
    let folder = Folder::new();
    fs::create_dir(folder.path("dist")).unwrap();
    fs::copy(artifact("handler"), folder.path("dist/hello.cwasm")).unwrap();
    fs::copy(full_bootstrap(), folder.path("dist/bootstrap")).unwrap();
    folder.write("dist/hello.toml", "[env]\nallow = [\"COLOR\"]\n");
    let dockerfile = fs::read_to_string(root().join("examples/container/Dockerfile")).unwrap();
    let mut base = None;
    let mut handler = None;
    for (name, words) in instructions(&dockerfile) {
        match name.as_str() {
            "FROM" => base = words.first().cloned(),
            "COPY" => copy(&folder.path(""), &words, &folder.path("root")),
            "CMD" => handler = words.first().cloned(),
            other => panic!("{other} is not laid out here"),
        }
    }
    assert_eq!(
        base.as_deref(),
        Some("public.ecr.aws/lambda/provided:al2023")
    );

    let api = ScriptedApi::start();
    let color = [("COLOR", "red")];
    let running = Running::start(&folder, RUNTIME, &handler.unwrap(), &api, &color);
    let mut connection = api.accept();
    connection.expect_next();
    connection.event("1", "\"env:COLOR\"");
    assert_eq!(connection.take_response("1").body, b"\"red\"");
    running.assert_is_as_on_lambda(RUNTIME);
}
