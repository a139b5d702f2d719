//! `wasi:sockets`, whose every call fails. wasmtime-wasi's sockets would make `bootstrap` 13 % larger, and are not in it.

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Linker, Resource, ResourceType, Val};
use wasmtime::{AsContextMut as _, StoreContextMut, bail};

use crate::sandbox::HostState;

/// A network, a socket, or one of its streams.
enum Nothing {}

/// The resources of the package. Its interfaces have others, which come from `wasi:io`.
const RESOURCES: [&str; 6] = [
    "network",
    "resolve-address-stream",
    "tcp-socket",
    "udp-socket",
    "incoming-datagram-stream",
    "outgoing-datagram-stream",
];

/// Links what a component imports of an interface, in any version. `item` is the import's type.
pub(super) fn link(
    linker: &mut Linker<HostState>,
    import: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    let ComponentItem::ComponentInstance(interface) = item else {
        bail!("{import} is not an interface");
    };
    let engine = linker.engine().clone();
    let mut linker = linker.instance(import)?;
    for (name, export) in interface.exports(&engine) {
        match export.ty {
            ComponentItem::ComponentFunc(function) => {
                let code = match name {
                    "resolve-addresses" => "permanent-resolver-failure",
                    _ => "access-denied",
                };
                if function.async_() {
                    linker.func_new_concurrent(
                        name,
                        move |accessor, function, given, results| {
                            Box::pin(async move {
                                accessor.with(|mut store| {
                                    refuse(store.as_context_mut(), &function, code, given, results)
                                })
                            })
                        },
                    )?;
                } else {
                    linker.func_new(name, move |store, function, given, results| {
                        refuse(store, &function, code, given, results)
                    })?;
                }
            }
            ComponentItem::Resource(_) if RESOURCES.contains(&name) => {
                linker.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fails a call with this error code. A method of a socket cannot be called, since no function returns a socket.
fn refuse(
    mut store: StoreContextMut<'_, HostState>,
    function: &ComponentFunc,
    code: &str,
    given: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    store.data_mut().begin_call("wasi:sockets");
    for value in given {
        // A loan has to end before the call does.
        if let Val::Resource(network) = value {
            Resource::<Nothing>::try_from_resource_any(*network, &mut store)?;
        }
    }
    let ([result], Some(ty)) = (results, function.results().next()) else {
        return Ok(());
    };
    *result = match ty {
        Type::Result(ty) => Val::Result(Err(Some(Box::new(match ty.err() {
            Some(Type::Enum(_)) => Val::Enum(code.to_owned()),
            _ => Val::Variant(code.to_owned(), None),
        })))),
        // The network, which is there and allows nothing.
        Type::Own(_) => {
            let network = Resource::<Nothing>::new_own(0);
            Val::Resource(network.try_into_resource_any(store)?)
        }
        _ => bail!("there are no sockets"),
    };
    Ok(())
}
