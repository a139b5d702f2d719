//! The file system that Lambda has made of a deployment, and `bootstrap` started in it as Lambda does.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lambda_wasm_test_support::ScriptedApi;
use lambda_wasm_test_support::tools::skip;

use crate::support::Folder;

/// The user and group that run functions on Lambda: neither owns the files.
const USER: u32 = 993;
const GROUP: u32 = 990;

/// Mounts the directory `$1` on itself without the right to write, and starts the program `$2` in it.
const START: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro,nosuid,nodev \"$1\" && exec setpriv --clear-groups \
     unshare --root=\"$1\" --wd=/var/task --setgid=990 --setuid=993 \"$2\"";

/// Returns whether this machine lets a test have mounts of its own, as root has them outside of some containers. If not, says
/// that `test` did not run.
pub fn can_mount(test: &str) -> bool {
    let mount = "mount -t tmpfs tmpfs /mnt && unshare --root=/ --wd=/ --setuid=993 true";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-c", mount])
        .stderr(Stdio::null())
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        skip(test, "this user cannot mount");
    }
    can
}

/// A `bootstrap` in its own root. It is ended when this is dropped.
pub struct Running {
    child: Child,
    root: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a program in the directory `root` of a folder, for a handler.
    pub fn start(
        folder: &Folder,
        program: &str,
        handler: &str,
        api: &ScriptedApi,
        variables: &[(&str, &str)],
    ) -> Self {
        let root = folder.path("root");
        make_readable(&folder.path(""));
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", START, "sh"])
            .args([&root, Path::new(program)])
            .env_clear()
            .envs([
                ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
                ("TZ", ":UTC"),
                ("AWS_LAMBDA_RUNTIME_API", &api.address()),
                ("AWS_LAMBDA_FUNCTION_NAME", "rooted"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_REGION", "eu-central-1"),
                ("LAMBDA_TASK_ROOT", "/var/task"),
                ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
                ("_HANDLER", handler),
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn();
        Self {
            child: child.unwrap(),
            root,
        }
    }

    /// Fails unless it runs this program of its root in `/var/task`, as Lambda's user, and cannot write to the root.
    #[track_caller]
    pub fn assert_is_as_on_lambda(&self, program: &str) {
        // Each program started the next in its own place.
        let process = Path::new("/proc").join(self.child.id().to_string());
        // The links name paths outside of a root that the tests themselves may run in, but lead to the files.
        let file = |path: &Path| {
            let metadata = fs::metadata(path).unwrap();
            (metadata.dev(), metadata.ino())
        };
        let inside = |path: &str| file(&self.root.join(path.trim_start_matches('/')));
        assert_eq!(file(&process.join("exe")), inside(program));
        assert_eq!(file(&process.join("cwd")), inside("/var/task"));
        let status = fs::read_to_string(process.join("status")).unwrap();
        for (name, id) in [("Uid", USER), ("Gid", GROUP)] {
            let line = format!("{name}:\t{id}\t{id}\t{id}\t{id}");
            assert!(status.lines().any(|known| known == line), "{status}");
        }
        let mounts = fs::read_to_string(process.join("mountinfo")).unwrap();
        let own = format!(" {} ro,", self.root.display());
        assert!(
            mounts.contains(&own) || mounts.contains(" / ro,"),
            "{mounts}"
        );
    }
}

/// Lets everyone enter a directory and those in it.
fn make_readable(directory: &Path) {
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_readable(&path);
        }
    }
}
