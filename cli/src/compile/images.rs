//! Takes the first content of memories out of a component.
//!
//! wasmtime maps or copies data segments for each new instance. The host has a faster way: it keeps a memory and puts back
//! the pages that were written. For that, the content has to lie in the artifact as the memory has it, apart from the code.

use std::ops::Range;

use lambda_wasm_host::artifact::Image;
use wasmparser::{
    DataKind, DataSectionReader, Encoding, FunctionBody, MemoryType, Operator, Parser, Payload,
    TypeRef,
};

/// The granularity of images, in bytes: the largest pages that a kernel has on this target.
pub fn page(target: &str) -> usize {
    if target.starts_with("aarch64") {
        64 * 1024
    } else {
        4096
    }
}

/// How many data segments are worth reading the code for, to leave them out: a start reads the list. Snapshots have thousands.
const MANY: u32 = 64;

/// The size of WebAssembly's pages, in bytes.
const WASM_PAGE: u64 = 64 * 1024;

/// A component without its memories' content, and that content.
pub struct TakenOut {
    /// As long as before: the place of each instruction is the same.
    pub component: Vec<u8>,
    /// Their offsets are in `content`.
    pub images: Vec<Image>,
    pub content: Vec<u8>,
}

/// A core module that is being read.
#[derive(Default)]
struct Module<'a> {
    imported_memories: u32,
    memories: Vec<MemoryType>,
    /// The data section, and where its header begins.
    data: Option<(DataSectionReader<'a>, usize)>,
    /// The section with the number of data segments, without its header. Only code that names segments needs it.
    data_count: Option<Range<usize>>,
    code: Vec<FunctionBody<'a>>,
    /// Where the last section ended.
    end: usize,
}

/// Takes the content out, in whole pages of this size. Returns `None` if the host could not tell the memories apart, or if
/// the content is only known when the component runs.
pub fn take_out(component: &[u8], page: usize) -> Option<TakenOut> {
    let modules = modules(component)?;
    let minimums: Vec<u64> = modules
        .iter()
        .flat_map(|module| &module.memories)
        .map(|memory| memory.initial)
        .collect();
    let mut taken = TakenOut {
        component: component.to_owned(),
        images: Vec::new(),
        content: Vec::new(),
    };
    for module in modules {
        for memory in &module.memories {
            let same = minimums
                .iter()
                .filter(|minimum| **minimum == memory.initial);
            let is_plain = !memory.memory64 && !memory.shared && memory.page_size_log2.is_none();
            if !is_plain || memory.initial == 0 || same.count() > 1 {
                return None;
            }
        }
        let contents = contents(component, &module)?;
        let mut is_filled = false;
        for (memory, content) in module.memories.iter().zip(contents) {
            let (start, bytes) = content.image(page)?;
            is_filled |= !bytes.is_empty();
            taken.images.push(Image {
                minimum: memory.initial,
                start,
                offset: taken.content.len() as u64,
                length: bytes.len(),
            });
            taken.content.extend(bytes);
        }
        if let Some((data, header)) = module.data.clone().filter(|_| is_filled) {
            let section = header..data.range().end;
            if data.count() >= MANY && !module.needs_segments()? {
                let count = &mut taken.component[module.data_count.unwrap_or_default()];
                count.copy_from_slice(&zero(count.len()));
                replace(&mut taken.component[section], &leb128(0))?;
            } else {
                let emptied = emptied(component, data, module.imported_memories)?;
                replace(&mut taken.component[section], &emptied)?;
            }
        }
    }
    (!taken.images.is_empty()).then_some(taken)
}

/// The core modules of a component and of those in it.
fn modules(component: &[u8]) -> Option<Vec<Module<'_>>> {
    let (mut modules, mut open) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.ok()?;
        let section = payload.as_section();
        match payload {
            Payload::Version {
                encoding, range, ..
            } => open.push(match encoding {
                Encoding::Component => None,
                Encoding::Module => Some(Module {
                    end: range.end,
                    ..Module::default()
                }),
            }),
            Payload::End(_) => modules.extend(open.pop().flatten()),
            payload => {
                let Some(Some(module)) = open.last_mut() else {
                    continue;
                };
                match payload {
                    Payload::ImportSection(imports) => {
                        for import in imports.into_imports() {
                            let is_memory = matches!(import.ok()?.ty, TypeRef::Memory(_));
                            module.imported_memories += u32::from(is_memory);
                        }
                    }
                    Payload::MemorySection(memories) => {
                        module.memories = memories.into_iter().collect::<Result<_, _>>().ok()?;
                    }
                    Payload::DataSection(data) => module.data = Some((data, module.end)),
                    Payload::DataCountSection { range, .. } => module.data_count = Some(range),
                    Payload::CodeSectionEntry(body) => module.code.push(body),
                    _ => {}
                }
                if let Some((_, range)) = section {
                    module.end = range.end;
                }
            }
        }
    }
    Some(modules)
}

/// The parts of a memory that data segments fill, in their order.
#[derive(Default)]
struct Content<'a>(Vec<(usize, &'a [u8])>);

