//! Notes about variables whose values are made up.

use std::collections::BTreeSet;

use super::intrinsics::Scope;
use super::notes::Notes;
use super::value::{Node, Value};

/// Notes each resource that is not created here, if a variable of these functions refers to it.
pub(super) fn note(scope: &Scope<'_>, functions: &[&str], notes: &mut Notes<'_>) {
    let mut found: Vec<Use> = Vec::new();
    for function in functions {
        let properties = written_properties(scope, function);
        let environment = Node(Some(&properties)).get("Environment");
        for (variable, value) in environment.get("Variables").entries() {
            let used = value.0.map(|value| scope.used_by(value));
            for (resource, kind) in used.unwrap_or_default() {
                let mut known = found.iter_mut();
                match known.find(|known| known.resource == resource) {
                    Some(known) => {
                        known.variables.insert(variable.to_owned());
                    }
                    None => found.push(Use {
                        resource,
                        kind,
                        first: [(*function).to_owned(), variable.to_owned()],
                        variables: BTreeSet::from([variable.to_owned()]),
                    }),
                }
            }
        }
    }
    for each in &found {
        let variables: Vec<_> = each.variables.iter().map(String::as_str).collect();
        let (of, has) = match variables.len() {
            1 => ("variable", "has a made-up value"),
            _ => ("variables", "have made-up values"),
        };
        let is_outer = each.resource.starts_with("../");
        let resource = each.resource.trim_start_matches("../");
        let note = format!(
            "{resource}: {} is not created here, and the {of} {} {has}; create it locally, or set the {of} with --env",
            each.kind,
            variables.join(", ")
        );
        // A resource of a nested stack is `Nested.Name`.
        let (resource, _) = resource.split_once('.').unwrap_or((resource, ""));
        let [function, variable] = &each.first;
        let is_written = scope.template().get("Resources");
        match is_written.and_then(|all| all.get(resource)) {
            Some(_) if !is_outer => notes.at(&["Resources", resource], &note),
            // SAM adds the resource, or the outer template has it.
            _ => notes.of(function, &["Environment", "Variables", variable], &note),
        }
    }
}

/// A resource to which variables refer.
struct Use {
    resource: String,
    kind: String,
    /// The function and the name of the first variable.
    first: [String; 2],
    variables: BTreeSet<String>,
}

/// Returns the properties of a function as the template has them, with the `Globals` of SAM.
fn written_properties(scope: &Scope<'_>, function: &str) -> Value {
    let nothing = Value::Map(Vec::new());
    let resource = Node(scope.template().get("Resources")).get(function);
    let own = resource.get("Properties").0.unwrap_or(&nothing);
    let shared = match resource.get("Type").text().as_deref() {
        Some("AWS::Serverless::Function") => {
            Node(scope.template().get("Globals")).get("Function").0
        }
        _ => None,
    };
    shared.unwrap_or(&nothing).overlaid(own)
}
