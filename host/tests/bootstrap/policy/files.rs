//! Which folders a function sees, and what it may do in them.

use std::fs;
use std::os::unix::fs::symlink;

use lambda_wasm_test_support::Deployment;

use crate::refusal::refusal;

/// A host whose task has the folder `data`, with what a guest might leave it by. `secret` is beside it.
fn with_data(access: &str) -> Deployment {
    let policy = format!("[files]\n\"/var/task/data\" = \"{access}\"\n");
    let deployment = Deployment::of("policy").policy(policy);
    let root = deployment.path();
    let data = root.join("data");
    fs::create_dir_all(data.join("inner")).unwrap();
    fs::write(root.join("secret"), "secret").unwrap();
    fs::write(data.join("file"), "text").unwrap();
    symlink("file", data.join("to-file")).unwrap();
    symlink("../secret", data.join("to-secret")).unwrap();
    symlink(root.join("secret"), data.join("to-absolute")).unwrap();
    symlink("..", data.join("inner/up")).unwrap();
    symlink("../..", data.join("inner/out")).unwrap();
    deployment
}

#[test]
fn directories_are_not_granted_by_default() {
    let deployment = Deployment::of("policy");
    let host = deployment.start();
    for path in [
        "/tmp",
        "/var/task",
        "/",
        ".",
        deployment.path().to_str().unwrap(),
    ] {
        let answer = host.ask(&format!("list:{path}"));
        assert_ne!(answer.chars().next(), Some('['), "{path}: {answer}");
    }
    host.finish();
}

#[test]
fn nothing_leads_out_of_a_folder() {
    for access in ["read-only", "read-write"] {
        let deployment = with_data(access);
        let host = deployment.start();
        assert_eq!(host.ask("read:/var/task/data/file"), "text");
        assert_eq!(host.ask("read:/var/task/data/to-file"), "text");
        assert_eq!(host.ask("read:/var/task/data/inner/up/file"), "text");
        assert_eq!(host.ask("read:/var/task/data/inner/../file"), "text");
        let root = deployment.path().display();
        for path in [
            "/var/task/data/../secret",
            "/var/task/data/inner/../../secret",
            "/var/task/data/inner/up/../secret",
            "/var/task/data/inner/out/secret",
            "/var/task/data/to-secret",
            "/var/task/data/to-absolute",
            "/var/task/data//../secret",
            "/var/task/secret",
            "/var/task/hello.cwasm",
            "/proc/self/environ",
            "/etc/passwd",
            "../secret",
            &format!("{root}/secret"),
            &format!("/var/task/data/{root}/secret"),
        ] {
            for verb in ["read", "write", "append", "truncate", "remove", "list"] {
                let path_of_link = path.contains("/to-");
                // A link itself may be removed where the folder is writable.
                if verb == "remove" && path_of_link {
                    continue;
                }
                let answer = host.ask(&format!("{verb}:{path}"));
                assert!(
                    !matches!(answer.as_str(), "secret" | "done") && !answer.contains("root:"),
                    "{verb} {path}: {answer}"
                );
            }
        }
        let secret = fs::read_to_string(deployment.path().join("secret")).unwrap();
        assert_eq!(secret, "secret");
        host.finish();
    }
}

#[test]
fn a_link_that_the_guest_makes_leads_nowhere_either() {
    let deployment = with_data("read-write");
    let host = deployment.start();
    for target in ["/etc/passwd", "../secret", "../../../../etc/passwd"] {
        host.ask(&format!("symlink:{target} /var/task/data/made"));
        let answer = host.ask("read:/var/task/data/made");
        assert!(!answer.contains("root:") && answer != "secret", "{answer}");
        host.ask("remove:/var/task/data/made");
    }
    for verb in ["rename", "hard-link"] {
        for paths in [
            "/var/task/data/../secret /var/task/data/mine",
            "/var/task/data/file /var/task/data/../mine",
            "/var/task/data/file /tmp/mine",
        ] {
            assert_ne!(
                host.ask(&format!("{verb}:{paths}")),
                "done",
                "{verb} {paths}"
            );
        }
    }
    assert!(!deployment.path().join("mine").exists());
    host.finish();
}

