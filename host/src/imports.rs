//! Links the interfaces that a component imports, and only those: linking all of WASI was a third of a prototype's start.

mod files;

use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{
    Component, ComponentType, HasData, HasSelf, InstancePre, Linker, LinkerInstance, Lower,
    ResourceTable, ResourceType,
};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi_http::p2::bindings::http as http_2;
use wasmtime_wasi_http::p3::bindings::http as http_3;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::bindings::invocation;
use crate::sandbox::{Clock, HostState};
use crate::world::{Line, Misfits, import_misfit, interface};

/// The I/O interfaces work on handles alone.
struct WasiIo;

impl HasData for WasiIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// Makes a component ready to be instantiated.
///
/// # Errors
///
/// All imports whose types differ from what is offered, or that are not offered.
pub fn link(engine: &Engine, component: &Component) -> Result<InstancePre<HostState>, Misfits> {
    let ty = component.component_type();
    let mut linker = Linker::new(engine);
    let linked = add_each(&mut linker, ty.imports(engine).map(|(name, _)| name))
        .and_then(|()| linker.instantiate_pre(component));
    // What is left of it would be freed piece by piece, which is a fortieth of a start.
    std::mem::forget(linker);
    linked.map_err(|error| misfits(engine, component, &ty, error))
}

/// wasmtime's error names one import. To name all, what was named is stubbed, and the rest is tried again.
fn misfits(
    engine: &Engine,
    component: &Component,
    ty: &types::Component,
    error: wasmtime::Error,
) -> Misfits {
    let mut misfits = Misfits::default();
    let mut stubbed = Vec::new();
    let mut error = error;
    loop {
        let message = format!("{error:#}");
        let named = ty
            .imports(engine)
            .map(|(name, _)| name)
            .find(|name| message.contains(&format!("`{name}`")) && !stubbed.contains(name));
        let Some(name) = named else {
            misfits.push(format!("its imports cannot be linked ({message})"));
            return misfits;
        };
        misfits.push(import_misfit(name).unwrap_or_else(|| {
            format!("it imports {name} with other types than this version offers ({message})")
        }));
        stubbed.push(name);
        let mut linker = Linker::new(engine);
        let names = ty.imports(engine).map(|(name, _)| name);
        let rest = add_each(&mut linker, names.filter(|name| !stubbed.contains(name)))
            .and_then(|()| {
                ty.imports(engine)
                    .filter(|(name, _)| stubbed.contains(name))
                    .try_for_each(|(name, import)| {
                        stub(&mut linker.root(), engine, name, import.ty)
                    })
            })
            .and_then(|()| linker.instantiate_pre(component));
        match rest {
            Ok(_) => return misfits,
            Err(next) => error = next,
        }
    }
}

/// Defines an import as what it wants to be. wasmtime's own stubs would hide what is offered in another version.
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

/// Adds what is offered of these imports. A component that was composed may import an interface in several versions of a
/// line, which are one here.
fn add_each<'a>(
    linker: &mut Linker<HostState>,
    imports: impl Iterator<Item = &'a str>,
) -> wasmtime::Result<()> {
    let mut added = Vec::new();
    for import in imports {
        let Some(line) = Line::of(import) else {
            continue;
        };
        let name = interface(import);
        // Drafts are compatible with themselves only.
        let added_as = if line == Line::Config { import } else { name };
        if !added.contains(&(line, added_as)) {
            added.push((line, added_as));
            match line {
                Line::Function | Line::Wasi2 => wasi_2(linker, name),
                Line::Wasi3 => wasi_3(linker, name),
                Line::Config => config(linker, import),
            }?;
            match (line, name) {
                (Line::Wasi2, files::INTERFACE) => files::limit_2(linker)?,
                (Line::Wasi3, files::INTERFACE) => files::limit_3(linker)?,
                _ => {}
            }
        }
    }
    Ok(())
}

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

/// Adds a draft of `wasi:config` by its full name. `wasmtime-wasi-config` has only the newest.
fn config(linker: &mut Linker<HostState>, name: &str) -> wasmtime::Result<()> {
    type Answer<T> = wasmtime::Result<(Result<T, ConfigError>,)>;
    let mut linker = linker.instance(name)?;
    linker.func_wrap(
        "get",
        |mut store: StoreContextMut<'_, HostState>, (key,): (String,)| {
            let answer: Answer<Option<String>> = Ok((Ok(store.data_mut().config(&key)),));
            answer
        },
    )?;
    linker.func_wrap(
        "get-all",
        |mut store: StoreContextMut<'_, HostState>, (): ()| {
            let answer: Answer<Vec<(String, String)>> = Ok((Ok(store.data_mut().all_config()),));
            answer
        },
    )
}

/// Adds one interface by its name. Each call of it notes that name, for the case that it waits too long. An interface of
/// types only has nothing to add, and one that is unknown is told by `instantiate_pre`.
macro_rules! add {
    ($linker:ident, $name:ident: $($interface_name:literal => $interface:path, $data:ty, $get:expr $(, $options:ty)?;)*) => {
        match $name {
            $($interface_name => {
                use $interface as interface;
                interface::add_to_linker::<HostState, $data>($linker, $(&<$options>::default(),)? |state: &mut HostState| {
                    state.last_import = $interface_name;
                    #[allow(clippy::redundant_closure_call, reason = "the tables below read better")]
                    ($get)(state)
                })
            })*
            _ => Ok(()),
        }
    };
}

