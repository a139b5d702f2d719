//! A program that runs until the test is over, and what it prints.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// It is ended when this is dropped, and killed with its process group if it does not end by itself.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    /// What was printed so far, both streams, as it was read.
    seen: Vec<String>,
}

impl Program {
    /// Starts a command, without input.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let pipes: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for pipe in pipes {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n') {
                    // After the test nobody listens.
                    let _ = sender.send(String::from_utf8_lossy(&line.unwrap()).into_owned());
                }
            });
        }
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits until it prints a line that has this in it, after those that were waited for before.
    pub fn wait_for(&mut self, text: &str) -> String {
        self.wait_within(PATIENCE, text)
    }

    /// Waits for such a line no longer than this.
    pub fn wait_within(&mut self, patience: Duration, text: &str) -> String {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no {text:?} in\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The processes that it started and that still run.
    pub fn children(&self) -> Vec<u32> {
        children(self.child.id())
    }

    /// Waits until it ends by itself; returns how, after how long, and all that it printed.
    pub fn wait(mut self) -> (ExitStatus, Duration, String) {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = since.elapsed();
        let mut seen = std::mem::take(&mut self.seen);
        seen.extend(self.lines.iter());
        (status, took, seen.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // What it started outside of its group ends only if it is asked to end itself.
        let until = Instant::now() + Duration::from_secs(1);
        let mut running = matches!(self.child.try_wait(), Ok(None));
        while running && Instant::now() < until {
            let _ = kill_process(self.pid(), Signal::TERM);
            std::thread::sleep(Duration::from_millis(5));
            running = matches!(self.child.try_wait(), Ok(None));
        }
        // It fails if nothing of the group is left.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The processes that a process started and that still run.
pub fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&id| parent(id) == Some(of)).collect()
}

/// Whether a process runs: one that is dead and not yet waited for does not.
pub fn is_running(id: u32) -> bool {
    state_and_parent(id).is_some_and(|(state, _)| state != "Z" && state != "X")
}

fn parent(id: u32) -> Option<u32> {
    state_and_parent(id)?.1.parse().ok()
}

fn state_and_parent(id: u32) -> Option<(String, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may have anything in it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
}
