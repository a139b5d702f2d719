//! Facts that documents share with the code, and the rules for documents.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use lambda_wasm_host::failure::ErrorType;
use lambda_wasm_host::policy::Policy;
use lambda_wasm_host::world::World;

use super::markdown::{Document, code, document, documents};
use super::{assert_none, root};
use crate::support::Folder;

/// The longest line of a document, in characters.
const WIDTH: usize = 100;

#[test]
fn the_readme_is_short_and_has_the_commands_of_a_start() {
    let readme = document("README.md");
    let count = readme.text.lines().count();
    assert!(count <= 120, "README.md has {count} lines");
    for command in ["./build.sh dev", "./build.sh test"] {
        let mut blocks = readme.blocks_in("sh");
        assert!(
            blocks.any(|block| block.text.lines().any(|line| line == command)),
            "README.md has no block with `{command}`"
        );
    }
}

#[test]
fn lines_are_wrapped() {
    let mut problems = Vec::new();
    for document in documents() {
        for (place, line) in document.lines() {
            let is_definition = line.starts_with('[') && line.contains("]: ");
            let length = line.chars().count();
            if length > WIDTH && !line.trim_start().starts_with('|') && !is_definition {
                problems.push(place.problem(format!("the line has {length} characters")));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn links_lead_somewhere() {
    let all = documents();
    let find = |path: &Path| all.iter().find(|document| document.path == path);
    let mut problems = Vec::new();
    for document in &all {
        for (place, target) in &document.links {
            if target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match path {
                "" => document.path.clone(),
                path => normal(&document.path.with_file_name(path)),
            };
            if !root().join(&path).exists() {
                problems.push(place.problem(format!("{target} does not exist")));
            } else if !anchor.is_empty()
                && !find(&path).is_some_and(|other| other.anchors.iter().any(|a| a == anchor))
            {
                problems.push(place.problem(format!("{target}: no such heading")));
            }
        }
    }
    assert_none(&problems);
}

/// A code span that starts like a path of the project is one.
#[test]
fn files_that_are_named_exist() {
    const STARTS: [&str; 9] = [
        "bench/",
        "cli/",
        "docs/",
        "emulator/",
        "examples/",
        "guest/",
        "host/",
        "scripts/",
        "wit/",
    ];
    let mut problems = Vec::new();
    let mut count = 0;
    for document in documents() {
        for (place, line) in document.lines() {
            let paths = code(line).into_iter();
            let paths = paths.filter(|path| STARTS.iter().any(|start| path.starts_with(start)));
            for path in paths.filter(|path| !path.contains(' ')) {
                count += 1;
                if !root().join(path).exists() {
                    problems.push(place.problem(format!("there is no {path}")));
                }
            }
        }
    }
    assert!(count >= 30, "{count} paths");
    for row in document("ARCHITECTURE.md").rows("## Code map") {
        for file in code(&row[0]) {
            if !root().join("host/src").join(file).exists() {
                problems.push(format!("ARCHITECTURE.md, code map: there is no {file}"));
            }
        }
    }
    assert_none(&problems);
}

/// Returns a path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(normal.pop(), "{path:?}"),
            part => normal.push(part),
        }
    }
    normal
}

/// Returns the error types in a text: `Runtime.Name` and `Function.Name`.
fn error_types(text: &str) -> BTreeSet<String> {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let is_type = |word: &&str| {
        let name = word
            .strip_prefix("Runtime.")
            .or(word.strip_prefix("Function."));
        name.is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('.')
        })
    };
    words.by_ref().filter(is_type).map(str::to_owned).collect()
}

/// Returns the error types of the tables in `docs/errors.md`.
fn documented() -> BTreeSet<String> {
    let rows = document("docs/errors.md").rows("# Errors");
    let types = rows.iter().flat_map(|row| code(&row[0]));
    types.map(str::to_owned).collect()
}

#[test]
fn every_error_type_of_the_host_is_documented() {
    let types = ErrorType::ALL.iter().map(|error| error.as_str().to_owned());
    let reported: BTreeSet<String> = types.collect();
    assert_eq!(reported.len(), ErrorType::ALL.len());
    let documented = documented();
    let missing: Vec<_> = reported.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&reported).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/errors.md lacks {missing:?}, and has {unknown:?}, which the host does not report"
    );
}

#[test]
fn documents_name_no_other_error_type() {
    /// Names in explanations, and `Runtime.PROVIDED_AL2023` of the CDK.
    const EXAMPLES: [&str; 4] = [
        "Function.Name",
        "Function.OrderNotFound",
        "Runtime.Name",
        "Runtime.PROVIDED",
    ];
    let documented = documented();
    let mut problems = Vec::new();
    for document in documents() {
        let types = error_types(&document.text);
        let mut unknown = types.iter().filter(|name| !documented.contains(*name));
        if let Some(name) = unknown.find(|name| !EXAMPLES.contains(&name.as_str())) {
            problems.push(format!("{}: there is no {name}", document.path.display()));
        }
    }
    assert_none(&problems);
}

