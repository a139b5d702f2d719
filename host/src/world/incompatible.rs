//! The reasons why a component does not run here.

use std::fmt;

/// The reasons why this host cannot run a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncompatibleComponent {
    pub(super) reasons: Vec<String>,
}

impl IncompatibleComponent {
    /// Adds a reason: a clause that names the import or export, and says how to build the component instead.
    pub fn push(&mut self, reason: String) {
        self.reasons.push(reason);
    }

    /// Returns `Ok` if there are no reasons.
    ///
    /// # Errors
    ///
    /// Returns itself if there is a reason.
    pub fn into_result(self) -> Result<(), Self> {
        if self.reasons.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl FromIterator<Self> for IncompatibleComponent {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        Self {
            reasons: all.into_iter().flat_map(|one| one.reasons).collect(),
        }
    }
}

impl fmt::Display for IncompatibleComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons.join("; "))
    }
}

impl std::error::Error for IncompatibleComponent {}
