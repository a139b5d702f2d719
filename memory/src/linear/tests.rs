//! Memories that are used up, and looked at when they are new again.

use std::os::unix::fs::FileExt as _;

use super::*;

const WASM_PAGE: usize = 64 * 1024;
const RESERVATION: usize = 1024 * WASM_PAGE;

/// An image of three pages, from the second page of a memory on.
fn memories() -> (KeptMemories, Vec<u8>) {
    let file = tempfile::tempfile().unwrap();
    let content: Vec<u8> = (0..3 * PAGE).map(|index| (index / 3) as u8 | 1).collect();
    file.write_all_at(&content, PAGE as u64).unwrap();
    let image = Image {
        minimum: 17,
        start: PAGE,
        offset: PAGE as u64,
        length: content.len(),
    };
    let mut first = vec![0; 17 * WASM_PAGE];
    first[PAGE..4 * PAGE].copy_from_slice(&content);
    (KeptMemories::new(file, vec![image]), first)
}

fn memory(memories: &KeptMemories, minimum: u32) -> Box<dyn LinearMemory> {
    let size = minimum as usize * WASM_PAGE;
    let ty = MemoryType::new(minimum, None);
    let memory = memories.new_memory(ty, size, None, Some(RESERVATION), PAGE);
    memory.unwrap()
}

/// The bytes that a guest can read and write.
fn content(memory: &mut dyn LinearMemory) -> &mut [u8] {
    // SAFETY: a memory has so many bytes, and the test has no other reference to them.
    unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), memory.byte_size()) }
}

/// How many bytes from an address on may be accessed.
fn accessible(address: *mut u8) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut next = address.addr();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        if number(start) <= next && next < number(end) && rest.starts_with("rw") {
            next = number(end);
        }
    }
    next - address.addr()
}

/// Uses a memory up, again and again, and looks for what is left of that.
fn is_as_new_each_time(memories: &KeptMemories, first: &[u8]) {
    for grown in [17, 18, 17, 600, 18] {
        let mut memory = memory(memories, 17);
        assert!(content(&mut *memory) == first);
        assert_eq!(accessible(memory.as_ptr()), first.len());
        memory.grow_to(grown * WASM_PAGE).unwrap();
        let new = &mut content(&mut *memory)[first.len()..];
        assert!(new.iter().all(|byte| *byte == 0));
        assert_eq!(accessible(memory.as_ptr()), grown * WASM_PAGE);
        content(&mut *memory).fill(0xa5);
    }
}

#[test]
fn a_kept_memory_is_as_a_new_one() {
    let (memories, first) = memories();
    is_as_new_each_time(&memories, &first);
    assert!(memories.0.pagemap.get().unwrap().is_some());
    assert_eq!(memories.0.idle.lock().unwrap().len(), 1);
}

#[test]
fn a_kept_memory_is_as_a_new_one_where_the_kernel_does_not_tell() {
    let (memories, first) = memories();
    assert!(memories.0.pagemap.set(None).is_ok());
    is_as_new_each_time(&memories, &first);
}

#[test]
fn only_written_pages_are_put_back() {
    let (memories, first) = memories();
    drop(memory(&memories, 17));
    let mut used = memory(&memories, 17);
    // A page of zeros that is only read counts as written.
    let image = PAGE..4 * PAGE;
    assert!(content(&mut *used)[image.clone()] == first[image]);
    content(&mut *used)[2 * PAGE] = 1;
    content(&mut *used)[7 * PAGE] = 1;
    let pagemap = memories.0.pagemap.get().unwrap().as_ref().unwrap();
    drop(used);
    let idle = memories.0.idle.lock().unwrap();
    let written = pagemap.written(&idle[0].mapping, first.len()).unwrap();
    assert_eq!(written, [2 * PAGE, 7 * PAGE]);
}

#[test]
fn most_of_a_large_memory_is_given_back_to_the_kernel() {
    let (memories, first) = memories();
    let mut used = memory(&memories, 17);
    used.grow_to(RESERVATION).unwrap();
    content(&mut *used).fill(1);
    drop(used);
    {
        let pagemap = memories.0.pagemap.get().unwrap().as_ref().unwrap();
        let idle = memories.0.idle.lock().unwrap();
        let kept = pagemap.written(&idle[0].mapping, RESERVATION).unwrap();
        assert_eq!(kept.len(), KEPT);
    }
    assert!(content(&mut *memory(&memories, 17)) == first);
}

#[test]
fn instances_side_by_side_have_memories_of_their_own() {
    let (memories, first) = memories();
    let mut one = memory(&memories, 17);
    content(&mut *one).fill(1);
    let mut other = memory(&memories, 17);
    assert!(content(&mut *other) == first);
    content(&mut *other).fill(2);
    assert!(content(&mut *one).iter().all(|byte| *byte == 1));
}

#[test]
fn a_memory_without_an_image_is_of_zeros_and_may_move() {
    let (memories, _) = memories();
    let mut memory = memory(&memories, 1);
    assert!(content(&mut *memory).iter().all(|byte| *byte == 0));
    content(&mut *memory).fill(7);
    memory.grow_to(2 * RESERVATION).unwrap();
    let (old, new) = content(&mut *memory).split_at(WASM_PAGE);
    assert!(old.iter().all(|byte| *byte == 7));
    assert!(new.iter().all(|byte| *byte == 0));
    assert!(memory.byte_capacity() >= 2 * RESERVATION);
    drop(memory);
    assert!(memories.0.idle.lock().unwrap().is_empty());
}
