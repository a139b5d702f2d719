//! The second wall: after the start, the kernel refuses the process every system call that it does not need.
//!
//! The first wall is wasmtime's sandbox. If a guest finds a hole in it and runs machine code of its own, that code is in this
//! process, and can do what the process can do. With `seccomp` in the policy, that is little: no file is opened unless the
//! policy has a reason to, no program is executed, no process is created, and no memory becomes executable.

use std::collections::BTreeMap;
use std::sync::Barrier;

use lambda_wasm_lifecycle::Shutdown;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::policy::Policy;

/// Refused calls fail with this error, as calls do that the kernel does not have: libraries then do without them.
const REFUSED: SeccompAction = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());

/// Sets `O_NONBLOCK`. The C libraries disagree on its type.
const FIONBIO: u64 = 0x5421;

/// The calls that every function needs: to talk to the Runtime API, to log, to wait, and memory and threads.
const ALWAYS: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_connect,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    // glibc ends the process if a new thread cannot register.
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// The calls that a function needs that has directories, core dumps or outgoing requests, which read the addresses of name servers and
/// perhaps certificates.
const FILES: &[c_long] = &[
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_preadv,
    libc::SYS_readlinkat,
    libc::SYS_renameat2,
    libc::SYS_statx,
    libc::SYS_symlinkat,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getdents,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_renameat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
];

/// The wall around the threads of a process. It is closed when all of them are there.
pub(crate) struct Wall {
    program: Result<BpfProgram, String>,
    threads: Barrier,
}

impl Wall {
    /// Prepares the wall around so many threads, which a function with this policy needs. What they need files for is opened.
    pub(crate) fn around(policy: &Policy, threads: usize) -> Self {
        lambda_wasm_memory::open_pagemap();
        Self {
            program: program(policy).map_err(|error| error.to_string()),
            threads: Barrier::new(threads),
        }
    }

    /// Waits until all threads are here. Then the kernel refuses all threads of the process what they do not need, for good. If
    /// it cannot do that, the process ends.
    pub(crate) fn close(&self, shutdown: &Shutdown) {
        if self.threads.wait().is_leader() {
            let closed = self
                .program
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|program| {
                    let refuses = seccompiler::apply_filter_all_threads(program);
                    refuses.map_err(|error| error.to_string())
                });
            if let Err(error) = closed {
                shutdown.request_and_log(&format!(
                    "the policy has `seccomp = true`, and the kernel cannot refuse system calls here: {error}"
                ));
            }
        }
        // Nobody asks for an event before that.
        self.threads.wait();
    }
}

/// Creates the filter of a policy.
fn program(policy: &Policy) -> Result<BpfProgram, seccompiler::Error> {
    let needs_files =
        !policy.files.is_empty() || policy.coredump.is_some() || !policy.http.allow.is_empty();
    let files = if needs_files { FILES } else { &[] };
    let any = |&call| (call, Vec::new());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS.iter().chain(files).map(any).collect();
    let executable = libc::PROT_EXEC.cast_unsigned().into();
    let thread = libc::CLONE_THREAD.cast_unsigned().into();
    let is = |argument, value| {
        SeccompRule::new(vec![SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            value,
        )?])
    };
    let has_bits = |argument, bits, value| {
        SeccompRule::new(vec![SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(bits),
            value,
        )?])
    };
    // Memory does not become executable.
    rules.insert(libc::SYS_mmap, vec![has_bits(2, executable, 0)?]);
    rules.insert(libc::SYS_mprotect, vec![has_bits(2, executable, 0)?]);
    // Threads, and no processes. `clone3` hides its flags, and the libraries do without it.
    rules.insert(libc::SYS_clone, vec![has_bits(0, thread, thread)?]);
    // TCP and UDP, and no sockets of this machine alone.
    let family = |family: i32| is(0, family.cast_unsigned().into());
    rules.insert(
        libc::SYS_socket,
        vec![family(libc::AF_INET)?, family(libc::AF_INET6)?],
    );
    // `O_NONBLOCK`, and the name of a new thread.
    rules.insert(libc::SYS_ioctl, vec![is(1, FIONBIO)?]);
    let set_name = libc::PR_SET_NAME.cast_unsigned().into();
    rules.insert(libc::SYS_prctl, vec![is(0, set_name)?]);
    // Signals to itself: an abort.
    let process = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![is(0, process)?]);
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, REFUSED, SeccompAction::Allow, arch)?;
    Ok(filter.try_into()?)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::thread;

    use super::*;

    /// Does something on a thread that has the filter of a policy, as machine code of a guest would.
    fn behind_the_wall<T: Send>(policy: &Policy, escape: impl FnOnce() -> T + Send) -> T {
        let program = program(policy).unwrap();
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                seccompiler::apply_filter(&program).unwrap();
                escape()
            });
            thread.join().unwrap()
        })
    }

    fn is_refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.raw_os_error() == Some(libc::ENOSYS))
    }

    #[test]
    fn machine_code_of_a_guest_opens_nothing() {
        let policy = Policy::default();
        for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/"] {
            assert!(File::open(path).is_ok(), "{path}: nothing is tested");
            let opened = behind_the_wall(&policy, || File::open(path));
            assert!(is_refused(opened), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(is_refused(behind_the_wall(&policy, || File::create(&path))));
        assert!(is_refused(behind_the_wall(&policy, || fs::remove_dir(
            folder.path()
        ))));
        assert!(behind_the_wall(&policy, || fs::read_dir("/")).is_err());
    }

    #[test]
    fn machine_code_of_a_guest_starts_nothing() {
        let policy = Policy::default();
        assert!(Command::new("/bin/true").status().is_ok());
        let started = behind_the_wall(&policy, || Command::new("/bin/true").status());
        assert!(started.is_err());
        // A thread is not a process.
        behind_the_wall(&policy, || thread::spawn(|| {}).join().unwrap());
    }

    #[test]
    fn machine_code_of_a_guest_stays_what_it_is() {
        assert!(lambda_wasm_memory::make_code().is_ok());
        let policy = Policy::default();
        let made = behind_the_wall(&policy, lambda_wasm_memory::make_code);
        assert!(is_refused(made));
    }

    #[test]
    fn machine_code_of_a_guest_has_only_sockets_of_the_internet() {
        let policy = Policy::default();
        assert!(UnixDatagram::unbound().is_ok());
        let socket = behind_the_wall(&policy, UnixDatagram::unbound);
        assert!(is_refused(socket));
        let listens = behind_the_wall(&policy, || TcpListener::bind("127.0.0.1:0"));
        assert!(is_refused(listens));
        // The host connects to the Runtime API again when a connection is lost.
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        behind_the_wall(&policy, || TcpStream::connect(address)).unwrap();
    }
}
