//! The interfaces that a component may import: one row for each, with its release lines, its link and its grant.
//!
//! [`crate::world`] checks imports by this table, [`crate::imports`] links them, `lambda-wasm inspect` reads the grants, and a
//! test compares the list in `docs/components.md`.

mod config;
mod files;
mod release_line;
mod sockets;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{p2::bindings as p2, p3::bindings as p3};
use wasmtime_wasi_http::p2::bindings::http as http_2;
use wasmtime_wasi_http::p3::bindings::http as http_3;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};
use wasmtime_wasi_io::bindings::wasi::io;

pub use release_line::{
    DRAFT_VERSION, FUNCTION_VERSION, ReleaseLine, WASI_3_VERSION, WASI_VERSION,
};

use self::Access::{Denied, Free, Granted};
use crate::bindings::invocation;
use crate::policy::{self, Grant};
use crate::sandbox::{Clock, HostState};

/// An interface that a component may import.
#[derive(Debug)]
pub struct Interface {
    /// The name, without a version.
    pub name: &'static str,
    /// The release lines that the host offers.
    pub lines: &'static [ReleaseLine],
    /// The grant that a function needs to use the interface.
    pub access: Access,
}

/// Whether a function may use an interface that it imports.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// It may, without a grant.
    Free,
    /// It may, as far as a table of its policy says.
    Granted(&'static Grant),
    /// It may not: every call fails.
    Denied,
}

/// Adds an interface to a linker. It gets the full name of the import, and its type.
pub(crate) type Link = fn(&mut Linker<HostState>, &str, &ComponentItem) -> wasmtime::Result<()>;

impl Interface {
    /// Returns the interface of this name, which has no version.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        INTERFACES.iter().find(|interface| interface.name == name)
    }

    /// Returns the name of the package: `wasi:http` of `wasi:http/types`.
    #[must_use]
    pub fn package(&self) -> &'static str {
        self.name
            .split_once('/')
            .map_or(self.name, |(name, _)| name)
    }
}

/// The data of the I/O interfaces, which work on handles only.
struct WasiIo;

impl HasData for WasiIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// Makes the table of interfaces. A row is `NAME: ACCESS => LINE [LINK] …;`, and [`link!`] has the forms of a link.
///
/// A start looks an import up by `link_to`, a `match`: it follows no pointer that the start would have to relocate.
macro_rules! interfaces {
    ($($name:literal: $access:expr => $($line:ident [$($link:tt)*])+;)*) => {
        /// All interfaces that a component may import.
        pub const INTERFACES: &[Interface] = &[$(Interface {
            name: $name,
            lines: &[$(ReleaseLine::$line),+],
            access: $access,
        }),*];

        /// Returns how to link an interface of this name and version, and the release line of the version.
        pub(crate) fn link_to(name: &str, version: &str) -> Option<(ReleaseLine, Link)> {
            match name {
                $($name => {
                    $(if const { ReleaseLine::$line.is_linked() } && ReleaseLine::$line.includes(version) {
                        let link: Link = link!($name, $($link)*);
                        return Some((ReleaseLine::$line, link));
                    })+
                    None
                })*
                _ => None,
            }
        }
    };
}

/// Makes a [`Link`]:
/// - `types`: the interface has types only.
/// - `by FUNCTION`: this function links it.
/// - `BINDINGS, DATA, GETTER`: wasmtime's bindings, with their options if they have any. Each call of the interface is noted in
///   `last_import`, for a call that waits too long.
macro_rules! link {
    ($name:literal, types) => {
        |_, _, _| Ok(())
    };
    ($name:literal, by $function:path) => {
        $function
    };
    ($name:literal, $bindings:path, $data:ty, $get:expr $(, $options:ty)?) => {
        |linker, _, _| {
            use $bindings as interface;
            interface::add_to_linker::<HostState, $data>(
                linker,
                $(&<$options>::default(),)?
                |state: &mut HostState| {
                    state.begin_call($name);
                    #[allow(clippy::redundant_closure_call, reason = "the rows read better")]
                    ($get)(state)
                },
            )
        }
    };
}

