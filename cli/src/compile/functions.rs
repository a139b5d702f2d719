//! The machine code of functions that earlier compiles made, kept in this user's cache.
//!
//! Most of a JavaScript or Python component is its interpreter, whose code is the same after each edit.
//!
//! The file is a SHA-256 of all that follows, and then functions: a key, the function's length as a little-endian `u32`,
//! and the function. The keys are hashes of what the compiler would compile, with its version, the target and all settings
//! (`cranelift_codegen::incremental_cache`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use sha2::{Digest as _, Sha256};
use wasmtime::CacheStore;

use crate::bootstrap::cache_directory;
use crate::output;

/// The least size of a component whose functions are kept, in bytes. A smaller one is compiled in about a second.
const LEAST_COMPONENT: usize = 4 << 20;

/// The size at which the file loses the earlier functions, in bytes. An interpreter takes about 40 MB for each architecture.
const MAX_FILE: usize = 512 << 20;

const HASH_BYTES: usize = 32;

/// The functions of earlier compiles, and of this one.
pub struct KeptFunctions {
    path: PathBuf,
    file: Vec<u8>,
    /// Where each function is in the file.
    earlier: HashMap<Key, Range<usize>>,
    /// The functions of this compile that the file does not have.
    new: Mutex<HashMap<Key, Vec<u8>>>,
}

type Key = [u8; HASH_BYTES];

impl KeptFunctions {
    /// Reads what is kept for a compile of this component. Returns `None` if the component is small, or if the user has no
    /// cache.
    pub fn read(component: &[u8]) -> Option<Self> {
        if component.len() < LEAST_COMPONENT {
            return None;
        }
        let path = cache_directory().ok()?.join("functions");
        // Without the file, or with a damaged one, the component is compiled as well.
        let file = fs::read(&path).unwrap_or_default();
        let (file, earlier) = match index(&file) {
            Some(earlier) => (file, earlier),
            None => (Vec::new(), HashMap::new()),
        };
        Some(Self {
            path,
            file,
            earlier,
            new: Mutex::default(),
        })
    }

    /// Writes the file, if there are new functions.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn save(&self) -> Result<()> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.is_empty() {
            return Ok(());
        }
        let mut functions = self.file.get(HASH_BYTES..).unwrap_or_default().to_vec();
        let added: usize = new.values().map(Vec::len).sum();
        if functions.len() + added > MAX_FILE {
            functions.clear();
        }
        for (key, function) in &*new {
            functions.extend_from_slice(key);
            functions.extend_from_slice(&u32::try_from(function.len())?.to_le_bytes());
            functions.extend_from_slice(function);
        }
        output::replace(&self.path, |file| {
            file.write_all(&Sha256::digest(&functions))?;
            Ok(file.write_all(&functions)?)
        })
    }
}

/// Finds the functions of a file. Returns `None` if it is not such a file, or if it is damaged, since that would be other
/// machine code.
fn index(file: &[u8]) -> Option<HashMap<Key, Range<usize>>> {
    let (hash, functions) = file.split_first_chunk::<HASH_BYTES>()?;
    if Sha256::digest(functions).as_slice() != hash {
        return None;
    }
    let mut index = HashMap::new();
    let mut rest = functions;
    while !rest.is_empty() {
        let (key, after_key) = rest.split_first_chunk()?;
        let (length, after_length) = after_key.split_first_chunk()?;
        let (function, after) =
            after_length.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let start = file.len() - after_length.len();
        index.insert(*key, start..start + function.len());
        rest = after;
    }
    Some(index)
}

impl CacheStore for KeptFunctions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        if let Some(range) = self.earlier.get(key) {
            return Some(Cow::Borrowed(&self.file[range.clone()]));
        }
        // A component has many functions twice.
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Cow::Owned(new.get(key)?.clone()))
    }

    fn insert(&self, key: &[u8], function: Vec<u8>) -> bool {
        let Ok(key) = key.try_into() else {
            return false;
        };
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.insert(key, function);
        true
    }
}

impl fmt::Debug for KeptFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptFunctions")
    }
}
