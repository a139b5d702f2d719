//! What a component is, by what it exports, and whether this host offers what it imports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of the WIT package `lambda:function` that this host calls.
pub const FUNCTION_VERSION: &str = "0.1.0";

/// The newest WASI 0.2 that this host offers. Versions within 0.2 are compatible, both ways.
pub const WASI_VERSION: &str = "0.2.12";

/// Which of the package's worlds a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Exports `lambda:function/api`: typed HTTP requests and responses.
    ApiFunction,
    /// Exports `lambda:function/handler`: JSON bytes in, JSON bytes out.
    HandlerFunction,
}

impl World {
    /// All worlds, in the order in which people should hear of them.
    pub const ALL: [Self; 2] = [Self::ApiFunction, Self::HandlerFunction];

    /// The name of the interface whose export makes a component one of this world, with its version.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::ApiFunction => "lambda:function/api@0.1.0",
            Self::HandlerFunction => "lambda:function/handler@0.1.0",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiFunction => "api-function",
            Self::HandlerFunction => "handler-function",
        })
    }
}

/// The interfaces that a component may import, without versions. The host links those that are imported.
pub const OFFERED: &[&str] = &[
    "lambda:function/invocation",
    "lambda:function/types",
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
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Everything that keeps a component from being a function of this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits(Vec<String>);

impl Misfits {
    /// Adds one. It is a clause that names the import or export and says what would do.
    pub fn push(&mut self, misfit: String) {
        self.0.push(misfit);
    }

    /// Nothing, if there is none.
    ///
    /// # Errors
    ///
    /// Itself, if there is any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl FromIterator<Self> for Misfits {
    fn from_iter<I: IntoIterator<Item = Self>>(misfits: I) -> Self {
        Self(misfits.into_iter().flat_map(|misfits| misfits.0).collect())
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Misfits {}

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

fn exported_world<'a>(exports: impl IntoIterator<Item = &'a str>) -> Result<World, String> {
    let exports: Vec<&str> = exports.into_iter().collect();
    let worlds: Vec<World> = World::ALL
        .into_iter()
        .filter(|world| exports.contains(&world.export()))
        .collect();
    match worlds[..] {
        [world] => return Ok(world),
        [] => {}
        _ => {
            return Err(
                "it exports both lambda:function/api and lambda:function/handler: build it for one of the worlds api-function and handler-function".to_owned(),
            );
        }
    }
    let close: Vec<&str> = exports
        .iter()
        .copied()
        .filter(|export| {
            World::ALL
                .iter()
                .any(|world| interface(export) == interface(world.export()))
        })
        .collect();
    Err(if !close.is_empty() {
        format!(
            "it exports {}, and this version calls {FUNCTION_VERSION}: build it with the WIT of this version",
            close.join(" and ")
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
    World::ALL.map(World::export).join(" or ")
}

/// What is wrong with an import, by its name and version.
fn import_misfit(import: &str) -> Option<String> {
    let (name, version) = split(import);
    if !OFFERED.contains(&name) {
        return Some(format!(
            "it imports {import}, which this version does not offer{}",
            hint(name)
        ));
    }
    if name.starts_with("wasi:") {
        (!version.starts_with("0.2.") || version.contains('-')).then(|| {
            format!("it imports {import}, and 0.2.0 to {WASI_VERSION} are offered: build it with a toolchain for WASI 0.2")
        })
    } else {
        (version != FUNCTION_VERSION)
            .then(|| format!("it imports {import}, and {FUNCTION_VERSION} is offered: build it with the WIT of this version"))
    }
}

fn hint(name: &str) -> &'static str {
    match name.split('/').next() {
        Some("wasi:http") => ": there is no outbound HTTP and no wasi:http handler yet",
        Some(
            "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random"
            | "wasi:sockets",
        ) => ": it is no part of the world wasi:cli/imports",
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
mod tests {
    use super::*;

    const HANDLER: &str = "lambda:function/handler@0.1.0";

    #[test]
    fn the_export_tells_the_world() {
        assert_eq!(examine([], [HANDLER]), Ok(World::HandlerFunction));
        assert_eq!(
            examine([], ["init", "lambda:function/api@0.1.0", "exports"]),
            Ok(World::ApiFunction)
        );
    }

    #[test]
    fn all_of_wasi_0_2_may_be_imported() {
        for version in ["0.2.0", "0.2.6", WASI_VERSION, "0.2.99"] {
            let imports: Vec<String> = OFFERED
                .iter()
                .map(|name| {
                    let is_wasi = name.starts_with("wasi:");
                    format!(
                        "{name}@{}",
                        if is_wasi { version } else { FUNCTION_VERSION }
                    )
                })
                .collect();
            assert_eq!(
                examine(imports.iter().map(String::as_str), [HANDLER]),
                Ok(World::HandlerFunction)
            );
        }
    }

    #[test]
    fn each_import_that_does_not_fit_is_named_once() {
        let imports = [
            "wasi:cli/exit@0.2.0",
            "wasi:cli/exit@0.3.0",
            "wasi:cli/exit@0.2.0-rc-2023-11-10",
            "wasi:cli/exit",
            "wasi:keyvalue/store@0.2.0",
            "lambda:function/invocation@0.2.0",
        ];
        let misfits = examine(imports, [HANDLER]).unwrap_err();
        assert_eq!(misfits.0.len(), 5, "{misfits}");
        for import in &imports[1..] {
            let named = format!("it imports {import}, ");
            let count = misfits.0.iter().filter(|m| m.starts_with(&named)).count();
            assert_eq!(count, 1, "{import}: {misfits}");
        }
    }

    #[test]
    fn exports_and_imports_are_told_at_once() {
        let misfits = examine(["foo:bar/baz"], ["lambda:function/api@1.0.0"]).unwrap_err();
        let text = misfits.to_string();
        assert!(
            text.contains("it exports lambda:function/api@1.0.0, and this version calls 0.1.0")
        );
        assert!(text.contains("; it imports foo:bar/baz, "), "{text}");
    }

    #[test]
    fn each_world_has_one_name() {
        for world in World::ALL {
            assert_eq!(
                serde_json::to_string(&world).unwrap(),
                format!("\"{world}\"")
            );
        }
    }
}
