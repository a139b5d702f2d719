//! Reads the functions of a stack and of those that it nests, and then the resources that lead to
//! them.

use std::path::PathBuf;

use super::apis::Apis;
use super::intrinsics::Scope;
use super::notes::Notes;
use super::stack::Stack;
use super::value::{Node, Value};
use super::{
    FUNCTION_TYPES, Template, binary_types, function, gateway, made_up, no_effect, note_unfollowed,
    permissions, sources,
};

/// Reads a stack with those that it nests.
pub(super) fn read<'a>(scope: &Scope<'a>, template: &mut Template) {
    let mut resources = Vec::new();
    let mut notes = Notes::new(scope.stack);
    read_functions(scope, template, &mut notes, &mut resources);
    for (stack, resources, apis) in &resources {
        notes.stack = stack;
        lead_to_functions(resources, apis, scope.region, template, &mut notes);
    }
    template.notes.extend(notes.all);
}

/// Reads the functions of a stack, and then of those that it nests. `all` gets the resources of each.
fn read_functions<'a>(
    scope: &Scope<'a>,
    template: &mut Template,
    notes: &mut Notes<'a>,
    all: &mut Vec<(&'a Stack, Value, Apis)>,
) {
    let part = |key: &str| {
        let part = scope.template().get(key);
        let part = part.and_then(|part| scope.resolve(part));
        part.unwrap_or(Value::Null)
    };
    let [globals, resources] = ["Globals", "Resources"].map(part);
    let resources = with_met_conditions(scope, resources);
    notes.stack = scope.stack;
    let apis = Apis::read(&globals, &resources, scope, notes);
    for (kind, node) in Node(Some(&globals)).entries() {
        note_unfollowed(&format!("Globals.{kind}"), kind, node, notes);
    }
    let api = Node(globals.get("Api"));
    template.binary_types.extend(binary_types(api));
    template.faults.extend(permissions::faults(&resources));
    let nothing = Value::Map(Vec::new());
    let of_functions = globals.get("Function").unwrap_or(&nothing);
    let mut started = Vec::new();
    for (name, resource) in Node(Some(&resources)).entries() {
        let of_resource = resource.get("Type").text().unwrap_or_default();
        let kind = of_resource.strip_prefix("AWS::Serverless::");
        let kind = kind.unwrap_or_default();
        let own = resource.get("Properties");
        note_unfollowed(name, kind, own, notes);
        if kind == "Api" || of_resource == "AWS::ApiGateway::RestApi" {
            template.binary_types.extend(binary_types(own));
        }
        if !FUNCTION_TYPES.contains(&&*of_resource) {
            continue;
        }
        if let Some(condition) = Stack::unmet_condition(scope, resource) {
            let note =
                format!("{name}: its Condition {condition} does not hold; it is not started");
            notes.at(&["Resources", name, "Condition"], &note);
            continue;
        }
        // SAM's Globals are for SAM's functions.
        let shared = if kind == "Function" {
            of_functions
        } else {
            &nothing
        };
        let properties = shared.overlaid(own.0.unwrap_or(&nothing));
        match function::read(name, Node(Some(&properties)), scope, &apis, notes) {
            Ok(mut function) => {
                // Of the CDK, whose `Code` is the place of a deployment.
                let asset = resource.get("Metadata").get("aws:asset:path").text();
                let code = function.code.or(asset.map(PathBuf::from));
                function.code = code.map(|code| scope.stack.path(code));
                let globals = Node(Some(shared));
                no_effect::note(name, own, globals, notes);
                started.push(name);
                template.functions.push(function);
            }
            Err(other) => {
                let note = format!("{name}: {other}; it is not started");
                match other.why.property() {
                    Some(property) => notes.of(name, &[property], &note),
                    None => notes.push(note),
                }
                template.others.push(other);
            }
        }
    }
    made_up::note(scope, &started, notes);
    all.push((scope.stack, resources, apis));
    // In the order of the template.
    for (name, _) in Node(scope.template().get("Resources")).entries() {
        if let Some(nested) = scope.nested(name) {
            notes.stack = scope.stack;
            note_parameters(name, scope, &nested, notes);
            read_functions(&nested, template, notes, all);
        }
    }
}

/// Removes the resources whose condition does not hold. Functions stay, since each becomes a note.
fn with_met_conditions(scope: &Scope<'_>, resources: Value) -> Value {
    let Value::Map(mut all) = resources else {
        return resources;
    };
    all.retain(|(_, resource)| {
        let resource = Node(Some(resource));
        let kind = resource.get("Type").text().unwrap_or_default();
        FUNCTION_TYPES.contains(&&*kind) || Stack::unmet_condition(scope, resource).is_none()
    });
    Value::Map(all)
}

/// Notes the parameters of a nested stack that have no effect.
fn note_parameters(name: &str, scope: &Scope<'_>, nested: &Scope<'_>, notes: &mut Notes<'_>) {
    let resource = Node(scope.template().get("Resources")).get(name);
    let known = Node(nested.template().get("Parameters"));
    let parameters = resource.get("Properties").get("Parameters");
    for (parameter, _) in parameters.entries() {
        let note = if known.get(parameter).is_absent() {
            format!("{name}: its template does not have the parameter {parameter}")
        } else if !nested.parameters.contains_key(parameter) {
            format!(
                "{name}: only a deployment can tell the parameter {parameter}; it has its default here"
            )
        } else {
            continue;
        };
        notes.of(name, &["Parameters", parameter], &note);
    }
}

/// Reads the resources that lead events to functions.
fn lead_to_functions(
    resources: &Value,
    apis: &Apis,
    region: &str,
    template: &mut Template,
    notes: &mut Notes<'_>,
) {
    for (name, resource) in Node(Some(resources)).entries() {
        let properties = resource.get("Properties");
        match resource.get("Type").text().as_deref() {
            Some("AWS::Lambda::EventInvokeConfig") => {
                let target = properties.get("FunctionName").text().unwrap_or_default();
                let mut functions = template.functions.iter_mut();
                if let Some(function) = functions.find(|function| function.is_named(&target)) {
                    function.asynchronous.configure(properties);
                }
            }
            Some("AWS::Lambda::Url") => template.give_url(name, properties, notes),
            Some("AWS::ElasticLoadBalancingV2::TargetGroup") => template.set_targets(properties),
            _ => {}
        }
    }
    gateway::add(resources, apis, template, notes);
    sources::add(resources, region, &mut template.functions);
}
