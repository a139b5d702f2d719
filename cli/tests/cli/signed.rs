//! Signed artifacts: `--sign`, `--trust`, and what `inspect` says.

use serde_json::Value;

use crate::package_check::{dist, says};
use crate::support::Folder;

/// Keys that OpenSSL has made.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDifKWd7oZp3WlYUGuayjihbN1Uu5WulwkhK/bEz9fRC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAo3tvA2UQiNiEG1A26pPbSaziTDTbABHxXpARF8vb4so=\n-----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAH+tjw9mjqF6u5+Gj14iyR3vMD3shMTWji4SHq0b5C8A=\n-----END PUBLIC KEY-----\n";

/// `dist/` with an unsigned function, and the keys.
fn with_keys() -> Folder {
    let folder = dist();
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
