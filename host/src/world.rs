//! The world of a component, by its exports, and the check of its imports.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interfaces::{FUNCTION_VERSION, INTERFACES, Interface, ReleaseLine};

mod incompatible;

pub use incompatible::IncompatibleComponent;

/// The interface that a component of any world may export, without a version.
pub const INIT: &str = "lambda:function/init";

/// A world whose components this host runs.
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
    /// All worlds, in the order of messages.
    pub const ALL: [Self; 5] = [
        Self::ApiFunction,
        Self::HandlerFunction,
        Self::StreamingFunction,
        Self::HttpProxy,
        Self::HttpService,
    ];

    /// Returns the interface that components of this world export, without a version.
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

    fn line(self) -> ReleaseLine {
        match self {
            Self::ApiFunction | Self::HandlerFunction | Self::StreamingFunction => {
                ReleaseLine::Function
            }
            Self::HttpProxy => ReleaseLine::Wasi2,
            Self::HttpService => ReleaseLine::Wasi3,
        }
    }

    /// Returns the versions of that interface that this host calls, for messages.
    #[must_use]
    pub fn versions(self) -> &'static str {
        match self {
            Self::HttpProxy => "0.2.0 and later 0.2",
            Self::HttpService => "0.3.0 and later 0.3",
            _ => FUNCTION_VERSION,
        }
    }

    /// Returns `true` if components with this export are of this world.
    #[must_use]
    pub fn is_made_by(self, export: &str) -> bool {
        let (name, version) = split(export);
        name == self.interface() && self.line().includes(version)
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

/// Returns `true` if a component with these imports and exports uses the asynchronous ABI, which the engine has to be made for.
#[must_use]
pub fn needs_concurrency<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    names.into_iter().any(|name| {
        let (name, version) = split(name);
        name.starts_with("wasi:") && ReleaseLine::Wasi3.includes(version)
    })
}

/// Returns the world of a component with these exports, and checks the names of its imports.
///
/// Exports of no world are passed over, since tools add such exports. Types are not checked.
///
/// # Errors
///
/// Returns all reasons why the host cannot run the component.
pub fn examine<'a>(
    imports: impl IntoIterator<Item = &'a str>,
    exports: impl IntoIterator<Item = &'a str>,
) -> Result<World, IncompatibleComponent> {
    let mut incompatible = IncompatibleComponent::default();
    let exports: Vec<&str> = exports.into_iter().collect();
    let inits = exports.iter().filter(|export| interface(export) == INIT);
    for init in inits.filter(|export| !is_init(export)) {
        incompatible.push(format!(
            "it exports {init}, but this version calls {FUNCTION_VERSION}: build it with {WIT}"
        ));
    }
    let world = match exported_world(&exports) {
        Ok(world) => Some(world),
        Err(problem) => {
            incompatible.push(problem);
            None
        }
    };
    for import in imports {
        if let Some(problem) = import_problem(import) {
            incompatible.push(problem);
        }
    }
    match world {
        Some(world) => incompatible.into_result().map(|()| world),
        None => Err(incompatible),
    }
}

/// Returns the imports that do not have types only.
pub fn needed<'a>(imports: &'a [String], types: &'a [String]) -> impl Iterator<Item = &'a str> {
    let imports = imports.iter().filter(|import| !types.contains(import));
    imports.map(String::as_str)
}

/// Returns `true` if an export is an `init` that this host calls.
#[must_use]
pub fn is_init(export: &str) -> bool {
    let (name, version) = split(export);
    name == INIT && ReleaseLine::Function.includes(version)
}

fn exported_world(exports: &[&str]) -> Result<World, String> {
    let makes = |world: &World| exports.iter().any(|export| world.is_made_by(export));
    let worlds: Vec<World> = World::ALL.into_iter().filter(makes).collect();
    match worlds[..] {
        [world] => return Ok(world),
        // The component is for both versions of WASI. The host calls the newer.
        [World::HttpProxy, World::HttpService] => return Ok(World::HttpService),
        [] => {}
        _ => {
            return Err(format!(
                "it exports {}, but a function has one world: build it with one of these exports",
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
                "{export}, but this version calls {}",
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

/// Returns what is wrong with an import, by its name and version.
pub(crate) fn import_problem(import: &str) -> Option<String> {
    let (name, version) = split(import);
    let Some(interface) = Interface::named(name) else {
        let hint = match is_of_a_draft(import) {
            true => format!(": build it with {NEWER_SDK}"),
            false => hint(name).to_owned(),
        };
        return Some(format!(
            "it imports {import}, which this version does not offer{hint}"
        ));
    };
    let mut lines = interface.lines.iter();
    if lines.any(|line| line.includes(version)) {
        return None;
    }
    let lines = interface.lines.iter();
    let build = match lines.clone().any(|line| line.is_released_wasi()) {
        true => NEWER_SDK,
        false => WIT,
    };
    let versions: Vec<String> = lines.map(|line| line.versions()).collect();
    Some(format!(
        "it imports {import}, but this version offers {}: build it with {build}",
        versions.join(" and ")
    ))
}

const WIT: &str = "the WIT of this version";
const NEWER_SDK: &str = "a newer SDK, for a released WASI instead of a release candidate or draft";

/// Returns `true` if an interface, in any version, is of a package of WASI that has releases.
fn is_of_wasi(name: &str) -> bool {
    let package = name.split('/').next();
    INTERFACES.iter().any(|interface| {
        package == Some(interface.package())
            && interface.lines.iter().any(|line| line.is_released_wasi())
    })
}

/// Returns `true` if an interface is of a release candidate or a draft of WASI, or older than those.
fn is_of_a_draft(import: &str) -> bool {
    let (name, version) = split(import);
    is_of_wasi(name) && (version.contains('-') || version.is_empty() || version.starts_with("0.1."))
}

fn hint(name: &str) -> &'static str {
    if name.starts_with("wasi:http/") && World::ALL.iter().any(|world| world.interface() == name) {
        ": it is middleware, which passes requests on: wrap the component that responds in it (`lambda-wasm compile RESPONDS.wasm --wrap MIDDLEWARE.wasm -o NAME.cwasm`)"
    } else if is_of_wasi(name) {
        ": it is not in the worlds wasi:cli/imports and wasi:http/proxy"
    } else {
        ": build the component without it, or compose it with a component that exports it (`wac plug`)"
    }
}

/// Returns the name of an import or export without its version.
#[must_use]
pub fn interface(name: &str) -> &str {
    split(name).0
}

/// Splits the name of an import or export into the interface and its version.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

#[cfg(test)]
mod tests;