interfaces! {
    "lambda:function/invocation": Free => Function [invocation, HasSelf<HostState>, |state| state];
    "lambda:function/types": Free => Function [types];
    "wasi:cli/environment": Granted(&policy::ENV) =>
        Wasi2 [p2::cli::environment, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::environment, WasiCli, WasiCliView::cli];
    "wasi:cli/exit": Free =>
        Wasi2 [p2::cli::exit, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::exit, WasiCli, WasiCliView::cli];
    "wasi:cli/stderr": Free =>
        Wasi2 [p2::cli::stderr, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::stderr, WasiCli, WasiCliView::cli];
    "wasi:cli/stdin": Free =>
        Wasi2 [p2::cli::stdin, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::stdin, WasiCli, WasiCliView::cli];
    "wasi:cli/stdout": Free =>
        Wasi2 [p2::cli::stdout, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::stdout, WasiCli, WasiCliView::cli];
    "wasi:cli/terminal-input": Free =>
        Wasi2 [p2::cli::terminal_input, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::terminal_input, WasiCli, WasiCliView::cli];
    "wasi:cli/terminal-output": Free =>
        Wasi2 [p2::cli::terminal_output, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::terminal_output, WasiCli, WasiCliView::cli];
    "wasi:cli/terminal-stderr": Free =>
        Wasi2 [p2::cli::terminal_stderr, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::terminal_stderr, WasiCli, WasiCliView::cli];
    "wasi:cli/terminal-stdin": Free =>
        Wasi2 [p2::cli::terminal_stdin, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::terminal_stdin, WasiCli, WasiCliView::cli];
    "wasi:cli/terminal-stdout": Free =>
        Wasi2 [p2::cli::terminal_stdout, WasiCli, WasiCliView::cli]
        Wasi3 [p3::cli::terminal_stdout, WasiCli, WasiCliView::cli];
    "wasi:cli/types": Free => Wasi3 [types];
    "wasi:clocks/monotonic-clock": Free =>
        Wasi2 [p2::clocks::monotonic_clock, WasiClocks, WasiClocksView::clocks]
        Wasi3 [p3::clocks::monotonic_clock, Clock, |state| state];
    "wasi:clocks/system-clock": Free => Wasi3 [p3::clocks::system_clock, WasiClocks, WasiClocksView::clocks];
    "wasi:clocks/types": Free => Wasi3 [p3::clocks::types, WasiClocks, WasiClocksView::clocks];
    "wasi:clocks/wall-clock": Free => Wasi2 [p2::clocks::wall_clock, WasiClocks, WasiClocksView::clocks];
    "wasi:filesystem/preopens": Granted(&policy::FILES) =>
        Wasi2 [p2::filesystem::preopens, WasiFilesystem, WasiFilesystemView::filesystem]
        Wasi3 [p3::filesystem::preopens, WasiFilesystem, WasiFilesystemView::filesystem];
    "wasi:filesystem/types": Granted(&policy::FILES) => Wasi2 [by files::link_2] Wasi3 [by files::link_3];
    "wasi:http/client": Granted(&policy::HTTP) => Wasi3 [http_3::client, WasiHttp, WasiHttpView::http];
    "wasi:http/outgoing-handler": Granted(&policy::HTTP) =>
        Wasi2 [http_2::outgoing_handler, WasiHttp, WasiHttpView::http];
    "wasi:http/types": Free =>
        Wasi2 [http_2::types, WasiHttp, WasiHttpView::http, http_2::types::LinkOptions]
        Wasi3 [http_3::types, WasiHttp, WasiHttpView::http];
    "wasi:io/error": Free => Wasi2 [io::error, WasiIo, HostState::table];
    "wasi:io/poll": Free => Wasi2 [io::poll, WasiIo, HostState::table];
    "wasi:io/streams": Free => Wasi2 [io::streams, WasiIo, HostState::table];
    "wasi:random/insecure": Free =>
        Wasi2 [p2::random::insecure, WasiRandom, WasiRandomView::random]
        Wasi3 [p3::random::insecure, WasiRandom, WasiRandomView::random];
    "wasi:random/insecure-seed": Free =>
        Wasi2 [p2::random::insecure_seed, WasiRandom, WasiRandomView::random]
        Wasi3 [p3::random::insecure_seed, WasiRandom, WasiRandomView::random];
    "wasi:random/random": Free =>
        Wasi2 [p2::random::random, WasiRandom, WasiRandomView::random]
        Wasi3 [p3::random::random, WasiRandom, WasiRandomView::random];
    "wasi:sockets/instance-network": Denied => Wasi2 [by sockets::link];
    "wasi:sockets/ip-name-lookup": Denied => Wasi2 [by sockets::link] Wasi3 [by sockets::link];
    "wasi:sockets/network": Denied => Wasi2 [by sockets::link];
    "wasi:sockets/tcp": Denied => Wasi2 [by sockets::link];
    "wasi:sockets/tcp-create-socket": Denied => Wasi2 [by sockets::link];
    "wasi:sockets/types": Denied => Wasi3 [by sockets::link];
    "wasi:sockets/udp": Denied => Wasi2 [by sockets::link];
    "wasi:sockets/udp-create-socket": Denied => Wasi2 [by sockets::link];
    "wasi:config/runtime": Granted(&policy::CONFIG) => Draft2 [by config::link];
    "wasi:config/store": Granted(&policy::CONFIG) => Draft2 [by config::link];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the table of `docs/components.md` that the rows above make.
    fn documented() -> String {
        let rows = INTERFACES.iter().map(|interface| {
            let versions = interface.lines.iter().map(|line| line.versions());
            let versions = versions.collect::<Vec<_>>().join(", ");
            let access = match interface.access {
                Free => "offered".to_owned(),
                Granted(grant) => {
                    format!("offered; `[{}]` of the [policy](policy.md)", grant.table)
                }
                Denied => "can be imported, but every call fails".to_owned(),
            };
            format!("| `{}` | {versions} | {access} |\n", interface.name)
        });
        format!(
            "| import | versions | |\n|---|---|---|\n{}",
            rows.collect::<String>()
        )
    }

    #[test]
    fn the_documents_list_every_interface() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/components.md");
        let document = std::fs::read_to_string(path).unwrap();
        let table = documented();
        assert!(document.contains(&table), "{path} should have:\n{table}");
    }
}
