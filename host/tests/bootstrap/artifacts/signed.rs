//! Artifacts that have to be signed by a trusted key.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_host::artifact::signature::{SigningKey, TrustedKeys};
use lambda_wasm_host::artifact::{ArtifactError, Trailer};
use lambda_wasm_test_support::Deployment;

use super::{good, run};
use crate::refusal::refusal;

/// Two keys as `openssl genpkey -algorithm ed25519` has made them, and what `openssl pkey -pubout` says of them.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDifKWd7oZp3WlYUGuayjihbN1Uu5WulwkhK/bEz9fRC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAo3tvA2UQiNiEG1A26pPbSaziTDTbABHxXpARF8vb4so=\n-----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAH+tjw9mjqF6u5+Gj14iyR3vMD3shMTWji4SHq0b5C8A=\n-----END PUBLIC KEY-----\n";
/// A public key of ECDSA.
const ECDSA: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECEVtED9LTvxWAGE9DU5NcukXYHGb\ndW5eNtmgC5q0oCgt5LiDLTVhOUpyFsyTQxi5nsf9MwFL3g+UQeLRJBf59A==\n-----END PUBLIC KEY-----\n";

fn key(text: &str) -> SigningKey {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    fs::write(&file, text).unwrap();
    SigningKey::read(&file).unwrap()
}

/// The good artifact, signed.
fn signed() -> Vec<u8> {
    let mut artifact = good();
    key(KEY).sign(&mut artifact);
    artifact
}

/// A deployment of these bytes that trusts the keys in a file with this text.
fn trusting(artifact: &[u8], keys: &str) -> Deployment {
    let deployment = Deployment::of_artifact(artifact).file("trusted.pem", keys);
    let file = deployment.path().join("trusted.pem");
    deployment.env("LAMBDA_WASM_TRUST", file.to_str().unwrap())
}

#[track_caller]
fn refuse(deployment: &Deployment, error_type: &str, words: &[&str]) {
    let refusal = refusal(deployment);
    assert_eq!(refusal.error_type, error_type, "{}", refusal.message);
    for word in words {
        assert!(refusal.message.contains(word), "{}", refusal.message);
    }
}

#[test]
fn run_if_a_trusted_key_has_signed_them() {
    for keys in [
        PUBLIC.to_owned(),
        format!("{OTHER}{PUBLIC}"),
        format!("# ours\n{PUBLIC}{OTHER}"),
    ] {
        let host = trusting(&signed(), &keys).start();
        assert_eq!(host.ask("count"), "1");
        host.finish();
    }
    // Without trusted keys, the signature is not looked at.
    run(&signed(), &[]);
}

#[test]
fn run_in_the_small_variant_too() {
    let host = trusting(&signed(), PUBLIC).small().start();
    assert_eq!(host.ask("count"), "1");
    host.finish();
    let unsigned = trusting(&good(), PUBLIC).small();
    refuse(&unsigned, "Runtime.ComponentNotTrusted", &["is not signed"]);
}

#[test]
fn are_refused_without_a_signature_of_a_trusted_key() {
    let words = ["hello.cwasm is not signed", "trusted.pem", "compile --sign"];
    refuse(
        &trusting(&good(), PUBLIC),
        "Runtime.ComponentNotTrusted",
        &words,
    );
    let words = [
        "is signed by the key MCowBQYDK2VwAyEAo3tvA2UQiNiEG1A26pPbSaziTDTbABHxXpARF8vb4so=",
        "trusted.pem",
    ];
    refuse(
        &trusting(&signed(), OTHER),
        "Runtime.ComponentNotTrusted",
        &words,
    );
}

#[test]
fn are_refused_if_a_byte_was_changed() {
    let artifact = signed();
    let trailer = Trailer::inspect(&lambda_wasm_test_support::artifact("handler")).unwrap();
    let begins = usize::try_from(trailer.length).unwrap();
    let mut code = artifact.clone();
    code[begins / 2] ^= 1;
    refuse(
        &trusting(&code, PUBLIC),
        "Runtime.ComponentDamaged",
        &["SHA-256"],
    );

    // The trailer's own facts.
    let line = String::from_utf8_lossy(&artifact[begins..]).into_owned();
    let mut facts = artifact.clone();
    let sha = begins + line.find("\"component\":\"").unwrap() + 13;
    facts[sha] = if facts[sha] == b'0' { b'1' } else { b'0' };
    let words = ["the signature of", "was changed"];
    refuse(
        &trusting(&facts, PUBLIC),
        "Runtime.ComponentNotTrusted",
        &words,
    );

    // The signature itself.
    let mut other = artifact.clone();
    let within = artifact.len() - 40;
    other[within] = if other[within] == b'A' { b'B' } else { b'A' };
    refuse(
        &trusting(&other, PUBLIC),
        "Runtime.ComponentNotTrusted",
        &words,
    );
}

#[test]
fn are_refused_if_the_keys_cannot_be_read() {
    let type_of_all = "Runtime.InvalidConfiguration";
    for (keys, word) in [
        ("", "has no public key"),
        (KEY, "openssl pkey"),
        (ECDSA, "another key"),
        (&format!("{PUBLIC}{ECDSA}"), "another key"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "another key",
        ),
    ] {
        let deployment = trusting(&signed(), keys);
        refuse(
            &deployment,
            type_of_all,
            &["LAMBDA_WASM_TRUST", "trusted.pem", word],
        );
    }
    for missing in ["/nowhere/trusted.pem", ""] {
        let deployment = Deployment::of_artifact(&signed()).env("LAMBDA_WASM_TRUST", missing);
        refuse(
            &deployment,
            type_of_all,
            &["LAMBDA_WASM_TRUST", "cannot be read"],
        );
    }
}

/// The file that the engine maps is the one that was verified.
#[test]
fn stay_what_was_verified_if_the_file_is_replaced() {
    let deployment = trusting(&signed(), PUBLIC);
    let keys = TrustedKeys::read(&deployment.path().join("trusted.pem")).unwrap();
    let trusted = keys.open(&deployment.artifact()).unwrap();
    let replace = |bytes: &[u8]| {
        let new = deployment.path().join("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, deployment.artifact()).unwrap();
    };
    replace(&good());
    assert_eq!(fs::read(trusted.path()).unwrap(), signed());
    assert_eq!(fs::read(deployment.artifact()).unwrap(), good());
    let refused = keys.open(&deployment.artifact()).unwrap_err();
    assert!(
        matches!(refused, ArtifactError::NotSigned { .. }),
        "{refused}"
    );
}

/// As the documentation of `artifact::signature` has it.
#[test]
fn have_a_signature_of_the_documented_bytes() {
    let artifact = signed();
    let end = artifact.len() - 12;
    let length = u32::from_le_bytes(artifact[end..end + 4].try_into().unwrap()) as usize;
    let mut lines = artifact[end - length..end].split_inclusive(|&byte| byte == b'\n');
    let message = [b"lambda-wasm artifact 1\n", lines.next().unwrap()].concat();
    let signature: serde_json::Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    assert_eq!(lines.next(), None);
    assert_eq!(signature["key"], PUBLIC.lines().nth(1).unwrap());
    let bytes = STANDARD.decode(signature["ed25519"].as_str().unwrap());
    let bytes = ed25519_compact::Signature::from_slice(&bytes.unwrap()).unwrap();
    let public = ed25519_compact::PublicKey::from_pem(PUBLIC).unwrap();
    public.verify(message, &bytes).unwrap();
}
