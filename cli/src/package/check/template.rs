//! Compares a package with the functions of a SAM template.

use std::path::Path;

use lambda_wasm_emulator::{Function, Template};
use lambda_wasm_host::artifact::Trailer;

use super::super::files::Packed;
use super::arch_of;
use crate::dev::modes;

/// Returns what does not fit between a package and the functions of the template that run it. `place` is the directory or
/// the zip that the user named.
pub(in super::super) fn check(place: &Path, files: &[Packed], template: &Template) -> Vec<String> {
    let mut problems = template.faults.clone();
    for function in &template.functions {
        let name = format!("{}.cwasm", function.handler);
        let component = files.iter().find(|file| file.name == name);
        match (code(function, place), component) {
            (Code::This | Code::Unknown, Some(component)) => {
                of_component(function, component, &mut problems);
            }
            (Code::This, None) => problems.push(format!(
                "the template's function {} has the Handler {}, and there is no {}\nhint: change the Handler, or compile the component to that name",
                function.name,
                function.handler,
                place.join(&name).display()
            )),
            _ => {}
        }
    }
    problems
}

/// Which code a function of the template has.
enum Code {
    /// The package.
    This,
    /// Other code.
    Other,
    /// The package, if it has the component.
    Unknown,
}

fn code(function: &Function, place: &Path) -> Code {
    let code = function.code.as_ref().map(|code| code.canonicalize());
    match code {
        Some(Ok(code)) if place.canonicalize().is_ok_and(|place| place == code) => Code::This,
        // The zip may be of that directory.
        Some(Ok(code)) if code.is_dir() && place.is_file() => Code::Unknown,
        Some(Ok(_)) => Code::Other,
        Some(Err(_)) | None => Code::Unknown,
    }
}

fn of_component(function: &Function, component: &Packed, problems: &mut Vec<String>) {
    let Ok(trailer) = Trailer::inspect(&component.path) else {
        return;
    };
    let (target, wants) = (arch_of(&trailer.target), function.architecture.as_str());
    if wants != target {
        problems.push(format!(
            "{} is compiled for {target}, and the template's function {} has the architecture {}\nhint: change its Architectures, or compile the component with --target {wants}-unknown-linux-gnu",
            component.path.display(),
            function.name,
            function.architecture.sam_name(),
        ));
    }
    let directory = component.path.parent().unwrap_or(Path::new("."));
    problems.extend(modes::notes(function, directory));
}
