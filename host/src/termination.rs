//! SIGTERM, which asks the process to end.
//!
//! Lambda sends it before it ends an environment that has an extension, and a container engine sends it too:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// Knows whether SIGTERM has been received.
#[derive(Debug)]
pub struct Termination {
    is_requested: Arc<AtomicBool>,
    /// Has a byte to read after SIGTERM. Nothing reads the byte, so that it wakes all threads that wait.
    wake: UnixStream,
}

impl Termination {
    /// Receives SIGTERM from now on. Until then it kills the process.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has no file descriptor left.
    pub fn register() -> io::Result<Self> {
        let is_requested = Arc::new(AtomicBool::new(false));
        let (wake, signalled) = UnixStream::pair()?;
        // The flag comes first: a thread that is woken finds it set.
        flag::register(SIGTERM, Arc::clone(&is_requested))?;
        pipe::register(SIGTERM, signalled)?;
        Ok(Self { is_requested, wake })
    }

    /// Returns whether the process ends as soon as no invocation is under way.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.is_requested.load(Ordering::SeqCst)
    }

    /// Waits until `input` can be read. Returns `false` if SIGTERM is received and `input` cannot be read yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel cannot wait.
    pub(crate) fn wait_for(&self, input: impl AsFd) -> io::Result<bool> {
        let mut both = [
            PollFd::new(&input, PollFlags::IN),
            PollFd::new(&self.wake, PollFlags::IN),
        ];
        while let Err(error) = poll(&mut both, None) {
            if error != Errno::INTR {
                return Err(error.into());
            }
        }
        Ok(!both[0].revents().is_empty())
    }

    /// Waits for `pause`, or until SIGTERM is received.
    pub(crate) fn sleep(&self, pause: Duration) {
        let pause = Timespec::try_from(pause).ok();
        // A signal ends the wait early. The only one that the process receives is SIGTERM.
        let _ = poll(
            &mut [PollFd::new(&self.wake, PollFlags::IN)],
            pause.as_ref(),
        );
    }
}
