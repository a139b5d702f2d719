//! How much memory a process has that serves hello. Other programs on the machine do not change it.

use std::fs;

use lambda_wasm_test_support::{Deployment, Host, PATIENCE, built, root};

/// A size in `/proc/PID/status`, in KiB.
fn kib(host: &Host, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Of either variant: 3.1 and 3.6 MiB were measured, of which 0.5 and 0.6 MiB were not pages of files.
#[test]
fn hello_takes_little_memory() {
    /// How much memory the process ever had, in KiB.
    const PEAK: u64 = 4608;
    /// How much of it was not pages of files at the end, in KiB.
    const OWN: u64 = 640;
    let event = fs::read(root().join("bench/event.json")).unwrap();
    let deployment = Deployment::empty();
    fs::copy(built("dist/hello.cwasm"), deployment.artifact()).unwrap();
    for deployment in [deployment.clone().small(), deployment] {
        let host = deployment.start();
        for _ in 0..200 {
            host.invoke(event.clone()).response();
        }
        assert!(host.api.wait_idle(PATIENCE));
        let (peak, own) = (kib(&host, "VmHWM:"), kib(&host, "RssAnon:"));
        println!("{peak} KiB, of which {own} KiB are its own");
        assert!(peak <= PEAK, "{peak} KiB");
        assert!(own <= OWN, "{own} KiB");
        host.finish();
    }
}