/// Adds one interface of `lambda:function` or WASI 0.2.
fn wasi_2(linker: &mut Linker<HostState>, name: &str) -> wasmtime::Result<()> {
    fn table(state: &mut HostState) -> &mut ResourceTable {
        state.ctx().table
    }
    add! { linker, name:
        "lambda:function/invocation" => invocation, HasSelf<HostState>, |state| state;
        "wasi:cli/environment" => cli::environment, WasiCli, WasiCliView::cli;
        "wasi:cli/exit" => cli::exit, WasiCli, WasiCliView::cli;
        "wasi:cli/stderr" => cli::stderr, WasiCli, WasiCliView::cli;
        "wasi:cli/stdin" => cli::stdin, WasiCli, WasiCliView::cli;
        "wasi:cli/stdout" => cli::stdout, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-input" => cli::terminal_input, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-output" => cli::terminal_output, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stderr" => cli::terminal_stderr, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stdin" => cli::terminal_stdin, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stdout" => cli::terminal_stdout, WasiCli, WasiCliView::cli;
        "wasi:clocks/monotonic-clock" => clocks::monotonic_clock, WasiClocks, WasiClocksView::clocks;
        "wasi:clocks/wall-clock" => clocks::wall_clock, WasiClocks, WasiClocksView::clocks;
        "wasi:filesystem/preopens" => filesystem::preopens, WasiFilesystem, WasiFilesystemView::filesystem;
        "wasi:filesystem/types" => filesystem::types, WasiFilesystem, WasiFilesystemView::filesystem;
        "wasi:http/outgoing-handler" => http_2::outgoing_handler, WasiHttp, WasiHttpView::http;
        "wasi:http/types" => http_2::types, WasiHttp, WasiHttpView::http, http_2::types::LinkOptions;
        "wasi:io/error" => io::error, WasiIo, table;
        "wasi:io/poll" => io::poll, WasiIo, table;
        "wasi:io/streams" => io::streams, WasiIo, table;
        "wasi:random/insecure" => random::insecure, WasiRandom, WasiRandomView::random;
        "wasi:random/insecure-seed" => random::insecure_seed, WasiRandom, WasiRandomView::random;
        "wasi:random/random" => random::random, WasiRandom, WasiRandomView::random;
        "wasi:sockets/instance-network" => sockets::instance_network, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/ip-name-lookup" => sockets::ip_name_lookup, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/network" => sockets::network, WasiSockets, WasiSocketsView::sockets, sockets::network::LinkOptions;
        "wasi:sockets/tcp" => sockets::tcp, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/tcp-create-socket" => sockets::tcp_create_socket, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/udp" => sockets::udp, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/udp-create-socket" => sockets::udp_create_socket, WasiSockets, WasiSocketsView::sockets;
    }
}

/// Adds one interface of WASI 0.3.
fn wasi_3(linker: &mut Linker<HostState>, name: &str) -> wasmtime::Result<()> {
    use wasmtime_wasi::p3::bindings::{cli, clocks, filesystem, random, sockets};
    add! { linker, name:
        "wasi:cli/environment" => cli::environment, WasiCli, WasiCliView::cli;
        "wasi:cli/exit" => cli::exit, WasiCli, WasiCliView::cli;
        "wasi:cli/stderr" => cli::stderr, WasiCli, WasiCliView::cli;
        "wasi:cli/stdin" => cli::stdin, WasiCli, WasiCliView::cli;
        "wasi:cli/stdout" => cli::stdout, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-input" => cli::terminal_input, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-output" => cli::terminal_output, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stderr" => cli::terminal_stderr, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stdin" => cli::terminal_stdin, WasiCli, WasiCliView::cli;
        "wasi:cli/terminal-stdout" => cli::terminal_stdout, WasiCli, WasiCliView::cli;
        "wasi:clocks/monotonic-clock" => clocks::monotonic_clock, Clock, |state| state;
        "wasi:clocks/system-clock" => clocks::system_clock, WasiClocks, WasiClocksView::clocks;
        "wasi:clocks/types" => clocks::types, WasiClocks, WasiClocksView::clocks;
        "wasi:filesystem/preopens" => filesystem::preopens, WasiFilesystem, WasiFilesystemView::filesystem;
        "wasi:filesystem/types" => filesystem::types, WasiFilesystem, WasiFilesystemView::filesystem;
        "wasi:http/client" => http_3::client, WasiHttp, WasiHttpView::http;
        "wasi:http/types" => http_3::types, WasiHttp, WasiHttpView::http;
        "wasi:random/insecure" => random::insecure, WasiRandom, WasiRandomView::random;
        "wasi:random/insecure-seed" => random::insecure_seed, WasiRandom, WasiRandomView::random;
        "wasi:random/random" => random::random, WasiRandom, WasiRandomView::random;
        "wasi:sockets/ip-name-lookup" => sockets::ip_name_lookup, WasiSockets, WasiSocketsView::sockets;
        "wasi:sockets/types" => sockets::types, WasiSockets, WasiSocketsView::sockets;
    }
}
