//! The process and its threads, as the kernel sees them: their state, their size, and the restart of the process.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use crate::log;

/// How much memory the process may keep between invocations, in KiB.
const MAX_MEMORY: u64 = 32 * 1024;

/// How many threads there may be between invocations. Idle threads of a tokio runtime end after 10 seconds.
const MAX_THREADS: u64 = 32;

/// One thread of this process.
#[derive(Debug, Clone)]
pub struct ThreadId {
    id: i32,
    /// The kernel's accounts of the thread, if the process cannot open them later.
    opened: Option<Arc<[File; 2]>>,
}

/// The state of a thread at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// It runs, or would run if it had a CPU.
    Running,
    /// It waits in the kernel, and a signal could end the wait.
    Waiting,
    /// It waits in the kernel, and nothing else could end the wait: for a disk that hangs, or for a moment, until another thread has
    /// changed the process's memory or its table of files. It has run so many times before.
    Held(u64),
}

/// The kernel's accounts of a thread: its state, and how long and how often it has run.
const ACCOUNTS: [&str; 2] = ["stat", "schedstat"];

impl ThreadId {
    /// Returns the current thread.
    #[must_use]
    pub fn current() -> Self {
        let id = rustix::thread::gettid().as_raw_nonzero().get();
        Self { id, opened: None }
    }

    /// Returns the current thread of a process that will not be able to open files.
    #[must_use]
    pub fn current_opened() -> Self {
        Self::current().opened()
    }

    fn opened(self) -> Self {
        let [stat, schedstat] = ACCOUNTS.map(|account| self.open(account));
        let opened = stat.and_then(|stat| Ok(Arc::new([stat, schedstat?]))).ok();
        Self { opened, ..self }
    }

    fn open(&self, account: &str) -> io::Result<File> {
        File::open(format!("/proc/self/task/{}/{account}", self.id))
    }

    /// Returns the state of the thread.
    ///
    /// A guest that computes never waits, however little of the CPU its function has. If the kernel does not say, the
    /// thread counts as waiting.
    #[must_use]
    pub fn state(&self) -> ThreadState {
        // The state follows the name, which is in brackets and may have brackets in it:
        // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        let mut buffer = [0; 128];
        let stat = self.read(0, &mut buffer);
        let name_ends = stat.iter().rposition(|&byte| byte == b')');
        match name_ends.and_then(|end| stat.get(end + 2)) {
            Some(b'R') => ThreadState::Running,
            Some(b'D') => ThreadState::Held(self.times_run()),
            _ => ThreadState::Waiting,
        }
    }

    /// Returns how many times the thread has got a CPU, by the third number of
    /// <https://docs.kernel.org/scheduler/sched-stats.html>. 0 if the kernel does not count.
    fn times_run(&self) -> u64 {
        let mut buffer = [0; 128];
        let numbers = str::from_utf8(self.read(1, &mut buffer)).unwrap_or_default();
        let times = numbers.split_ascii_whitespace().nth(2);
        times.and_then(|times| times.parse().ok()).unwrap_or(0)
    }

    /// Reads one of the accounts.
    fn read<'a>(&self, account: usize, buffer: &'a mut [u8]) -> &'a [u8] {
        let read = match &self.opened {
            Some(files) => files[account].read_at(buffer, 0),
            None => self
                .open(ACCOUNTS[account])
                .and_then(|mut file| file.read(buffer)),
        };
        &buffer[..read.unwrap_or(0)]
    }
}

/// Returns `true` if the process has kept so much memory, or so many threads, that it should re-execute itself.
#[must_use]
pub(crate) fn is_bloated() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    number("RssAnon:") > Some(MAX_MEMORY) || number("Threads:") > Some(MAX_THREADS)
}

/// Re-executes the process. Returns only if that fails, with the reason.
#[must_use]
pub(crate) fn reexec() -> io::Error {
    let exec = || -> io::Result<Infallible> {
        let mut arguments = std::env::args_os();
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        log::hand_on(&mut command);
        Err(command.args(arguments).exec())
    };
    let Err(error) = exec();
    error
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_thread_that_waits_is_told_from_one_that_computes() {
        assert_eq!(ThreadId::current().state(), ThreadState::Running);
        assert_eq!(ThreadId::current_opened().state(), ThreadState::Running);
        let (ask, asked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let _ = tell.send(ThreadId::current());
            let _ = asked.recv();
        });
        let id = told.recv().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let with_files = id.clone().opened();
        assert!(with_files.opened.is_some());
        for id in [id, with_files] {
            while id.state() != ThreadState::Waiting {
                assert!(Instant::now() < until, "it waits, and is said to run");
                thread::yield_now();
            }
        }
        drop(ask);
        waiting.join().unwrap();
    }

    #[test]
    fn the_kernel_counts_how_often_a_thread_runs() {
        let thread = ThreadId::current();
        let before = thread.times_run();
        let until = Instant::now() + Duration::from_secs(20);
        while thread.times_run() == before {
            assert!(Instant::now() < until, "it is not counted");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