/// Everything that changes a folder, with whether there is a way back to the same state.
const CHANGES: [&str; 12] = [
    "write:/var/task/data/file",
    "append:/var/task/data/file",
    "truncate:/var/task/data/file",
    "create:/var/task/data/new",
    "make-folder:/var/task/data/newer",
    "remove-folder:/var/task/data/newer",
    "hard-link:/var/task/data/file /var/task/data/linked",
    "rename:/var/task/data/new /var/task/data/newest",
    "rename:/var/task/data/file /var/task/data/moved",
    "remove:/var/task/data/moved",
    "symlink:file /var/task/data/link",
    "remove:/var/task/data/to-file",
];

#[test]
fn read_only_refuses_every_change() {
    let deployment = with_data("read-only");
    let host = deployment.start();
    for change in CHANGES {
        assert_ne!(host.ask(change), "done", "{change}");
    }
    for change in [
        "resize:/var/task/data/file",
        "touch:/var/task/data/file",
        "remove-folder:/var/task/data/inner",
        "symlink:file /var/task/data/link",
    ] {
        assert_ne!(host.ask(change), "done", "{change}");
    }
    let data = deployment.path().join("data");
    assert_eq!(fs::read_to_string(data.join("file")).unwrap(), "text");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 5);
    host.finish();
}

#[test]
fn read_write_allows_them() {
    let host = with_data("read-write").start();
    for change in CHANGES {
        assert_eq!(host.ask(change), "done", "{change}");
    }
    assert_eq!(host.ask("read:/var/task/data/newest"), "new");
    host.finish();
}

#[test]
fn tmp_can_be_granted_and_keeps_its_files() {
    let deployment = Deployment::of("policy").policy("[files]\n\"/tmp\" = \"read-write\"\n");
    let host = deployment.start();
    let name = deployment
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let file = format!("/tmp/lambda-wasm-test-{name}");
    assert_eq!(host.ask(&format!("create:{file}")), "done");
    assert_eq!(host.ask(&format!("read:{file}")), "new");
    assert_eq!(host.ask(&format!("remove:{file}")), "done");
    assert!(!std::path::Path::new(&file).exists());
    host.finish();
}

#[test]
fn invalid_grants_fail_the_start() {
    for (policy, words) in [
        (
            "\"/var/task/absent\" = \"read-only\"",
            "hello.toml, line 2: [files] grants \"/var/task/absent\", but there is no directory",
        ),
        (
            "\"/var/task/hello.cwasm\" = \"read-only\"",
            "but there is no directory",
        ),
        ("\"/var/task/out\" = \"read-only\"", "symbolic link out of"),
        (
            "\"/var/task\" = \"read-write\"\n\"/var/task/data\" = \"read-only\"",
            "line 3: [files] grants \"/var/task/data\", which lies in \"/var/task\", which is read-write already",
        ),
        (
            "\"/etc\" = \"read-only\"",
            "line 2, column 1: \"/etc\" cannot be granted",
        ),
    ] {
        let deployment = Deployment::of("policy").policy(format!("[files]\n{policy}\n"));
        fs::create_dir(deployment.path().join("data")).unwrap();
        symlink("/etc", deployment.path().join("out")).unwrap();
        let refusal = refusal(&deployment);
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
        assert!(refusal.message.contains(words), "{}", refusal.message);
        assert!(
            refusal.message.contains("hello.toml"),
            "{}",
            refusal.message
        );
    }
}

/// Each would otherwise go to another thread and back, which takes longer than the system call.
#[test]
fn files_are_opened_and_read_on_the_thread_of_the_guest() {
    let host = with_data("read-only").start();
    let switches = || -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
        let status =
            threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")));
        let counts = status.filter_map(|status| {
            let status = status.ok()?;
            let count = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            count.trim().parse::<u64>().ok()
        });
        counts.sum()
    };
    assert_eq!(host.ask("read:/var/task/data/file"), "text");
    let before = switches();
    assert_eq!(host.ask("open-and-stat:/var/task/data/file 2000"), "done");
    let made = switches() - before;
    assert!(made < 200, "{made} context switches");
    host.finish();
}
