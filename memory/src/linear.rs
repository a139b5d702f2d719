//! Linear memories that are kept from one instance to the next.
//!
//! Each instance needs memory with the component's first content. A new mapping costs system calls, and a page fault for each
//! page that the guest writes. So a memory that an instance is done with is put back instead: each page that was written
//! gets its first content again, and stays mapped. The kernel tells which pages that are. Before this is relied on, it is
//! tried once; a kernel that does not tell gets all pages back instead.
//!
//! ```text
//!  0          image        minimum        grown             reservation
//!  | zeros    | file       | zeros        | written, zeros  | nobody may access
//! ```

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use crate::mapping::{Mapping, PAGE, page_size};
use crate::pagemap::Pagemap;

/// The most written pages of a memory that are put back. What lies above them is given back to the kernel.
const KEPT: usize = 2048;

/// The first content of a memory: a part of a file, and zeros around it.
pub struct Image {
    /// The size of the memory that it is for, in WebAssembly's pages. No other memory of the component has it.
    pub minimum: u64,
    /// Where it begins in the memory, in bytes; a multiple of the size of a page.
    pub start: usize,
    /// Where it begins in the file, in bytes; a multiple of the size of a page.
    pub offset: u64,
    /// Its length in bytes; a multiple of the size of a page.
    pub length: usize,
}

/// Makes the memories of a component, and keeps those that have an image.
pub struct KeptMemories(Arc<Shared>);

struct Shared {
    file: File,
    images: Vec<Image>,
    /// Memories that no instance has, with their first content.
    idle: Mutex<Vec<Slot>>,
    /// `None` where the kernel does not tell which pages were written.
    pagemap: OnceLock<Option<Pagemap>>,
}

/// A memory with an image.
struct Slot {
    /// Which of the images.
    image: usize,
    mapping: Mapping,
    /// The image once more, which nobody can write to.
    pristine: Mapping,
    /// How much may be accessed at first, and now, in bytes.
    minimum: usize,
    accessible: usize,
    reservation: usize,
}

impl KeptMemories {
    /// Makes memories with these images, which are parts of `file`.
    #[must_use]
    pub fn new(file: File, images: Vec<Image>) -> Self {
        Self(Arc::new(Shared {
            file,
            images,
            idle: Mutex::default(),
            pagemap: OnceLock::new(),
        }))
    }
}

// SAFETY: a memory has the reservation and the guard that are asked for, and does not move within the reservation. It is
// not zero where it has an image, which stands for the data segments that the compile tool took out of the component.
unsafe impl MemoryCreator for KeptMemories {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reservation: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let reservation = reservation
            .unwrap_or(0)
            .max(minimum.next_multiple_of(page_size()));
        let mut images = self.0.images.iter();
        let Some(image) = images.position(|image| image.minimum == ty.minimum()) else {
            let memory =
                Plain::new(minimum, reservation, guard).map_err(|error| error.to_string())?;
            return Ok(Box::new(memory));
        };
        let slot = match self.0.take(image) {
            Some(slot) => slot,
            None => self
                .0
                .map(image, minimum, reservation, guard)
                .map_err(|error| error.to_string())?,
        };
        Ok(Box::new(Kept {
            size: minimum,
            slot: Some(slot),
            shared: Arc::clone(&self.0),
        }))
    }
}

