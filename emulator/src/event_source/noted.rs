//! The notes that were reported to the developer, each once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The functions and subjects of the notes that were reported.
#[derive(Default)]
pub(super) struct Noted(Mutex<BTreeSet<(String, String)>>);

impl Noted {
    /// Returns whether a note about a function and a subject is the first one.
    pub fn is_first(&self, function: &str, subject: &str) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.insert((function.to_owned(), subject.to_owned()))
    }
}
