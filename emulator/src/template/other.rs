//! The functions of a template that are not run here.

use std::fmt;

/// A function of the template that is not run here: its code is not for a custom runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// `FunctionName`, or else the resource's own name.
    pub name: String,
    /// `Runtime`, if it has one.
    pub runtime: Option<String>,
    /// The reason why it is not run.
    pub why: Why,
}

/// The reason why a function is not run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its runtime is not `provided`, `provided.al2` or `provided.al2023`.
    Runtime,
    /// Its `PackageType` is `Image`.
    Image,
    /// Its code is in the template: `InlineCode` or `ZipFile`.
    Inline,
    /// It does not have a `Handler`.
    NoHandler,
}

impl Why {
    /// Returns the property of the function that says so.
    pub(super) fn property(self) -> Option<&'static str> {
        match self {
            Self::Runtime => Some("Runtime"),
            Self::Image => Some("PackageType"),
            Self::Inline | Self::NoHandler => None,
        }
    }
}

impl fmt::Display for Other {
    /// Writes the reason, such as `its runtime is python3.13`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::Runtime => {
                let runtime = self.runtime.as_deref().unwrap_or_default();
                write!(
                    f,
                    "its runtime is {runtime}, not a custom runtime (provided.al2023)"
                )
            }
            Why::Image => f.write_str("it is a container image (PackageType: Image)"),
            Why::Inline => f.write_str("its code is in the template"),
            Why::NoHandler => f.write_str("it does not have a Handler"),
        }
    }
}
