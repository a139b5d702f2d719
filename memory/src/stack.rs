//! Stacks of calls into guests, which are kept for later calls.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{StackCreator, StackMemory};

use crate::mapping::{Mapping, page_size};

/// Makes stacks, and keeps those that are done with. A guest cannot read them.
#[derive(Default)]
pub struct KeptStacks(Arc<Idle>);

/// Stacks of one size: an engine asks for no other.
type Idle = Mutex<Vec<Mapping>>;

/// A stack and, below it, a page that nobody may write to.
struct Stack {
    /// `None` only while it is dropped.
    mapping: Option<Mapping>,
    idle: Arc<Idle>,
}

// SAFETY: the stack has the size that is asked for, whole pages of zeros at first, and a guard page below.
unsafe impl StackCreator for KeptStacks {
    fn new_stack(&self, size: usize, zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        let guard = page_size();
        let length = size.next_multiple_of(guard) + guard;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mapping = match kept.filter(|kept| kept.length() == length && !zeroed) {
            Some(kept) => kept,
            None => {
                let mut new = Mapping::reserve(length)?;
                new.allow(&(guard..length))?;
                new
            }
        };
        Ok(Box::new(Stack {
            mapping: Some(mapping),
            idle: Arc::clone(&self.0),
        }))
    }
}

impl Stack {
    fn at(&self, offset: impl FnOnce(&Mapping) -> usize) -> *mut u8 {
        let mapping = self.mapping.as_ref();
        mapping.map_or(std::ptr::null_mut(), |mapping| mapping.at(offset(mapping)))
    }
}

// SAFETY: the ranges are those of the mapping, which lives as long as this.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.at(Mapping::length)
    }

    fn range(&self) -> Range<usize> {
        self.at(|_| page_size()).addr()..self.top().addr()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.at(|_| 0)..self.at(|_| page_size())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.mapping.take());
    }
}
