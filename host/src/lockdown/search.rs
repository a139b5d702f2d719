//! A filter that looks for a system call in a list by halves.
//!
//! seccompiler compares a call with one after the other. When the kernel takes a filter, it runs it for each system call that it
//! has: with 100 comparisons that takes 0.14 ms of a start.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, sock_filter};

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

/// The decision about a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The kernel does it.
    Allow,
    /// seccompiler's program decides, by the call's arguments.
    Ask,
    /// It fails.
    Refuse,
}

/// The verdict of all calls from this number on, up to the next one.
type Bound = (u32, Verdict);

/// Returns a program that allows some calls, has `asked` decide about those that it knows by `rules`, and does `refusal` with
/// every other one. `None` if there are too many: a jump has a byte for its length.
pub(super) fn program(
    calls: impl Iterator<Item = (c_long, Verdict)>,
    refusal: SeccompAction,
    asked: BpfProgram,
) -> Option<BpfProgram> {
    let mut bounds: BTreeMap<u32, Verdict> = BTreeMap::new();
    for (call, verdict) in calls {
        let call = u32::try_from(call).ok()?;
        bounds.insert(call, verdict);
        bounds
            .entry(call.checked_add(1)?)
            .or_insert(Verdict::Refuse);
    }
    let mut bounds: Vec<Bound> = bounds.into_iter().collect();
    bounds.dedup_by_key(|(_, verdict)| *verdict);
    let mut search = Vec::new();
    find(&bounds, Verdict::Refuse, refusal.into(), &mut search)?;
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
    program.extend(asked);
    Some(program)
}

/// Adds the search between these bounds, before the first of which calls have this verdict. A jump leads to the end.
fn find(bounds: &[Bound], before: Verdict, refusal: u32, search: &mut BpfProgram) -> Option<()> {
    let Some(&(number, verdict)) = bounds.get(bounds.len() / 2) else {
        search.push(match before {
            Verdict::Allow => instruction(RETURN, SeccompAction::Allow.into()),
            Verdict::Refuse => instruction(RETURN, refusal),
            Verdict::Ask => instruction(JUMP, 0),
        });
        return Some(());
    };
    let (lower, upper) = bounds.split_at(bounds.len() / 2);
    let at = search.len();
    search.push(instruction(JUMP_IF_AT_LEAST, number));
    find(lower, before, refusal, search)?;
    search[at].jt = u8::try_from(search.len() - at - 1).ok()?;
    find(&upper[1..], verdict, refusal, search)
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

    /// The program that is asked says this.
    const ASKED: u32 = 1;

    fn search(allowed: &[c_long], asked: &[c_long]) -> Option<BpfProgram> {
        let with = |verdict| move |&call: &c_long| (call, verdict);
        program(
            allowed
                .iter()
                .map(with(Verdict::Allow))
                .chain(asked.iter().map(with(Verdict::Ask))),
            SeccompAction::Trap,
            vec![instruction(RETURN, ASKED)],
        )
    }

    #[test]
    fn each_call_has_its_verdict() {
        let lists: [(&[c_long], &[c_long]); 6] = [
            (&[], &[]),
            (&[0], &[]),
            (&[], &[0]),
            (&[7, 3, 3, 4], &[5, 9]),
            (&[0, 1, 2, 5, 9, 10, 600], &[3, 4, 8]),
            (
                &[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31],
                &[2, 30, 32, 400],
            ),
        ];
        for (allowed, asked) in lists {
            let program = search(allowed, asked).unwrap();
            for number in (0..700).chain([u32::MAX]) {
                let call = c_long::from(number);
                let expected = match (allowed.contains(&call), asked.contains(&call)) {
                    (true, _) => SeccompAction::Allow.into(),
                    (_, true) => ASKED,
                    _ => SeccompAction::Trap.into(),
                };
                let (result, steps) = run(&program, number, ARCH);
                assert_eq!(result, expected, "{number} of {allowed:?}, {asked:?}");
                assert!(steps < 12, "{steps} steps for {number} of {allowed:?}");
                assert_eq!(run(&program, number, ARCH + 1).0, ASKED);
            }
        }
    }

    #[test]
    fn too_many_calls_are_refused() {
        let calls: Vec<c_long> = (0..400).map(|number| 2 * number).collect();
        assert!(search(&calls, &[]).is_none());
    }
}
