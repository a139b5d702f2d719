//! Components without a toolchain: of WIT, with a core module that is given as text or that only has the right shape.

use std::path::Path;

pub use wit_component::StringEncoding;
use wit_component::{ComponentEncoder, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve};

/// A component of the only world in `wit`, whose functions all trap. `wit` brings all packages that it uses.
pub fn of_wit(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    encode(&resolve, package, None, StringEncoding::UTF8)
}

/// The same, where `world`, the lines between the braces, may use this project's packages. `module` is the core module;
/// its imports and exports have to be those of the world.
pub fn function(world: &str, module: Option<&str>) -> Vec<u8> {
    of_world(world, module, StringEncoding::UTF8)
}

/// The same, where the core module's strings are of this encoding.
pub fn of_world(world: &str, module: Option<&str>, encoding: StringEncoding) -> Vec<u8> {
    let (resolve, package) = resolved(world);
    let module = module.map(|text| wat::parse_str(text).unwrap());
    encode(&resolve, package, module, encoding)
}

fn resolved(world: &str) -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    resolve.push_dir(wit).unwrap();
    let wit = format!("package test:test; world test {{ {world} }}");
    let package = resolve.push_str("test.wit", &wit).unwrap();
    (resolve, package)
}

/// Returns a component of `world`, as [`function`] does, whose core module `make` makes of one with the same imports and
/// exports, or `None` if a component cannot have that module.
pub fn of_module(world: &str, make: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Option<Vec<u8>> {
    let (resolve, package) = resolved(world);
    let id = resolve.select_world(&[package], None).unwrap();
    let shape = dummy_module(&resolve, id, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let module = make(shape);
    encoded(&resolve, package, module, StringEncoding::UTF8).ok()
}

fn encode(
    resolve: &Resolve,
    package: PackageId,
    module: Option<Vec<u8>>,
    encoding: StringEncoding,
) -> Vec<u8> {
    let world = resolve.select_world(&[package], None).unwrap();
    let module = module.unwrap_or_else(|| {
        dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync))
    });
    encoded(resolve, package, module, encoding).unwrap()
}

fn encoded(
    resolve: &Resolve,
    package: PackageId,
    mut module: Vec<u8>,
    encoding: StringEncoding,
) -> anyhow::Result<Vec<u8>> {
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut module, resolve, world, encoding, false)?;
    let mut encoder = ComponentEncoder::default();
    // What is imported in two versions stays so, as in components that were composed.
    encoder.merge_imports_based_on_semver(false);
    encoder.module(&module)?.encode()
}
