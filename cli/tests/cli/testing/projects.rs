//! The files of cases, the builds before them, and their processes.

use std::fs;

use lambda_wasm_test_support::{artifact, full_bootstrap, guest};

use super::{functions, passes, stable};
use crate::support::Folder;

#[test]
fn each_case_has_a_process_of_its_own_and_several_run_at_a_time() {
    let case = |name: &str| {
        format!(
            "[[test]]\nname = \"{name}\"\nfunction = \"Jobs\"\nevent = \"sleep:700\"\nresponse = \"woke\"\n"
        )
    };
    let folder = functions(&["a", "b", "c", "d"].map(case).concat());
    let output = folder.run(&["test", "--jobs", "4", "--junit", "results.xml"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let (_, took) = output.stdout.rsplit_once("; finished in ").unwrap();
    let took: f64 = took.trim_end().trim_end_matches('s').parse().unwrap();
    // One after the other they sleep for 2.8 s.
    assert!((0.7..2.8).contains(&took), "{took}");
    let counted = "[[test]]\nname = \"NAME\"\nfunction = \"Jobs\"\nevent = \"count\"\npolicy.reuse = true\nresponse = \"1\"\n";
    let folder = functions(
        &["a", "b"]
            .map(|name| counted.replace("NAME", name))
            .concat(),
    );
    folder.succeed(&["test", "--jobs", "1"]);
}

#[test]
fn a_file_that_is_not_valid_is_named_with_the_line() {
    for (cases, expected) in [
        (
            "[[test]]\nnmae = \"a\"",
            "tests/some.toml: TOML parse error at line 2, column 1\n  |\n2 | nmae = \"a\"\n  | ^^^^\nunknown field `nmae`, expected one of `name`, `function`, ",
        ),
        (
            "[[test]]\nname = \"a\"\n\n[[test]]\nname = \"b\"\nevent = 1\nsample = \"sqs\"",
            "tests/some.toml:4: only one of `event`, `event-file` and `sample` can be set\n",
        ),
        (
            "[[test]]\nname = \"a\"\nerror = {}\nstatus = 500",
            "tests/some.toml:1: a test with `error` expects no response\n",
        ),
        (
            "[[test]]\nname = \"a\"\nsample = \"x\"",
            "tests/some.toml:1: there is no sample `x`\nhint: the samples are activemq, alb, ",
        ),
        (
            "[[test]]\nname = \"a\"\nevent-file = \"x\"",
            "tests/some.toml:1: tests/x cannot be read: No such file",
        ),
        (
            "[[test]]\nname = \"a\"\nevent = 2\nset.a.b = 1",
            "tests/some.toml:1: `set` of a.b: there is no `a` in a value that is not an object or a list\n",
        ),
        (
            "[[test]]\nname = \"a\"\n[[test]]\nname = \"a\"",
            "tests/some.toml:3: another test has the name \"a\"\n",
        ),
        (
            "[[test]]\nname = \"\"",
            "tests/some.toml:1: the name of a test is one line\n",
        ),
        (
            "[[test]]\nname = \"a\"\nlog = 1",
            "tests/some.toml: TOML parse error at line 3, column 7\n  |\n3 | log = 1\n  |       ^\nexpected a text or a list of texts\n",
        ),
        (
            "[[test]]\nname = \"a\"\nnow = \"noon\"",
            "tests/some.toml:1: `now` is not a time from 1970 on, such as \"2026-01-31T12:00:00Z\": \"noon\"\n",
        ),
        (
            "[[test]]\nname = \"a\"\noutgoing = [{ url = \"api.example.com\" }]",
            "tests/some.toml:1: \"api.example.com\" is not a URL\nhint: write the scheme too, such as https://api.example.com\n",
        ),
        (
            "[[test]]\nname = \"a\"\noutgoing = [{ url = \"*\", response.status = 9 }]",
            "tests/some.toml:1: the response to * is not valid: invalid status code\n",
        ),
        (
            "[[test]]\nname = \"a\"\nfunction = \"x\"",
            "tests/some.toml:1: there is no function `x`\nhint: the functions are Api, Jobs\n",
        ),
        (
            "[[test]]\nname = \"a\"",
            "tests/some.toml:1: which function?\nhint: name one of Api, Jobs\n",
        ),
        (
            "",
            "tests/some.toml: TOML parse error at line 1, column 1\n",
        ),
    ] {
        let error = functions(cases).fail(&["test"]);
        let expected = format!("error: {expected}");
        assert!(error.starts_with(&expected), "{cases}\n{error}");
    }
    let folder = functions("");
    fs::remove_file(folder.path("tests/some.toml")).unwrap();
    let none = folder.fail(&["test"]);
    assert_eq!(
        none,
        "error: there is no test in tests\nhint: write one to tests/NAME.toml: `lambda-wasm test --help` has an example\n"
    );
    folder.write("tests/event.json", "{\"a\": 1}");
    let error = folder.fail(&["test"]);
    assert_eq!(
        error,
        "error: tests/event.json: unknown field `a`, expected `test` at line 1 column 4\nhint: a file in tests/ has a list `test`; keep other files in a directory below tests/\n"
    );
    folder.write("tests/event.json", "{\"test\": []}");
    folder.write("tests/event.toml", "test = []");
    let error = folder.fail(&["test"]);
    assert_eq!(
        error,
        "error: tests/event.json and tests/event.toml have the same name\nhint: rename one of them\n"
    );
}

#[test]
fn a_project_is_built_before_its_cases_run() {
    let folder = Folder::new();
    fs::create_dir(folder.path("tests")).unwrap();
    let component = guest("handler");
    let settings = |command: &str| {
        format!("[build]\nname = \"jobs\"\ncommand = \"{command}\"\ncomponent = \"out.wasm\"\n")
    };
    let copy = format!("cp {} out.wasm", component.display());
    folder.write("lambda-wasm.toml", settings(&copy));
    folder.write(
        "tests/jobs.toml",
        "[[test]]\nname = \"counts\"\nevent = \"count\"\nresponse = \"1\"\n",
    );
    let bootstrap = full_bootstrap();
    let args = ["test", "--bootstrap", bootstrap.to_str().unwrap()];
    let output = folder.run(&args);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(
        stable(&output.stdout),
        "\nrunning 1 test\ntest jobs::counts ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 filtered out"
    );
    assert!(
        output.stderr.starts_with("dist/jobs.cwasm: built in "),
        "{output:?}"
    );
    folder.write("lambda-wasm.toml", settings("exit 3"));
    let output = folder.run(&args);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.stdout, "");
    assert_eq!(
        output.stderr,
        "error: `exit 3` failed (exit status: 3); its output is above\nerror: the build failed\n"
    );
    // The last build is there, and `--dist` takes it as it is.
    passes(
        &folder,
        &["test", "--dist", "dist"],
        "\nrunning 1 test\ntest jobs::counts ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 filtered out",
    );
}

#[test]
fn every_template_has_a_case_of_its_function() {
    let list = Folder::new().succeed(&["new", "--list"]);
    for line in list.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", words[1], "--world", words[3]]);
        // Any function shows that the file is valid: its response is another.
        fs::create_dir(folder.path("hello/dist")).unwrap();
        fs::copy(artifact("handler"), folder.path("hello/dist/hello.cwasm")).unwrap();
        fs::copy(full_bootstrap(), folder.path("hello/dist/bootstrap")).unwrap();
        let output = folder.run(&[
            "test",
            "--template",
            "hello/template.yaml",
            "--dist",
            "hello/dist",
        ]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output.stdout.contains("UnknownCommand: no such command"),
            "{output:?}"
        );
        assert!(
            output.stdout.contains("(hello/tests/hello.toml:1)"),
            "{output:?}"
        );
    }
}
