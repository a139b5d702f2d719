//! Signed artifacts: `--sign`, `--trust`, and what `inspect` says.

use std::fs::{self, File};
use std::io::Read as _;

use lambda_wasm_emulator::Outcome;
use lambda_wasm_test_support::{Deployment, full_bootstrap, guest};
use serde_json::Value;
use zip::ZipArchive;

use crate::package_check::{dist, says};
use crate::support::Folder;

/// Keys that OpenSSL has made.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDifKWd7oZp3WlYUGuayjihbN1Uu5WulwkhK/bEz9fRC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAo3tvA2UQiNiEG1A26pPbSaziTDTbABHxXpARF8vb4so=\n-----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAH+tjw9mjqF6u5+Gj14iyR3vMD3shMTWji4SHq0b5C8A=\n-----END PUBLIC KEY-----\n";

/// `dist/` with an unsigned function, and the keys.
fn with_keys() -> Folder {
    write_keys(dist())
}

fn write_keys(folder: Folder) -> Folder {
    folder.write("key.pem", KEY);
    folder.write("public.pem", PUBLIC);
    folder.write("other.pem", OTHER);
    folder
}

fn sign(folder: &Folder) {
    folder.succeed(&[
        "compile",
        "hello.wasm",
        "-o",
        "dist/hello.cwasm",
        "--sign",
        "key.pem",
    ]);
}

#[test]
fn inspect_names_the_signer() {
    let folder = with_keys();
    let inspect = || folder.succeed(&["inspect", "dist/hello.cwasm"]);
    says(&inspect(), &["signed by: none\n"]);
    sign(&folder);
    let signer = PUBLIC.lines().nth(1).unwrap();
    says(&inspect(), &[&format!("signed by: {signer} (verified)\n")]);
    let json: Value =
        serde_json::from_str(&folder.succeed(&["inspect", "dist/hello.cwasm", "--json"])).unwrap();
    assert_eq!(json["signer"], signer);

    let mut artifact = folder.read("dist/hello.cwasm");
    let within = artifact.len() - 40;
    artifact[within] = if artifact[within] == b'A' { b'B' } else { b'A' };
    folder.write("dist/hello.cwasm", artifact);
    let refused = folder.fail(&["inspect", "dist/hello.cwasm"]);
    says(
        &refused,
        &["the signature of dist/hello.cwasm is not valid"],
    );
}

#[test]
fn package_refuses_what_no_trusted_key_has_signed() {
    let folder = with_keys();
    let package = ["package", "-o", "f.zip", "--trust"];
    let with = |keys| [&package[..], &[keys]].concat();
    says(
        &folder.fail(&with("public.pem")),
        &["dist/hello.cwasm is not signed", "public.pem"],
    );
    sign(&folder);
    says(
        &folder.fail(&with("other.pem")),
        &["is signed by the key MCow"],
    );
    says(&folder.fail(&with("key.pem")), &["has no public key"]);
    assert!(!folder.path("f.zip").exists());
    folder.succeed(&with("public.pem"));
    let check = ["package", "--check", "f.zip", "--trust"];
    folder.succeed(&[&check[..], &["public.pem"]].concat());
    says(
        &folder.fail(&[&check[..], &["other.pem"]].concat()),
        &["f.zip/hello.cwasm is signed by"],
    );
}

#[test]
fn a_key_that_cannot_sign_is_refused_before_the_artifact_is_written() {
    let folder = with_keys();
    let before = folder.read("dist/hello.cwasm");
    let compile = ["compile", "hello.wasm", "-o", "dist/hello.cwasm", "--sign"];
    let refused = folder.fail(&[&compile[..], &["public.pem"]].concat());
    says(
        &refused,
        &[
            "public.pem is not a private key of Ed25519",
            "openssl genpkey",
        ],
    );
    let refused = folder.fail(&[&compile[..], &["nowhere.pem"]].concat());
    says(&refused, &["nowhere.pem cannot be read"]);
    assert_eq!(folder.read("dist/hello.cwasm"), before);
}

/// A project whose component answers events, with the keys.
fn project() -> Folder {
    let folder = Folder::new();
    fs::copy(guest("handler"), folder.path("handler.wasm")).unwrap();
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"hello\"\ncommand = \"true\"\ncomponent = \"handler.wasm\"\n",
    );
    write_keys(folder)
}

/// Builds with these options, and returns what was said.
#[track_caller]
fn build(folder: &Folder, options: &[&str]) -> String {
    let bootstrap = full_bootstrap();
    let build = ["build", "--bootstrap", bootstrap.to_str().unwrap()];
    let output = folder.run(&[&build[..], options].concat());
    assert_eq!(output.code, Some(0), "{output:?}");
    output.stderr
}

/// Starts `bootstrap` with an artifact, and returns its answer to an event, or the type of the error of its start.
fn answer(artifact: &[u8], trusted: &str) -> Result<String, String> {
    let deployment = Deployment::of_artifact(artifact).file("trusted.pem", trusted);
    let keys = deployment.path().join("trusted.pem");
    let deployment = deployment.env("LAMBDA_WASM_TRUST", keys.to_str().unwrap());
    let host = deployment.start();
    match host.command("count") {
        Outcome::InitError(post) => {
            assert_eq!(host.wait().status.code(), Some(1));
            Err(post.error_type())
        }
        outcome => {
            host.finish();
            Ok(outcome.response().text())
        }
    }
}

#[test]
fn build_signs_what_the_host_and_package_trust() {
    let folder = project();
    let artifact = || folder.read("dist/hello.cwasm");
    let not_trusted = Err("Runtime.ComponentNotTrusted".to_owned());
    says(&build(&folder, &[]), &["dist/hello.cwasm: built in "]);
    assert_eq!(answer(&artifact(), PUBLIC), not_trusted);

    // The same component was built before, without a signature.
    let signing = ["--sign", "key.pem"];
    says(&build(&folder, &signing), &["dist/hello.cwasm: built in "]);
    let signed = artifact();
    assert_eq!(answer(&signed, PUBLIC), Ok("\"1\"".to_owned()));
    assert_eq!(answer(&signed, OTHER), not_trusted);
    says(&build(&folder, &signing), &["hello.cwasm: is up to date"]);
    assert!(artifact() == signed);

    let package = ["package", "-o", "f.zip", "--trust"];
    let package = |keys| [&package[..], &[keys]].concat();
    says(
        &folder.fail(&package("other.pem")),
        &["is signed by the key MCow"],
    );
    assert!(!folder.path("f.zip").exists());
    folder.succeed(&package("public.pem"));
    let mut zip = ZipArchive::new(File::open(folder.path("f.zip")).unwrap()).unwrap();
    let mut packed = Vec::new();
    let mut entry = zip.by_name("hello.cwasm").unwrap();
    entry.read_to_end(&mut packed).unwrap();
    assert_eq!(answer(&packed, PUBLIC), Ok("\"1\"".to_owned()));

    // Without the option, the signature goes.
    says(&build(&folder, &[]), &["dist/hello.cwasm: built in "]);
    says(
        &folder.fail(&package("public.pem")),
        &["dist/hello.cwasm is not signed"],
    );
}

#[test]
fn build_signs_for_both_architectures() {
    let folder = project();
    build(&folder, &["--sign", "key.pem", "--arch", "both"]);
    let signer = PUBLIC.lines().nth(1).unwrap();
    for architecture in ["x86_64", "arm64"] {
        let artifact = format!("dist/{architecture}/hello.cwasm");
        says(
            &folder.succeed(&["inspect", &artifact]),
            &[&format!("signed by: {signer} (verified)\n")],
        );
    }
}
