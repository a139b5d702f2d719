//! The exports that the host calls, and their types.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Instance, InstancePre};
use wasmtime::{Engine, Store};
pub use wasmtime_wasi_http::p2::bindings::exports::wasi::http::incoming_handler as http_2;
#[cfg(feature = "full")]
pub use wasmtime_wasi_http::p3::bindings::exports::wasi::http::handler as http_3;

use crate::bindings::{Context, Failure, api, handler, init, streaming_handler};
use crate::sandbox::HostState;
use crate::world::{self, IncompatibleComponent, World};

/// The export that makes a component a function, found once for all its instances.
pub enum ExportIndices {
    /// `lambda:function/api`.
    Api(api::GuestIndices),
    /// `lambda:function/handler`.
    Handler(handler::GuestIndices),
    /// `lambda:function/streaming-handler`.
    Streaming(streaming_handler::GuestIndices),
    /// `wasi:http/incoming-handler` of WASI 0.2.
    HttpProxy(http_2::GuestIndices),
    /// `wasi:http/handler` of WASI 0.3.
    #[cfg(feature = "full")]
    HttpService(http_3::GuestIndices),
}

/// The export in one instance.
pub enum Export {
    /// `lambda:function/api`.
    Api(api::Guest),
    /// `lambda:function/handler`.
    Handler(handler::Guest),
    /// `lambda:function/streaming-handler`.
    Streaming(streaming_handler::Guest),
    /// `wasi:http/incoming-handler` of WASI 0.2.
    HttpProxy(http_2::Guest),
    /// `wasi:http/handler` of WASI 0.3.
    #[cfg(feature = "full")]
    HttpService(http_3::Guest),
}

impl ExportIndices {
    /// Finds the export of `world`.
    ///
    /// # Errors
    ///
    /// Returns an error if the component does not have the export.
    pub fn find(world: World, component: &InstancePre<HostState>) -> wasmtime::Result<Self> {
        Ok(match world {
            World::ApiFunction => Self::Api(api::GuestIndices::new(component)?),
            World::HandlerFunction => Self::Handler(handler::GuestIndices::new(component)?),
            World::StreamingFunction => {
                Self::Streaming(streaming_handler::GuestIndices::new(component)?)
            }
            World::HttpProxy => Self::HttpProxy(http_2::GuestIndices::new(component)?),
            #[cfg(feature = "full")]
            World::HttpService => Self::HttpService(http_3::GuestIndices::new(component)?),
            #[cfg(not(feature = "full"))]
            World::HttpService => wasmtime::bail!("only the full bootstrap calls it"),
        })
    }

    /// Returns the export in an instance.
    ///
    /// # Errors
    ///
    /// Returns an error if its functions have other types than this host calls.
    pub fn load(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
    ) -> Result<Export, IncompatibleComponent> {
        self.load_untyped(store, instance).map_err(another_type)
    }

    fn load_untyped(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
    ) -> wasmtime::Result<Export> {
        Ok(match self {
            Self::Api(export) => Export::Api(export.load(store, instance)?),
            Self::Handler(export) => Export::Handler(export.load(store, instance)?),
            Self::Streaming(export) => Export::Streaming(export.load(store, instance)?),
            Self::HttpProxy(export) => Export::HttpProxy(export.load(store, instance)?),
            #[cfg(feature = "full")]
            Self::HttpService(export) => Export::HttpService(export.load(store, instance)?),
        })
    }
}

/// Returns the `init` in an instance.
///
/// # Errors
///
/// Returns an error if it has another type than this host calls.
pub fn load_init(
    init: &init::GuestIndices,
    store: &mut Store<HostState>,
    instance: &Instance,
) -> Result<init::Guest, IncompatibleComponent> {
    init.load(store, instance).map_err(another_type)
}

/// Checks without an instance that the export of `world`, and `init` if there is one, have the types that this host calls.
///
/// # Errors
///
/// Returns an error if a function is missing or has another type.
pub fn check_types(
    world: World,
    engine: &Engine,
    component: &Component,
) -> Result<(), IncompatibleComponent> {
    let ty = component.component_type();
    let types = ty.instance_type();
    let names = || ty.exports(engine).map(|(name, _)| name);
    let Some(name) = names().find(|name| world.is_made_by(name)) else {
        return Err(incompatible(format!(
            "it does not export {}",
            world.interface()
        )));
    };
    check_function(engine, component, name, "handle", |handle| match world {
        World::ApiFunction => {
            handle.typecheck::<(api::Request, Context), (Result<api::Response, Failure>,)>(&types)
        }
        World::HandlerFunction => {
            handle.typecheck::<(Vec<u8>, Context), (Result<Vec<u8>, Failure>,)>(&types)
        }
        // Their functions take resources, whose types are known only in an instance.
        World::StreamingFunction | World::HttpProxy | World::HttpService => Ok(()),
    })?;
    let init = names().find(|name| world::is_init(name));
    init.map_or(Ok(()), |name| {
        check_function(engine, component, name, "init", |init| {
            init.typecheck::<(), (Result<(), Failure>,)>(&types)
        })
    })
}

/// Checks the type of a function of an interface that the component exports.
fn check_function(
    engine: &Engine,
    component: &Component,
    interface: &str,
    function: &str,
    check: impl FnOnce(ComponentFunc) -> wasmtime::Result<()>,
) -> Result<(), IncompatibleComponent> {
    let other_type = |why: String| {
        incompatible(format!(
            "it exports {interface} with another type than this version calls ({why}): build it with the WIT of this version"
        ))
    };
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(exported)) =
        ty.get_export(engine, interface).map(|export| export.ty)
    else {
        return Err(other_type("it is not an interface".to_owned()));
    };
    let Some(ComponentItem::ComponentFunc(ty)) = exported
        .get_export(engine, function)
        .map(|export| export.ty)
    else {
        return Err(other_type(format!("the function `{function}` is missing")));
    };
    check(ty).map_err(|error| other_type(format!("{function}: {error:#}")))
}

fn another_type(error: wasmtime::Error) -> IncompatibleComponent {
    incompatible(format!(
        "its export has another type than this version calls ({error:#}): build it with the WIT of this version"
    ))
}

fn incompatible(why: String) -> IncompatibleComponent {
    let mut component = IncompatibleComponent::default();
    component.push(why);
    component
}
