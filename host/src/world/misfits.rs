//! The reasons why a component does not run here.

use std::fmt;

/// Everything that keeps a component from being a function of this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits(pub(super) Vec<String>);

impl Misfits {
    /// Adds one. It is a clause that names the import or export and says what would do.
    pub fn push(&mut self, misfit: String) {
        self.0.push(misfit);
    }

    /// Nothing, if there is none.
    ///
    /// # Errors
    ///
    /// Itself, if there is any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl FromIterator<Self> for Misfits {
    fn from_iter<I: IntoIterator<Item = Self>>(misfits: I) -> Self {
        Self(misfits.into_iter().flat_map(|misfits| misfits.0).collect())
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Misfits {}
