//! Versions of interfaces.

use crate::variant::Variant;

/// The version of the WIT package `lambda:function` that this host calls.
pub const FUNCTION_VERSION: &str = "0.1.0";

/// The newest WASI 0.2 that this host offers. Versions within 0.2 are compatible, both ways.
pub const WASI_VERSION: &str = "0.2.12";

/// The newest WASI 0.3 that this host offers.
pub const WASI_3_VERSION: &str = "0.3.0";

/// The newest draft of 0.2 that this host offers.
///
/// All drafts of `wasi:config` have the same functions. Their interface was renamed from `runtime` to `store`: Spin 3 has
/// `store@0.2.0-draft-2024-09-27`, wasmCloud 1 has `runtime@0.2.0-draft`.
pub const DRAFT_VERSION: &str = "0.2.0-rc.1";

/// A set of versions that are compatible with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseLine {
    /// `lambda:function` in this host's version.
    Function,
    /// The releases of WASI 0.2.
    Wasi2,
    /// The releases of WASI 0.3, whose functions are asynchronous.
    Wasi3,
    /// The drafts of 0.2 of a WASI package that has no release.
    Draft2,
}

impl ReleaseLine {
    /// Returns `true` if the line includes this version.
    #[must_use]
    pub fn includes(self, version: &str) -> bool {
        let is_release = || !version.contains('-');
        match self {
            Self::Function => version == FUNCTION_VERSION,
            Self::Wasi2 => version.starts_with("0.2.") && is_release(),
            Self::Wasi3 => version.starts_with("0.3.") && is_release(),
            Self::Draft2 => version.starts_with("0.2."),
        }
    }

    /// Returns `true` if this variant of the host links interfaces of the line.
    pub(crate) const fn is_linked(self) -> bool {
        Variant::IS_FULL || !matches!(self, Self::Wasi3)
    }

    /// Returns `true` if the line has releases of WASI.
    #[must_use]
    pub fn is_released_wasi(self) -> bool {
        matches!(self, Self::Wasi2 | Self::Wasi3)
    }

    /// Returns the versions of the line, for messages and documents.
    #[must_use]
    pub fn versions(self) -> String {
        match self {
            Self::Function => FUNCTION_VERSION.to_owned(),
            Self::Wasi2 => format!("0.2.0 to {WASI_VERSION}"),
            Self::Wasi3 => WASI_3_VERSION.to_owned(),
            Self::Draft2 => format!("0.2.0-draft to {DRAFT_VERSION}"),
        }
    }
}
