//! What a component is, by what it exports, and whether this host offers what it imports.

use std::fmt;

use serde::{Deserialize, Serialize};

mod misfits;

pub use misfits::Misfits;

/// The version of the WIT package `lambda:function` that this host calls.
pub const FUNCTION_VERSION: &str = "0.1.0";

/// The newest WASI 0.2 that this host offers. Versions within 0.2 are compatible, both ways.
pub const WASI_VERSION: &str = "0.2.12";

/// The newest WASI 0.3 that this host offers.
pub const WASI_3_VERSION: &str = "0.3.0";

/// The newest version of `wasi:config` that this host offers. All of its drafts have the same functions, in `store`, which
/// was called `runtime` before: Spin 3 has `store@0.2.0-draft-2024-09-27`, wasmCloud 1 has `runtime@0.2.0-draft`.
pub const CONFIG_VERSION: &str = "0.2.0-rc.1";

/// Which of the worlds that this host calls a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Exports `lambda:function/api`: typed HTTP requests and responses.
    ApiFunction,
    /// Exports `lambda:function/handler`: JSON bytes in, JSON bytes out.
    HandlerFunction,
    /// Exports `lambda:function/streaming-handler`: JSON bytes in, a stream of bytes out.
    StreamingFunction,
    /// Exports `wasi:http/incoming-handler` of WASI 0.2.
    #[serde(rename = "wasi:http/proxy")]
    HttpProxy,
    /// Exports `wasi:http/handler` of WASI 0.3.
    #[serde(rename = "wasi:http/service")]
    HttpService,
}

impl World {
    /// All worlds, in the order in which people should hear of them.
    pub const ALL: [Self; 5] = [
        Self::ApiFunction,
        Self::HandlerFunction,
        Self::StreamingFunction,
        Self::HttpProxy,
        Self::HttpService,
    ];

    /// The name of the interface whose export makes a component one of this world, without a version.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::ApiFunction => "lambda:function/api",
            Self::HandlerFunction => "lambda:function/handler",
            Self::StreamingFunction => "lambda:function/streaming-handler",
            Self::HttpProxy => "wasi:http/incoming-handler",
            Self::HttpService => "wasi:http/handler",
        }
    }

    /// The versions of that interface which are called, for people.
    #[must_use]
    pub fn versions(self) -> &'static str {
        match self {
            Self::HttpProxy => "0.2.0 and later 0.2",
            Self::HttpService => "0.3.0 and later 0.3",
            _ => FUNCTION_VERSION,
        }
    }

    /// Whether a component with this export is one of this world.
    #[must_use]
    pub fn is_made_by(self, export: &str) -> bool {
        interface(export) == self.interface()
            && match self {
                Self::HttpProxy => Line::of(export) == Some(Line::Wasi2),
                Self::HttpService => Line::of(export) == Some(Line::Wasi3),
                _ => Line::of(export) == Some(Line::Function),
            }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiFunction => "api-function",
            Self::HandlerFunction => "handler-function",
            Self::StreamingFunction => "streaming-function",
            Self::HttpProxy => "wasi:http/proxy",
            Self::HttpService => "wasi:http/service",
        })
    }
}

/// Versions of interfaces that are compatible with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// `lambda:function` in this host's version.
    Function,
    /// A release of WASI 0.2.
    Wasi2,
    /// Any draft of `wasi:config` 0.2.
    Config,
    /// A release of WASI 0.3, whose functions are asynchronous.
    Wasi3,
}

/// What both of WASI's lines have by the same names.
const IN_BOTH: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/types",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/ip-name-lookup",
];

