//! Links the interfaces that a component imports, and no others: linking all of WASI was a third of a prototype's start.

use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, LinkerInstance, ResourceType};

use crate::interfaces::{ReleaseLine, link_to};
use crate::sandbox::HostState;
use crate::world::{IncompatibleComponent, import_problem, split};

/// Links the imports of a component, so that it can be instantiated.
///
/// # Errors
///
/// Returns an error if the host does not offer an import, or offers it with other types. It names all such imports.
pub fn link(
    engine: &Engine,
    component: &Component,
) -> Result<InstancePre<HostState>, IncompatibleComponent> {
    let ty = component.component_type();
    let mut linker = Linker::new(engine);
    let linked = add_each(&mut linker, imports(&ty, engine))
        .and_then(|()| linker.instantiate_pre(component));
    // Dropping the linker frees it piece by piece, which takes a fortieth of a start.
    std::mem::forget(linker);
    linked.map_err(|error| incompatible(engine, component, &ty, error))
}

/// Returns all imports that cannot be linked.
///
/// wasmtime's error names one import. To find the next, this stubs the imports that were named and links again.
fn incompatible(
    engine: &Engine,
    component: &Component,
    ty: &types::Component,
    error: wasmtime::Error,
) -> IncompatibleComponent {
    let mut incompatible = IncompatibleComponent::default();
    let mut stubbed = Vec::new();
    let mut error = error;
    loop {
        let message = format!("{error:#}");
        let named = ty
            .imports(engine)
            .map(|(name, _)| name)
            .find(|name| message.contains(&format!("`{name}`")) && !stubbed.contains(name));
        let Some(name) = named else {
            incompatible.push(format!("its imports cannot be linked ({message})"));
            return incompatible;
        };
        incompatible.push(import_problem(name).unwrap_or_else(|| {
            format!("it imports {name} with other types than this version offers ({message})")
        }));
        stubbed.push(name);
        let mut linker = Linker::new(engine);
        let (stubs, others): (Vec<_>, Vec<_>) =
            imports(ty, engine).partition(|(name, _)| stubbed.contains(name));
        let rest = add_each(&mut linker, others.into_iter())
            .and_then(|()| {
                let mut stubs = stubs.into_iter();
                stubs.try_for_each(|(name, item)| stub(&mut linker.root(), engine, name, item))
            })
            .and_then(|()| linker.instantiate_pre(component));
        match rest {
            Ok(_) => return incompatible,
            Err(next) => error = next,
        }
    }
}

/// Defines an import as a stub with its type. wasmtime's stubs would hide an import that is offered in another version.
fn stub(
    linker: &mut LinkerInstance<HostState>,
    engine: &Engine,
    name: &str,
    item: ComponentItem,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentInstance(instance) => {
            let mut linker = linker.instance(name)?;
            instance
                .exports(engine)
                .try_for_each(|(name, export)| stub(&mut linker, engine, name, export.ty))
        }
        ComponentItem::ComponentFunc(_) => linker.func_new(name, |_, _, _, _| Ok(())),
        ComponentItem::Resource(_) => {
            linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))
        }
        _ => Ok(()),
    }
}

/// The names and types of a component's imports.
fn imports<'a>(
    ty: &'a types::Component,
    engine: &'a Engine,
) -> impl Iterator<Item = (&'a str, ComponentItem)> {
    ty.imports(engine).map(|(name, import)| (name, import.ty))
}

/// Links the interfaces of these imports that the host offers. A composed component may import several versions of a release
/// line, which share one link. The link of sockets has the functions that one import names, so each import gets its own.
/// Drafts are compatible with themselves only.
fn add_each<'a>(
    linker: &mut Linker<HostState>,
    imports: impl Iterator<Item = (&'a str, ComponentItem)>,
) -> wasmtime::Result<()> {
    let mut added = Vec::new();
    for (import, item) in imports {
        let (name, version) = split(import);
        let Some((line, link)) = link_to(name, version) else {
            continue;
        };
        let added_as = match line {
            ReleaseLine::Draft2 => import,
            _ if name.starts_with("wasi:sockets/") => import,
            _ => name,
        };
        if !added.contains(&(line, added_as)) {
            added.push((line, added_as));
            link(linker, import, &item)?;
        }
    }
    Ok(())
}
