//! The places in the source of a function that the frames of a stack trace are at, from the debug information of its component:
//! <https://yurydelendik.github.io/webassembly-dwarf/>.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use addr2line::gimli::{self, Dwarf, EndianSlice, LittleEndian, SectionId};
use addr2line::{Context, Location};
use lambda_wasm_host::artifact::Trailer;
use wasmparser::{Parser, Payload};

/// The custom section at the end of the file, with the checksum of the artifact.
const ARTIFACT: &str = "lambda-wasm-artifact";

/// Returns the path of the component of an artifact, as `compile --debug` keeps it.
pub fn path(artifact: &Path) -> PathBuf {
    artifact.with_extension("debug.wasm")
}

/// Returns the content of that file, for an artifact with this checksum. Returns `None` if the component has no debug
/// information.
pub fn file(component: &[u8], sha256: &str) -> Option<Vec<u8>> {
    let name = u8::try_from(ARTIFACT.len()).ok()?;
    let length = u8::try_from(1 + ARTIFACT.len() + sha256.len()).ok()?;
    has_debug_information(component).then(|| {
        let mut file = component.to_vec();
        file.extend([0, length, name]);
        file.extend(ARTIFACT.bytes());
        file.extend(sha256.bytes());
        file
    })
}

/// Whether a component has debug information.
pub fn has_debug_information(component: &[u8]) -> bool {
    let mut modules = modules(component).into_iter();
    modules.any(|module| module.sections.contains_key(".debug_info"))
}

/// Whether a file is one that [`file`] has made.
pub fn is_kept(path: &Path) -> bool {
    const CHECKSUM: usize = 64;
    fs::read(path).is_ok_and(|file| {
        let name = file.len().checked_sub(CHECKSUM).map(|end| &file[..end]);
        name.is_some_and(|file| file.ends_with(ARTIFACT.as_bytes()))
    })
}

/// Removes such a file. Another file with its name stays.
pub fn remove(path: &Path) {
    if is_kept(path) {
        // It is not used without its artifact.
        let _ = fs::remove_file(path);
    }
}

/// A module of the component.
struct Module<'a> {
    /// Where it is in the component.
    range: Range<usize>,
    /// Where its code section is, from which debug information counts.
    code: usize,
    /// Its custom sections with debug information, by their names.
    sections: BTreeMap<&'a str, &'a [u8]>,
}

/// Returns the frames of a stack trace, each followed by its place and the places of the functions that are inlined there. They
/// have no places if the artifact has no debug information.
pub fn explain(artifact: &Path, trace: &[String]) -> Vec<String> {
    if trace.is_empty() {
        return Vec::new();
    }
    let file = fs::read(path(artifact)).ok();
    let trailer = Trailer::inspect(artifact).ok();
    let end = trailer.map(|trailer| format!("{ARTIFACT}{}", trailer.sha256));
    let is_of_artifact = |file: &Vec<u8>| {
        end.as_ref()
            .is_some_and(|end| file.ends_with(end.as_bytes()))
    };
    let Some(file) = file.filter(is_of_artifact) else {
        return trace.to_vec();
    };
    let modules = modules(&file).into_iter();
    let modules: Vec<_> = modules
        .filter_map(|module| Some((module.context()?, module)))
        .collect();
    let mut lines = Vec::new();
    for frame in trace {
        lines.push(frame.clone());
        let places = places(&modules, frame).unwrap_or_default();
        lines.extend(places.into_iter().map(|place| format!("    at {place}")));
    }
    lines
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Returns the places of a frame, the innermost first.
fn places(modules: &[(Context<Slice<'_>>, Module<'_>)], frame: &str) -> Option<Vec<String>> {
    let (digits, _) = frame.strip_prefix("0x")?.split_once(" - ")?;
    let offset = usize::from_str_radix(digits, 16).ok()?;
    let mut modules = modules.iter();
    let (context, module) = modules.find(|(_, module)| module.range.contains(&offset))?;
    let address = offset.checked_sub(module.code)?;
    let mut frames = context.find_frames(address as u64).skip_all_loads().ok()?;
    let mut places = Vec::new();
    while let Ok(Some(frame)) = frames.next() {
        if let Some(Location {
            file: Some(file),
            line: Some(line),
            ..
        }) = frame.location
        {
            places.push(format!("{}:{line}", shown(file)));
        }
    }
    Some(places)
}

impl<'a> Module<'a> {
    fn context(&self) -> Option<Context<Slice<'a>>> {
        let section = |section: SectionId| -> Result<_, gimli::Error> {
            let content = self.sections.get(section.name()).copied();
            Ok(EndianSlice::new(content.unwrap_or_default(), LittleEndian))
        };
        Context::from_dwarf(Dwarf::load(section).ok()?).ok()
    }
}

/// Returns a path as it is shown: relative to this directory if it is below it.
fn shown(file: &str) -> &str {
    let here = std::env::current_dir().ok();
    let path = here.and_then(|here| Path::new(file).strip_prefix(here).ok()?.to_str());
    path.unwrap_or(file)
}

/// Returns the modules of a component. Nested components may have some.
fn modules(component: &[u8]) -> Vec<Module<'_>> {
    let mut modules: Vec<Module<'_>> = Vec::new();
    // What is malformed was refused when it was compiled.
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        let of = |modules: &mut Vec<Module<'_>>, at: usize| {
            modules
                .iter()
                .rposition(|module| module.range.contains(&at))
        };
        match payload {
            Payload::ModuleSection {
                unchecked_range: range,
                ..
            } => modules.push(Module {
                range,
                code: 0,
                sections: BTreeMap::new(),
            }),
            Payload::CodeSectionStart { range, .. } => {
                if let Some(index) = of(&mut modules, range.start) {
                    modules[index].code = range.start;
                }
            }
            Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                if let Some(index) = of(&mut modules, section.data_offset()) {
                    modules[index]
                        .sections
                        .insert(section.name(), section.data());
                }
            }
            _ => {}
        }
    }
    modules
}