impl Line {
    /// The line of an import or export by its version, if there is one that this host knows.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let (name, version) = split(name);
        let is_release = !version.contains('-');
        if name.starts_with("wasi:config/") {
            version.starts_with("0.2.").then_some(Self::Config)
        } else if !name.starts_with("wasi:") {
            (version == FUNCTION_VERSION).then_some(Self::Function)
        } else if version.starts_with("0.2.") && is_release {
            Some(Self::Wasi2)
        } else if version.starts_with("0.3.") && is_release {
            Some(Self::Wasi3)
        } else {
            None
        }
    }

    /// The interfaces of this line that a component may import, without versions. The host links those that are imported.
    pub fn offered(self) -> impl Iterator<Item = &'static str> {
        let (common, own): (&[_], &[_]) = match self {
            Self::Function => (
                &[],
                &["lambda:function/invocation", "lambda:function/types"],
            ),
            Self::Config => (&[], &["wasi:config/runtime", "wasi:config/store"]),
            Self::Wasi2 => (
                IN_BOTH,
                &[
                    "wasi:clocks/wall-clock",
                    "wasi:http/outgoing-handler",
                    "wasi:io/error",
                    "wasi:io/poll",
                    "wasi:io/streams",
                    "wasi:sockets/instance-network",
                    "wasi:sockets/network",
                    "wasi:sockets/tcp",
                    "wasi:sockets/tcp-create-socket",
                    "wasi:sockets/udp",
                    "wasi:sockets/udp-create-socket",
                ],
            ),
            Self::Wasi3 => (
                IN_BOTH,
                &[
                    "wasi:cli/types",
                    "wasi:clocks/system-clock",
                    "wasi:clocks/types",
                    "wasi:http/client",
                    "wasi:sockets/types",
                ],
            ),
        };
        common.iter().chain(own).copied()
    }

    const ALL: [Self; 4] = [Self::Function, Self::Config, Self::Wasi2, Self::Wasi3];

    fn versions(self) -> String {
        match self {
            Self::Function => FUNCTION_VERSION.to_owned(),
            Self::Config => format!("0.2.0-draft to {CONFIG_VERSION}"),
            Self::Wasi2 => format!("0.2.0 to {WASI_VERSION}"),
            Self::Wasi3 => WASI_3_VERSION.to_owned(),
        }
    }
}

/// Whether a component with these imports and exports uses the asynchronous ABI, for which the engine has to be made.
#[must_use]
pub fn needs_concurrency<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    names
        .into_iter()
        .any(|name| Line::of(name) == Some(Line::Wasi3))
}

/// Tells a component's world from the names of its exports, and checks the names of its imports.
///
/// Exports that nobody knows are no obstacle: tools add some of their own. Types are not looked at here.
///
/// # Errors
///
/// All that does not fit, at once.
pub fn examine<'a>(
    imports: impl IntoIterator<Item = &'a str>,
    exports: impl IntoIterator<Item = &'a str>,
) -> Result<World, Misfits> {
    let mut misfits = Misfits::default();
    let world = match exported_world(exports) {
        Ok(world) => Some(world),
        Err(misfit) => {
            misfits.push(misfit);
            None
        }
    };
    for import in imports {
        if let Some(misfit) = import_misfit(import) {
            misfits.push(misfit);
        }
    }
    match world {
        Some(world) => misfits.into_result().map(|()| world),
        None => Err(misfits),
    }
}

/// The imports without those that have types only.
pub fn needed<'a>(imports: &'a [String], types: &'a [String]) -> impl Iterator<Item = &'a str> {
    let imports = imports.iter().filter(|import| !types.contains(import));
    imports.map(String::as_str)
}

