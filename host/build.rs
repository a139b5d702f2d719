//! Has the linker lay the functions of a start beside each other, where `bootstrap` is linked statically, as on Lambda, and
//! leave its symbols out.
//!
//! Cargo's `strip` would do the latter too, but the names of functions depend on it, and those in startup.ld are of a
//! program that kept its symbols.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=startup.ld");
    println!("cargo:rerun-if-env-changed=BOOTSTRAP_SYMBOLS");
    let has = |variable: &str, value: &str| {
        std::env::var(variable).is_ok_and(|values| values.split(',').any(|found| found == value))
    };
    if !has("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    if std::env::var_os("BOOTSTRAP_SYMBOLS").is_none() {
        println!("cargo:rustc-link-arg-bin=bootstrap=-Wl,-s");
    }
    if has("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo:rustc-link-arg-bin=bootstrap=-Wl,-T,{folder}/startup.ld");
        // Beside the program, for the test that compares startup.ld with it.
        let out = std::env::var("OUT_DIR").unwrap_or_default();
        if let Some(beside) = Path::new(&out).ancestors().nth(3) {
            let variant = std::env::var_os("CARGO_FEATURE_FULL").map_or("-small", |_| "");
            let map = beside.join(format!("bootstrap{variant}.map"));
            println!(
                "cargo:rustc-link-arg-bin=bootstrap=-Wl,-Map={}",
                map.display()
            );
        }
    }
}
