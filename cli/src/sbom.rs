//! The software bill of materials (SBOM) of a component or an artifact, in CycloneDX 1.6
//! (<https://cyclonedx.org/docs/1.6/json/>).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use lambda_wasm_host::artifact::{self, Trailer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wasm_metadata::{Metadata, Payload};

/// The custom sections of a component: its facts about itself and about how it was made. An artifact has it before its trailer,
/// as JSON.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Its own name, version, license and the like, by the names of the sections.
    facts: BTreeMap<String, String>,
    /// The tools that made it and the modules in it: the field of a `producers` section, the name and the version.
    producers: Vec<[String; 3]>,
    /// The crates in it, if it was built with `cargo auditable`: the `.dep-v0` section of each module that has one.
    crates: Vec<Crates>,
}

/// The crates of a module, as `cargo auditable` lists them.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Crates {
    packages: Vec<Crate>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Crate {
    name: String,
    version: String,
    /// `crates.io`, `git`, `local`, or the name of a registry.
    source: String,
    /// `build` for a crate that only the build ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The indexes of the crates that it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    root: bool,
}

impl Origin {
    /// Reads the custom sections of a component or a core module, and of the modules in it.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them cannot be read.
    pub fn of_component(bytes: &[u8]) -> Result<Self> {
        let whole = Payload::from_binary(bytes)?;
        let mut origin = Self {
            facts: facts(whole.metadata()),
            ..Self::default()
        };
        origin.add(&whole)?;
        origin.producers.sort();
        origin.producers.dedup();
        Ok(origin)
    }

    /// Returns what the compile tool puts into an artifact. A section that cannot be read does not keep the component from
    /// running: then nothing is known.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written as JSON.
    pub fn to_embed(component: &[u8]) -> Result<Vec<u8>> {
        let origin = Self::of_component(component).unwrap_or_default();
        Ok(serde_json::to_vec(&origin)?)
    }

    /// Reads what the compile tool has put into an artifact. It is empty for an artifact of an earlier build.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read.
    pub fn of_artifact(bytes: &[u8], trailer: &Trailer) -> Result<Self> {
        let end = usize::try_from(trailer.length)?;
        let origin = end.checked_sub(usize::try_from(trailer.origin)?);
        match origin.and_then(|start| bytes.get(start..end)) {
            Some([]) => Ok(Self::default()),
            Some(json) => Ok(serde_json::from_slice(json)?),
            None => anyhow::bail!("the trailer says that it is larger than the artifact"),
        }
    }

    fn add(&mut self, payload: &Payload) -> Result<()> {
        let metadata = payload.metadata();
        for (field, values) in metadata.producers.iter().flat_map(|found| found.iter()) {
            for (name, version) in values.iter() {
                self.producers
                    .push([field.clone(), name.clone(), version.clone()]);
            }
        }
        if let Some(crates) = &metadata.dependencies {
            let crates = serde_json::from_str(&crates.to_string());
            self.crates
                .push(crates.context("its list of crates cannot be read")?);
        }
        if let Payload::Component { children, .. } = payload {
            children.iter().try_for_each(|child| self.add(child))?;
        }
        Ok(())
    }

    /// Returns the component that it is about. `reference` is its name within the bill.
    fn component(&self, reference: &str, name: &str, sha256: &str) -> Value {
        let fact = |name: &str| self.facts.get(name);
        let mut component = json!({
            "type": "application",
            "bom-ref": reference,
            "name": fact("name").map_or(name, String::as_str),
            "hashes": [{ "alg": "SHA-256", "content": sha256 }],
        });
        for key in ["version", "description"] {
            if let Some(value) = fact(key) {
                component[key] = json!(value);
            }
        }
        if let Some(expression) = fact("licenses") {
            component["licenses"] = json!([{ "expression": expression }]);
        }
        if let Some(authors) = fact("authors") {
            component["authors"] = json!([{ "name": authors }]);
        }
        let references = [("vcs", "source"), ("website", "homepage")];
        let references = references.map(|(kind, key)| (kind, fact(key)));
        let references: Vec<_> = references
            .into_iter()
            .filter_map(|(kind, url)| Some(json!({ "type": kind, "url": url? })))
            .collect();
        component["externalReferences"] = json!(references);
        let revision = fact("revision").map(|revision| property("wasm:revision", revision));
        let producers = self.producers.iter().map(|[field, name, version]| {
            let value = format!("{name} {version}");
            property(&format!("wasm:{field}"), value.trim_end())
        });
        component["properties"] = revision.into_iter().chain(producers).collect();
        component
    }

