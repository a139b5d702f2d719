//! The properties of functions that have no effect here although an author may expect it:
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>.

use super::notes::Notes;
use super::value::{Node, Value};

/// Each property, with a place in it and the value of the place that Lambda has by default.
const PROPERTIES: [(&str, &[&str], &str); 9] = [
    ("DeploymentPreference", &["Enabled"], "false"),
    ("EphemeralStorage", &["Size"], "512"),
    ("FileSystemConfigs", &[], ""),
    ("Layers", &[], ""),
    ("ProvisionedConcurrencyConfig", &[], ""),
    ("ReservedConcurrentExecutions", &[], ""),
    ("Tracing", &[], "PassThrough"),
    ("TracingConfig", &["Mode"], "PassThrough"),
    ("VpcConfig", &[], ""),
];

/// Notes the properties without an effect of a function, and of the `Globals` that it has.
pub(super) fn note(function: &str, own: Node<'_>, globals: Node<'_>, notes: &mut Notes<'_>) {
    for (property, place, default) in PROPERTIES {
        let (name, node) = match own.get(property) {
            Node(None) => ("Globals.Function", globals.get(property)),
            node => (function, node),
        };
        let inner = place.iter().fold(node, |node, key| node.get(key));
        let is_empty = match node.0 {
            None | Some(Value::Null) => true,
            Some(Value::List(items)) => items.is_empty(),
            Some(Value::Map(entries)) => entries.is_empty(),
            Some(_) => false,
        };
        if !is_empty && inner.text().as_deref() != Some(default) {
            notes.push(format!("{name}: {property} has no effect here"));
        }
    }
}
