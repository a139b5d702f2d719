//! The sizes of the parts of a component or an artifact.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anyhow::Result;
use lambda_wasm_host::artifact::Trailer;
use object::{Object as _, ObjectSection as _};
use rustc_demangle::demangle;
use serde::Serialize;
use wasmparser::{
    CustomSectionReader, Encoding, KnownCustom, Name, NameMap, Parser, Payload, TypeRef,
};

/// How many functions are shown.
const FUNCTIONS: usize = 10;

/// How long a name may be, in characters.
const NAME: usize = 100;

/// The sizes of the parts of a file, the largest first.
#[derive(Debug, Default, Serialize)]
pub struct Sizes {
    pub parts: Vec<Part>,
    /// The largest functions of a component.
    pub functions: Vec<Part>,
}

/// A part, and its size in bytes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    pub name: String,
    pub bytes: usize,
}

impl Sizes {
    /// Measures a component, or a core module: its parts over all modules in it, and its largest functions.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not valid.
    pub fn of_component(bytes: &[u8]) -> Result<Self> {
        let mut parts = BTreeMap::new();
        let mut functions = Vec::new();
        let mut open = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            let section = payload.as_section().map(|(_, range)| range.len());
            let mut part = None;
            match payload {
                Payload::Version { encoding, .. } => {
                    open.push((encoding == Encoding::Module).then(Module::default));
                }
                Payload::End(_) => functions.extend(open.pop().flatten().map(Module::functions)),
                Payload::CustomSection(custom) => {
                    part = Some(part_of(&custom));
                    if let Some(Some(module)) = open.last_mut() {
                        module.read_names(&custom);
                    }
                }
                payload => {
                    let Some(Some(module)) = open.last_mut() else {
                        continue;
                    };
                    match payload {
                        Payload::ImportSection(imports) => {
                            for import in imports.into_imports() {
                                let is_function =
                                    matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                                module.imports += u32::from(is_function);
                            }
                        }
                        Payload::CodeSectionStart { .. } => part = Some("code"),
                        Payload::CodeSectionEntry(body) => module.bodies.push(body.range().len()),
                        Payload::DataSection(_) => part = Some("content of memories"),
                        Payload::ElementSection(_) => part = Some("content of tables"),
                        _ => {}
                    }
                }
            }
            if let (Some(part), Some(length)) = (part, section) {
                *parts.entry(part).or_default() += length;
            }
        }
        let mut functions: Vec<Part> = functions.into_iter().flatten().collect();
        functions.sort_by(largest_first);
        functions.truncate(FUNCTIONS);
        Ok(Self {
            parts: with_the_rest(parts, bytes.len()),
            functions,
        })
    }

    /// Measures an artifact.
    ///
    /// # Errors
    ///
    /// Returns an error if it has no valid ELF file.
    pub fn of_artifact(bytes: &[u8], trailer: &Trailer) -> Result<Self> {
        let mut parts = BTreeMap::new();
        for section in object::File::parse(bytes)?.sections() {
            let part = match section.name()? {
                ".text" => "code",
                ".rodata.wasm" => "content of memories",
                ".name.wasm" => "names of functions",
                ".wasmtime.addrmap" => "places of instructions, for backtraces",
                ".wasmtime.traps" => "places that may trap",
                ".wasmtime.info" => "types, imports and content of tables",
                _ => continue,
            };
            *parts.entry(part).or_default() += usize::try_from(section.size())?;
        }
        let images = trailer.images.iter().map(|image| image.length);
        *parts.entry("content of memories").or_default() += images.sum::<usize>();
        parts.insert("origin, for --sbom", usize::try_from(trailer.origin)?);
        Ok(Self {
            parts: with_the_rest(parts, bytes.len()),
            functions: Vec::new(),
        })
    }

    /// Writes the sizes for people.
    pub fn write(&self, text: &mut String) -> fmt::Result {
        for (title, parts) in [
            ("size", &self.parts),
            ("biggest functions", &self.functions),
        ] {
            if parts.is_empty() {
                continue;
            }
            writeln!(text, "{title}:")?;
            for Part { name, bytes } in parts {
                writeln!(text, "  {bytes:>9}  {name}")?;
            }
        }
        Ok(())
    }
}

/// A core module that is being read.
#[derive(Default)]
struct Module {
    /// How many functions it imports: those have the first indices.
    imports: u32,
    bodies: Vec<usize>,
    names: BTreeMap<u32, String>,
}

impl Module {
    /// Keeps the names of functions. A section that is broken has none: it is for tools only.
    fn read_names(&mut self, custom: &CustomSectionReader<'_>) {
        let KnownCustom::Name(names) = custom.as_known() else {
            return;
        };
        let functions = names.into_iter().flatten().filter_map(|name| match name {
            Name::Function(functions) => Some(functions),
            _ => None,
        });
        for naming in functions.flat_map(NameMap::into_iter).flatten() {
            let name = format!("{:#}", demangle(naming.name));
            self.names.insert(naming.index, shortened(&name));
        }
    }

    fn functions(self) -> Vec<Part> {
        let Self {
            imports,
            bodies,
            mut names,
        } = self;
        let indices = imports..;
        indices
            .zip(bodies)
            .map(|(index, bytes)| {
                let name = names.remove(&index);
                let name = name.unwrap_or_else(|| format!("function {index}"));
                Part { name, bytes }
            })
            .collect()
    }
}

/// A name that fits on a line, without control characters.
fn shortened(name: &str) -> String {
    let printable = name.chars().filter(|character| !character.is_control());
    let short: String = printable.clone().take(NAME).collect();
    match printable.count() > NAME {
        true => short + "…",
        false => short,
    }
}

/// The part that a custom section belongs to.
fn part_of(custom: &CustomSectionReader<'_>) -> &'static str {
    match custom.name() {
        "name" => "names of functions",
        name if name.starts_with(".debug") => "debug information",
        _ => "other custom sections",
    }
}

/// The parts by size, and what is left of the whole.
fn with_the_rest(parts: BTreeMap<&str, usize>, whole: usize) -> Vec<Part> {
    let known: usize = parts.values().sum();
    let rest = ("the rest", whole.saturating_sub(known));
    let parts = parts.into_iter().chain([rest]);
    let mut parts: Vec<Part> = parts
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(name, bytes)| Part {
            name: name.to_owned(),
            bytes,
        })
        .collect();
    parts.sort_by(largest_first);
    parts
}

fn largest_first(one: &Part, other: &Part) -> std::cmp::Ordering {
    other
        .bytes
        .cmp(&one.bytes)
        .then_with(|| one.name.cmp(&other.name))
}
