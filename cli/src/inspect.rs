//! `lambda-wasm inspect`: shows the world, imports and grants of a component or an artifact.

mod grants;
mod sizes;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lambda_wasm_host::artifact::{self, ArtifactError, Ending, Kind, Trailer};
use lambda_wasm_host::policy::Policy;
use lambda_wasm_host::variant::{self, Variant};
use lambda_wasm_host::world::{self, IncompatibleComponent, World};

use crate::component::Description;
use crate::sbom;

use self::sizes::Sizes;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm inspect hello.wasm
  lambda-wasm inspect dist/hello.cwasm --json
  lambda-wasm inspect dist/hello.cwasm --sbom > hello.cdx.json")]
pub struct Args {
    /// A component or an artifact
    file: PathBuf,
    /// Print JSON: the world, imports, exports, sizes, and the trailer of an artifact
    #[arg(long)]
    json: bool,
    /// Print a software bill of materials: what the component says about itself, its tools and its crates, in CycloneDX 1.6
    #[arg(long, conflicts_with = "json")]
    sbom: bool,
}

/// Prints the file's world, imports, exports, possible grants, and what takes its space. Also verifies an artifact, and
/// prints its trailer.
///
/// # Errors
///
/// Returns an error if the file is neither a component nor an artifact, or is damaged.
pub fn run(args: &Args) -> Result<()> {
    let text = match args.sbom {
        true => bill(&args.file)?,
        false => describe(&args.file, args.json)?,
    };
    print!("{text}");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Returns the software bill of materials of a component or an artifact.
fn bill(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let bill = match Kind::from_bytes(&bytes) {
        Kind::Component | Kind::CoreModule => sbom::of_component(&name, &bytes),
        _ => {
            let trailer = Trailer::inspect(path)?;
            artifact::verify(path, &trailer)?;
            sbom::of_artifact(&name, &bytes, &trailer)
        }
    };
    let bill = bill.with_context(|| format!("{} has no readable metadata", path.display()))?;
    Ok(format!("{bill:#}\n"))
}

fn describe(path: &Path, is_json: bool) -> Result<String> {
    let bytes = read(path)?;
    let mut text = String::new();
    if Kind::from_bytes(&bytes) == Kind::Component || Kind::from_bytes(&bytes) == Kind::CoreModule {
        let component = Description::parse(&bytes).with_context(|| path.display().to_string())?;
        let names: [&[String]; 3] = [&component.imports, &component.types, &component.exports];
        let sizes = Sizes::of_component(&bytes)?;
        if is_json {
            return Ok(json(
                "component",
                (bytes.len(), &sizes),
                component.world(),
                names,
                None,
            ));
        }
        write_names(
            &mut text,
            path,
            "component",
            (bytes.len(), &sizes),
            component.world(),
            names,
        )?;
        return Ok(text);
    }
    let ending = Ending::read(path)?;
    let trailer = &ending.trailer;
    artifact::verify(path, trailer)?;
    let signer = signer(path, &ending)?;
    let world = world::examine(trailer.needs(), trailer.exports.iter().map(String::as_str));
    let names: [&[String]; 3] = [&trailer.imports, &trailer.types, &trailer.exports];
    let sizes = Sizes::of_artifact(&bytes, trailer)?;
    if is_json {
        let size = (bytes.len(), &sizes);
        let bootstrap = Variant::for_function(trailer, &policy_of(path)).name();
        let of_artifact = Some((trailer, bootstrap, signer));
        return Ok(json("artifact", size, world, names, of_artifact));
    }
    write_names(
        &mut text,
        path,
        "compiled component",
        (bytes.len(), &sizes),
        world,
        names,
    )?;
    write_bootstrap(&mut text, path, trailer)?;
    match signer {
        Some(key) => writeln!(text, "signed by: {key} (verified)")?,
        None => writeln!(text, "signed by: none")?,
    }
    write_trailer(&mut text, trailer)?;
    Ok(text)
}

/// Returns the public key that has signed an artifact.
fn signer<'a>(path: &Path, ending: &'a Ending) -> Result<Option<&'a str>> {
    let Some(signature) = &ending.signature else {
        return Ok(None);
    };
    if !signature.is_valid_for(&ending.line) {
        return Err(ArtifactError::InvalidSignature(path.to_owned()).into());
    }
    Ok(Some(&signature.key))
}

