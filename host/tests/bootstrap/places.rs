//! The places in which `bootstrap` may run: other rights, less memory, and less of a system than a developer's machine has.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{Deployment, Host, full_bootstrap, root};

/// A user who owns nothing.
const NOBODY: u32 = 65534;

/// Whether this machine lets a test do that, as root may do it outside of some containers.
fn can(program: &str, arguments: &[&str]) -> bool {
    let tried = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

fn can_mount(place: &str) -> bool {
    let mount = "mount -t tmpfs tmpfs /mnt && mount -o remount,bind,ro /";
    let can = can("unshare", &["--mount", "sh", "-c", mount]);
    if !can {
        skip(place, "this user cannot mount");
    }
    can
}

/// What `/proc` says of a process.
fn of_process(host: &Host, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{file}", host.pid()))
}

/// Checks that a line of such a file has these words first.
#[track_caller]
fn has_line(host: &Host, file: &str, words: &[&str]) {
    let text = fs::read_to_string(of_process(host, file)).unwrap();
    let is_it = |line: &str| {
        line.split_whitespace()
            .take(words.len())
            .eq(words.iter().copied())
    };
    assert!(text.lines().any(is_it), "{file} has no {words:?}:\n{text}");
}

/// Serves invocations of a function in a place, and of a function that may write to `/tmp`. `is_there` checks the place.
fn serves(place: &[&str], is_there: impl Fn(&Host)) {
    let host = Deployment::of("handler").in_place(place).start();
    let event = " \"echo: \\u00e4 ä 😀\" ";
    assert_eq!(host.invoke(event).response().text(), event);
    is_there(&host);
    for _ in 0..3 {
        assert_eq!(host.ask("count"), "1");
        assert_eq!(host.ask("soil:an earlier guest"), "soiled");
        assert_eq!(host.ask("find:an earlier guest"), "0");
    }
    let endless = Invocation::new("\"loop\"").timeout(Duration::from_millis(600));
    let error = host.api.invoke(endless).error();
    assert_eq!(error.error_type(), "Function.Timeout");
    assert_eq!(host.ask("count"), "1");
    host.finish();

    let files = "[files]\n\"/tmp\" = \"read-write\"\n";
    let host = Deployment::of("policy")
        .policy(files)
        .in_place(place)
        .start();
    let file = format!("/tmp/place-{}", host.pid());
    assert_eq!(host.ask(&format!("create:{file}")), "done");
    assert_eq!(host.ask(&format!("append:{file}")), "done");
    assert_eq!(host.ask(&format!("read:{file}")), "newmore");
    assert_eq!(host.ask(&format!("remove:{file}")), "done");
    host.finish();
}

trait Placed {
    /// Starts a copy of `bootstrap` that lies beside the function, which everybody may read, by these words.
    fn in_place(self, place: &[&str]) -> Self;
}

impl Placed for Deployment {
    fn in_place(self, place: &[&str]) -> Self {
        fs::copy(full_bootstrap(), self.path().join("bootstrap")).unwrap();
        fs::set_permissions(self.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        self.env("PATH", &path).under(place)
    }
}

/// As Lambda has it: only `/tmp` can be written, and neither the files nor the rights are the user's.
#[test]
fn on_a_root_that_nobody_may_write() {
    if !can_mount("bootstrap on a read-only root") {
        return;
    }
    let script = "mount --bind \"$LAMBDA_TASK_ROOT\" /mnt && mount -t tmpfs -o mode=1777 tmpfs /tmp \
         && mount -o remount,bind,ro /mnt && mount -o remount,bind,ro / && cd /mnt \
         && LAMBDA_TASK_ROOT=/mnt exec setpriv --reuid=65534 --regid=65534 --clear-groups \
         --bounding-set=-all --no-new-privs /mnt/bootstrap";
    let nobody = NOBODY.to_string();
    serves(&["unshare", "--mount", "sh", "-c", script], |host| {
        has_line(
            host,
            "status",
            &["Uid:", &nobody, &nobody, &nobody, &nobody],
        );
        has_line(host, "status", &["CapBnd:", "0000000000000000"]);
        let mounts = fs::read_to_string(of_process(host, "mountinfo")).unwrap();
        let mut options = mounts.lines().filter_map(|mount| {
            let mut fields = mount.split(' ').skip(4);
            (fields.next() == Some("/")).then(|| fields.next().unwrap())
        });
        // The last one hides the others.
        assert!(options.next_back().unwrap().starts_with("ro,"), "{mounts}");
    });
}

/// The memory of Lambda's smallest functions. The limit counts what can be written and is the process's own.
#[test]
fn in_128_mb_of_memory() {
    const BYTES: &str = "134217728";
    let limit = format!("--data={BYTES}");
    let place = ["prlimit", &limit];
    serves(&place, |host| {
        has_line(host, "limits", &["Max", "data", "size", BYTES, BYTES]);
    });
    let small = Deployment::of("handler").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
    let host = small.in_place(&place).start();
    for _ in 0..3 {
        let error = host.command("allocate").error();
        assert_eq!(error.error_type(), "Function.OutOfMemory");
        assert_eq!(host.ask("count"), "1");
    }
    host.finish();
}

/// Without `/proc/self/pagemap`, no page of a memory is known to be untouched.
#[test]
fn without_proc() {
    if !can_mount("bootstrap without /proc") {
        return;
    }
    let script = "mount -t tmpfs tmpfs /proc && exec \"$0\"";
    serves(&["unshare", "--mount", "sh", "-c", script], |host| {
        let proc = fs::read_dir(of_process(host, "root/proc")).unwrap();
        assert_eq!(proc.count(), 0);
    });
}

#[test]
fn under_a_filter_of_system_calls() {
    let filter = root().join("host/tests/bootstrap/places/deny.py");
    serves(&["python3", filter.to_str().unwrap()], |host| {
        has_line(host, "status", &["Seccomp:", "2"]);
    });
}

/// A network in which only this machine can be reached, and only by its address. This test runs itself in it, since the Runtime
/// API has to be there, too.
#[test]
fn without_a_network() {
    const INSIDE: &str = "LAMBDA_WASM_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_none() {
        let loopback = root().join("host/tests/bootstrap/places/loopback.py");
        let inside = ["--net", "python3", loopback.to_str().unwrap()];
        if !can("unshare", &[&inside[..], &["true"]].concat()) {
            return skip(
                "bootstrap without a network",
                "this user cannot have another network",
            );
        }
        let status = Command::new("unshare")
            .args(inside)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "places::without_a_network"])
            .env(INSIDE, "1")
            .status();
        return assert!(status.unwrap().success());
    }
    serves(&["env"], |host| {
        let links = fs::read_to_string(of_process(host, "net/dev")).unwrap();
        let names: Vec<_> = links
            .lines()
            .skip(2)
            .map(|line| line.trim().split(':').next())
            .collect();
        assert_eq!(names, [Some("lo")]);
        let routes = fs::read_to_string(of_process(host, "net/route")).unwrap();
        assert_eq!(routes.lines().count(), 1, "{routes}");
    });
}
