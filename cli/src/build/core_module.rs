//! Components from the core modules of languages that compile for WASI preview 1: the bindings of a world
//! before, and the component around the module after.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::{ComponentEncoder, StringEncoding};

use crate::project::Project;
use crate::wit;

/// The world of a project, with the WIT that it is part of.
pub struct World {
    resolve: Resolve,
    id: WorldId,
}

impl World {
    /// Reads the world of a project from the WIT of this tool.
    ///
    /// # Errors
    ///
    /// Returns an error if the WIT cannot be written to the project's scratch directory.
    pub fn of(project: &Project) -> Result<Self> {
        let directory = project.scratch().join("wit");
        let _ = fs::remove_dir_all(&directory);
        wit::write(&directory)?;
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(&directory)?;
        let name = match project.world.wit_name() {
            Some(name) => name.to_owned(),
            None => format!("wasi:http/proxy@{}", wit::wasi_version()),
        };
        let id = resolve.select_world(&[package], Some(&name))?;
        Ok(Self { resolve, id })
    }

    /// Generates the bindings.
    ///
    /// # Errors
    ///
    /// Returns an error if the language has no bindings for the world.
    pub fn bindings(&self, mut generator: Box<dyn WorldGenerator>) -> Result<Files> {
        let mut files = Files::default();
        generator.generate(&mut self.resolve.clone(), self.id, &mut files)?;
        Ok(files)
    }

    /// Makes a component of a core module, and returns where it is.
    ///
    /// # Errors
    ///
    /// Returns an error if the module does not export the functions of the world, or imports functions that are
    /// neither of the world nor of WASI preview 1.
    pub fn component(&self, module: &Path, project: &Project) -> Result<PathBuf> {
        let mut bytes =
            fs::read(module).with_context(|| format!("{} cannot be read", module.display()))?;
        wit_component::embed_component_metadata(
            &mut bytes,
            &self.resolve,
            self.id,
            StringEncoding::UTF8,
        )?;
        let component = ComponentEncoder::default()
            .validate(true)
            .module(&bytes)?
            .adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )?
            .encode()
            .with_context(|| format!("{} cannot become a component", module.display()))?;
        let path = project.scratch().join(format!("{}.wasm", project.name));
        fs::write(&path, component)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }
}

/// Writes a file, and creates its directory.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let unwritable = || format!("{} cannot be written", path.display());
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(unwritable)?;
    }
    fs::write(path, content).with_context(unwritable)
}
