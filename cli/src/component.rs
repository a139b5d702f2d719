//! The description of a component, which is read without compiling it.

use anyhow::{Context as _, bail};
use lambda_wasm_host::artifact::{CORE_MODULE_HINT, Kind};
use lambda_wasm_host::world::{self, IncompatibleComponent, World};
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType, ResourceId};
use wasmparser::types::TypesRef;
use wasmparser::{Encoding, Instance, KnownCustom, Parser, Payload, Validator, WasmFeatures};

/// The features that only a component with the asynchronous ABI needs.
const ASYNC: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_ASYNC_STACKFUL);

/// The name of the engine in JavaScript components (<https://github.com/bytecodealliance/StarlingMonkey>). It is in their data
/// even if their sections about tools were stripped.
const STARLING_MONKEY: &[u8] = b"StarlingMonkey";

/// The features that wasmtime supports in part, and this version does not, with their names for people.
const UNSUPPORTED: [(WasmFeatures, &str); 7] = [
    (
        WasmFeatures::LEGACY_EXCEPTIONS,
        "the legacy instructions for WebAssembly exceptions: build it with the standard ones (`-mllvm -wasm-use-legacy-eh=false`)",
    ),
    (
        WasmFeatures::GC.union(WasmFeatures::FUNCTION_REFERENCES),
        "WebAssembly's garbage-collected types (Kotlin, Dart, Java, OCaml): use a compiler that manages its memory in a linear one",
    ),
    (
        WasmFeatures::CM_ERROR_CONTEXT,
        "the component model's `error-context`, which is not part of WASI 0.3: build it with a newer SDK",
    ),
    (
        WasmFeatures::THREADS
            .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
            .union(WasmFeatures::CM_THREADING),
        "threads or shared memory: build it without them",
    ),
    (
        WasmFeatures::STACK_SWITCHING,
        "stack switching: build it without it",
    ),
    (
        WasmFeatures::CUSTOM_PAGE_SIZES,
        "memory pages of another size than 64 KiB: build it without them",
    ),
    (
        WasmFeatures::CM_GC
            .union(WasmFeatures::CM_VALUES)
            .union(WasmFeatures::CM_FIXED_LENGTH_LISTS)
            .union(WasmFeatures::CM_NESTED_NAMES),
        "a proposal to the component model that is not finished: build it with a released SDK",
    ),
];

/// The description of a component.
#[derive(Debug, Default)]
pub struct Description {
    /// The imports, with versions.
    pub imports: Vec<String>,
    /// The imports that have types only, which the host does not implement.
    pub types: Vec<String>,
    /// The exports, with versions.
    pub exports: Vec<String>,
    /// The number of core instances that an instantiation creates.
    pub core_instances: u32,
    /// Whether its functions have names.
    pub names: bool,
    /// Whether it uses the asynchronous ABI.
    pub is_async: bool,
    /// Whether it uses WebAssembly exceptions.
    pub exceptions: bool,
    /// The features that it uses and this version does not support, for people.
    pub unsupported: Vec<&'static str>,
    /// Whether an instance of its engine serves only one HTTP request.
    pub one_request: bool,
}

