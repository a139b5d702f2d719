//! A filter that looks for a system call in a list by halves.
//!
//! seccompiler compares a call with one after the other. When the kernel takes a filter, it runs it for each system call that it
//! has: with 100 comparisons that takes 0.14 ms of a start.

use libc::c_long;
use seccompiler::{BpfProgram, sock_filter};

/// The architecture of a call, by `include/uapi/linux/audit.h` of Linux.
const ARCH: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else {
    0xc000_00b7
};

/// The places of the number and of the architecture in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

// Instructions, by `linux/bpf_common.h`.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW` of `linux/seccomp.h`.
const ALLOW: u32 = 0x7fff_0000;

/// Returns a program that allows these calls, and has `others` decide about every other one. `None` if there are too many: a jump
/// has a byte for its length.
pub(super) fn allow(calls: impl Iterator<Item = c_long>, others: BpfProgram) -> Option<BpfProgram> {
    let mut calls: Vec<u32> = calls.filter_map(|call| u32::try_from(call).ok()).collect();
    calls.sort_unstable();
    calls.dedup();
    // Where the allowed numbers begin and end, in turn.
    let mut bounds: Vec<u32> = Vec::new();
    for call in calls {
        match bounds.last_mut() {
            Some(end) if *end == call => *end += 1,
            _ => bounds.extend([call, call + 1]),
        }
    }
    let mut search = Vec::new();
    find(&bounds, false, &mut search)?;
    let mut program = vec![
        instruction(LOAD, ARCHITECTURE),
        sock_filter {
            jt: 1,
            ..instruction(JUMP_IF_EQUAL, ARCH)
        },
        // Over the next instruction, too.
        instruction(JUMP, length(&search) + 1),
        instruction(LOAD, NUMBER),
    ];
    let end = search.len();
    for (at, mut step) in search.into_iter().enumerate() {
        if step.code == JUMP {
            step.k = u32::try_from(end - at - 1).unwrap_or(u32::MAX);
        }
        program.push(step);
    }
    program.extend(others);
    Some(program)
}

/// Adds the search between these bounds. Before the first of them, calls are allowed or not. A jump leads to the end.
fn find(bounds: &[u32], is_allowed: bool, search: &mut BpfProgram) -> Option<()> {
    if bounds.is_empty() {
        search.push(match is_allowed {
            true => instruction(RETURN, ALLOW),
            false => instruction(JUMP, 0),
        });
        return Some(());
    }
    let middle = bounds.len() / 2;
    let at = search.len();
    search.push(instruction(JUMP_IF_AT_LEAST, bounds[middle]));
    find(&bounds[..middle], is_allowed, search)?;
    search[at].jt = u8::try_from(search.len() - at - 1).ok()?;
    let is_allowed_from_here = is_allowed != middle.is_multiple_of(2);
    find(&bounds[middle + 1..], is_allowed_from_here, search)
}

fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

fn length(program: &BpfProgram) -> u32 {
    u32::try_from(program.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel does. Returns its result, and how many instructions it took.
    fn run(program: &BpfProgram, number: u32, arch: u32) -> (u32, usize) {
        let (mut at, mut value, mut steps) = (0, 0, 0);
        loop {
            let step = &program[at];
            (at, steps) = (at + 1, steps + 1);
            let jump = |is| usize::from(if is { step.jt } else { step.jf });
            match step.code {
                LOAD if step.k == NUMBER => value = number,
                LOAD => value = arch,
                JUMP => at += step.k as usize,
                JUMP_IF_EQUAL => at += jump(value == step.k),
                JUMP_IF_AT_LEAST => at += jump(value >= step.k),
                _ => return (step.k, steps),
            }
        }
    }

    #[test]
    fn the_calls_are_allowed_and_no_others() {
        let lists: [&[c_long]; 5] = [
            &[],
            &[0],
            &[7, 3, 3, 4],
            &[0, 1, 2, 5, 9, 10, 600],
            &[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31],
        ];
        for calls in lists {
            let program = allow(calls.iter().copied(), vec![instruction(RETURN, 1)]).unwrap();
            for number in (0..700).chain([u32::MAX]) {
                let expected = match calls.contains(&number.into()) {
                    true => ALLOW,
                    false => 1,
                };
                let (result, steps) = run(&program, number, ARCH);
                assert_eq!(result, expected, "{number} of {calls:?}");
                assert!(steps < 12, "{steps} steps for {number} of {calls:?}");
                assert_eq!(run(&program, number, ARCH + 1).0, 1);
            }
        }
    }

    #[test]
    fn too_many_calls_are_refused() {
        let calls = (0..400).map(|number| 2 * number);
        assert!(allow(calls, vec![instruction(RETURN, 1)]).is_none());
    }
}
