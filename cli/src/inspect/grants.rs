//! The grants of a policy that a component can use, by its imports.

use std::fmt::{self, Write};

use lambda_wasm_host::interfaces::{Access, INTERFACES, Interface};
use lambda_wasm_host::policy::Grant;
use lambda_wasm_host::world;

/// Returns the interfaces or packages that a component with these imports can use only with a grant.
pub fn names<'a>(imports: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let imports: Vec<&str> = imports.map(world::interface).collect();
    let rows = INTERFACES.iter().filter(|row| imports.contains(&row.name));
    let granted = rows.filter(|row| matches!(row.access, Access::Granted(_)));
    let mut names: Vec<_> = granted.map(label).collect();
    names.dedup();
    names
}

/// Writes the grants that a component with these imports can use, and a policy to start from.
pub fn write<'a>(text: &mut String, imports: impl Iterator<Item = &'a str>) -> fmt::Result {
    let imports: Vec<&str> = imports.map(world::interface).collect();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    let mut grants: Vec<&Grant> = Vec::new();
    for interface in INTERFACES.iter().filter(|row| imports.contains(&row.name)) {
        let about = match interface.access {
            Access::Free => continue,
            Access::Granted(grant) => {
                grants.push(grant);
                grant.about
            }
            Access::Denied => "cannot be granted, every use is refused",
        };
        lines.push((label(interface), about));
    }
    lines.dedup();
    grants.dedup();
    if lines.is_empty() {
        return writeln!(text, "grants: none needed");
    }
    writeln!(text, "grants:")?;
    for (label, about) in lines {
        writeln!(text, "  {label}: {about}")?;
    }
    writeln!(text, "a policy to start from, NAME.toml beside NAME.cwasm:")?;
    for line in grants.iter().flat_map(|grant| grant.template.lines()) {
        writeln!(text, "  {line}")?;
    }
    Ok(())
}

/// Returns the package's name if all its interfaces have the same access, and else the interface's.
fn label(interface: &Interface) -> &'static str {
    let is_same = |other: &Interface| match (interface.access, other.access) {
        (Access::Granted(a), Access::Granted(b)) => a == b,
        (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    };
    let package = interface.package();
    let mut package_rows = INTERFACES.iter().filter(|row| row.package() == package);
    match package_rows.all(is_same) {
        true => package,
        false => interface.name,
    }
}
