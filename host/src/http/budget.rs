//! How much memory the host may take to make a request of an event.
//!
//! An event may be much smaller than its request: `["","",…` under one long name is a header for every three bytes. So the
//! memory of a request is bounded by a multiple of the event's size, whatever the event's shape. It is measured where it is
//! allocated, so that no structure is left out.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use lambda_wasm_memory::allocator;
use serde::de::Error;

use super::EventError;
use crate::policy::FREE_OF_CHARGE;

/// Bytes of memory for each byte of an event. The densest event that is a request, a list of empty values, takes 45.
const BUDGET_PER_BYTE: usize = 64;

/// Bytes of memory for an event of any size.
const MIN_BUDGET: usize = 64 * 1024;

thread_local! {
    /// The memory that the thread may hold, and the part of it that is the budget.
    static END: Cell<(isize, usize)> = const { Cell::new((isize::MAX, 0)) };
}

/// Begins the budget of an event with so many bytes, on this thread.
///
/// It ends at what an invocation has at no charge, beside a copy of the event.
pub(super) fn begin(event: usize) {
    let budget = event.saturating_mul(BUDGET_PER_BYTE).min(FREE_OF_CHARGE) + event + MIN_BUDGET;
    END.set((
        allocator::allocated().saturating_add_unsigned(budget),
        budget,
    ));
}

/// Returns an error if the budget has no room for so many bytes more.
pub(super) fn check(bytes: usize) -> Result<(), Exceeded> {
    let (end, budget) = END.get();
    if allocator::allocated().saturating_add_unsigned(bytes) > end {
        return Err(Exceeded { budget });
    }
    Ok(())
}

/// Appends an item to a list, which may have to grow for it.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), Exceeded> {
    let grows = list.len() == list.capacity();
    check(if grows {
        list.len() * size_of::<T>()
    } else {
        0
    })?;
    list.push(item);
    Ok(())
}

/// Copies a text, unless it is a copy already.
pub(super) fn own(text: Cow<'_, str>) -> Result<String, Exceeded> {
    check(match &text {
        Cow::Owned(_) => 0,
        Cow::Borrowed(text) => text.len(),
    })?;
    Ok(text.into_owned())
}

/// The budget has no room for more.
#[derive(Debug, Clone, Copy)]
pub struct Exceeded {
    budget: usize,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its headers, parameters and other fields take more than {} bytes of memory, the most for an event of its size",
            self.budget
        )
    }
}

impl From<Exceeded> for EventError {
    fn from(exceeded: Exceeded) -> Self {
        Self::Malformed(format!("the event is an HTTP request, and {exceeded}"))
    }
}

impl Exceeded {
    /// The same, for a visitor.
    pub fn in_json<E: Error>(self) -> E {
        E::custom(self)
    }
}
