//! The file descriptors that an instance and its requests may have.
//!
//! Lambda allows a process 1,024: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>. Each worker gets
//! the same share, so that a guest that opens many files takes none from a neighbour or from the Runtime API.

use std::fs::File;
use std::sync::{Arc, Weak};

use rustix::process::{Resource, getrlimit};
use thiserror::Error;

/// The descriptors of the process beside its workers: its log, its artifact, a connection to report a stuck invocation, and files
/// that it reads and closes.
const PROCESS: usize = 32;

/// The descriptors of each worker: a connection to the Runtime API.
const WORKER: usize = 1;

/// The descriptors of a worker where directories are granted: one directory is open while the guest lists it.
const LISTED: usize = 1;

/// The descriptors of a worker for non-blocking I/O: three for its driver, and a connection for a streamed response.
const IO: usize = 4;

/// How many requests of one worker may be in flight at most.
const MAX_IN_FLIGHT: usize = 64;

/// How many connections a worker may have for each request in flight, since idle connections are kept.
pub(crate) const CONNECTIONS: usize = 2;

/// The descriptors of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many files and directories its instance may open.
    pub files: usize,
    /// How many requests may be in flight.
    pub requests: usize,
}

impl Share {
    /// Returns the share of each worker.
    ///
    /// # Errors
    ///
    /// Returns how many descriptors the workers need if the limit is lower.
    pub fn new(
        limit: usize,
        workers: usize,
        directories: usize,
        has_io: bool,
        sends: bool,
    ) -> Result<Self, usize> {
        // The preopens of an invocation are opened before those of the start are closed.
        let listed = if directories > 0 { LISTED } else { 0 };
        let own = WORKER + if has_io { IO } else { 0 } + listed + 2 * directories;
        let least = own + if sends { CONNECTIONS } else { 0 };
        let share = limit.saturating_sub(PROCESS) / workers.max(1);
        if share < least {
            return Err(PROCESS + workers * least);
        }
        let rest = share - own;
        let requests = match sends {
            true => (rest / (2 * CONNECTIONS)).clamp(1, MAX_IN_FLIGHT),
            false => 0,
        };
        Ok(Self {
            files: rest - CONNECTIONS * requests,
            requests,
        })
    }
}

/// Returns how many descriptors this process may have.
#[must_use]
pub(super) fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// The error that stops a guest that opens more files than its share.
#[derive(Debug, Clone, Copy, Error)]
#[error("it has too many files open")]
pub struct TooManyFiles {
    /// How many files it may have open.
    pub limit: usize,
}

/// The files and directories that an instance has open.
#[derive(Debug)]
pub struct OpenFiles {
    limit: usize,
    /// A stream keeps a file open whose descriptor the guest dropped, and so the files are counted and not the descriptors.
    opened: Vec<Weak<File>>,
    /// Has a clone for each file that is being opened.
    opening: Arc<()>,
}

/// A file that is being opened, or will not be.
#[derive(Debug)]
pub struct Opening {
    _counted: Arc<()>,
}

impl OpenFiles {
    /// Allows `limit` open files.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            opened: Vec::new(),
            opening: Arc::new(()),
        }
    }

    /// Takes a place for a file that is to be opened.
    ///
    /// # Errors
    ///
    /// Returns an error if the instance has as many files open as it may.
    pub fn open(&mut self) -> Result<Opening, TooManyFiles> {
        let limit = self.limit;
        let places = limit.saturating_sub(Arc::strong_count(&self.opening) - 1);
        if self.opened.len() >= places {
            self.opened.retain(|file| file.strong_count() > 0);
        }
        if self.opened.len() >= places {
            return Err(TooManyFiles { limit });
        }
        Ok(Opening {
            _counted: Arc::clone(&self.opening),
        })
    }

    /// Counts this file until it is closed, in the place that `opening` took.
    pub fn opened(&mut self, opening: Opening, file: &Arc<File>) {
        drop(opening);
        self.opened.push(Arc::downgrade(file));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_fit_in_the_limit() {
        for workers in [1, 4, 16, 64] {
            for (has_io, sends) in [(false, false), (true, false), (true, true)] {
                let share = Share::new(1024, workers, 1, has_io, sends).unwrap();
                let own = WORKER + if has_io { IO } else { 0 } + LISTED + 2;
                let all = own + share.files + CONNECTIONS * share.requests;
                assert!(PROCESS + workers * all <= 1024, "{workers}: {share:?}");
            }
        }
    }

    #[test]
    fn too_many_workers_are_told_what_they_need() {
        assert_eq!(Share::new(1024, 256, 0, true, false), Err(32 + 256 * 5));
        let share = Share::new(1024, 992, 0, false, false).unwrap();
        assert_eq!((share.files, share.requests), (0, 0));
        for (workers, files) in [(1, 988), (4, 244)] {
            let share = Share::new(1024, workers, 1, false, false).unwrap();
            assert_eq!(share.files, files, "which docs/policy.md says");
        }
        let share = Share::new(1024, 4, 1, true, true).unwrap();
        assert_eq!((share.files, share.requests), (120, 60));
    }

    #[test]
    fn files_are_counted_until_they_are_closed() {
        let mut files = OpenFiles::new(2);
        let open = || Arc::new(File::open("/dev/null").unwrap());
        let (kept, closed) = (open(), open());
        let opening = files.open().unwrap();
        files.opened(opening, &kept);
        let opening = files.open().unwrap();
        assert!(files.open().is_err(), "one is open and one is being opened");
        files.opened(opening, &closed);
        assert!(files.open().is_err(), "two are open");
        drop(closed);
        let given_up = files.open().unwrap();
        drop(given_up);
        files.open().unwrap();
    }
}
