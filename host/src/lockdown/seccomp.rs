//! The system calls that are left to the process.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};

use super::search::{self, Verdict};
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

/// The calls that a function needs that sends requests, beside `socket`.
const REQUESTS: &[c_long] = &[libc::SYS_connect];

/// Creates the filter of a policy.
pub(super) fn program(policy: &Policy) -> Result<BpfProgram, seccompiler::Error> {
    let sends = !policy.http.allow.is_empty();
    let needs_files = !policy.files.is_empty() || policy.coredump.is_some() || sends;
    let files = if needs_files { FILES } else { &[] };
    let requests = if sends { REQUESTS } else { &[] };
    let mut rules = BTreeMap::new();
    let executable = libc::PROT_EXEC.cast_unsigned().into();
    let thread = libc::CLONE_THREAD.cast_unsigned().into();
    let is = |argument, value| condition(argument, SeccompCmpOp::Eq, value);
    let has_bits = |argument, bits, value| condition(argument, SeccompCmpOp::MaskedEq(bits), value);
    let only = |condition: Result<_, _>| SeccompRule::new(vec![condition?]);
    // Memory does not become executable.
    rules.insert(libc::SYS_mmap, vec![only(has_bits(2, executable, 0))?]);
    rules.insert(libc::SYS_mprotect, vec![only(has_bits(2, executable, 0))?]);
    // Threads, and no processes. `clone3` hides its flags, and the libraries do without it.
    rules.insert(libc::SYS_clone, vec![only(has_bits(0, thread, thread))?]);
    // TCP, and UDP to ask name servers: no sockets of this machine alone.
    if sends {
        let internet = |family: libc::c_int| only(is(0, family.cast_unsigned().into()));
        let sockets = vec![internet(libc::AF_INET)?, internet(libc::AF_INET6)?];
        rules.insert(libc::SYS_socket, sockets);
    }
    // `O_NONBLOCK`, and the name of a new thread.
    rules.insert(libc::SYS_ioctl, vec![only(is(1, FIONBIO))?]);
    let set_name = libc::PR_SET_NAME.cast_unsigned().into();
    rules.insert(libc::SYS_prctl, vec![only(is(0, set_name))?]);
    // Signals to itself: an abort.
    let process = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![only(is(0, process))?]);
    let arch = std::env::consts::ARCH.try_into()?;
    let allowed = ALWAYS
        .iter()
        .chain(files)
        .chain(requests)
        .map(|call| (*call, Verdict::Allow));
    let asked = rules.keys().map(|call| (*call, Verdict::Ask));
    let calls: Vec<_> = allowed.chain(asked).collect();
    let filter = SeccompFilter::new(rules, REFUSED, SeccompAction::Allow, arch)?;
    let count = calls.len();
    search::program(calls.into_iter(), REFUSED, filter.try_into()?)
        .ok_or(BackendError::FilterTooLarge(count).into())
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io;
    use std::net::{TcpListener, TcpStream, UdpSocket};
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
    fn machine_code_of_a_guest_connects_to_nothing() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        assert!(TcpStream::connect(address).is_ok());
        let policy = Policy::default();
        for (what, refused) in [
            (
                "TCP",
                behind_the_wall(&policy, || TcpStream::connect(address)).map(drop),
            ),
            (
                "UDP",
                behind_the_wall(&policy, || UdpSocket::bind("0.0.0.0:0")).map(drop),
            ),
            (
                "listening",
                behind_the_wall(&policy, || TcpListener::bind("127.0.0.1:0")).map(drop),
            ),
            (
                "this machine",
                behind_the_wall(&policy, UnixDatagram::unbound).map(drop),
            ),
        ] {
            assert!(is_refused(refused), "{what}");
        }
    }

    #[test]
    fn machine_code_of_a_guest_that_sends_requests_has_only_sockets_of_the_internet() {
        let policy = Policy::parse_at(
            "[http]\nallow = [\"https://example.com\"]\n",
            "/".as_ref(),
            "a.toml".as_ref(),
        )
        .unwrap();
        assert!(UnixDatagram::unbound().is_ok());
        assert!(is_refused(behind_the_wall(&policy, UnixDatagram::unbound)));
        let listens = behind_the_wall(&policy, || TcpListener::bind("127.0.0.1:0"));
        assert!(is_refused(listens));
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        behind_the_wall(&policy, || TcpStream::connect(address)).unwrap();
    }
}
