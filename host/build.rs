//! Has the linker lay the functions of a start beside each other, where `bootstrap` is linked statically, as on Lambda.

fn main() {
    println!("cargo:rerun-if-changed=startup.ld");
    let has = |variable: &str, value: &str| {
        std::env::var(variable).is_ok_and(|values| values.split(',').any(|found| found == value))
    };
    if has("CARGO_CFG_TARGET_OS", "linux") && has("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo:rustc-link-arg-bin=bootstrap=-Wl,-T,{folder}/startup.ld");
    }
}
