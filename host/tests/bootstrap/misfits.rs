//! Artifacts of components that this host cannot run. The compile tool refuses such components, so that only a tool of
//! another version can have made them.

use std::fs;

use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_test_support::{Deployment, artifact};

use crate::refusal::refusal;

#[cfg(feature = "compiler")]
mod types;

#[test]
fn an_artifact_whose_imports_and_exports_do_not_fit() {
    let good = artifact("handler");
    let mut trailer = Trailer::inspect(&good).unwrap();
    let mut bytes = fs::read(&good).unwrap();
    bytes.truncate(trailer.length.try_into().unwrap());
    trailer.exports = vec!["lambda:function/handler@0.2.0".to_owned()];
    trailer
        .imports
        .extend(["foo:bar/baz@1.0.0", "wasi:io/poll@0.3.0"].map(str::to_owned));
    bytes.extend(trailer.to_bytes().unwrap());
    let deployment = Deployment::of_artifact(&bytes);

    let refusal = refusal(&deployment);
    assert_eq!(refusal.error_type, "Runtime.UnsupportedComponent");
    for words in [
        deployment.artifact().to_str().unwrap(),
        "it exports lambda:function/handler@0.2.0, but this version calls 0.1.0",
        "it imports foo:bar/baz@1.0.0, which this version does not offer",
        "it imports wasi:io/poll@0.3.0, but this version offers 0.2.0 to 0.2.12",
    ] {
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}