fn exported_world<'a>(exports: impl IntoIterator<Item = &'a str>) -> Result<World, String> {
    let exports: Vec<&str> = exports.into_iter().collect();
    let makes = |world: &World| exports.iter().any(|export| world.is_made_by(export));
    let worlds: Vec<World> = World::ALL.into_iter().filter(makes).collect();
    match worlds[..] {
        [world] => return Ok(world),
        // One component for both of WASI's: the newer is called.
        [World::HttpProxy, World::HttpService] => return Ok(World::HttpService),
        [] => {}
        _ => {
            return Err(format!(
                "it exports {}, and a function is of one world: build it with one of them",
                worlds
                    .iter()
                    .map(|world| world.interface())
                    .collect::<Vec<_>>()
                    .join(" and ")
            ));
        }
    }
    let close: Vec<String> = exports
        .iter()
        .filter_map(|export| {
            let world = World::ALL
                .into_iter()
                .find(|world| interface(export) == world.interface())?;
            Some(format!(
                "{export}, and this version calls {}",
                world.versions()
            ))
        })
        .collect();
    Err(if !close.is_empty() {
        let is_wasi = exports.iter().any(|export| is_of_wasi(export));
        format!(
            "it exports {}: build it with {}",
            close.join("; "),
            if is_wasi { NEWER_SDK } else { WIT }
        )
    } else if exports
        .iter()
        .any(|export| interface(export) == "wasi:cli/run")
    {
        format!(
            "it exports wasi:cli/run, so it is a command, not a function: build a library (`crate-type = [\"cdylib\"]` in Rust) that exports {}",
            one_of_the_exports()
        )
    } else if exports.is_empty() {
        format!(
            "it exports nothing; a function exports {}",
            one_of_the_exports()
        )
    } else {
        format!(
            "it exports {}; a function exports {}",
            exports.join(", "),
            one_of_the_exports()
        )
    })
}

fn one_of_the_exports() -> String {
    World::ALL
        .map(|world| format!("{} ({})", world.interface(), world.versions()))
        .join(" or ")
}

/// What is wrong with an import, by its name and version.
pub(crate) fn import_misfit(import: &str) -> Option<String> {
    let name = interface(import);
    let lines: Vec<Line> = Line::ALL
        .into_iter()
        .filter(|line| line.offered().any(|offered| offered == name))
        .collect();
    if lines.is_empty() {
        let hint = match is_of_a_draft(import) {
            true => format!(": build it with {NEWER_SDK}"),
            false => hint(name).to_owned(),
        };
        return Some(format!(
            "it imports {import}, which this version does not offer{hint}"
        ));
    }
    if Line::of(import).is_some_and(|line| lines.contains(&line)) {
        return None;
    }
    let versions: Vec<String> = lines.iter().map(|line| line.versions()).collect();
    let build = match lines[..] {
        [Line::Function | Line::Config] => WIT,
        _ => NEWER_SDK,
    };
    Some(format!(
        "it imports {import}, and {} would do: build it with {build}",
        versions.join(" and ")
    ))
}

const WIT: &str = "the WIT of this version";
const NEWER_SDK: &str = "a newer SDK, for a released WASI instead of a release candidate or draft";

/// The packages of WASI that have releases.
const RELEASED: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Whether an interface is one of WASI's released packages, in whatever version.
fn is_of_wasi(name: &str) -> bool {
    let package = name.split('/').next();
    package.is_some_and(|package| RELEASED.contains(&package))
}

/// Whether an interface is of a release candidate or a draft of WASI, or older than those.
fn is_of_a_draft(import: &str) -> bool {
    let (name, version) = split(import);
    is_of_wasi(name) && (version.contains('-') || version.is_empty() || version.starts_with("0.1."))
}

fn hint(name: &str) -> &'static str {
    match name.split('/').next() {
        Some("wasi:http") if World::ALL.iter().any(|world| world.interface() == name) => {
            ": it is middleware, which passes requests on: compose it with the component that answers them (`wac plug middleware.wasm --plug answers.wasm -o component.wasm`)"
        }
        Some(package) if RELEASED.contains(&package) => {
            ": it is no part of the worlds wasi:cli/imports and wasi:http/proxy"
        }
        _ => {
            ": build the component without it, or compose it with a component that exports it (`wac plug`)"
        }
    }
}

/// An import's or export's name without its version.
#[must_use]
pub fn interface(name: &str) -> &str {
    split(name).0
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

#[cfg(test)]
mod tests;
