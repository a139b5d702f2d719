//! A function whose `bootstrap` is in a layer, laid out and started as Lambda does it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{ScriptedApi, artifact};
use zip::ZipArchive;

use crate::release;
use crate::support::Folder;

/// The user and group that run functions on Lambda: neither owns the files.
const USER: u32 = 993;
const GROUP: u32 = 990;

/// Mounts the directory `$1` on itself without the right to write, and starts `/opt/bootstrap` in it.
const START: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro,nosuid,nodev \"$1\" && exec setpriv --clear-groups \
     unshare --root=\"$1\" --wd=/var/task --setgid=990 --setuid=993 /opt/bootstrap";

/// Unpacks a zip with the permissions in it, as Lambda does.
fn unpack(zip: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    let mut zip = ZipArchive::new(File::open(zip).unwrap()).unwrap();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let path = into.join(entry.name());
        std::io::copy(&mut entry, &mut File::create(&path).unwrap()).unwrap();
        let mode = entry.unix_mode().unwrap() & 0o777;
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}

/// Whether this machine lets a test have mounts of its own, as root has them outside of some containers.
fn can_mount() -> bool {
    let mount = "mount -t tmpfs tmpfs /mnt && unshare --root=/ --wd=/ --setuid=993 true";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-c", mount])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// It is ended when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn lambda_finds_bootstrap_in_the_layer() {
    if !can_mount() {
        skip(
            "the layer on a machine like Lambda's",
            "this user cannot mount",
        );
        return;
    }
    let folder = Folder::new();
    fs::create_dir(folder.path("dist")).unwrap();
    fs::copy(artifact("handler"), folder.path("dist/handler.cwasm")).unwrap();
    folder.write("dist/handler.toml", "[env]\nallow = [\"COLOR\"]\n");
    folder.succeed(&["package", "--layer", "-o", "function.zip"]);
    let root = folder.path("root");
    unpack(&release::layer(), &root.join("opt"));
    unpack(&folder.path("function.zip"), &root.join("var/task"));
    assert!(!root.join("var/task/bootstrap").exists());
    for directory in ["", "root", "root/opt", "root/var", "root/var/task"] {
        fs::set_permissions(folder.path(directory), Permissions::from_mode(0o755)).unwrap();
    }

    let api = ScriptedApi::start();
    let child = Command::new("unshare")
        .args(["--mount", "sh", "-c", START, "sh"])
        .arg(&root)
        .env_clear()
        .envs([
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
            ("TZ", ":UTC"),
            ("AWS_LAMBDA_RUNTIME_API", &api.address()),
            ("AWS_LAMBDA_FUNCTION_NAME", "layered"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_REGION", "eu-central-1"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("_HANDLER", "handler"),
            ("COLOR", "red"),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn();
    let running = Running(child.unwrap());
    let mut connection = api.accept();
    connection.expect_next();
    connection.event("1", "\"env:COLOR\"");
    assert_eq!(connection.take_response("1").body, b"\"red\"");

    // Each program started the next in its own place.
    let process = Path::new("/proc").join(running.0.id().to_string());
    // The links name paths outside of a root that the tests themselves may run in, but lead to the files.
    let file = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.dev(), metadata.ino())
    };
    assert_eq!(
        file(&process.join("exe")),
        file(&root.join("opt/bootstrap"))
    );
    assert_eq!(file(&process.join("cwd")), file(&root.join("var/task")));
    let status = fs::read_to_string(process.join("status")).unwrap();
    for (name, id) in [("Uid", USER), ("Gid", GROUP)] {
        let line = format!("{name}:\t{id}\t{id}\t{id}\t{id}");
        assert!(status.lines().any(|known| known == line), "{status}");
    }
    let mounts = fs::read_to_string(process.join("mountinfo")).unwrap();
    let own = format!(" {} ro,", root.display());
    assert!(
        mounts.contains(&own) || mounts.contains(" / ro,"),
        "{mounts}"
    );
}
