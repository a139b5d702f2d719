//! The lines of a template's keys.

use saphyr::{MarkedYamlOwned, YamlDataOwned};

/// A deeper key has the line of the key above it.
const MAX_DEPTH: usize = 10;

/// The line of a key, and the lines of the keys below it.
#[derive(Default)]
pub(super) struct Lines {
    line: usize,
    below: Vec<(String, Lines)>,
}

impl Lines {
    /// Returns the lines of a document.
    pub fn of(node: &MarkedYamlOwned) -> Self {
        Self::at(node.span.start.line(), node, 0)
    }

    fn at(line: usize, node: &MarkedYamlOwned, depth: usize) -> Self {
        let mut below = Vec::new();
        let mut merged = Vec::new();
        if let (YamlDataOwned::Mapping(entries), true) = (&node.data, depth < MAX_DEPTH) {
            for (key, value) in entries {
                let YamlDataOwned::Representation(name, ..) = &key.data else {
                    continue;
                };
                let lines = Self::at(key.span.start.line(), value, depth + 1);
                match name.as_str() {
                    // A merge key: the mapping has the keys below it, unless it has its own.
                    "<<" => merged.extend(lines.below),
                    _ => below.push((name.clone(), lines)),
                }
            }
        }
        below.extend(merged);
        Self { line, below }
    }

    /// Returns the line of a key by its path, or of the last key on the path, and how many keys of
    /// the path there are.
    pub fn find(&self, path: &[&str]) -> (usize, usize) {
        let mut found = (self.line, 0);
        let mut here = self;
        for key in path {
            let Some((_, below)) = here.below.iter().find(|(name, _)| name == key) else {
                break;
            };
            here = below;
            found = (here.line, found.1 + 1);
        }
        found
    }
}
