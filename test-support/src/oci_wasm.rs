//! An HTTP component that others made, which the crate `oci-wasm` carries.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{crates, root};

/// It exports `wasi:http/incoming-handler@0.2.0`, and answers everything with `Hello from Rust!` and a line's end.
pub fn oci_wasm_component() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // Nothing of the crate is built, so it is no dependency of the project: it would lock 170 crates.
        let package = root().join("target/oci-wasm");
        std::fs::create_dir_all(package.join("src")).unwrap();
        std::fs::write(package.join("src/lib.rs"), "").unwrap();
        let manifest = package.join("Cargo.toml");
        std::fs::write(&manifest, MANIFEST).unwrap();
        crates::folder("oci-wasm", &manifest, &[])
    });
    folder.join("tests/data/component.wasm")
}

const MANIFEST: &str = r#"[package]
name = "only-fetched"
edition = "2024"

[dependencies]
oci-wasm = { version = "=0.2.0", default-features = false }

[workspace]
"#;