impl Content<'_> {
    /// Where the image begins, and its bytes; `None` if it would be mostly empty.
    fn image(&self, page: usize) -> Option<(usize, Vec<u8>)> {
        /// How many bytes may be empty, in addition to as many as are full. wasmtime's own images have the same bound.
        const MOST_EMPTY: usize = 16 * 1024 * 1024;
        let parts = self.0.iter().filter(|(_, bytes)| !bytes.is_empty());
        let (mut start, mut end, mut full) = (usize::MAX, 0, 0);
        for (at, bytes) in parts {
            start = start.min(*at);
            end = end.max(at + bytes.len());
            full += bytes.len();
        }
        if end == 0 {
            return Some((0, Vec::new()));
        }
        let start = start / page * page;
        let length = (end - start).next_multiple_of(page);
        if length > 2 * full + MOST_EMPTY {
            return None;
        }
        let mut image = vec![0; length];
        for (at, bytes) in &self.0 {
            let at = at.saturating_sub(start);
            image[at..][..bytes.len()].copy_from_slice(bytes);
        }
        Some((start, image))
    }
}

/// The bytes that the data segments of a module put into each of its own memories. `None` if a place is not a constant, or outside.
fn contents<'a>(component: &'a [u8], module: &Module<'_>) -> Option<Vec<Content<'a>>> {
    let mut contents: Vec<Content<'_>> = Vec::new();
    contents.resize_with(module.memories.len(), Content::default);
    let Some((data, _)) = &module.data else {
        return Some(contents);
    };
    for segment in data.clone() {
        let segment = segment.ok()?;
        let DataKind::Active {
            memory_index,
            offset_expr,
        } = segment.kind
        else {
            continue;
        };
        let Some(index) = memory_index.checked_sub(module.imported_memories) else {
            continue;
        };
        let index = index as usize;
        let mut place = offset_expr.get_operators_reader();
        let Operator::I32Const { value } = place.read().ok()? else {
            return None;
        };
        if !matches!(place.read(), Ok(Operator::End)) {
            return None;
        }
        let at = u64::from(value.cast_unsigned());
        let size = module.memories.get(index)?.initial * WASM_PAGE;
        if at + segment.data.len() as u64 > size {
            return None;
        }
        let range = segment.range.end - segment.data.len()..segment.range.end;
        contents[index]
            .0
            .push((usize::try_from(at).ok()?, &component[range]));
    }
    Some(contents)
}

impl Module<'_> {
    /// Whether it needs its data segments: for a memory that it imports, or because its code names some.
    fn needs_segments(&self) -> Option<bool> {
        let (data, _) = self.data.clone()?;
        for segment in data {
            if let DataKind::Active { memory_index, .. } = segment.ok()?.kind
                && memory_index < self.imported_memories
            {
                return Some(true);
            }
        }
        if self.data_count.is_none() {
            return Some(false);
        }
        for body in &self.code {
            for operator in body.get_operators_reader().ok()? {
                if let Operator::MemoryInit { .. } | Operator::DataDrop { .. } = operator.ok()? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

/// The content of a data section whose segments that fill the module's own memories are empty. They are passive: an instance
/// does nothing with them, and code finds them as if they had been used.
fn emptied(
    component: &[u8],
    data: DataSectionReader<'_>,
    imported_memories: u32,
) -> Option<Vec<u8>> {
    const EMPTY: [u8; 2] = [1, 0]; // passive, no bytes
    let mut body = leb128(data.count()).to_vec();
    for segment in data {
        let segment = segment.ok()?;
        match segment.kind {
            DataKind::Active { memory_index, .. } if memory_index >= imported_memories => {
                body.extend(EMPTY);
            }
            _ => body.extend_from_slice(&component[segment.range]),
        }
    }
    Some(body)
}

/// Gives a data section another content. What is left over becomes a custom section.
fn replace(section: &mut [u8], body: &[u8]) -> Option<()> {
    const CUSTOM: u8 = 0;
    const DATA: u8 = 11;
    let mut new = vec![DATA];
    new.extend(leb128(u32::try_from(body.len()).ok()?));
    new.extend_from_slice(body);
    new.push(CUSTOM);
    let rest = section.len().checked_sub(new.len() + leb128(0).len())?;
    new.extend(leb128(u32::try_from(rest).ok()?));
    // An empty name, and zeros.
    if rest == 0 {
        return None;
    }
    new.resize(section.len(), 0);
    section.copy_from_slice(&new);
    Some(())
}

/// The number zero in so many bytes.
fn zero(length: usize) -> Vec<u8> {
    const MORE: u8 = 0x80;
    let mut number = vec![MORE; length];
    if let Some(last) = number.last_mut() {
        *last = 0;
    }
    number
}

/// A number in five bytes, whatever its size.
fn leb128(number: u32) -> [u8; 5] {
    const MORE: u8 = 0x80;
    let digit = |index: u32| (number >> (7 * index)) as u8 & 0x7f;
    [
        digit(0) | MORE,
        digit(1) | MORE,
        digit(2) | MORE,
        digit(3) | MORE,
        digit(4),
    ]
}

#[cfg(test)]
mod tests;
