//! The two variants of `bootstrap`. Each start reads it from the disk, and most functions need little more than half of it.

use crate::artifact::Trailer;
use crate::interfaces::ReleaseLine;
use crate::policy::Policy;
use crate::world::{interface, split};

/// A variant of `bootstrap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Runs functions of WASI 0.2 that send no requests.
    Small,
    /// Runs all functions.
    Full,
}

/// The text by which the small variant names itself. The full one does not have it.
pub const SMALL: &str = "this bootstrap is the small one, without outgoing requests and WASI 0.3";

impl Variant {
    /// Whether this program is the full variant. Code behind a condition on this is left out of the small one.
    pub(crate) const IS_FULL: bool = cfg!(feature = "full");

    /// Returns the smallest variant that runs a function.
    #[must_use]
    pub fn for_function(trailer: &Trailer, policy: &Policy) -> Self {
        match need_for_full(trailer, policy) {
            Some(_) => Self::Full,
            None => Self::Small,
        }
    }

    /// Returns the name, as the tool prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
        }
    }
}

/// Checks that this program runs a function.
///
/// # Errors
///
/// Returns why the function needs the full variant, and a hint, if this is the small one.
pub(crate) fn check(trailer: &Trailer, policy: &Policy) -> Result<(), String> {
    if Variant::IS_FULL {
        return Ok(());
    }
    need_for_full(trailer, policy).map_or(Ok(()), |need| {
        Err(format!(
            "{need}, and {SMALL}\nhint: deploy the full one: `lambda-wasm build` and `package` choose it for such a function"
        ))
    })
}

/// Returns why a function needs the full variant, if it does.
#[must_use]
pub fn need_for_full(trailer: &Trailer, policy: &Policy) -> Option<String> {
    let of_wasi_3 = |name: &&str| {
        let (interface, version) = split(name);
        interface.starts_with("wasi:") && ReleaseLine::Wasi3.includes(version)
    };
    if let Some(name) = trailer.needs().find(of_wasi_3) {
        return Some(format!("it imports {name}"));
    }
    let mut exports = trailer.exports.iter().map(String::as_str);
    if let Some(name) = exports.find(of_wasi_3) {
        return Some(format!("it exports {name}"));
    }
    let sends = |name: &str| interface(name) == "wasi:http/outgoing-handler";
    (!policy.http.allow.is_empty() && trailer.needs().any(sends))
        .then(|| "its policy allows requests".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function with these imports and exports.
    fn trailer(imports: &[&str], types: &[&str], exports: &[&str]) -> Trailer {
        let json = serde_json::json!({
            "format": crate::artifact::FORMAT, "wasmtime": "", "target": "", "cpu": [], "length": 0, "sha256": "",
            "epoch": true, "concurrency": false, "memories": 1, "tables": 1, "core_instances": 1,
            "world": "handler-function", "names": true,
            "imports": imports, "types": types, "exports": exports,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_function_needs_the_full_variant_for_wasi_3_and_for_requests() {
        let (none, allows) = (Policy::default(), {
            let mut policy = Policy::default();
            policy.http.allow = vec!["https://example.com".parse().unwrap()];
            policy
        });
        let handler = "lambda:function/handler@0.1.0";
        let outgoing = "wasi:http/outgoing-handler@0.2.4";
        fn need(
            imports: &[&str],
            types: &[&str],
            exports: &[&str],
            policy: &Policy,
        ) -> Option<String> {
            need_for_full(&trailer(imports, types, exports), policy)
        }
        assert_eq!(need(&[outgoing], &[], &[handler], &none), None);
        assert_eq!(
            need(&[outgoing], &[], &[handler], &allows).as_deref(),
            Some("its policy allows requests")
        );
        // It cannot send any.
        assert_eq!(need(&[], &[], &[handler], &allows), None);
        let client = "wasi:http/client@0.3.0";
        assert_eq!(
            need(&[client], &[], &[handler], &none).as_deref(),
            Some("it imports wasi:http/client@0.3.0")
        );
        // The host has nothing to implement.
        assert_eq!(need(&[client], &[client], &[handler], &none), None);
        assert_eq!(
            need(&[], &[], &["wasi:http/handler@0.3.0"], &none).as_deref(),
            Some("it exports wasi:http/handler@0.3.0")
        );
    }
}
