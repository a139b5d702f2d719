//! Locks of files: with `cargo nextest` each test is a process.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};

use crate::root;

/// Waits for a lock that all tests of this directory share. The lock is released when the result is dropped.
pub fn lock(name: &str) -> File {
    let directory = root().join("target/test-locks");
    std::fs::create_dir_all(&directory).unwrap();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(directory.join(name))
        .unwrap();
    file.lock().unwrap();
    file
}

/// Does `work`, unless another process of the same run of `cargo nextest` has done it.
pub fn once_a_run(name: &str, work: impl FnOnce()) {
    let mut file = lock(name);
    let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_default();
    let mut done = String::new();
    file.read_to_string(&mut done).unwrap();
    if run.is_empty() || done != run {
        work();
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(run.as_bytes()).unwrap();
    }
}