/// Reads a policy, and returns the error if it is invalid.
fn read(policy: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hello.toml");
    fs::write(&path, policy).unwrap();
    Policy::read(&path).err().map(|error| error.to_string())
}

/// Returns the keys that the reader of policies knows, by its error about a key that it does not know.
fn known_keys(table: &str) -> BTreeSet<String> {
    let policy = match table {
        "" => "\"?\" = 1".to_owned(),
        table => format!("[{table}]\n\"?\" = 1"),
    };
    let error = read(&policy).expect("an unknown key is an error");
    let (_, keys) = error.rsplit_once("hint: use ").expect("the known keys");
    keys.split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect()
}

/// A table of `docs/policy.md`: its heading, and its name in a policy.
const TABLES: [(&str, &str); 6] = [
    ("## aws", "aws"),
    ("## env", "env"),
    ("## http", "http"),
    ("## limits", "limits"),
    ("## log", "log"),
    ("## reuse", "reuse"),
];

/// Returns the rows about keys: those of tables whose first column is `key`.
fn key_rows(policy: &Document, heading: &str) -> Vec<Vec<String>> {
    let rows = policy.rows(heading).into_iter();
    let rows = rows.skip_while(|row| row[0] != "key").skip(1);
    let rows: Vec<_> = rows.take_while(|row| row[0].starts_with('`')).collect();
    assert!(!rows.is_empty(), "no keys under {heading}");
    rows
}

#[test]
fn the_keys_of_policies_are_documented() {
    let policy = document("docs/policy.md");
    for (heading, table) in TABLES {
        let rows = key_rows(&policy, heading);
        let keys = rows.iter().flat_map(|row| code(&row[0]));
        let documented: BTreeSet<String> = keys.map(str::to_owned).collect();
        assert_eq!(documented, known_keys(table), "docs/policy.md, {heading}");
    }
    let top = key_rows(&policy, "## Top level");
    let top = top.iter().flat_map(|row| code(&row[0])).map(str::to_owned);
    let tables = policy.anchors.iter().filter(|anchor| {
        let heading = format!("\n## {anchor}\n");
        policy.text.contains(&heading)
    });
    let documented: BTreeSet<String> = top.chain(tables.cloned()).collect();
    assert_eq!(documented, known_keys(""), "docs/policy.md, top level");
}

/// Returns a value with another number, such as `"64KiB"` with one more.
fn changed(value: &str, by: i64) -> String {
    let start = value.find(|c: char| c.is_ascii_digit()).unwrap();
    let length = value[start..].find(|c: char| !c.is_ascii_digit());
    let end = length.map_or(value.len(), |length| start + length);
    let number: i64 = value[start..end].parse().unwrap();
    format!("{}{}{}", &value[..start], number + by, &value[end..])
}

#[test]
fn the_ranges_of_policies_are_true() {
    let policy = document("docs/policy.md");
    let mut count = 0;
    for (heading, table) in TABLES.into_iter().chain([("## Top level", "")]) {
        for row in key_rows(&policy, heading) {
            let range = code(&row[3]);
            let [least, most] = range[..] else { continue };
            let read = |value: &str| {
                let table = if table.is_empty() {
                    String::new()
                } else {
                    format!("[{table}]\n")
                };
                read(&format!("{table}{} = {value}", code(&row[0])[0]))
            };
            for value in [least, most] {
                assert_eq!(read(value), None, "{heading}: {row:?}");
            }
            for value in [changed(least, -1), changed(most, 1)] {
                assert!(
                    read(&value).is_some(),
                    "{heading}: {value} is valid: {row:?}"
                );
            }
            count += 1;
        }
    }
    assert!(count >= 9, "{count} ranges");
}

#[test]
fn the_options_of_dev_are_documented() {
    let long_options = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        words
            .filter(|word| word.starts_with("--") && word.len() > 2)
            .map(str::to_owned)
            .collect()
    };
    let rows = document("docs/local-development.md").rows("# Local development");
    let documented: String = rows.iter().map(|row| format!("{} ", row[0])).collect();
    let help = Folder::new().succeed(&["dev", "--help"]);
    let (_, options) = help.split_once("Options:").unwrap();
    let first = |line: &str| {
        line.trim_start()
            .starts_with('-')
            .then(|| line.to_owned() + "\n")
    };
    let mut known = long_options(&options.lines().filter_map(first).collect::<String>());
    assert!(known.remove("--help"), "{help}");
    assert_eq!(long_options(&documented), known);
}

#[test]
fn all_worlds_are_documented() {
    let rows = document("docs/worlds.md").rows("# Worlds");
    for world in World::ALL {
        let row = rows
            .iter()
            .find(|row| code(&row[0]).first() == Some(&world.to_string().as_str()));
        let row = row.unwrap_or_else(|| panic!("docs/worlds.md does not have {world}"));
        assert_eq!(
            code(&row[1]),
            [world.interface()],
            "docs/worlds.md, {world}"
        );
    }
}
