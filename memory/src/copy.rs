//! `memcpy` and `memmove`, for a libc whose own functions are slow for a few bytes, which is the usual length.
//!
//! musl's take 16 ns for a copy that takes 2 ns here. A short copy reads all bytes before it writes, in two parts that may
//! overlap. A longer copy is a loop in assembly, which no compiler can turn into a call of `memcpy`.

use std::arch::asm;
use std::arch::x86_64::__m128i;

/// The longest copy that is read before it is written.
const SHORT: usize = 128;

/// The length from which on the processor's own instruction is as fast.
const LONG: usize = 2048;

/// Copies `length` bytes between places that do not overlap.
///
/// # Safety
///
/// As for [`std::ptr::copy_nonoverlapping`].
#[inline]
pub unsafe fn forward(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: all of it is within the caller's two places.
    unsafe {
        if length <= SHORT {
            short(to, from, length);
        } else if length < LONG {
            let (head, tail) = (from.cast::<[__m128i; 4]>().read_unaligned(), length - 64);
            let last = from.add(tail).cast::<[__m128i; 4]>().read_unaligned();
            to.cast::<[__m128i; 4]>().write_unaligned(head);
            asm!(
                "2:",
                "movups {a}, [{from} + {at}]",
                "movups {b}, [{from} + {at} + 16]",
                "movups {c}, [{from} + {at} + 32]",
                "movups {d}, [{from} + {at} + 48]",
                "movups [{to} + {at}], {a}",
                "movups [{to} + {at} + 16], {b}",
                "movups [{to} + {at} + 32], {c}",
                "movups [{to} + {at} + 48], {d}",
                "add {at}, 64",
                "cmp {at}, {tail}",
                "jb 2b",
                from = in(reg) from,
                to = in(reg) to,
                tail = in(reg) tail,
                at = inout(reg) 64_usize => _,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack),
            );
            to.add(tail).cast::<[__m128i; 4]>().write_unaligned(last);
        } else {
            asm!(
                "rep movsb",
                inout("rcx") length => _,
                inout("rsi") from => _,
                inout("rdi") to => _,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Copies `length` bytes between places that may overlap.
///
/// # Safety
///
/// As for [`std::ptr::copy`].
#[inline]
pub unsafe fn overlapping(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: all of it is within the caller's two places.
    unsafe {
        if length <= SHORT {
            short(to, from, length);
        } else if to.addr().abs_diff(from.addr()) >= length {
            forward(to, from, length);
        } else if to.addr() < from.addr() {
            // Forward, by parts that are read before they are written, and with nothing written ahead.
            let tail = length - 16;
            let last = from.add(tail).cast::<__m128i>().read_unaligned();
            asm!(
                "2:",
                "movups {part}, [{from} + {at}]",
                "movups [{to} + {at}], {part}",
                "add {at}, 16",
                "cmp {at}, {tail}",
                "jb 2b",
                from = in(reg) from,
                to = in(reg) to,
                tail = in(reg) tail,
                at = inout(reg) 0_usize => _,
                part = out(xmm_reg) _,
                options(nostack),
            );
            to.add(tail).cast::<__m128i>().write_unaligned(last);
        } else {
            let first = from.cast::<__m128i>().read_unaligned();
            asm!(
                "2:",
                "movups {part}, [{from} + {left} - 16]",
                "movups [{to} + {left} - 16], {part}",
                "sub {left}, 16",
                "cmp {left}, 16",
                "ja 2b",
                from = in(reg) from,
                to = in(reg) to,
                left = inout(reg) length => _,
                part = out(xmm_reg) _,
                options(nostack),
            );
            to.cast::<__m128i>().write_unaligned(first);
        }
    }
}

/// Copies at most [`SHORT`] bytes. Reads all of them before it writes.
///
/// # Safety
///
/// As for [`std::ptr::copy`].
#[inline]
unsafe fn short(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: each part lies within the caller's two places, by its length.
    unsafe {
        match length {
            0 => {}
            1 => to.write(from.read()),
            2..=3 => ends::<u16>(to, from, length),
            4..=7 => ends::<u32>(to, from, length),
            8..=15 => ends::<u64>(to, from, length),
            16..=32 => ends::<__m128i>(to, from, length),
            33..=64 => ends::<[__m128i; 2]>(to, from, length),
            _ => ends::<[__m128i; 4]>(to, from, length),
        }
    }
}

/// Copies the first and the last bytes, as many of each as `T` has. Together these are all bytes.
///
/// # Safety
///
/// As for [`std::ptr::copy`], with a length between the size of `T` and twice that.
#[inline(always)]
unsafe fn ends<T>(to: *mut u8, from: *const u8, length: usize) {
    let tail = length - size_of::<T>();
    // SAFETY: both ends lie within the caller's two places.
    unsafe {
        let first = from.cast::<T>().read_unaligned();
        let last = from.add(tail).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(first);
        to.add(tail).cast::<T>().write_unaligned(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 6] = [1000, 2047, 2048, 2049, 4096, 10_001];

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index * 7 % 251) as u8).collect()
    }

    #[test]
    fn every_length_is_copied_and_no_byte_more() {
        for length in (0..600).chain(LENGTHS) {
            let from = bytes(length);
            let mut to = vec![0xEE; length + 2];
            // SAFETY: there is a byte before and one behind.
            unsafe { forward(to.as_mut_ptr().add(1), from.as_ptr(), length) };
            assert_eq!(to[1..=length], from, "{length}");
            assert_eq!((to[0], to[length + 1]), (0xEE, 0xEE), "{length}");
        }
    }

    #[test]
    fn places_may_overlap() {
        for length in (0..600).chain(LENGTHS) {
            for distance in [0, 1, 7, 15, 16, 17, 63, 100, 599, length] {
                for (to, from) in [(0, distance), (distance, 0)] {
                    let mut all = bytes(length + distance);
                    let mut expected = all.clone();
                    expected.copy_within(from..from + length, to);
                    let start = all.as_mut_ptr();
                    // SAFETY: both lie within the vector.
                    unsafe { overlapping(start.add(to), start.add(from), length) };
                    assert_eq!(all, expected, "{length} bytes from {from} to {to}");
                }
            }
        }
    }
}
