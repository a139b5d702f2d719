//! Notes about parts of a template that are not followed, with their lines.

use super::stack::Stack;

/// The notes about a stack and those that it nests.
pub(super) struct Notes<'a> {
    /// The stack that is read.
    pub stack: &'a Stack,
    /// The notes so far. Each is there once.
    pub all: Vec<String>,
}

impl<'a> Notes<'a> {
    /// Creates the notes about a stack.
    pub fn new(stack: &'a Stack) -> Self {
        Self {
            stack,
            all: Vec::new(),
        }
    }

    /// Adds a note about a resource, or about a part of `Globals`. The note starts with its name and a
    /// colon.
    pub fn push(&mut self, note: String) {
        let (name, rest) = note.split_once(": ").unwrap_or_default();
        let first = rest.split(' ').next().unwrap_or_default();
        let own = ["Resources", name, "Properties", first];
        match name.strip_prefix("Globals.") {
            Some(kind) => self.at(&["Globals", kind, first], &note),
            None if self.is_there(&own) => self.at(&own, &note),
            None => self.at(&own[..2], &note),
        }
    }

    /// Adds a note about a property of a function, which it may have from the `Globals`.
    pub fn of(&mut self, function: &str, property: &[&str], note: &str) {
        let own = [&["Resources", function, "Properties"], property].concat();
        let shared = [&["Globals", "Function"], property].concat();
        match !self.is_there(&own) && self.is_there(&shared) {
            true => self.at(&shared, note),
            false => self.at(&own, note),
        }
    }

    fn is_there(&self, path: &[&str]) -> bool {
        self.stack.lines.find(path).1 == path.len()
    }

    /// Adds a note with the line of a key.
    pub fn at(&mut self, path: &[&str], note: &str) {
        let (line, depth) = self.stack.lines.find(path);
        // A resource that SAM adds does not have a line.
        let line = Some(line).filter(|_| depth > 1);
        let note = match (&self.stack.file, line) {
            (Some(file), Some(line)) => format!("{}:{line}: {note}", file.display()),
            (Some(file), None) => format!("{}: {note}", file.display()),
            (None, Some(line)) => format!("line {line}: {note}"),
            (None, None) => note.to_owned(),
        };
        if !self.all.contains(&note) {
            self.all.push(note);
        }
    }
}
