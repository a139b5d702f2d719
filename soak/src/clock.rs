//! The real-time clock of one process, which can be set while the machine's stays as it is.
//!
//! A program reads the time by calling code that the kernel maps into each process, the [vDSO]. `/proc/PID/mem` writes even to
//! pages that the process itself cannot write, for debuggers, and gives the process its own copy of them. In this copy, the
//! function that reads clocks jumps to a few instructions that ask the kernel and add a number of seconds to the real time.
//! A program that is executed has the machine's clock again.
//!
//! [vDSO]: https://man7.org/linux/man-pages/man7/vdso.7.html

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use object::elf::{EM_X86_64, FileHeader64};
use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSymbol};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The function that reads clocks. musl and glibc call it for each time that Rust's standard library asks for.
const FUNCTION: &[u8] = b"__vdso_clock_gettime";

/// What the function is replaced with. The seconds that it adds are the 8 bytes before it.
const READ_CLOCK: [u8; 31] = [
    0xb8, 0xe4, 0, 0, 0, // mov eax, 228 (clock_gettime)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x75, 19, // jnz end
    0x85, 0xff, // test edi, edi (CLOCK_REALTIME)
    0x74, 5, // jz add
    0x83, 0xff, 5, // cmp edi, 5 (CLOCK_REALTIME_COARSE)
    0x75, 10, // jne end
    0x48, 0x8b, 0x15, 0xdd, 0xff, 0xff, 0xff, // add: mov rdx, [seconds]
    0x48, 0x01, 0x16, // add [rsi], rdx
    0xc3, // end: ret
];

/// How many bytes there are for the seconds.
const SECONDS: usize = size_of::<i64>();

/// The places in a vDSO, from its start.
struct Places {
    function: usize,
    seconds: usize,
}

/// Sets the real-time clock of a stopped process so many seconds ahead of the machine's, or behind it.
///
/// # Errors
///
/// Returns an error if the process has ended, or a thread of it is not stopped or just reads a clock, or if this machine does not
/// let its clock be set.
pub fn set(process: u32, ahead: i64) -> Result<()> {
    let path = format!("/proc/{process}/mem");
    let memory = File::options().read(true).write(true).open(&path);
    let memory = memory.with_context(|| format!("{path} cannot be opened"))?;
    let pages = pages(process)?;
    let mut code = vec![0; usize::try_from(pages.end - pages.start)?];
    memory.read_exact_at(&mut code, pages.start)?;
    let places = Places::find(&code)?;
    let write = |bytes: &[u8], place: usize| {
        let written = memory.write_all_at(bytes, pages.start + place as u64);
        written.context("the vDSO cannot be written")
    };
    write(&ahead.to_le_bytes(), places.seconds)?;
    let jump = places.jump()?;
    if !code[places.function..].starts_with(&jump) {
        no_thread_is_within(process, &pages)?;
        write(&READ_CLOCK, places.seconds + SECONDS)?;
        write(&jump, places.function)?;
    }
    Ok(())
}

/// Returns the reason why this machine does not let the clock of a process be set. `None` if it does.
#[must_use]
pub fn obstacle() -> Option<&'static str> {
    static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
    let obstacle = OBSTACLE.get_or_init(|| try_out().err().map(|error| format!("{error:#}")));
    obstacle.as_deref()
}

fn try_out() -> Result<()> {
    // It waits for its input.
    let mut command = Command::new("cat");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().context("cat does not start")?;
    let set = stop(child.id()).and_then(|()| set(child.id(), 1));
    let _ = child.kill();
    let _ = child.wait();
    set
}

/// Stops a child of this process, and waits until it is stopped or has ended.
///
/// # Errors
///
/// Returns an error if the child has ended before.
pub fn stop(process: u32) -> Result<()> {
    let id = Pid::from_raw(process.cast_signed()).context("no process")?;
    kill_process(id, Signal::STOP)?;
    // A child that has ended is left to its `Child`.
    let change = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(id), change)?;
    Ok(())
}

/// Returns the addresses of the vDSO in a process.
fn pages(process: u32) -> Result<Range<u64>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    let (start, rest) = line
        .and_then(|line| line.split_once('-'))
        .context("the process has no vDSO")?;
    let (end, _) = rest.split_once(' ').context("a line without an end")?;
    Ok(u64::from_str_radix(start, 16)?..u64::from_str_radix(end, 16)?)
}

/// Checks that no thread of a stopped process executes code of these addresses.
fn no_thread_is_within(process: u32, pages: &Range<u64>) -> Result<()> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // The last word is the instruction's address: https://man7.org/linux/man-pages/man5/proc_pid_syscall.5.html
        let state = fs::read_to_string(thread?.path().join("syscall"))?;
        let at = state.split_whitespace().next_back();
        let at = at.and_then(|at| u64::from_str_radix(at.strip_prefix("0x")?, 16).ok());
        let at = at.with_context(|| format!("a thread is not stopped: {}", state.trim()))?;
        ensure!(!pages.contains(&at), "a thread reads a clock");
    }
    Ok(())
}

impl Places {
    fn find(code: &[u8]) -> Result<Self> {
        let elf = ElfFile64::<Endianness>::parse(code).context("the vDSO is not 64-bit ELF")?;
        let header: &FileHeader64<Endianness> = elf.elf_header();
        let endian = elf.endian();
        let machine = header.e_machine(endian);
        ensure!(machine == EM_X86_64, "the CPU is not an x86_64");
        let mut symbols = elf.dynamic_symbols();
        let function = symbols.find(|symbol| symbol.name_bytes() == Ok(FUNCTION));
        let function = function.context("the vDSO does not read clocks")?;
        let function = usize::try_from(function.address())?;
        // The section headers are the last that the file has. Zeros fill its page.
        let sections = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
        let end = usize::try_from(header.e_shoff(endian) + sections)?;
        let seconds = end.next_multiple_of(16);
        let room = code.get(seconds..seconds + SECONDS + READ_CLOCK.len());
        match room.map(|room| room.split_at(SECONDS)) {
            Some((_, code)) if code == READ_CLOCK || code.iter().all(|&byte| byte == 0) => {
                Ok(Self { function, seconds })
            }
            _ => bail!("the vDSO has no room"),
        }
    }

    /// Returns the instruction that jumps from the function to its replacement.
    fn jump(&self) -> Result<[u8; 5]> {
        let mut jump = [0xe9; 5];
        let next = self.function + jump.len();
        let distance = i32::try_from(self.seconds + SECONDS)? - i32::try_from(next)?;
        jump[1..].copy_from_slice(&distance.to_le_bytes());
        Ok(jump)
    }
}
