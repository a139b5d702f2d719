//! The CPU features that compiled code may use, by wasmtime's names for them.

/// The features of every machine that runs x86_64 functions on Lambda: AVX2 and older features.
///
/// AWS documents AVX2 for all of them: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-avx2.html>.
pub const X86_64_BASELINE: &[&str] = &[
    "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "bmi1", "bmi2", "lzcnt",
];

/// The features of Graviton2, the oldest arm64 machine of Lambda, beyond armv8.0.
pub const AARCH64_BASELINE: &[&str] = &["lse"];

/// Whether this machine has a feature. Unknown names are not available.
#[must_use]
pub fn is_available(feature: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match feature {
        "sse3" => is_x86_feature_detected!("sse3"),
        "ssse3" => is_x86_feature_detected!("ssse3"),
        "sse4.1" => is_x86_feature_detected!("sse4.1"),
        "sse4.2" => is_x86_feature_detected!("sse4.2"),
        "popcnt" => is_x86_feature_detected!("popcnt"),
        "avx" => is_x86_feature_detected!("avx"),
        "avx2" => is_x86_feature_detected!("avx2"),
        "fma" => is_x86_feature_detected!("fma"),
        "bmi1" => is_x86_feature_detected!("bmi1"),
        "bmi2" => is_x86_feature_detected!("bmi2"),
        "lzcnt" => is_x86_feature_detected!("lzcnt"),
        "avx512bitalg" => is_x86_feature_detected!("avx512bitalg"),
        "avx512dq" => is_x86_feature_detected!("avx512dq"),
        "avx512f" => is_x86_feature_detected!("avx512f"),
        "avx512vbmi" => is_x86_feature_detected!("avx512vbmi"),
        "avx512vl" => is_x86_feature_detected!("avx512vl"),
        _ => false,
    };
    #[cfg(target_arch = "aarch64")]
    return match feature {
        "lse" => std::arch::is_aarch64_feature_detected!("lse"),
        "fp16" => std::arch::is_aarch64_feature_detected!("fp16"),
        "pauth" => std::arch::is_aarch64_feature_detected!("paca"),
        _ => false,
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return {
        let _ = feature;
        false
    };
}

/// All features of this machine that the compiler knows how to use.
#[must_use]
pub fn native() -> Vec<&'static str> {
    const X86_64_BEYOND: &[&str] = &[
        "avx512bitalg",
        "avx512dq",
        "avx512f",
        "avx512vbmi",
        "avx512vl",
    ];
    const AARCH64_BEYOND: &[&str] = &["fp16"];
    let known = if cfg!(target_arch = "aarch64") {
        [AARCH64_BASELINE, AARCH64_BEYOND].concat()
    } else {
        [X86_64_BASELINE, X86_64_BEYOND].concat()
    };
    known
        .into_iter()
        .filter(|feature| is_available(feature))
        .collect()
}

/// Cranelift's flag for a feature.
#[must_use]
pub fn flag(feature: &str) -> String {
    format!("has_{}", feature.replace('.', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_native_is_here() {
        let native = native();
        assert!(native.iter().all(|feature| is_available(feature)));
        assert!(!is_available(""));
        assert!(!is_available("teleport"));
    }

    /// A feature that [`is_available`] does not know would keep every artifact from running everywhere.
    #[test]
    fn the_baseline_is_known() {
        let baseline = if cfg!(target_arch = "aarch64") {
            AARCH64_BASELINE
        } else {
            X86_64_BASELINE
        };
        for feature in baseline {
            assert!(is_available(feature), "{feature}: has this machine none?");
        }
    }

    #[test]
    fn flags_are_cranelifts() {
        assert_eq!(flag("sse4.1"), "has_sse41");
        assert_eq!(flag("lse"), "has_lse");
    }
}
