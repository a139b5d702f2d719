//! The requests and invocations that `dev` has seen: for its page, and for the lines on standard output.

mod details;
mod entry;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_wasm_emulator::{Answered, Invocation};
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

pub(super) use details::Details;
#[cfg(test)]
pub(super) use details::Response;
use entry::Entry;

use super::report::Format;
use super::requests;

/// The most entries that are kept.
const MOST: usize = 10_000;

/// The most bytes of details that all entries have.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The entries, in the order of their beginning.
#[derive(Debug)]
pub(super) struct History {
    format: Format,
    entries: Mutex<Entries>,
    /// The version of the entry that changed last.
    version: watch::Sender<u64>,
    /// Differs from run to run.
    pub run: String,
}

#[derive(Debug)]
struct Entries {
    most: usize,
    most_bytes: usize,
    all: BTreeMap<u64, Entry>,
    next: u64,
    version: u64,
    /// The bytes of the details of all entries.
    bytes: usize,
    /// All entries before this one have no details any more.
    bare_before: u64,
}

/// An entry that may still change. Clones are the same entry.
#[derive(Clone, Debug)]
pub(super) struct Record {
    history: Arc<History>,
    number: u64,
}

impl Default for History {
    fn default() -> Self {
        Self::new(Format::default())
    }
}

impl History {
    /// Creates an empty history, whose lines have this form.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            entries: Mutex::new(Entries::new(MOST, MOST_BYTES)),
            version: watch::Sender::new(0),
            run: Uuid::new_v4().to_string(),
        }
    }

    /// Adds an invocation of a function.
    pub fn begin(self: &Arc<Self>, function: &str, invocation: &Invocation) -> Record {
        let number = self.add(Entry::of_invocation(function, invocation));
        Record {
            history: self.clone(),
            number,
        }
    }

    /// Notes that a request was answered. Its line is printed once its invocation has ended, if it has one.
    pub fn answered(&self, answered: &Answered<'_>) {
        let number = self.lock().find(|entry| entry.waits_for(answered.id));
        match number {
            Some(number) => self.change(number, |entry| entry.answered(answered)),
            None => drop(self.add(Entry::without_invocation(answered))),
        }
    }

    /// Adds a note to the invocation of a request.
    pub fn note(&self, request: &str, note: &str) {
        let number = self.lock().find(|entry| entry.is_of(request));
        if let Some(number) = number {
            self.change(number, |entry| entry.note(note));
        }
    }

    /// Adds an event of an outgoing request to its invocation.
    pub fn requested(&self, event: requests::Event) {
        let number = self.lock().find(|entry| entry.is_of(&event.invocation));
        if let Some(number) = number {
            self.change(number, |entry| entry.requested(event));
        }
    }

    /// Watches the version, which grows with each change.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Returns the summaries of all entries that changed after a version, and the version of the last change.
    pub fn changed_since(&self, version: u64) -> (Vec<Value>, u64) {
        let entries = self.lock();
        let changed = entries.all.values().filter(|entry| entry.version > version);
        (changed.map(Entry::summary).collect(), entries.version)
    }

    /// Reads an entry by its number.
    pub fn read<T>(&self, number: u64, read: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.lock().all.get(&number).map(read)
    }

    fn add(&self, mut entry: Entry) -> u64 {
        let mut entries = self.lock();
        entries.next += 1;
        let number = entries.next;
        entry.number = number;
        entries.all.insert(number, entry);
        drop(entries);
        self.change(number, |_| {});
        number
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        let version = entries.version + 1;
        let Some(entry) = entries.all.get_mut(&number) else {
            return;
        };
        change(entry);
        let line = entry.line_if_due(self.format);
        entry.version = version;
        let bytes = entry.bytes();
        let before = std::mem::replace(&mut entry.counted, bytes);
        entries.version = version;
        entries.bytes = entries.bytes + bytes - before;
        entries.shrink();
        drop(entries);
        if let Some(line) = line {
            // `dev` continues without its terminal.
            let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
        }
        self.version.send_replace(version);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            most,
            most_bytes,
            all: BTreeMap::new(),
            next: 0,
            version: 0,
            bytes: 0,
            bare_before: 0,
        }
    }

    /// Returns the number of the newest entry of this kind.
    fn find(&self, is_wanted: impl Fn(&Entry) -> bool) -> Option<u64> {
        let mut newest = self.all.values().rev();
        newest
            .find(|entry| is_wanted(entry))
            .map(|entry| entry.number)
    }

    /// Removes the oldest entries and details that are too many. An invocation that runs stays.
    fn shrink(&mut self) {
        while self.all.len() > self.most {
            let ended = self.all.values().find(|entry| entry.has_ended());
            let Some(number) = ended.map(|entry| entry.number) else {
                break;
            };
            let removed = self.all.remove(&number);
            self.bytes -= removed.map_or(0, |entry| entry.counted);
        }
        while self.bytes > self.most_bytes && self.bare_before < self.next {
            if let Some(entry) = self.all.get_mut(&self.bare_before) {
                entry.shrink();
                self.bytes -= std::mem::take(&mut entry.counted);
            }
            self.bare_before += 1;
        }
    }
}

impl Record {
    /// Changes the entry, if it is still kept.
    pub fn change(&self, change: impl FnOnce(&mut Entry)) {
        self.history.change(self.number, change);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dev::report::Metrics;

    const METRICS: Metrics = Metrics {
        duration: Some(Duration::from_millis(1)),
        init: None,
        memory_mb: 128,
        used_mb: None,
    };

    fn invoke(history: &Arc<History>, event: Vec<u8>) -> Record {
        history.begin("F", &Invocation::new(event))
    }

    #[test]
    fn the_newest_entries_are_kept_and_those_that_run() {
        let history = Arc::new(History::default());
        history.lock().most = 10;
        let running = invoke(&history, b"{}".to_vec());
        for _ in 0..15 {
            invoke(&history, b"{}".to_vec()).change(|entry| entry.ended(METRICS));
        }
        let (all, version) = history.changed_since(0);
        assert_eq!(all.len(), 10);
        assert_eq!(all[0]["number"], running.number);
        assert_eq!(all[1]["number"], 8);
        // Only changes are told again.
        assert!(history.changed_since(version).0.is_empty());
        running.change(|entry| entry.ended(METRICS));
        let (changed, _) = history.changed_since(version);
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0]["number"], running.number);
    }

    #[test]
    fn the_oldest_details_go_first() {
        let history = Arc::new(History::default());
        history.lock().most_bytes = 100;
        let large = || vec![b'x'; 40];
        let numbers = [(); 3].map(|()| {
            let record = invoke(&history, large());
            record.change(|entry| entry.ended(METRICS));
            record.number
        });
        let has_details = numbers.map(|number| {
            history
                .read(number, |entry| entry.details.is_some())
                .unwrap()
        });
        assert_eq!(has_details, [false, true, true]);
        assert_eq!(history.lock().bytes, 80);
    }
}