/// Which variant of `bootstrap` runs it, with the policy that lies beside it.
fn write_bootstrap(text: &mut String, path: &Path, trailer: &Trailer) -> fmt::Result {
    match variant::need_for_full(trailer, &policy_of(path)) {
        None => writeln!(text, "bootstrap: {}", Variant::Small.name()),
        Some(need) => writeln!(text, "bootstrap: {} ({need})", Variant::Full.name()),
    }
}

/// The policy beside an artifact. One that cannot be read is not this command's to complain about.
fn policy_of(path: &Path) -> Policy {
    Policy::read(&Policy::path(path)).unwrap_or_default()
}

fn json(
    kind: &str,
    (size, sizes): (usize, &Sizes),
    world: Result<World, IncompatibleComponent>,
    [imports, types, exports]: [&[String]; 3],
    of_artifact: Option<(&Trailer, &str, Option<&str>)>,
) -> String {
    let (world, unsupported) = match world {
        Ok(world) => (Some(world.to_string()), None),
        Err(incompatible) => (None, Some(incompatible.to_string())),
    };
    let report = serde_json::json!({
        "kind": kind,
        "size": size,
        "parts": sizes.parts,
        "functions": sizes.functions,
        "world": world,
        "unsupported": unsupported,
        "imports": imports,
        // The imports that have types only.
        "types": types,
        "exports": exports,
        "grants": grants::names(world::needed(imports, types)),
        "trailer": of_artifact.map(|(trailer, ..)| trailer),
        "bootstrap": of_artifact.map(|(_, bootstrap, _)| bootstrap),
        "signer": of_artifact.and_then(|(.., signer)| signer),
    });
    format!("{report:#}\n")
}

fn write_names(
    text: &mut String,
    path: &Path,
    kind: &str,
    (size, sizes): (usize, &Sizes),
    world: Result<World, IncompatibleComponent>,
    [imports, types, exports]: [&[String]; 3],
) -> fmt::Result {
    writeln!(text, "{}: {kind}, {size} bytes", path.display())?;
    match world {
        Ok(world) => writeln!(text, "world: {world}")?,
        Err(incompatible) => {
            writeln!(text, "world: not supported by this version: {incompatible}")?
        }
    }
    for (title, names) in [("imports", imports), ("exports", exports)] {
        writeln!(
            text,
            "{title}:{}",
            if names.is_empty() { " none" } else { "" }
        )?;
        for name in names {
            let note = match types.contains(name) && title == "imports" {
                true => " (types only)",
                false => "",
            };
            writeln!(text, "  {name}{note}")?;
        }
    }
    sizes.write(text)?;
    grants::write(text, world::needed(imports, types))
}

fn write_trailer(text: &mut String, trailer: &Trailer) -> fmt::Result {
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    writeln!(text, "trailer:")?;
    writeln!(text, "  format: {}", trailer.format)?;
    writeln!(text, "  wasmtime: {}", trailer.wasmtime)?;
    writeln!(text, "  target: {}", trailer.target)?;
    writeln!(text, "  cpu: {}", trailer.cpu.join(", "))?;
    writeln!(text, "  length: {}", trailer.length)?;
    writeln!(text, "  sha256: {} (verified)", trailer.sha256)?;
    writeln!(text, "  epoch: {}", yes_or_no(trailer.epoch))?;
    writeln!(text, "  concurrency: {}", yes_or_no(trailer.concurrency))?;
    writeln!(text, "  exceptions: {}", yes_or_no(trailer.exceptions))?;
    writeln!(text, "  memories: {}", trailer.memories)?;
    writeln!(text, "  tables: {}", trailer.tables)?;
    writeln!(text, "  core instances: {}", trailer.core_instances)?;
    writeln!(text, "  names: {}", yes_or_no(trailer.names))?;
    writeln!(text, "  stripped: {}", yes_or_no(trailer.stripped))?;
    writeln!(text, "  prepared: {}", yes_or_no(trailer.prepared))?;
    match &trailer.warmed_by {
        Some(event) => writeln!(text, "  warmed by the event: {event}"),
        None => Ok(()),
    }
}
