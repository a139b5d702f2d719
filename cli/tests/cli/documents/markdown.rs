//! Reads the documents.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::root;

/// A document, and the parts of it that are checked.
pub struct Document {
    /// Its path in the project.
    pub path: PathBuf,
    pub text: String,
    pub blocks: Vec<Block>,
    /// The targets of its links.
    pub links: Vec<(Place, String)>,
    /// The names that links can end in, one for each heading.
    pub anchors: Vec<String>,
}

/// A code block.
pub struct Block {
    pub place: Place,
    /// The first word of the line that opens it.
    pub language: String,
    /// The second word: the name of the file that the block is.
    pub file: Option<String>,
    pub text: String,
    span: Range<usize>,
}

/// A line of a document, for messages.
#[derive(Clone, Debug)]
pub struct Place(String);

impl Place {
    pub fn problem(&self, why: impl std::fmt::Display) -> String {
        format!("{}: {why}", self.0)
    }
}

/// Directories that contain no documents of the project.
const SKIPPED: [&str; 5] = [".git", ".lambda-wasm", "dist", "node_modules", "target"];

/// Returns all documents, sorted by their paths.
pub fn documents() -> Vec<Document> {
    let mut paths = Vec::new();
    find(&root(), &mut paths);
    paths.sort();
    let documents: Vec<_> = paths.iter().map(|path| Document::read(path)).collect();
    for expected in ["README.md", "docs/policy.md", "examples/README.md"] {
        let is_there = |document: &Document| document.path == Path::new(expected);
        assert!(documents.iter().any(is_there), "{expected} was not found");
    }
    documents
}

/// Returns one document.
pub fn document(path: &str) -> Document {
    Document::read(&root().join(path))
}

fn find(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                find(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

impl Document {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_owned();
        let place = |offset: usize| {
            let line = text[..offset].matches('\n').count() + 1;
            Place(format!("{}:{line}", path.display()))
        };
        let (mut blocks, mut links, mut anchors) = (Vec::new(), Vec::new(), Vec::new());
        let mut heading: Option<String> = None;
        let broken = |link: BrokenLink<'_>| {
            let target = format!("[{}]: not defined", link.reference);
            Some((CowStr::from(target), CowStr::from("")))
        };
        let options = Options::ENABLE_TABLES;
        let parser = Parser::new_with_broken_link_callback(&text, options, Some(broken));
        for (event, span) in parser.into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let mut words = info.split_whitespace().map(str::to_owned);
                    blocks.push(Block {
                        place: place(span.start),
                        language: words.next().unwrap_or_default(),
                        file: words.next(),
                        text: String::new(),
                        span,
                    });
                }
                Event::Text(part) if blocks.last().is_some_and(|b| b.has(&span)) => {
                    blocks.last_mut().unwrap().text.push_str(&part);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((place(span.start), dest_url.to_string()));
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    anchors.push(anchor(&heading.take().unwrap_or_default()));
                }
                _ => {}
            }
        }
        Self {
            path,
            text,
            blocks,
            links,
            anchors,
        }
    }

    /// Returns the blocks of a language.
    pub fn blocks_in(&self, language: &str) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |b| b.language == language)
    }

    /// Returns each line that is not in a code block, with its place.
    pub fn lines(&self) -> impl Iterator<Item = (Place, &str)> {
        let mut offset = 0;
        let lines = self.text.split_inclusive('\n').enumerate();
        let lines = lines.map(move |(index, line)| {
            let start = offset;
            offset += line.len();
            (index + 1, start, line.trim_end())
        });
        lines
            .filter(|(_, start, _)| !self.blocks.iter().any(|block| block.span.contains(start)))
            .map(|(number, _, line)| {
                let place = Place(format!("{}:{number}", self.path.display()));
                (place, line)
            })
    }

    /// Returns the rows of all tables in the section of this heading, heads included, in cells.
    pub fn rows(&self, heading: &str) -> Vec<Vec<String>> {
        let depth = heading.split(' ').next().unwrap().len();
        let is_end = |line: &str| {
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            (1..=depth).contains(&level)
        };
        let lines = self.lines().map(|(_, line)| line);
        let section = lines.skip_while(|line| *line != heading).skip(1);
        let rows = section
            .take_while(|line| !is_end(line))
            .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
        let rows = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect());
        let is_rule = |row: &Vec<String>| row.iter().all(|cell| cell.starts_with("---"));
        let rows: Vec<Vec<String>> = rows.filter(|row| !is_rule(row)).collect();
        assert!(
            !rows.is_empty(),
            "no table under {heading:?} in {:?}",
            self.path
        );
        rows
    }
}

impl Block {
    fn has(&self, span: &Range<usize>) -> bool {
        self.span.start <= span.start && span.end <= self.span.end
    }
}

/// Returns the code spans of a cell.
pub fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the name that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(is_kept)
        .collect::<String>();
    kept.replace(' ', "-")
}