impl Shared {
    /// A memory that was kept.
    fn take(&self, image: usize) -> Option<Slot> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.iter().position(|slot| slot.image == image)?;
        Some(idle.swap_remove(kept))
    }

    fn map(
        &self,
        index: usize,
        minimum: usize,
        reservation: usize,
        guard: usize,
    ) -> io::Result<Slot> {
        let image = &self.images[index];
        let mut mapping = Mapping::reserve(reservation + guard)?;
        let accessible = minimum.next_multiple_of(page_size());
        mapping.allow(&(0..accessible))?;
        let range = image.start..image.start + image.length;
        if !range.is_empty() {
            mapping.overlay(&range, &self.file, image.offset)?;
        }
        let pristine = Mapping::of_file(&self.file, image.offset, image.length.max(PAGE))?;
        Ok(Slot {
            image: index,
            mapping,
            pristine,
            minimum: accessible,
            accessible,
            reservation,
        })
    }

    /// Gives a memory its first content and size.
    fn put_back(&self, slot: &mut Slot) -> io::Result<()> {
        let all = 0..slot.accessible;
        match self.pagemap.get_or_init(|| Pagemap::open(&self.file).ok()) {
            Some(pagemap) => self.restore(pagemap, slot)?,
            None => slot.mapping.discard(&all)?,
        }
        if slot.minimum < slot.accessible {
            slot.mapping.forbid(&(slot.minimum..slot.accessible))?;
            slot.accessible = slot.minimum;
        }
        Ok(())
    }

    /// Restores each page that may have been written.
    fn restore(&self, pagemap: &Pagemap, slot: &mut Slot) -> io::Result<()> {
        let image = &self.images[slot.image];
        let (mut restored, mut beyond) = (0, None);
        pagemap.each_written(&slot.mapping, slot.accessible, |page| {
            if restored == KEPT {
                beyond = Some(page);
                return ControlFlow::Break(());
            }
            restored += 1;
            slot.restore(page, image);
            ControlFlow::Continue(())
        })?;
        match beyond {
            Some(page) => slot.mapping.discard(&(page..slot.accessible)),
            None => Ok(()),
        }
    }
}

impl Slot {
    /// Gives the page at this offset its first content.
    fn restore(&self, page: usize, image: &Image) {
        let to = self.mapping.at(page);
        let in_image = page.wrapping_sub(image.start);
        // SAFETY: the page is accessible, no instance has the memory, and images consist of whole pages.
        unsafe {
            if in_image < image.length {
                to.copy_from_nonoverlapping(self.pristine.at(in_image), PAGE);
            } else {
                to.write_bytes(0, PAGE);
            }
        }
    }
}

/// A memory that is kept when its instance is done.
struct Kept {
    size: usize,
    /// `None` only while it is dropped.
    slot: Option<Slot>,
    shared: Arc<Shared>,
}

// SAFETY: the memory stays at its address, of which only `size` bytes, rounded up to a page, may be accessed.
unsafe impl LinearMemory for Kept {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.slot.as_ref().map_or(0, |slot| slot.reservation)
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        let slot = self
            .slot
            .as_mut()
            .filter(|slot| new_size <= slot.reservation);
        let slot = slot.ok_or_else(|| wasmtime::format_err!("the memory is at its largest"))?;
        let accessible = new_size.next_multiple_of(page_size());
        if accessible > slot.accessible {
            slot.mapping.allow(&(slot.accessible..accessible))?;
            slot.accessible = accessible;
        }
        self.size = new_size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        let slot = self.slot.as_ref();
        slot.map_or(std::ptr::null_mut(), |slot| slot.mapping.at(0))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else {
            return;
        };
        // A memory that cannot be put back is unmapped.
        if self.shared.put_back(&mut slot).is_ok() {
            let idle = self.shared.idle.lock();
            idle.unwrap_or_else(PoisonError::into_inner).push(slot);
        }
    }
}

/// A memory of zeros, which is unmapped with its instance.
struct Plain {
    size: usize,
    accessible: usize,
    reservation: usize,
    guard: usize,
    mapping: Mapping,
}

impl Plain {
    fn new(size: usize, reservation: usize, guard: usize) -> io::Result<Self> {
        let mut mapping = Mapping::reserve(reservation + guard)?;
        let accessible = size.next_multiple_of(page_size());
        mapping.allow(&(0..accessible))?;
        Ok(Self {
            size,
            accessible,
            reservation,
            guard,
            mapping,
        })
    }
}

// SAFETY: as for `Kept`. It moves only when it grows beyond its reservation.
unsafe impl LinearMemory for Plain {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.reservation
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        let accessible = new_size.next_multiple_of(page_size());
        if accessible > self.reservation {
            let larger = Self::new(new_size, accessible.saturating_mul(2), self.guard)?;
            // SAFETY: both have so many bytes that may be accessed, and the larger is new.
            unsafe {
                larger
                    .as_ptr()
                    .copy_from_nonoverlapping(self.as_ptr(), self.size)
            };
            *self = larger;
        } else if accessible > self.accessible {
            self.mapping.allow(&(self.accessible..accessible))?;
            self.accessible = accessible;
        }
        self.size = new_size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.mapping.at(0)
    }
}

#[cfg(test)]
mod tests;
