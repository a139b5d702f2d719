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
    /// The kernel's account of the thread, if the process cannot open it later.
    opened: Option<Arc<File>>,
}

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
        let thread = Self::current();
        let opened = File::open(thread.stat()).ok().map(Arc::new);
        Self { opened, ..thread }
    }

    /// The path of the kernel's account of the thread.
    fn stat(&self) -> String {
        format!("/proc/self/task/{}/stat", self.id)
    }

    /// Returns `true` if the thread waits in the kernel, and `false` if it runs or would run if it had a CPU.
    ///
    /// A guest that computes never waits, however little of the CPU its function has. If the kernel does not say, the
    /// thread counts as waiting.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        // The state follows the name, which is in brackets and may have brackets in it:
        // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        let mut stat = [0; 128];
        let read = match &self.opened {
            Some(file) => file.read_at(&mut stat, 0),
            None => File::open(self.stat()).and_then(|mut file| file.read(&mut stat)),
        };
        let stat = &stat[..read.unwrap_or(0)];
        let name_ends = stat.iter().rposition(|&byte| byte == b')');
        name_ends.and_then(|end| stat.get(end + 2)) != Some(&b'R')
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

    /// The same thread, with its file.
    fn ids_with_file(thread: &ThreadId) -> ThreadId {
        let opened = File::open(thread.stat()).ok().map(Arc::new);
        assert!(opened.is_some());
        ThreadId {
            id: thread.id,
            opened,
        }
    }

    #[test]
    fn a_thread_that_waits_is_blocked_and_one_that_computes_is_not() {
        assert!(!ThreadId::current().is_blocked());
        assert!(!ThreadId::current_opened().is_blocked());
        let (ask, asked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let _ = tell.send(ThreadId::current());
            let _ = asked.recv();
        });
        let id = told.recv().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        for id in [id.clone(), ids_with_file(&id)] {
            while !id.is_blocked() {
                assert!(Instant::now() < until, "it waits, and is said to run");
                thread::yield_now();
            }
        }
        drop(ask);
        waiting.join().unwrap();
    }
}
