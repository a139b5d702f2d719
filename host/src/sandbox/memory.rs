//! The limits of one instance: its memory, its tables, and the number of its core instances.

use lambda_wasm_memory::allocator;
use thiserror::Error;
use wasmtime::ResourceLimiter;

use crate::policy::FREE_OF_CHARGE;

const MIB: usize = 1024 * 1024;

/// The error that stops a guest which makes the host hold too much for it. Sizes are in bytes.
#[derive(Debug, Clone, Copy, Error)]
#[error("the host holds too much for it")]
pub struct HoldsTooMuch {
    /// How much the host holds.
    pub held: usize,
    /// The size of the guest's own memories and tables.
    pub used: usize,
    /// The limit of both together, beside the free part of what the host holds.
    pub limit: usize,
}

/// The memory that an instance may have: its linear memories and tables, and what the host holds for it.
#[derive(Debug)]
pub struct MemoryLimit {
    limit: usize,
    used: usize,
    /// The memory that the thread holds for other purposes than the instance.
    before: isize,
    /// The memory that the host holds for an instance that waits for its first invocation, perhaps on another thread.
    own: Option<isize>,
    denied: Option<usize>,
    /// How many elements a table may have.
    elements: usize,
    denied_elements: Option<usize>,
    /// How many core instances, memories and tables there may be, of each.
    instances: usize,
}

impl MemoryLimit {
    /// Creates a limit of so many bytes, with tables of so many elements, for so many core instances. From now on, what this
    /// thread allocates is held for the instance.
    #[must_use]
    pub fn new(limit: usize, elements: usize, instances: usize) -> Self {
        let new = Self {
            limit,
            used: 0,
            before: allocator::allocated(),
            own: None,
            denied: None,
            elements,
            denied_elements: None,
            instances,
        };
        new.watch_held();
        new
    }

    fn watch_held(&self) {
        allocator::set_limit(self.before.saturating_add_unsigned(FREE_OF_CHARGE));
    }

    /// Checks how much the host holds for the instance.
    ///
    /// # Errors
    ///
    /// Returns an error if the host holds too much.
    pub fn check_held(&self) -> Result<(), HoldsTooMuch> {
        if self.used.saturating_add(self.charged()) <= self.limit {
            return Ok(());
        }
        Err(HoldsTooMuch {
            held: self.held(),
            used: self.used,
            limit: self.limit,
        })
    }

    fn held(&self) -> usize {
        usize::try_from(allocator::allocated() - self.before).unwrap_or(0)
    }

    /// Returns how much of what the host holds counts as the guest's memory.
    fn charged(&self) -> usize {
        self.held().saturating_sub(FREE_OF_CHARGE)
    }

    /// Suspends the limit until the first invocation: what the thread allocates until then is not held for the instance.
    pub fn suspend(&mut self) {
        self.own = Some(allocator::allocated() - self.before);
    }

    /// Begins an invocation: forgets the denials, and how much was held at most.
    pub fn bind(&mut self) {
        if let Some(own) = self.own.take() {
            self.before = allocator::allocated() - own;
        }
        self.watch_held();
        self.denied = None;
        self.denied_elements = None;
    }

    /// Returns how many bytes are used, and the limit.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        (self.used, self.limit)
    }

    /// Returns the limit of a table's elements, and the size that was denied, if one was.
    #[must_use]
    pub fn denied_elements(&self) -> Option<(usize, usize)> {
        Some((self.elements, self.denied_elements?))
    }

    /// Returns how many bytes a guest may hand to the host in one call or response. The host holds them beside the guest's own
    /// memory. Lambda's largest response has 6 MiB.
    #[must_use]
    pub fn handed_over(&self) -> usize {
        (self.limit / 2).clamp(16 * MIB, 32 * MIB)
    }

    /// Returns the limit in bytes, and the size that was denied, if one was. A guest usually traps then, and the trap alone does not
    /// say why.
    #[must_use]
    pub fn denied(&self) -> Option<(usize, usize)> {
        Some((self.limit, self.denied?))
    }

    /// Takes so many more bytes. Returns whether there are as many.
    fn take(&mut self, bytes: usize) -> bool {
        let total = self.used.saturating_add(bytes);
        let charged = total.saturating_add(self.charged());
        if charged > self.limit {
            self.denied = Some(charged);
            return false;
        }
        self.used = total;
        true
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let may = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(may && self.take(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        let _ = error;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        /// wasmtime keeps a pointer for each element.
        const ELEMENT: usize = size_of::<usize>();
        let is_too_large = desired > self.elements;
        if is_too_large {
            self.denied_elements = Some(desired);
        }
        let may = !is_too_large && maximum.is_none_or(|maximum| desired <= maximum);
        let more = desired.saturating_sub(current).saturating_mul(ELEMENT);
        Ok(may && self.take(more))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed_and_denials_remembered() {
        let mut memory = MemoryLimit::new(100, 12, 1);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert_eq!(memory.denied(), None);
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert_eq!(memory.denied(), Some((100, 101)));
    }

    #[test]
    fn tables_are_memory_too() {
        let mut memory = MemoryLimit::new(100, 12, 1);
        assert!(memory.table_growing(0, 10, None).unwrap());
        assert!(!memory.table_growing(0, 10, Some(5)).unwrap());
        assert_eq!(memory.denied(), None);
        assert!(!memory.memory_growing(0, 21, None).unwrap());
        assert!(!memory.table_growing(10, 13, None).unwrap());
        assert!(memory.table_growing(0, 2, None).unwrap());
        assert_eq!(memory.denied_elements(), Some((12, 13)));
    }
}