impl Description {
    /// Reads a component in the binary format.
    ///
    /// # Errors
    ///
    /// Returns an error that names the kind of the bytes if they are not a valid component.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        match Kind::from_bytes(bytes) {
            Kind::Component => {}
            Kind::CoreModule => {
                bail!("it is a core module, not a component\nhint: {CORE_MODULE_HINT}")
            }
            Kind::Empty => bail!("it is empty"),
            Kind::Elf => bail!(
                "it is compiled already, or an executable\nhint: give the component that it was compiled from"
            ),
            Kind::Other => bail!("it is not WebAssembly"),
        }
        let valid_without = |features| {
            Validator::new_with_features(WasmFeatures::all() - features).validate_all(bytes)
        };
        let special = UNSUPPORTED
            .iter()
            .fold(ASYNC | WasmFeatures::EXCEPTIONS, |all, (features, _)| {
                all | *features
            });
        // Most components use none of them. Each validation reads all code.
        let (types, needs): (_, &dyn Fn(WasmFeatures) -> bool) = match valid_without(special) {
            Ok(types) => (types, &|_| false),
            Err(_) => {
                let types = valid_without(WasmFeatures::empty()).context("it is not a valid component: it was cut off, or is for a newer version of the component model")?;
                (types, &|features| valid_without(features).is_err())
            }
        };
        let unsupported = UNSUPPORTED.iter().filter(|(features, _)| needs(*features));
        let mut description = Self {
            is_async: needs(ASYNC),
            exceptions: needs(WasmFeatures::EXCEPTIONS),
            unsupported: unsupported.map(|(_, what)| *what).collect(),
            one_request: bytes
                .windows(STARLING_MONKEY.len())
                .any(|window| window == STARLING_MONKEY),
            ..Self::default()
        };
        // Nested components and modules are between the sections of their parent. The depth distinguishes them.
        let mut depth = 0_u32;
        let mut known = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version {
                    encoding: Encoding::Component | Encoding::Module,
                    ..
                } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 1 => {
                    for import in imports {
                        let name = import?.name.name;
                        description.imports.push(name.to_owned());
                        let item = types.component_item_for_import(name);
                        if item.is_some_and(|item| !is_needed(types.as_ref(), item.ty, &mut known))
                        {
                            description.types.push(name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 1 => {
                    for export in exports {
                        description.exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::InstanceSection(instances) => {
                    for instance in instances {
                        description.core_instances +=
                            u32::from(matches!(instance?, Instance::Instantiate { .. }));
                    }
                }
                Payload::CustomSection(section) => {
                    description.names |= matches!(section.as_known(), KnownCustom::Name(_));
                }
                _ => {}
            }
        }
        Ok(description)
    }

    /// Returns its world.
    ///
    /// # Errors
    ///
    /// Returns all reasons why this version cannot run the component.
    pub fn world(&self) -> Result<World, IncompatibleComponent> {
        let examined = world::examine(
            world::needed(&self.imports, &self.types),
            self.exports.iter().map(String::as_str),
        );
        if self.unsupported.is_empty() {
            return examined;
        }
        let mut incompatible = IncompatibleComponent::default();
        for what in &self.unsupported {
            incompatible.push(format!("it uses {what}"));
        }
        Err([incompatible].into_iter().chain(examined.err()).collect())
    }
}

/// Returns whether an import needs an implementation: a function, or a resource that does not come from another import.
/// `known` collects the resources. The rule is wasmtime's.
fn is_needed(types: TypesRef<'_>, item: ComponentEntityType, known: &mut Vec<ResourceId>) -> bool {
    match item {
        ComponentEntityType::Type { created, .. } => match created {
            ComponentAnyTypeId::Resource(id) => {
                let is_new = !known.contains(&id.resource());
                known.push(id.resource());
                is_new
            }
            _ => false,
        },
        // All exports are visited, so that all resources are known.
        ComponentEntityType::Instance(id) => {
            types[id].exports.values().fold(false, |needed, item| {
                is_needed(types, item.ty, known) | needed
            })
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Description> {
        Description::parse(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn only_the_outermost_component_is_described() {
        let description = parse(
            r#"(component
            (import "outer" (func))
            (component $nested (import "inner" (func)) (export "inner-too" (func 0)))
            (export "out" (component $nested)))"#,
        )
        .unwrap();
        assert_eq!(description.imports, ["outer"]);
        assert_eq!(description.exports, ["out"]);
    }

    #[test]
    fn versions_are_kept() {
        let description = parse(r#"(component (import "a:b/c@1.2.3" (instance)))"#).unwrap();
        assert_eq!(description.imports, ["a:b/c@1.2.3"]);
        assert!(description.exports.is_empty());
    }

    #[test]
    fn imports_of_types_only_are_told_apart() {
        let description = parse(
            r#"(component
            (import "own" (instance $own (export "r" (type (sub resource)))))
            (alias export $own "r" (type $r))
            (import "used" (instance (export "r" (type (eq $r)))))
            (import "record" (instance
                (type $t (record (field "name" string)))
                (export "t" (type (eq $t)))))
            (import "nested" (instance (export "inner" (instance))))
            (import "deep" (instance (export "inner" (instance (export "f" (func))))))
            (import "empty" (instance))
            (import "func" (func))
            (import "type" (type (eq $r)))
            (import "resource" (type (sub resource)))
            (import "module" (core module)))"#,
        )
        .unwrap();
        assert_eq!(
            description.types,
            ["used", "record", "nested", "empty", "type"]
        );
    }

    #[test]
    fn instances_are_counted_and_names_found() {
        let description = parse(
            r#"(component
            (core module $m (func $named))
            (core instance (instantiate $m))
            (core instance (instantiate $m))
            (core instance))"#,
        )
        .unwrap();
        assert_eq!(description.core_instances, 2);
        assert!(description.names);
        assert!(!parse("(component (core module (func)))").unwrap().names);
    }

    #[test]
    fn unsupported_components_are_described() {
        for (text, words) in [
            (
                "(component (core module (func try end)))",
                "legacy instructions for WebAssembly exceptions",
            ),
            (
                "(component (core module (type (struct))))",
                "garbage-collected types",
            ),
            (
                "(component (core func (canon error-context.drop)))",
                "error-context",
            ),
            (
                "(component (core module (memory 1 1 shared)))",
                "shared memory",
            ),
        ] {
            let description = parse(text).unwrap();
            assert_eq!(description.unsupported.len(), 1, "{text}");
            let said = description.world().unwrap_err().to_string();
            assert!(said.contains(&format!("it uses {}", description.unsupported[0])));
            assert!(said.contains(words), "{said}");
        }
        assert!(
            parse("(component (core module (func)))")
                .unwrap()
                .unsupported
                .is_empty()
        );
    }

    #[test]
    fn the_engine_of_javascript_is_found() {
        let engine = r#"(component (core module (memory 1)
            (data (i32.const 0) "StarlingMonkey engine initializing")))"#;
        assert!(parse(engine).unwrap().one_request);
        assert!(!parse("(component)").unwrap().one_request);
    }

    #[test]
    fn exceptions_are_found() {
        assert!(parse("(component (core module (tag)))").unwrap().exceptions);
        assert!(
            !parse("(component (core module (func)))")
                .unwrap()
                .exceptions
        );
    }

    #[test]
    fn the_asynchronous_abi_is_found() {
        assert!(!parse("(component (core module (func)))").unwrap().is_async);
        let waiting = "(component (core func (canon waitable-set.new)))";
        assert!(parse(waiting).unwrap().is_async);
        let typed = r#"(component (import "f" (func async)))"#;
        assert!(parse(typed).unwrap().is_async);
    }

    #[test]
    fn files_that_are_not_components_are_told_apart() {
        let said = |bytes: &[u8]| Description::parse(bytes).unwrap_err().to_string();
        assert!(said(&wat::parse_str("(module)").unwrap()).contains("core module"));
        assert_eq!(said(b""), "it is empty");
        assert_eq!(said(b"tea"), "it is not WebAssembly");
        assert!(said(b"\x7fELF").contains("compiled already"));
        assert!(said(b"\0asm\x0d\0\x01\0\xff").contains("not a valid component"));
    }
}
