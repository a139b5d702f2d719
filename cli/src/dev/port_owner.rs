//! Finds the program that listens on a port, in `/proc` (proc_net(5), proc_pid_fd(5)).

use std::fs;
use std::path::Path;

/// The state of a socket that listens: `TCP_LISTEN` in the kernel's tcp_states.h.
const LISTEN: &str = "0A";

/// Returns the name and the id of the process that listens on a TCP port; nothing if it is another user's, or if
/// this machine has no `/proc`.
pub(super) fn describe(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let sockets: Vec<_> = tables
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let directory = entry.path();
        let id = entry.file_name().to_string_lossy().parse::<u32>();
        if let Ok(id) = id
            && has_any(&directory, &sockets)
        {
            let name = fs::read_to_string(directory.join("comm")).ok()?;
            return Some(format!("{} (process {id})", name.trim_end()));
        }
    }
    None
}

/// The inodes of the sockets that listen on a port, by a table of the kernel.
fn inodes(table: &str, port: u16) -> Vec<String> {
    let lines = table.lines().skip(1);
    let rows = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listens = |row: &Vec<&str>| {
        let local = row.get(1).and_then(|local| local.rsplit_once(':'));
        let is_port = local.is_some_and(|(_, digits)| u16::from_str_radix(digits, 16) == Ok(port));
        is_port && row.get(3) == Some(&LISTEN)
    };
    let inode = |row: Vec<&str>| Some((*row.get(9)?).to_owned());
    rows.filter(listens).filter_map(inode).collect()
}

/// Whether a process has one of the sockets open.
fn has_any(process: &Path, sockets: &[String]) -> bool {
    let open = fs::read_dir(process.join("fd")).into_iter().flatten();
    open.flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| {
            sockets
                .iter()
                .any(|socket| target.as_os_str() == socket.as_str())
        })
}
