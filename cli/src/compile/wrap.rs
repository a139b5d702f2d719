//! Composes a component of `wasi:http` with middleware: components that import the interface that they export.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::component::Description;

/// The interfaces that middleware can wrap, of WASI 0.2 and 0.3.
const HANDLERS: [&str; 2] = ["wasi:http/incoming-handler", "wasi:http/handler"];

/// Wraps a component in middleware. A request passes through the first middleware first.
///
/// # Errors
///
/// Returns an error that names the file if one cannot be read, is not middleware, or does not fit what it wraps.
pub fn wrap(name: &Path, component: Vec<u8>, middleware: &[PathBuf]) -> Result<Vec<u8>> {
    let mut wrapped = (name, component);
    // The last one is next to the component.
    for path in middleware.iter().rev() {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let composed = plug(&wrapped, (path, &bytes))
            .with_context(|| format!("{} cannot wrap {}", path.display(), wrapped.0.display()))?;
        wrapped = (path, composed);
    }
    Ok(wrapped.1)
}

/// Plugs the export of a component into the import of middleware.
fn plug(
    (name, component): &(&Path, Vec<u8>),
    (path, middleware): (&Path, &[u8]),
) -> Result<Vec<u8>> {
    let inner = Description::parse(component).with_context(|| name.display().to_string())?;
    let outer = Description::parse(middleware).with_context(|| path.display().to_string())?;
    let imports = handlers(&outer.imports);
    let exports = handlers(&inner.exports);
    let (path, name) = (path.display(), name.display());
    if imports.is_empty() {
        bail!(
            "{path} is not middleware: it imports neither {}\nhint: middleware imports the interface that it exports",
            HANDLERS.join(" nor ")
        );
    }
    if exports.is_empty() {
        bail!(
            "{name} exports neither {}\nhint: middleware wraps components of wasi:http only",
            HANDLERS.join(" nor ")
        );
    }
    let fits = |import: &&&str| {
        exports
            .iter()
            .any(|export| handler(export) == handler(import))
    };
    let Some(import) = imports.iter().find(fits) else {
        bail!(
            "{path} imports {}, and {name} exports {}\nhint: both need the same release line of WASI: build one of them for the other's",
            imports.join(" and "),
            exports.join(" and ")
        );
    };
    let same = |names: &[&str]| {
        let mut names = names.iter().filter(|name| handler(name) == handler(import));
        names.next().map(|name| (*name).to_owned())
    };
    let Some(outermost) = same(&handlers(&outer.exports)) else {
        bail!(
            "{path} imports {import} and does not export it\nhint: middleware exports the interface that it imports"
        );
    };
    let export = same(&exports).unwrap_or_default();

    let mut graph = CompositionGraph::new();
    let mut add = |name: &str, bytes: &[u8]| {
        let package = Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut())?;
        let package = graph.register_package(package)?;
        anyhow::Ok(graph.instantiate(package))
    };
    let inner = add("lambda-wasm:component", component)?;
    let outer = add("lambda-wasm:middleware", middleware)?;
    let argument = graph.alias_instance_export(inner, &export)?;
    graph
        .set_instantiation_argument(outer, import, argument)
        .with_context(|| format!("{import} does not fit {export}"))?;
    let response = graph.alias_instance_export(outer, &outermost)?;
    graph.export(response, &outermost)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// The names that are of one of [`HANDLERS`], with their versions.
fn handlers(names: &[String]) -> Vec<&str> {
    let names = names.iter().map(String::as_str);
    names
        .filter(|name| HANDLERS.contains(&handler(name)))
        .collect()
}

/// The name without its version.
fn handler(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}