    /// Returns the crates as components, and what depends on what; the first entry is `reference`, the component itself.
    fn crates(&self, reference: &str) -> (Vec<Value>, Vec<Value>) {
        let mut components = BTreeMap::new();
        let mut graph = BTreeMap::new();
        let mut direct = Vec::new();
        for crate_ in self.crates.iter().flat_map(|crates| &crates.packages) {
            components.insert(crate_.reference(), crate_.component());
        }
        for Crates { packages } in &self.crates {
            for crate_ in packages {
                let needs = crate_.dependencies.iter();
                let needs = needs.filter_map(|index| packages.get(*index));
                let all: &mut Vec<_> = graph.entry(crate_.reference()).or_default();
                all.extend(needs.map(Crate::reference));
                direct.extend(crate_.root.then(|| crate_.reference()));
            }
        }
        let entry = |reference: &str, mut needs: Vec<String>| {
            needs.sort();
            needs.dedup();
            json!({ "ref": reference, "dependsOn": needs })
        };
        let mut dependencies = vec![entry(reference, direct)];
        dependencies.extend(graph.into_iter().map(|(name, needs)| entry(&name, needs)));
        (components.into_values().collect(), dependencies)
    }
}

impl Crate {
    /// Returns its package URL (<https://github.com/package-url/purl-spec>), or another name if it is not from crates.io.
    fn reference(&self) -> String {
        let (name, version) = (&self.name, self.version.replace('+', "%2B"));
        match self.source.as_str() {
            "crates.io" => format!("pkg:cargo/{name}@{version}"),
            source => format!("{source}:{name}@{version}"),
        }
    }

    fn component(&self) -> Value {
        let is_linked = self.kind.as_deref() != Some("build");
        let mut component = json!({
            "type": "library",
            "bom-ref": self.reference(),
            "name": self.name,
            "version": self.version,
            "scope": if is_linked { "required" } else { "excluded" },
        });
        if self.source == "crates.io" {
            component["purl"] = json!(self.reference());
        }
        component
    }
}

/// Returns the bill of a component.
///
/// # Errors
///
/// Returns an error if its custom sections cannot be read.
pub fn of_component(name: &str, bytes: &[u8]) -> Result<Value> {
    let origin = Origin::of_component(bytes)?;
    let subject = origin.component("component", name, &artifact::sha256(bytes));
    let (components, dependencies) = origin.crates("component");
    Ok(bill(&subject, components, dependencies))
}

/// Returns the bill of an artifact: the component that it was compiled from is in it.
///
/// # Errors
///
/// Returns an error if its description of the component cannot be read.
pub fn of_artifact(name: &str, bytes: &[u8], trailer: &Trailer) -> Result<Value> {
    let origin = Origin::of_artifact(bytes, trailer)?;
    let subject = json!({
        "type": "application",
        "bom-ref": "artifact",
        "name": name,
        "hashes": [{ "alg": "SHA-256", "content": artifact::sha256(bytes) }],
        "properties": [
            property("lambda-wasm:world", &trailer.world.to_string()),
            property("lambda-wasm:target", &trailer.target),
            property("lambda-wasm:wasmtime", &trailer.wasmtime),
        ],
    });
    let mut components = vec![origin.component("component", "component", &trailer.component)];
    let (crates, mut dependencies) = origin.crates("component");
    components.extend(crates);
    dependencies.insert(0, json!({ "ref": "artifact", "dependsOn": ["component"] }));
    Ok(bill(&subject, components, dependencies))
}

/// The same file gives the same bill: it has no time and no serial number.
fn bill(subject: &Value, components: Vec<Value>, dependencies: Vec<Value>) -> Value {
    let tool = json!({ "type": "application", "name": "lambda-wasm", "version": env!("CARGO_PKG_VERSION") });
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "tools": { "components": [tool] }, "component": subject },
        "components": components,
        "dependencies": dependencies,
    })
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn facts(metadata: &Metadata) -> BTreeMap<String, String> {
    let text = |value: &dyn ToString| value.to_string();
    let found = [
        ("name", metadata.name.as_ref().map(|value| text(value))),
        (
            "version",
            metadata.version.as_ref().map(|value| text(value)),
        ),
        (
            "description",
            metadata.description.as_ref().map(|value| text(value)),
        ),
        (
            "licenses",
            metadata.licenses.as_ref().map(|value| text(value)),
        ),
        (
            "authors",
            metadata.authors.as_ref().map(|value| text(value)),
        ),
        ("source", metadata.source.as_ref().map(|value| text(value))),
        (
            "homepage",
            metadata.homepage.as_ref().map(|value| text(value)),
        ),
        (
            "revision",
            metadata.revision.as_ref().map(|value| text(value)),
        ),
    ];
    let known = found
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}
