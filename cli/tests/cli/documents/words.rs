//! The words of comments, messages and documents: STYLE.md.

use std::fs;
use std::path::Path;

use super::{assert_none, root};

/// The files that are checked.
const SOURCES: [&str; 10] = [
    "bench/src",
    "build.sh",
    "cli/src",
    "docs",
    "emulator/src",
    "guest/src",
    "host/src",
    "lifecycle/src",
    "scripts",
    "wit",
];

/// The files that others write.
const OTHERS: [&str; 2] = ["host/startup.ld", "wit/deps"];

/// Words that are hard to read, as an unusual word or a literal translation.
const STRUCK: [&str; 10] = [
    "all the same",
    "anew",
    "are none",
    "besides",
    "front door",
    "front doors",
    "in truth",
    "is none",
    "meanwhile",
    "would do",
];

/// The words that a doc comment must not start with: it starts with a noun or a verb.
const RELATIVE: [&str; 6] = ["What", "Who", "Whoever", "Whom", "Whose", "Those"];

#[test]
fn comments_and_messages_follow_the_style() {
    let mut problems = Vec::new();
    let mut count = 0;
    for source in SOURCES {
        visit(&root().join(source), &mut |path, text| {
            count += 1;
            let path = path.strip_prefix(root()).unwrap().display();
            for (number, line) in (1..).zip(text.lines()) {
                if let Some(problem) = problem(line) {
                    problems.push(format!("{path}:{number}: {problem}"));
                }
            }
        });
    }
    assert!(count >= 200, "{count} files");
    assert_none(&problems);
}

/// Calls `check` with each file at or below a path.
fn visit(path: &Path, check: &mut impl FnMut(&Path, &str)) {
    if OTHERS.iter().any(|other| path == root().join(other)) {
        return;
    }
    if !path.is_dir() {
        // Python leaves compiled files in its scripts' directory.
        if let Ok(text) = fs::read_to_string(path) {
            check(path, &text);
        }
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        visit(&entry.unwrap().path(), check);
    }
}

/// Returns what STYLE.md says against a line.
fn problem(line: &str) -> Option<String> {
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_alphanumeric() || ['\'', '_'].contains(&c)))
        .filter(|word| !word.is_empty())
        .collect();
    // `None` is a value.
    let lower = words.iter().map(|word| match *word {
        "None" => word.to_string(),
        word => word.to_lowercase(),
    });
    let text = format!(" {} ", lower.collect::<Vec<_>>().join(" "));
    if let Some(struck) = STRUCK
        .iter()
        .find(|struck| text.contains(&format!(" {struck} ")))
    {
        return Some(format!("\"{struck}\" is not a word of this project"));
    }
    let doc = line.trim_start();
    let doc = doc.strip_prefix("/// ").or(doc.strip_prefix("//! "));
    if doc.is_some() && words.first().is_some_and(|word| RELATIVE.contains(word)) {
        return Some(format!("a doc comment starts with \"{}\"", words[0]));
    }
    let negated = words.windows(2).position(|pair| pair == ["is", "no"])?;
    let before = negated.checked_sub(1).map(|before| words[before]);
    let is_idiom = matches!(words.get(negated + 2), Some(&"longer" | &"more"))
        || matches!(before, Some("there" | "There"));
    (!is_idiom).then(|| "negate the verb: \"is not a …\", not \"is no …\"".to_owned())
}

#[test]
fn the_style_has_examples() {
    for line in [
        "/// What it is.",
        "    //! Those that wait.",
        "it starts anew",
        "if it is none",
        "// It is no component.",
        "\"the address is no URL\"",
    ] {
        assert!(problem(line).is_some(), "{line}");
    }
    for line in [
        "// What it is.",
        "/// It is no longer there.",
        "there is no such file",
        "/// Returns what it is.",
        "is_none()",
        "if it is `None`",
        "renewed",
    ] {
        assert_eq!(problem(line), None, "{line}");
    }
}
