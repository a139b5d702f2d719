//! `lambda-wasm build`: which directory is which project, and what a build leaves in `dist/`. The languages
//! themselves are in `languages.rs`.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;

use crate::support::Folder;

/// A project whose command copies a component.
fn project() -> Folder {
    let folder = Folder::with_component();
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"orders\"\ncommand = \"cp hello.wasm out.wasm\"\ncomponent = \"out.wasm\"\n",
    );
    folder.write("host", "an executable");
    folder
}

const BUILD: [&str; 3] = ["build", "--bootstrap", "host"];

/// Builds, and returns what was said.
fn build(folder: &Folder, args: &[&str]) -> String {
    let output = folder.run(args);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(output.stdout, "");
    output.stderr
}

#[test]
fn a_build_fills_dist_with_artifact_policy_and_bootstrap() {
    let folder = project();
    folder.write("policy.toml", "reuse = true\n");
    let said = build(&folder, &BUILD);
    assert!(said.starts_with("dist/orders.cwasm: built in "), "{said}");
    assert!(said.ends_with("(bootstrap: host)\n"), "{said}");
    assert_eq!(folder.read("dist/orders.toml"), b"reuse = true\n");
    assert_eq!(folder.read("dist/bootstrap"), b"an executable");
    let mode = |name: &str| {
        fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("dist/bootstrap"), 0o755);
    assert_eq!(mode("dist/orders.cwasm"), 0o644);
    let inspected = folder.succeed(&["inspect", "dist/orders.cwasm"]);
    assert!(inspected.contains("world: handler-function"), "{inspected}");
}

#[test]
fn an_unchanged_component_is_not_compiled_again() {
    let folder = project();
    build(&folder, &BUILD);
    let written = || {
        fs::metadata(folder.path("dist/orders.cwasm"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let first = written();
    let said = build(&folder, &BUILD);
    assert!(
        said.starts_with("dist/orders.cwasm: is up to date"),
        "{said}"
    );
    assert_eq!(written(), first);
    // For another architecture, or when the artifact is damaged, it is.
    let said = build(
        &folder,
        &["build", "--arch", "arm64", "--bootstrap", "host"],
    );
    assert!(said.starts_with("dist/orders.cwasm: built"), "{said}");
    let mut artifact = folder.read("dist/orders.cwasm");
    artifact[5000] ^= 1;
    folder.write("dist/orders.cwasm", artifact);
    let said = build(
        &folder,
        &["build", "--arch", "arm64", "--bootstrap", "host"],
    );
    assert!(said.starts_with("dist/orders.cwasm: built"), "{said}");
}

#[test]
fn both_architectures_are_built_beside_each_other_and_packed_one_by_one() {
    let folder = project();
    let both = [
        "build",
        "--release",
        "--arch",
        "both",
        "--bootstrap",
        "host",
    ];
    let said = build(&folder, &both);
    let target = |architecture: &str| {
        let artifact = format!("dist/{architecture}/orders.cwasm");
        assert!(said.contains(&format!("{artifact}: built in ")), "{said}");
        let report = folder.succeed(&["inspect", &artifact, "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["trailer"]["target"].clone()
    };
    assert_eq!(target("x86_64"), "x86_64-unknown-linux-gnu");
    assert_eq!(target("arm64"), "aarch64-unknown-linux-gnu");
    let report = folder.succeed(&[&both[..], &["--json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report.as_array().unwrap().len(), 2);
    assert_eq!(report[1]["new"], false);

    // The bootstrap of this test is not a program, so it is left out.
    let package = |directory: &str, architecture: &str| {
        let args = ["package", directory, "--layer", "--arch", architecture];
        folder.run(&args)
    };
    for architecture in ["x86_64", "arm64"] {
        let output = package("dist", architecture);
        assert_eq!(output.code, Some(0), "{output:?}");
        let zip = fs::File::open(folder.path("function.zip")).unwrap();
        let mut zip = zip::ZipArchive::new(zip).unwrap();
        let mut packed = Vec::new();
        let mut entry = zip.by_name("orders.cwasm").unwrap();
        entry.read_to_end(&mut packed).unwrap();
        assert!(packed == folder.read(&format!("dist/{architecture}/orders.cwasm")));
    }
    let output = package("dist/arm64", "x86_64");
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.stderr,
        "error: the components in dist/arm64 are for arm64, not for x86_64\n\
         hint: build them first, with `lambda-wasm build --arch x86_64`\n"
    );
}

#[test]
fn a_build_that_fails_shows_the_commands_output_and_keeps_dist() {
    let folder = project();
    build(&folder, &BUILD);
    let before = folder.read("dist/orders.cwasm");
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"orders\"\ncommand = \"echo broken >&2; exit 3\"\ncomponent = \"out.wasm\"\n",
    );
    let output = folder.run(&BUILD);
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.stderr,
        "broken\nerror: `echo broken >&2; exit 3` failed (exit status: 3); its output is above\n"
    );
    assert_eq!(folder.read("dist/orders.cwasm"), before);
}

#[test]
fn a_command_that_makes_no_component_is_named() {
    let folder = project();
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"orders\"\ncommand = \"true\"\ncomponent = \"missing.wasm\"\n",
    );
    let error = folder.fail(&BUILD);
    assert_eq!(
        error,
        "error: `true` did not make missing.wasm, which is `component` under [build]\n"
    );
}

#[test]
fn a_directory_that_is_not_a_project_is_refused() {
    let folder = Folder::new();
    let error = folder.fail(&["build"]);
    assert!(
        error.starts_with("error: . is not a project: it has no Cargo.toml, go.mod, package.json"),
        "{error}"
    );
    assert!(
        error.contains("\nhint: create one with `lambda-wasm new`"),
        "{error}"
    );
    let error = folder.fail(&["build", "missing"]);
    assert_eq!(error, "error: missing is not a directory\n");
}

#[test]
fn settings_that_are_wrong_are_named() {
    for (settings, why) in [
        ("[build]\nnmae = \"a\"", "unknown field `nmae`"),
        ("[build]\nworld = \"web\"", "unknown variant `web`"),
        ("[build", "lambda-wasm.toml"),
        (
            "[build]\ncommand = \"true\"",
            "has a `command` and no `component`",
        ),
        ("[build]\n", "[build] needs `command` and `component`"),
        (
            "[build]\nname = \"a b\"\ncommand = \"true\"\ncomponent = \"a\"",
            "\"a b\" is not a valid name",
        ),
    ] {
        let folder = Folder::new();
        folder.write("lambda-wasm.toml", settings);
        let error = folder.fail(&["build"]);
        assert!(error.contains(why), "{settings}: {error}");
    }
}

#[test]
fn manifests_that_are_wrong_are_named() {
    for (manifest, text) in [
        ("package.json", "{"),
        ("pyproject.toml", "[project"),
        ("Cargo.toml", "[package"),
    ] {
        let folder = Folder::new();
        folder.write(manifest, text);
        let error = folder.fail(&["build"]);
        assert!(error.contains(manifest), "{error}");
    }
    let folder = Folder::new();
    folder.write("package.json", "{\"name\": \"a\"}");
    let error = folder.fail(&["build"]);
    assert!(error.contains("none of app.js, app.ts"), "{error}");
    assert!(
        error.contains("\nhint: set `source` under [build]"),
        "{error}"
    );
}

#[test]
fn a_bootstrap_that_is_missing_is_named() {
    let folder = project();
    let error = folder.fail(&["build", "--bootstrap", "missing"]);
    assert_eq!(error, "error: --bootstrap missing: there is no such file\n");
}
