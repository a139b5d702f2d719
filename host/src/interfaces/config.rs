//! `wasi:config`. `wasmtime-wasi-config` has the newest draft only.

use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentType, Linker, Lower};

use crate::sandbox::HostState;

/// The error of `wasi:config`, which this host never returns.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[expect(dead_code, reason = "reading the configuration does not fail")]
enum ConfigError {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

/// Links `wasi:config` under the full name of the import, which names the draft.
pub(super) fn link(
    linker: &mut Linker<HostState>,
    import: &str,
    _: &ComponentItem,
) -> wasmtime::Result<()> {
    type Reply<T> = wasmtime::Result<(Result<T, ConfigError>,)>;
    let mut linker = linker.instance(import)?;
    linker.func_wrap(
        "get",
        |mut store: StoreContextMut<'_, HostState>, (key,): (String,)| {
            let reply: Reply<Option<String>> = Ok((Ok(store.data_mut().config(&key)),));
            reply
        },
    )?;
    linker.func_wrap(
        "get-all",
        |mut store: StoreContextMut<'_, HostState>, (): ()| {
            let reply: Reply<Vec<(String, String)>> = Ok((Ok(store.data_mut().all_config()),));
            reply
        },
    )
}
